//! Runs with one seed are equal: 100 processes send each other on at random.

use pq_otp::Pid;

use crate::actor::Do;
use crate::rig::Rig;

/// All lines of a run with this seed, in order and with their times.
fn run(seed: u64) -> Vec<String> {
    let mut rig = Rig::with(|config| config.seed = seed);
    let actors: Vec<Pid> = (0..100).map(|_| rig.actor("actor", vec![])).collect();
    for actor in &actors {
        rig.post(*actor, vec![Do::Wander(actors.clone(), 20)]);
    }
    rig.sim.run_ms(60_000);
    rig.lines_by_pid()
}

#[test]
fn a_seed_repeats_its_run_and_another_seed_has_another() {
    let first = run(1);
    assert_eq!(first.len(), 100 * 21);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
}
