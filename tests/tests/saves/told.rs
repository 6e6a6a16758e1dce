//! Told is durable: whenever the node is killed, no client has read a fact that its hero lacks afterwards.
//!
//! ```text
//!   clients ◄── lines ── node ◄── kill -9, also while an install runs
//!      └─ the last known state of each hero ──► compared ◄── the rows of the store
//! ```
//! `.ci/full saves` kills the node 200 times under 2 000 clients; the sample is shorter.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pq_tests::campaign::length;
use pq_tests::running::{Running, Tree, pq};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::saves::crowd::{crowd, faults, heroes};
use crate::saves::saved::{all_came_back, kill};

/// The longest time from the first connection to the kill.
pub(crate) const LIFE: Duration = Duration::from_millis(4_000);

/// The number of rounds until the saves begin anew: the heroes of all rounds since come back each time.
const ROUNDS_PER_TREE: u32 = 10;

/// Releases that a round may install before the kill, each while the one before it runs.
pub(crate) const INSTALLS: [&[&str]; 5] = [
    &[],
    &[],
    &["install 1.1.0"],
    &["install 1.1.0", "make-permanent 1.1.0"],
    &["install 1.1.0", "install 1.0.0"],
];

#[test]
fn no_client_has_read_a_fact_that_its_hero_lacks_after_a_kill() {
    let (kills, clients) = length((4, 60), (200, 2_000));
    let mut dice = SplitMix64::seed_from_u64(7);
    let mut facts = 0;
    let mut place = Place::new();
    for round in 0..kills {
        if round % ROUNDS_PER_TREE == 0 && round > 0 {
            place = Place::new();
        }
        facts += place.round(round, clients, &mut dice);
        println!("kill {}: {facts} heroes with facts compared", round + 1);
    }
    assert!(
        facts >= u64::from(kills) * clients / 4,
        "too few heroes: {facts}"
    );
}

/// A tree, and the heroes that it has saved.
struct Place {
    tree: Tree,
    saved: usize,
}

impl Place {
    fn new() -> Place {
        let tree = Tree::new();
        let node = Running::node_with(&tree, &[]);
        tree.does(&["unpack", "processquest-1.1.0"]);
        kill(node);
        Place { tree, saved: 0 }
    }

    /// Kills a node under its clients, and compares. Returns the number of compared heroes.
    fn round(&mut self, round: u32, clients: u64, dice: &mut SplitMix64) -> u64 {
        let node = Running::node_with(&self.tree, &[]);
        all_came_back(&node, self.saved);
        let address = node.address();
        let crowd = thread::spawn(move || crowd(round, clients, address));
        let life = LIFE.mul_f64(dice.next_u64() as f64 / u64::MAX as f64);
        let ends = Instant::now() + life;
        let installs = INSTALLS[dice.next_u64() as usize % INSTALLS.len()];
        let commands = commands(&self.tree, installs, ends);
        thread::sleep(ends.saturating_duration_since(Instant::now()));
        kill(node);
        for mut command in commands {
            let _ = command.wait();
        }
        let tales = crowd.join().unwrap();
        let saved = heroes(&self.tree.root().join("data/saves.db"));
        let faults = faults(&tales, &saved);
        assert!(
            faults.is_empty(),
            "after {life:?} with {installs:?}: {faults:#?}"
        );
        self.saved = saved.len();
        tales.len() as u64
    }
}

/// Begins these commands, one after the other, while there is time.
fn commands(tree: &Tree, installs: &[&str], ends: Instant) -> Vec<Child> {
    let mut begun: Vec<Child> = Vec::new();
    for install in installs {
        let words = install.split(' ').map(std::ffi::OsStr::new);
        let root = [std::ffi::OsStr::new("--root"), tree.root().as_os_str()];
        let mut command = pq(words.chain(root));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        begun.extend(command.spawn());
        while let Some(last) = begun.last_mut()
            && last.try_wait().is_ok_and(|end| end.is_none())
            && Instant::now() < ends
        {
            thread::sleep(Duration::from_millis(5));
        }
        if Instant::now() >= ends {
            break;
        }
    }
    begun
}
