//! Upgrades and downgrades of simulated nodes while heroes start, play, quit, crash and disconnect.
//!
//! | module | content |
//! |---|---|
//! | this file, [`crowd`] | thousands of attempts at random moments, of which a part is aborted |
//! | [`trials`] | thousands of attempts, each with a fault: the result of each, and the success of the next one |
//! | [`faults`], [`disk`] | the faults, and the way in which a schedule causes them |
//! | [`ledger`] | the processes before an attempt, and the checks of each after it |
//! | [`scripts`], [`variant`] | every instruction of a relup, in releases made for it |
//! | [`yard`], [`yard_scripts`] | random scripts for a small application: the judge accepts exactly those that succeed |
//!
//! After every attempt each process is of the old version with its old state or of the new version with the converted
//! state: never mixed, missing or duplicated. A sample of these schedules runs with the other tests, and `.ci/full
//! upgrades` runs all of them; `PQ_SEED=… PQ_EPISODES=…` repeats a run, or makes it longer.

mod crowd;
mod disk;
mod faults;
mod ledger;
mod scripts;
mod trials;
mod variant;
mod yard;
mod yard_scripts;

use crowd::Crowd;
use pq_release::handler::Options;
use pq_tests::campaign::length;
use pq_tests::house::House;
use pq_tests::running::Tree;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Attempts per node, in the sample and in the long version; each takes a few milliseconds.
const EPISODES: [u64; 2] = [100, 500];

/// The number of simulated nodes in a run.
const HOUSES: u64 = 4;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs the nodes in parallel, because each depends only on its seed. Returns the results in the order of the seeds.
fn side_by_side<T: Send>(seeds: &[u64], live: impl Fn(u64) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let begin = |seed: &u64| {
            let (live, seed) = (&live, *seed);
            scope.spawn(move || live(seed))
        };
        let houses: Vec<_> = seeds.iter().map(begin).collect();
        let end = |house: std::thread::ScopedJoinHandle<'_, T>| match house.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        houses.into_iter().map(end).collect()
    })
}

#[test]
fn whatever_happens_meanwhile_an_upgrade_is_whole_or_nothing() {
    let [sample, all] = EPISODES;
    let episodes = number("PQ_EPISODES").unwrap_or_else(|| length(sample, all));
    let seeds = match number("PQ_SEED") {
        Some(seed) => vec![seed],
        None => (0..HOUSES).map(|house| 7_000 + house).collect(),
    };
    println!("seeds {seeds:?}");
    side_by_side(&seeds, |seed| play(seed, episodes));
}

fn play(seed: u64, episodes: u64) {
    let tree = Tree::new();
    let (mut house, mut handler) = House::boot_tree(tree.root(), seed);
    handler.registry_mut().unpack("processquest-1.1.0").unwrap();
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut crowd = Crowd::new(&mut house, seed);
    let (mut installed, mut aborted) = (0, 0);
    for episode in 0..episodes {
        let to = match handler.registry().running().vsn.as_str() {
            "1.0.0" => "1.1.0",
            _ => "1.0.0",
        };
        let options = Options {
            slice: Some(1 + (dice.next_u64() % 8) as u32),
            // A time that is sometimes too short.
            suspend_timeout_ms: (dice.next_u64() % 3 == 0).then(|| dice.next_u64() % 4),
            ..Options::default()
        };
        let outcome = house.install(&mut handler, to, &options, |house, _| {
            crowd.something(house)
        });
        let what = format!("seed {seed}, episode {episode}, to {to}: {outcome:?}");
        match &outcome {
            Ok(report) => {
                assert_eq!(report.warnings, Vec::<String>::new(), "{what}");
                installed += 1;
            }
            Err(error) if !error.touched => aborted += 1,
            Err(_) => panic!("{what}"),
        }
        let running = handler.registry().running().vsn.clone();
        assert_eq!(outcome.is_ok(), running == to, "{what}");
        crowd.check(&mut house, &running, &what);
        house.sim.run_ms(dice.next_u64() % 2_000);
    }
    assert!(
        installed > episodes / 2,
        "seed {seed}: {installed} of {episodes}"
    );
    assert!(
        aborted > episodes / 50,
        "seed {seed}: {aborted} of {episodes} were aborted"
    );
}
