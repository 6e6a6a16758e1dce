//! The cost of a hero's start alone: one shard with the virtual clock, the real modules, no threads.
//!
//! ```text
//!   cargo bench -p pq-tests --bench birth -- [heroes N]
//! ```
//! The same program under `valgrind --tool=callgrind` shows the distribution of the cost, independent of the load of
//! the machine.

use std::time::{Duration, Instant};

use pq_otp::spec::{self, SupRequest};
use pq_tests::house::{House, socket_opts};

/// The number of simultaneous starts, as when a node is filled.
const IN_FLIGHT_MAX: u64 = 4_096;

fn main() -> Result<(), String> {
    let heroes = heroes_wanted()?;
    let mut house = House::boot(1);
    let took = fill(&mut house, heroes);
    let each_ns = took.as_nanos() / u128::from(heroes);
    let names = house.names.len() as u64;
    match names == 2 * heroes {
        true => println!("{heroes} heroes: {each_ns} ns each"),
        false => return Err(format!("{heroes} heroes have {names} names, not two each")),
    }
    Ok(())
}

fn heroes_wanted() -> Result<u64, String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // Cargo passes this word to every bench.
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "--bench")
        .collect();
    match words[..] {
        [] => Ok(100_000),
        ["heroes", number] => {
            let number = number.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| "heroes needs a number above 0".to_string())
        }
        _ => Err(format!("{words:?} are not arguments of this bench")),
    }
}

fn fill(house: &mut House, heroes: u64) -> Duration {
    let began = Instant::now();
    for first in (0..heroes).step_by(IN_FLIGHT_MAX as usize) {
        for number in first..heroes.min(first + IN_FLIGHT_MAX) {
            order(house, number);
        }
        house.sim.run_ms(0);
    }
    began.elapsed()
}

fn order(house: &mut House, number: u64) {
    let args = rmp_serde::to_vec_named(&(format!("bot-{number}"), socket_opts()));
    let request = SupRequest::StartChild(args.expect("a Vec takes all bytes"));
    let supersup = house.local("pq_supersup");
    let answered = |answer: Result<_, _>| drop(answer.expect("a free name is given"));
    house
        .sim
        .node()
        .request(supersup, &spec::encode(&request), answered);
}
