//! Heroes whose state machine fails: they come back as they were saved, or are set aside.

use pq_tests::running::{BROKEN, BROKEN_VSN, Draft, Player, Running, Tree};
use pq_tests::story::Version;

use crate::saves::saved::{came_back, has_saved, kill, names, number, row, state, stop};

/// A node with the release in which heroes with certain names panic when they have some experience.
fn node(tree: &Tree) -> Running {
    let node = Running::node_with(tree, &[]);
    tree.offers(&Draft::broken().package());
    tree.does(&["unpack", BROKEN]);
    tree.does(&["install", BROKEN_VSN, "--partial"]);
    tree.does(&["make-permanent", BROKEN_VSN]);
    // The install leaves an older version of a supervisor, which the next start does not have.
    stop(node);
    Running::node_with(tree, &[])
}

#[test]
fn a_hero_that_fails_comes_back_as_it_was_saved_and_one_that_fails_again_is_set_aside() {
    let tree = Tree::new();
    let running = node(&tree);
    let mut trips = Player::enter(&running, "Trips").of_version(Version::New);
    trips.sees("Trips fell, and rises again.");
    trips.sees("Executing a ");
    // The client has read of that experience, and a new hero would have none.
    assert!(number(&state(&tree, "Trips"), "exp") >= 5);
    trips.plays_on();

    let mut falls = Player::enter(&running, "Falls").of_version(Version::New);
    falls.sees("Falls fell, and rises again.");
    falls.sees("Your hero cannot be continued now; it is kept for the operators.");
    falls.sees("Falls has fallen for the last time.");
    running.logged("a saved child is set aside: it failed again within a minute: player: ");
    has_saved(&tree, &["Trips"]);
    assert_eq!(names(&tree, "set aside"), ["Falls"]);
    let aside = tree.does(&["heroes", "--set-aside"]);
    assert!(aside.contains("it failed again within a minute"), "{aside}");
    // The name stays that of the hero, also in another spelling.
    for name in ["Falls", "FalIs"] {
        falls.gives(name);
        falls.types("y\n");
        falls.sees("That name is taken.");
    }
    let before = row(&tree, "Falls").unwrap();
    kill(running);

    let running = Running::node_with(&tree, &[]);
    came_back(&running, "1 hero");
    assert!(
        running
            .out()
            .contains("; 1 that has failed stays set aside"),
        "{}",
        running.out()
    );
    assert_eq!(names(&tree, "set aside"), ["Falls"]);
    assert_eq!(row(&tree, "Falls").unwrap()["id"], before["id"]);
    let mut other = Player::connect(&running);
    other.gives("Falls");
    other.types("y\n");
    other.sees("That name is taken.");
}
