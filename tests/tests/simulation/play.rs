//! Heroes left alone: a thousand of them for ten hours, each piece of news at its millisecond.

use std::time::Instant;

use pq_sdk::Pid;
use pq_tests::house::{House, socket_opts};

/// Heroes and hours that prove the rules. The figures are the project's promise.
const HEROES: usize = 1_000;
const HOURS: u64 = 10;

/// How often all heroes are compared with their models, in minutes of the game.
const SAMPLE_MINUTES: u64 = 60;

/// Heroes at the pace of a socket; no two of them begin in the same millisecond.
fn heroes(house: &mut House, count: usize) -> Vec<(String, Pid)> {
    let mut start = |number: usize| {
        let name = format!("hero {number}");
        let sup = house.start_hero(&name, &socket_opts()).unwrap();
        house.watch_hero(&name);
        house.sim.run_ms(1);
        (name, sup)
    };
    (0..count).map(&mut start).collect()
}

#[test]
fn a_thousand_heroes_keep_every_rule_for_ten_hours() {
    let seed = 20_130_818;
    let mut house = House::boot(seed);
    let begin = Instant::now();
    let heroes = heroes(&mut house, HEROES);
    let mut news = 0;
    for sample in 1..=HOURS * 60 / SAMPLE_MINUTES {
        house.sim.run_ms(SAMPLE_MINUTES * 60_000);
        let checked = heroes
            .iter()
            .map(|(name, sup)| match house.check_hero(name, *sup) {
                Ok(witness) => witness.model.news,
                Err(fault) => panic!("seed {seed}, sample {sample}: {fault}"),
            });
        news = checked.sum();
    }
    println!(
        "{news} pieces of news in {:?}; {:?}",
        begin.elapsed(),
        house.sim.counters()
    );
    assert!(news > 1);
}
