//! Hundreds of upgrades and downgrades under thousands of players who come and go: no player is lost, and memory does
//! not grow.
//!
//! ```text
//!   cargo bench -p pq-tests --bench soak -- [rounds N] [clients N] [seed N]
//!
//!   this process: N clients, one thread ──── loopback ────► pq start ◄── pq install 1.1.0, pq install 1.0.0, …
//! ```
//! Every client checks every line that it reads. The bench ends at the first wrong line. A short version runs with the
//! tests (`tests/tests/chapter/soak.rs`).

#[path = "soak/crowd.rs"]
mod crowd;
#[path = "soak/era.rs"]
mod era;
#[path = "shared/machine.rs"]
mod machine;
#[path = "soak/run.rs"]
mod run;
#[path = "shared/table.rs"]
mod table;
#[path = "shared/usage.rs"]
mod usage;

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use run::{Plan, soak};
use table::{Goal, row};

/// Descriptors of this process that are not clients.
const OTHER_DESCRIPTORS: u64 = 64;

/// The longest stay of a player. The shortest is less than a second; each player sees at most a few dozen upgrades.
const STAY: Duration = Duration::from_secs(120);

fn plan() -> Result<Plan, String> {
    let mut plan = Plan {
        rounds: 200,
        look_every: 10,
        clients: 2_000,
        stay: STAY,
        seed: 1,
    };
    // Cargo passes `--bench` to every bench.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words
            .next()
            .and_then(|value| value.replace('_', "").parse().ok());
        let value: u32 = value.ok_or_else(|| format!("{word} needs a number"))?;
        match word.as_str() {
            "rounds" => plan.rounds = value,
            "clients" => plan.clients = value.into(),
            "seed" => plan.seed = value.into(),
            _ => return Err(format!("{word} is not an argument of this bench")),
        }
    }
    Ok(plan)
}

fn main() -> Result<(), String> {
    let plan = plan()?;
    raise_descriptor_limit(plan.clients + OTHER_DESCRIPTORS)?;
    println!("{}, seed {}", machine::describe(), plan.seed);
    println!(
        "| round | memory | libraries | states | players | joined | lines | longest install |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let looks = soak(&plan, |look| println!("{look}"));
    println!("\n| what | measured | goal |\n|---|---|---|");
    let (Some(first), Some(last)) = (looks.get(looks.len() / 4), looks.last()) else {
        return Ok(());
    };
    let libraries = last.library_bytes as f64 - first.library_bytes as f64;
    let grown = last.rss - first.rss - libraries;
    row("soak: installs", f64::from(2 * plan.rounds), "", Goal::None);
    row("soak: joins", last.joined as f64, "", Goal::None);
    row(
        "soak: lines judged",
        last.lines as f64,
        "",
        Goal::AtLeast(1.0),
    );
    row(
        "soak: growth of memory, without libraries",
        grown / MIB,
        "MiB",
        Goal::AtMost(GROWTH_MIB_MAX),
    );
    Ok(())
}

/// The largest growth of resident memory after the first quarter of the rounds, when the heap has found its size. 2 000
/// players took 55 MiB, and 4 MiB of that came in the last three quarters at a decreasing rate.
const GROWTH_MIB_MAX: f64 = 8.0;

const MIB: f64 = 1024.0 * 1024.0;

fn raise_descriptor_limit(wanted: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit {
        current: limit
            .maximum
            .map_or(Some(wanted), |most| Some(wanted.min(most))),
        ..limit
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| error.to_string())?;
    match limit.maximum.is_none_or(|most| most >= wanted) {
        true => Ok(()),
        false => Err(format!(
            "{wanted} descriptors are needed: `ulimit -Hn` allows fewer"
        )),
    }
}
