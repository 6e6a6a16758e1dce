//! `pq trace`: the steps of one process, as text or as JSON lines (`crate::trace`).

use std::ops::ControlFlow;
use std::time::Duration;

use clap::Args;
use pq_protocol::{Exit, Failure, Request};
use pq_term::printable_json;

use super::command::Typed;
use crate::client::{At, Heard, UNREADABLE, follow, printable, say};
use crate::trace::TraceLine;

#[derive(Args, Debug)]
pub(crate) struct TraceArgs {
    /// A registered name or the pid of the process
    #[arg(value_name = "NAME|PID")]
    process: String,
    /// End after this time [default: no end]
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32))]
    time: Option<u32>,
    /// End after this number of steps [default: no end]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Show at most this number of steps per second, and count the others
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    at: At,
}

impl Typed for TraceArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let time = self.time.map(|seconds| Duration::from_secs(seconds.into()));
        let request = Request::Trace {
            process: self.process.clone(),
            lines_per_second: self.limit,
        };
        let (mut left, mut is_gone) = (self.count, false);
        follow(&self.at.root, &request, time, |heard| match heard {
            // After a restart another process may have this name or pid.
            Heard::Gone => {
                is_gone = true;
                ControlFlow::Break(())
            }
            Heard::Line(line) => {
                let read = serde_json::from_str::<TraceLine>(line);
                match &read {
                    _ if self.at.json => say(&printable_json(line)),
                    Ok(line) => say(&text(line)),
                    Err(_) => say(UNREADABLE),
                }
                let is_step = read.is_ok_and(|line| line.is_step());
                left = left.map(|left| left - u64::from(is_step));
                match left {
                    Some(0) => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            }
        })?;
        match is_gone {
            true => Err(gone(&self.process)),
            false => Ok(()),
        }
    }
}

/// The line without characters that a terminal would execute.
fn text(line: &TraceLine) -> String {
    let text = line.to_string();
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}

fn gone(process: &str) -> Failure {
    let sentence = format!("failed to go on with the trace of {process}: the node is gone");
    Failure::new(Exit::Unreachable, sentence)
}
