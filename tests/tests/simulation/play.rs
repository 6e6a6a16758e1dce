//! Heroes left alone: a thousand of them for ten hours (`.ci/full simulation`) or two, each piece of news at its millisecond.

use std::time::Instant;

use pq_sdk::Pid;
use pq_tests::campaign::length;
use pq_tests::house::witness::mixed;
use pq_tests::house::{House, socket_opts};

/// How many heroes keep the rules for how many hours, in a sample and in all, which is the project's promise.
const HEROES: usize = 1_000;
const HOURS: [u64; 2] = [2, 10];

/// Heroes at the pace of a socket, each with a witness; no two of them begin in the same millisecond.
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

/// Everybody who lives: pid, module, and who started it.
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

/// Each hero is two processes under its own `pq_sup`.
fn count_trios(living: &[(Pid, String, Option<Pid>)], heroes: &[(String, Pid)]) -> usize {
    let under = |sup: Pid, module: &str| {
        let is_one = |one: &&(Pid, String, Option<Pid>)| one.1 == module && one.2 == Some(sup);
        living.iter().filter(is_one).count() == 1
    };
    let whole = |(_, sup): &&(String, Pid)| under(*sup, "pq_player") && under(*sup, "pq_events");
    heroes.iter().filter(whole).count()
}

/// Every piece of news is compared with the hero's model by its witness; every minute of the game the three
/// processes of each hero are those that it began with; every hour all heroes are asked for their state besides.
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
            // Nobody falls in this house: whoever is missing or new is a fault.
            assert!(
                everybody(&house) == living,
                "seed {seed}: somebody has ended or come in hour {hour}, minute {minute}"
            );
        }
        for (name, sup) in &heroes {
            let checked = house.check_hero(name, *sup);
            let model = checked
                .unwrap_or_else(|fault| panic!("seed {seed}: {fault}"))
                .model;
            // Nothing of a hero's day takes longer than 1 600 ms.
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

/// A number that holds every piece of news of 200 heroes in an hour, in order and with its time.
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
