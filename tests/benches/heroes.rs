//! The whole node with heroes and without players: the rate of their start, their usage, and the lateness of timers.
//!
//! ```text
//!   cargo bench -p pq-tests --bench heroes -- [heroes N,N..] [seconds S] [start] [pace] [events]
//! ```
//! Without the names of measures, the bench takes all three. `README.md` has the meaning and goal of each figure.

#[path = "shared/machine.rs"]
mod machine;
#[path = "shared/node.rs"]
mod node;
#[path = "shared/table.rs"]
mod table;
#[path = "shared/usage.rs"]
mod usage;

use node::Node;
use pq_tests::running::Tree;
use table::{Goal, row};
use usage::Usage;

/// The pace of a hero over a socket in milliseconds, as in the book.
const BOOKS_PACE_MS: u32 = 800;

/// The number of heroes that play without pauses: enough that each shard always has a ready one, and few enough that
/// their state fits in the cache of a core, which it does not at the book's pace.
const RESTLESS_HEROES: u64 = 1_000;

/// The measurements of this bench.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Start,
    Pace,
    Events,
}

/// The arguments of the command line.
struct Plan {
    heroes: Vec<u64>,
    seconds: u64,
    measures: Vec<Measure>,
}

impl Plan {
    fn of_the_command_line() -> Result<Plan, String> {
        let mut plan = Plan {
            heroes: vec![100_000, 1_000_000],
            seconds: 30,
            measures: Vec::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            plan.take(&word, &mut words)?;
        }
        if plan.measures.is_empty() {
            plan.measures = vec![Measure::Start, Measure::Pace, Measure::Events];
        }
        Ok(plan)
    }

    fn take(&mut self, word: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let mut value = || rest.next().ok_or_else(|| format!("{word} needs a value"));
        match word {
            "heroes" => self.heroes = numbers(&value()?)?,
            "seconds" => self.seconds = number(&value()?)?,
            "start" => self.measures.push(Measure::Start),
            "pace" => self.measures.push(Measure::Pace),
            "events" => self.measures.push(Measure::Events),
            // Cargo passes this word to every bench.
            "--bench" => (),
            other => return Err(format!("{other} is not an argument of this bench")),
        }
        Ok(())
    }

    fn wants(&self, measure: Measure) -> bool {
        self.measures.contains(&measure)
    }
}

fn numbers(list: &str) -> Result<Vec<u64>, String> {
    list.split(',').map(number).collect()
}

fn number(text: &str) -> Result<u64, String> {
    let number = text.replace('_', "").parse::<u64>().ok();
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text} is not a number above 0"))
}

fn main() -> Result<(), String> {
    let plan = Plan::of_the_command_line()?;
    let tree = Tree::new();
    println!("{}", machine::describe());
    println!("| what | measured | goal |\n|---|---|---|");
    if plan.wants(Measure::Start) || plan.wants(Measure::Pace) {
        let empty = Node::start(&tree, 0, BOOKS_PACE_MS, plan.seconds).usage();
        row(
            "memory of a node without heroes",
            empty.rss / 1e6,
            "MB",
            Goal::None,
        );
        for heroes in &plan.heroes {
            crowd(&tree, *heroes, &plan, empty);
        }
    }
    if plan.wants(Measure::Events) {
        restless(&tree, plan.seconds);
    }
    Ok(())
}

/// Measures `heroes` heroes at the book's pace.
fn crowd(tree: &Tree, heroes: u64, plan: &Plan, empty: Usage) {
    let node = Node::start(tree, heroes, BOOKS_PACE_MS, plan.seconds);
    let rate = node.filled();
    let began = node.usage();
    let per_hero = |now: Usage| (now.rss - empty.rss) / heroes as f64;
    if plan.wants(Measure::Start) {
        row(
            format!("{heroes} heroes: started"),
            rate,
            "per second",
            Goal::AtLeast(500_000.0),
        );
        row(
            format!("{heroes} heroes: memory at the start"),
            per_hero(began),
            "B per hero",
            Goal::AtMost(1_536.0),
        );
    }
    if plan.wants(Measure::Pace) {
        let report = node.first_report(plan.seconds);
        let ended = node.usage();
        let cores = (ended.cpu_s - began.cpu_s) / report.figure("seconds");
        let what = |figure| format!("{heroes} heroes: {figure}");
        row(
            what("memory after play"),
            per_hero(ended),
            "B per hero",
            Goal::AtMost(1_536.0),
        );
        row(what("processor"), cores, "cores", cores_goal(heroes));
        row(
            what("envelopes"),
            report.per_second("envelopes"),
            "per second",
            Goal::None,
        );
        row(
            what("timers late, 99 of 100"),
            report.figure("late_ms_p99"),
            "ms",
            Goal::AtMost(50.0),
        );
        row(
            what("timers late, the worst"),
            report.figure("late_ms_max"),
            "ms",
            Goal::None,
        );
        row(
            what("messages dropped"),
            report.figure("dropped"),
            "",
            Goal::AtMost(0.0),
        );
    }
}

/// The goal is 0.2 cores for 100 000 heroes.
fn cores_goal(heroes: u64) -> Goal {
    Goal::AtMost(0.2 * heroes as f64 / 100_000.0)
}

/// Measures heroes without pauses: as many events as the machine can handle.
fn restless(tree: &Tree, seconds: u64) {
    let node = Node::start(tree, RESTLESS_HEROES, 0, seconds.min(10));
    node.filled();
    let began = node.usage();
    let report = node.first_report(seconds.min(10));
    let cores = (node.usage().cpu_s - began.cpu_s) / report.figure("seconds");
    let per_second = report.per_second("envelopes") / 1e6;
    row(
        "no pauses: game events",
        per_second,
        "million per second",
        Goal::AtLeast(5.0),
    );
    row("no pauses: processor", cores, "cores", Goal::None);
    row(
        "no pauses: messages dropped",
        report.figure("dropped"),
        "",
        Goal::AtMost(0.0),
    );
}
