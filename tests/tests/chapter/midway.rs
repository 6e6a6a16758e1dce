//! Players in the middle of an action when the release changes: of a line, of the dialogue, of a fight.

use std::time::Duration;

use pq_tests::running::{AGREE, PATIENCE, PROMPT, Player, Running, Tree, poll};
use pq_tests::story::{Version, begins_a_deed};

/// Waits until all output of the version before was read: the first action that a player reads of may have waited to be
/// sent, but the third was begun after this call.
pub(crate) fn settle(players: &mut [Player]) {
    let deeds = |player: &Player| {
        let told = player.transcript();
        told.lines().filter(|line| begins_a_deed(line)).count()
    };
    let before: Vec<usize> = players.iter().map(deeds).collect();
    for (player, before) in players.iter_mut().zip(before) {
        let settled = poll(PATIENCE, || (deeds(player) >= before + 3).then_some(()));
        assert!(settled.is_some(), "{} gets no output", player.name());
        player.has_become();
    }
}

/// Players, each in the middle of another action.
struct Midway {
    naming: Player,
    agreeing: Player,
    chatting: Player,
    fighting: Player,
}

impl Midway {
    /// Sends the first half of a line at every place of the conversation where a line is expected.
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

    /// Sends the other half; each conversation continues where it was.
    fn end(mut self, node: &Running, round: u32, version: Version) {
        let later = Player::enter(node, &format!("later{round}"));
        let mut later = later.of_version(version);
        later.sees("Obtained ");
        // Each fight takes 1 600 ms, independent of other heroes. So a fight that began before the change of the
        // release has ended when a later hero has waited 800 ms and then ended a fight of its own.
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

/// Lets the players play and leave; each transcript is checked.
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
    // No line is printed twice, and no question is asked again.
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
