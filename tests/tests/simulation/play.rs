//! Heroes without disturbance: a thousand of them for two hours, or for ten (`.ci/full simulation`), with the exact
//! millisecond of each piece of news.

use std::time::Instant;

use pq_sdk::Pid;
use pq_tests::campaign::length;
use pq_tests::house::witness::mixed;
use pq_tests::house::{House, socket_opts};

/// The number of heroes and of hours in the sample and in the long version, which is the project's promise.
const HEROES: usize = 1_000;
const HOURS: [u64; 2] = [2, 10];

/// Heroes at the pace of a socket, each with a witness; no two of them start in the same millisecond.
fn heroes(house: &mut House, count: usize) -> Vec<(String, Pid)> {
    let start = |number: usize| {
        let name = format!("hero {number}");
        let sup = house.start_hero(&name, &socket_opts()).unwrap();
        house.watch_hero(&name);
        house.sim.run_ms(1);
        (name, sup)
    };
    (0..count).map(start).collect()
}

/// All processes: pid, module, and parent.
fn everybody(house: &House) -> Vec<(Pid, String, Option<Pid>)> {
    let mut living: Vec<_> = house
        .sim
        .processes()
        .into_iter()
        .map(|info| (info.pid, info.module, info.parent))
        .collect();
    living.sort();
    living
}

/// Counts the heroes that have two processes under their own `pq_sup`.
fn count_trios(living: &[(Pid, String, Option<Pid>)], heroes: &[(String, Pid)]) -> usize {
    let under = |sup: Pid, module: &str| {
        let is_one = |one: &&(Pid, String, Option<Pid>)| one.1 == module && one.2 == Some(sup);
        living.iter().filter(is_one).count() == 1
    };
    let whole = |(_, sup): &&(String, Pid)| under(*sup, "pq_player") && under(*sup, "pq_events");
    heroes.iter().filter(whole).count()
}

/// Each witness compares all news with its hero's model. Every minute of game time the test checks that each hero has
/// its original three processes; every hour it also checks the state of all heroes.
#[test]
fn a_thousand_heroes_keep_every_rule_for_ten_hours() {
    let (seed, begun) = (20_130_818, Instant::now());
    let mut house = House::boot(seed);
    let heroes = heroes(&mut house, HEROES);
    let living = everybody(&house);
    assert_eq!(count_trios(&living, &heroes), HEROES);
    let hours = length(HOURS[0], HOURS[1]);
    for hour in 1..=hours {
        for minute in 1..=60 {
            house.sim.run_ms(60_000);
            // No process crashes in this test, so each missing or new process is a fault.
            assert!(
                everybody(&house) == living,
                "seed {seed}: a process has ended or started in hour {hour}, minute {minute}"
            );
        }
        for (name, sup) in &heroes {
            let checked = house.check_hero(name, *sup);
            let model = checked
                .unwrap_or_else(|fault| panic!("seed {seed}: {fault}"))
                .model;
            // No action of a hero takes longer than 1 600 ms.
            let news_min = hour * 3_600_000 / 1_600;
            assert!(
                model.news > news_min,
                "seed {seed}: {name} idles: {model:?}"
            );
        }
    }
    assert_eq!(house.count_children("pq_supersup"), HEROES as u64);
    assert_eq!(house.names.get_names().len(), 2 * HEROES);
    assert_eq!(house.sim.counters().dropped, 0);
    let took = begun.elapsed();
    let per_hero_hour = took.as_secs_f64() / (HEROES as u64 * hours) as f64;
    println!("{HEROES} heroes, {hours} hours: {took:.1?}, {per_hero_hour:.6} s for an hour of one");
}

/// A hash of all news of 200 heroes in an hour, with their order and times.
fn trace(seed: u64) -> u64 {
    let mut house = House::boot(seed);
    let heroes = heroes(&mut house, 200);
    house.sim.run_ms(3_600_000);
    let counters = house.sim.counters();
    heroes
        .iter()
        .map(|(name, _)| house.witness(name).trace)
        .fold(counters.envelopes, mixed)
}

#[test]
fn the_same_seed_makes_the_same_hour_and_another_seed_another() {
    let first = trace(7);
    assert_eq!(trace(7), first);
    assert_ne!(trace(8), first);
}
