//! Power cuts: the node runs in a virtual machine that loses its power at random moments, and with it all that was not
//! on its disk.
//!
//! ```text
//!   clients ◄── lines ── guest ◄── power off, also while an install runs
//!      └─ the last known state of each hero ──► compared ◄── the rows on the guest's disk
//! ```
//! The store's own tests have the harder disks: those that drop, tear and reorder their writes (`pq-store`, `faults`).

use std::thread;
use std::time::{Duration, Instant};

use pq_tests::campaign::length;
use pq_tests::guest::Guest;
use pq_tests::running::{Running, Tree};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::saves::crowd::{crowd, faults, heroes};
use crate::saves::saved::{all_came_back, kill};
use crate::saves::told::{INSTALLS, LIFE};

#[test]
fn no_client_has_read_a_fact_that_its_hero_lacks_after_a_power_cut() {
    let (cuts, clients) = length((2, 20), (50, 200));
    let Some(guest) = Guest::with(&tree(), "rel") else {
        return;
    };
    let mut dice = SplitMix64::seed_from_u64(11);
    let (mut facts, mut saved) = (0, 0);
    for cut in 0..cuts {
        let life = LIFE.mul_f64(dice.next_u64() as f64 / u64::MAX as f64);
        let installs = INSTALLS[dice.next_u64() as usize % INSTALLS.len()];
        let node = guest.boot(installs);
        all_came_back(&node, saved);
        let address = guest.address();
        let ends = Instant::now() + Duration::from_secs(1) + life;
        let crowd = thread::spawn(move || crowd(cut, clients, address));
        thread::sleep(ends.saturating_duration_since(Instant::now()));
        kill(node);
        let tales = crowd.join().unwrap();
        let rows = heroes(&guest.files("rel/data").join("saves.db"));
        let faults = faults(&tales, &rows);
        assert!(
            faults.is_empty(),
            "after {life:?} with {installs:?}: {faults:#?}"
        );
        (facts, saved) = (facts + tales.len(), rows.len());
        println!("power cut {}: {facts} heroes with facts compared", cut + 1);
    }
    let expected = u64::from(cuts) * clients / 4;
    assert!(facts as u64 >= expected, "too few heroes: {facts}");
}

/// A tree with both releases, for clients that have one address.
fn tree() -> Tree {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    kill(node);
    for vsn in ["1.0.0", "1.1.0"] {
        tree.configures(vsn, "{limits, [{exempt, [\"10.0.2.0/24\"]}]}");
    }
    std::fs::remove_dir_all(tree.root().join("data")).unwrap();
    tree
}
