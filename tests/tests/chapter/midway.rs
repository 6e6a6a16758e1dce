//! Players who are in the middle of something when the release changes: of a line, of the dialogue, of a fight.

use std::time::Duration;

use pq_tests::running::{AGREE, PATIENCE, PROMPT, Player, Running, Tree, poll};
use pq_tests::story::{Version, begins_a_deed};

/// Waits until everything was told that belongs to the version before: the first deed that somebody reads of may have
/// waited for its turn to be told, the third was begun afterwards.
pub(crate) fn settle(players: &mut [Player]) {
    let deeds = |player: &Player| {
        let told = player.transcript();
        told.lines().filter(|line| begins_a_deed(line)).count()
    };
    let before: Vec<usize> = players.iter().map(deeds).collect();
    for (player, before) in players.iter_mut().zip(before) {
        let settled = poll(PATIENCE, || (deeds(player) >= before + 3).then_some(()));
        assert!(settled.is_some(), "{} is told nothing", player.name());
        player.has_become();
    }
}

/// Players, each in the middle of something else.
struct Midway {
    naming: Player,
    agreeing: Player,
    chatting: Player,
    fighting: Player,
}

impl Midway {
    /// They type the first half of a line each, at every place where lines are typed.
    fn begin(node: &Running, round: u32, version: Version) -> Midway {
        let named = |word: &str| format!("{word}{round}");
        let connect = || Player::connect(node).of_version(version);
        let [mut naming, mut agreeing] = [(); 2].map(|()| connect());
        let heroes = Player::enter_all(node, &[named("chat"), named("fight")]).into_iter();
        let mut heroes = heroes.map(|player| player.of_version(version));
        let (mut chatting, mut fighting) = (heroes.next().unwrap(), heroes.next().unwrap());
        naming.sees(PROMPT);
        naming.types("na");
        agreeing.sees(PROMPT);
        agreeing.gives(&named("agree"));
        agreeing.types("y");
        chatting.types("hel");
        fighting.sees("Executing a ");
        Midway {
            naming,
            agreeing,
            chatting,
            fighting,
        }
    }

    fn may_become(&mut self, version: Version) {
        let Midway {
            naming,
            agreeing,
            chatting,
            fighting,
        } = self;
        [naming, agreeing, chatting, fighting]
            .into_iter()
            .for_each(|player| player.may_become(version));
    }

    /// They type the other half, and everything goes on where it was.
    fn end(mut self, node: &Running, round: u32, version: Version) {
        let later = Player::enter(node, &format!("later{round}"));
        let mut later = later.of_version(version);
        later.sees("Obtained ");
        // A fight takes 1 600 ms, and not longer because of what happens elsewhere: what was begun before the release
        // changed has ended when a hero who came 800 ms before a fight of its own has ended that.
        self.fighting.sees_within(Duration::ZERO, "Obtained ");
        self.chatting.types("lo\n");
        self.chatting.sees("Unexpected input: hello");
        self.agreeing.types("\n");
        self.agreeing.sees("Executing a ");
        self.naming.types(format!("med{round}\n"));
        self.naming.sees(AGREE);
        self.naming.types("n\n");
        self.naming.sees(AGREE);
        self.naming.agrees();
        leave([
            self.naming,
            self.agreeing,
            self.chatting,
            self.fighting,
            later,
        ]);
    }
}

/// Play on for a while, and leave; each story is one.
fn leave<const N: usize>(mut players: [Player; N]) {
    Player::all_play_on(&mut players);
    for mut player in players {
        assert!(player.tale().exp > 0);
        player.quits();
    }
}

#[test]
fn whoever_is_in_the_middle_of_something_ends_it_in_the_next_release() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let ways = [
        ("1.1.0", Version::Old, Version::New),
        ("1.0.0", Version::New, Version::Old),
    ];
    for (round, (vsn, before, after)) in (0..).zip(ways) {
        let mut midway = Midway::begin(&node, round, before);
        midway.may_become(after);
        tree.does(&["install", vsn]);
        midway.end(&node, round, after);
    }
}

#[test]
fn a_prompt_that_nobody_answers_is_still_there_after_the_upgrade() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let mut silent = Player::connect(&node);
    silent.sees(PROMPT);
    let mut undecided = Player::connect(&node);
    undecided.sees(PROMPT);
    undecided.gives("Ann");
    let (before, stats) = (silent.transcript(), undecided.transcript());
    for vsn in ["1.1.0", "1.0.0", "1.1.0"] {
        tree.does(&["install", vsn]);
    }
    // Nothing is said twice, and nothing is asked again.
    assert_eq!(
        (silent.transcript(), undecided.transcript()),
        (before, stats)
    );
    for player in [&mut silent, &mut undecided] {
        player.may_become(Version::New);
        player.has_become();
    }
    undecided.agrees();
    silent.gives("Bob");
    silent.agrees();
    leave([undecided, silent]);
}
