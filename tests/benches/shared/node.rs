//! The measured node: the real program with the real libraries, and the lines that it prints.
//!
//! `pq_tests::running` builds the program, makes the release, and kills processes that are left.

use std::time::Duration;

use pq_tests::running::{PATIENCE, Running, Tree, poll, pq};

use crate::usage::Usage;

/// The deadline for the start of the heroes: a million at the original's 16 000 a second.
const FILL_PATIENCE: Duration = Duration::from_secs(120);

/// A running node, which is measured from outside.
pub(crate) struct Node {
    /// The program, and the address for players.
    pub(crate) running: Running,
    pid: u32,
}

impl Node {
    /// Starts a node whose heroes play at this pace, and which prints a report every `report_s` seconds. Returns when
    /// players can connect.
    pub(crate) fn start(tree: &Tree, heroes: u64, pace_ms: u32, report_s: u64) -> Node {
        let (heroes, pace, every) = (
            heroes.to_string(),
            pace_ms.to_string(),
            report_s.to_string(),
        );
        let options = [
            "--heroes",
            &heroes,
            "--pace",
            &pace,
            "--report-every",
            &every,
        ];
        let mut command = pq(tree.start());
        // The log level of a measured node is that of a node in service, not of a test.
        command.args(options).env("RUST_LOG", "warn");
        let running = Running::listening(&mut command);
        let lock = std::fs::read_to_string(tree.root().join("pq.lock"));
        let pid = lock.ok().and_then(|text| text.trim().parse().ok());
        Node {
            running,
            pid: pid.expect("a node that listens has put its process id into its lock"),
        }
    }

    /// The memory and processor time that the node uses.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.pid)
    }

    /// Waits until the heroes play; returns the number of starts per second.
    pub(crate) fn filled(&self) -> f64 {
        let line = self.line(FILL_PATIENCE, " heroes started in ");
        let rate = line
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(" per second"));
        let rate = rate.and_then(|(rate, _)| rate.parse().ok());
        rate.unwrap_or_else(|| panic!("no rate in {line:?}"))
    }

    /// Waits for the first report, which covers the first `seconds` seconds of play.
    pub(crate) fn first_report(&self, seconds: u64) -> Report {
        let limit = Duration::from_secs(seconds) + PATIENCE;
        Report::parse(&self.line(limit, "report: "))
    }

    /// Waits for the first line with this text.
    fn line(&self, limit: Duration, text: &str) -> String {
        let found = || {
            let out = self.running.out();
            let whole = out.rfind('\n').map_or("", |end| &out[..end]);
            whole
                .lines()
                .find(|line| line.contains(text))
                .map(str::to_string)
        };
        poll(limit, found).unwrap_or_else(|| panic!("the node never prints {text:?}"))
    }
}

/// A line of `pq start --report-every`, as names and values.
pub(crate) struct Report(Vec<(String, f64)>);

impl Report {
    fn parse(line: &str) -> Report {
        let pairs = line.split(' ').filter_map(|word| word.split_once('='));
        let number = |(name, value): (&str, &str)| Some((name.to_string(), value.parse().ok()?));
        Report(pairs.filter_map(number).collect())
    }

    /// One of the figures by its name.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("no {name} in the report")).1
    }

    /// One of the counts by its name, per second.
    pub(crate) fn per_second(&self, name: &str) -> f64 {
        self.figure(name) / self.figure("seconds")
    }
}
