//! A node that is killed in the middle of an operation: it boots one of the two possible releases again, and the
//! operation can be repeated.

use std::thread;
use std::time::Duration;

use pq_tests::campaign::length;
use pq_tests::running::{Player, Running, Signal, Tree};
use pq_tests::story::Version;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The number of kills, in the sample and in the long version.
const ROUNDS: [u64; 2] = [6, 20];

/// An operation, and the operations that it requires.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
enum Step {
    Unpack,
    Install,
    MakePermanent,
}

impl Step {
    const ALL: [Step; 3] = [Step::Unpack, Step::Install, Step::MakePermanent];

    fn words(self) -> &'static [&'static str] {
        match self {
            Step::Unpack => &["unpack", "processquest-1.1.0"],
            Step::Install => &["install", "1.1.0"],
            Step::MakePermanent => &["make-permanent", "1.1.0"],
        }
    }

    /// A little more than the duration on an idle machine, so that a part of the operations ends before the kill.
    fn longest(self) -> Duration {
        Duration::from_millis(match self {
            Step::Unpack => 120,
            Step::Install => 80,
            Step::MakePermanent => 20,
        })
    }

    /// The statuses of 1.1.0 that are allowed after a kill in the middle of the operation; `None` when it is not
    /// listed.
    fn allowed(self) -> &'static [Option<&'static str>] {
        match self {
            Step::Unpack => &[None, Some("unpacked")],
            Step::Install => &[Some("unpacked")],
            Step::MakePermanent => &[Some("unpacked"), Some("permanent")],
        }
    }
}

/// Does this step and the missing ones that it requires.
fn reach(tree: &Tree, step: Step) {
    for step in Step::ALL.into_iter().filter(|before| *before <= step) {
        let status = status(tree);
        let is_done = match step {
            Step::Unpack => status.is_some(),
            Step::Install => status.as_deref().is_some_and(|word| word != "unpacked"),
            Step::MakePermanent => status.as_deref() == Some("permanent"),
        };
        if !is_done {
            tree.does(step.words());
        }
    }
}

/// The status of release 1.1.0 in the list of releases.
fn status(tree: &Tree) -> Option<String> {
    let releases = tree.releases();
    let found = releases.into_iter().find(|(vsn, _)| vsn == "1.1.0");
    found.map(|(_, status)| status)
}

/// Kills a node `after` the beginning of this step. Returns the status of release 1.1.0 after the next start.
fn round(step: Step, after: Duration) -> Option<String> {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &["--heroes", "200", "--pace", "50"]);
    if let Some(before) = Step::ALL.into_iter().rfind(|before| *before < step) {
        reach(&tree, before);
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(after);
            node.signal(Signal::KILL);
        });
        tree.operate(step.words());
    });
    node.end();
    let node = Running::node_with(&tree, &[]);
    let found = status(&tree);
    let runs = tree.answer(&["status"])["release"]["vsn"].clone();
    let is_new = found.as_deref() == Some("permanent");
    assert_eq!(runs, if is_new { "1.1.0" } else { "1.0.0" });
    reach(&tree, step);
    let is_new = step != Step::Unpack;
    let version = if is_new { Version::New } else { Version::Old };
    let mut player = Player::connect(&node).of_version(version);
    player.join("Ann");
    player.story();
    found
}

#[test]
fn a_node_that_is_killed_in_the_middle_boots_and_does_it_again() {
    let seed = std::env::var("PQ_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("seed {seed}: PQ_SEED tries another");
    let mut dice = SplitMix64::seed_from_u64(seed);
    for number in 0..length(ROUNDS[0], ROUNDS[1]) {
        let step = Step::ALL[(dice.next_u64() % 3) as usize];
        let after = step
            .longest()
            .mul_f64(dice.next_u64() as f64 / u64::MAX as f64);
        let found = round(step, after);
        println!("round {number}: {step:?} killed after {after:?}: {found:?}");
        assert!(
            step.allowed().contains(&found.as_deref()),
            "seed {seed}, round {number}: {step:?} killed after {after:?} leaves {found:?}"
        );
    }
}
