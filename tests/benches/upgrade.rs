//! The book's upgrade on a node full of heroes at the book's pace: the time for which heroes are held, and the delay of
//! other processes.
//!
//! ```text
//!   cargo bench -p pq-tests --bench upgrade -- [heroes N,N..] [rounds R]
//! ```
//! The bench runs `pq install 1.1.0` and `pq install 1.0.0` on the real `pq` with the real libraries while heroes play.
//! `README.md` has the meaning and goal of each figure.

#[path = "shared/machine.rs"]
mod machine;
#[path = "shared/node.rs"]
#[allow(dead_code, reason = "only other benches read reports")]
mod node;
#[path = "shared/table.rs"]
#[allow(dead_code, reason = "this bench has no minimum as a goal")]
mod table;
#[path = "shared/usage.rs"]
mod usage;

use node::Node;
use pq_tests::running::{Tree, pq};
use serde_json::Value;
use table::{Goal, row};

/// The pace of a hero over a socket in milliseconds, as in the book.
const BOOKS_PACE_MS: u32 = 800;

/// The arguments of the command line.
struct Plan {
    heroes: Vec<u64>,
    rounds: u32,
}

impl Plan {
    fn of_the_command_line() -> Result<Plan, String> {
        let mut plan = Plan {
            heroes: vec![100, 10_000, 100_000],
            rounds: 5,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number"));
            match word.as_str() {
                "heroes" => {
                    let list = value()?;
                    plan.heroes = list.split(',').map(number).collect::<Result<_, _>>()?;
                }
                "rounds" => plan.rounds = number(&value()?)? as u32,
                // Cargo passes this word to every bench.
                "--bench" => (),
                other => return Err(format!("{other} is not an argument of this bench")),
            }
        }
        Ok(plan)
    }
}

fn main() -> Result<(), String> {
    let plan = Plan::of_the_command_line()?;
    println!("{}", machine::describe());
    println!("| what | measured | goal |\n|---|---|---|");
    for heroes in &plan.heroes {
        let tree = Tree::new();
        let node = Node::start(&tree, *heroes, BOOKS_PACE_MS, 3_600);
        node.filled();
        operate(&tree, &["unpack", "processquest-1.1.0"]);
        measure(&tree, &node, *heroes, plan.rounds);
    }
    Ok(())
}

/// The results of the installs with one number of heroes.
#[derive(Default)]
struct Measured {
    reports: Vec<Value>,
    /// The worst estimates of `check-install`, as factors between estimate and measurement.
    of_pause: f64,
    of_duration: f64,
}

/// Measures this number of upgrades and downgrades.
fn measure(tree: &Tree, node: &Node, heroes: u64, rounds: u32) {
    let mut measured = Measured::default();
    let began = node.usage();
    for _ in 0..rounds {
        for vsn in ["1.1.0", "1.0.0"] {
            measured.install(tree, vsn, heroes);
        }
    }
    let what = |figure: &str| format!("{heroes} heroes: {figure}");
    measured.tell(heroes, &what);
    let ended = node.usage();
    let per_upgrade = (ended.cpu_s - began.cpu_s) / f64::from(2 * rounds);
    row(
        what("processor for each with its check, including play"),
        per_upgrade * 1e3,
        "ms",
        Goal::None,
    );
    row(
        what("growth of memory over all rounds"),
        (ended.rss - began.rss) / 1e6,
        "MB",
        Goal::None,
    );
}

impl Measured {
    fn install(&mut self, tree: &Tree, vsn: &str, heroes: u64) {
        let plan = operate(tree, &["check-install", vsn]);
        let report = operate(tree, &["install", vsn]);
        let converted = report["processes"]["pq_player"].as_u64();
        assert_eq!(converted, Some(heroes), "{report}");
        let of_pause = error(&plan["expected_pause_us"], &report["pause_us"]["max"]);
        let of_duration = error(&plan["expected_took_ms"], &report["took_ms"]);
        self.of_pause = self.of_pause.max(of_pause);
        self.of_duration = self.of_duration.max(of_duration);
        self.reports.push(report);
    }

    /// The figures are those of the worst round, because users feel the slow ones.
    fn tell(&self, heroes: u64, what: &dyn Fn(&str) -> String) {
        let (pause_ms, whole_ms) = match heroes {
            0..=10_000 => (1.0, 5_000.0),
            10_001..=100_000 => (2.0, 5_000.0),
            100_001..=300_000 => (10.0, 15_000.0),
            _ => (1_500.0, 60_000.0),
        };
        let took = self.worst(|report| &report["took_ms"]);
        let us = |of: &str, which: &str| self.worst(|report| &report[of][which]) / 1e3;
        let most = Goal::AtMost;
        for (figure, ms, goal) in [
            ("pause, median hero", us("pause_us", "median"), Goal::None),
            ("pause, longest", us("pause_us", "max"), most(pause_ms)),
            (
                "stall of other processes, p99",
                us("stall_us", "p99"),
                most(2.0),
            ),
            (
                "stall of other processes, longest",
                us("stall_us", "max"),
                most(2.0),
            ),
            ("whole upgrade, longest", took, most(whole_ms)),
        ] {
            row(what(figure), ms, "ms", goal);
        }
        for (figure, factor) in [
            ("estimate of the pause by a check, off by", self.of_pause),
            (
                "estimate of the duration by a check, off by",
                self.of_duration,
            ),
        ] {
            row(what(figure), factor, "times", most(3.0));
        }
    }

    fn worst(&self, of: impl Fn(&Value) -> &Value) -> f64 {
        let values = self.reports.iter().filter_map(|report| of(report).as_f64());
        values.fold(0.0, f64::max)
    }
}

/// The factor by which an estimate was too high or too low; at least 1.
fn error(expected: &Value, measured: &Value) -> f64 {
    let number = |value: &Value| value.as_f64().unwrap_or_default().max(1.0);
    let ratio = number(expected) / number(measured);
    ratio.max(1.0 / ratio)
}

/// Runs a command of an operator, and returns its answer.
fn operate(tree: &Tree, words: &[&str]) -> Value {
    let output = pq(words)
        .arg("--json")
        .arg("--root")
        .arg(tree.root())
        .output();
    let output = output.expect("the program `pq` can be run");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {told}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}
