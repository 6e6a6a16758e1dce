//! `pq events`: the feed of a node, as text or as JSON lines.
//!
//! ```text
//!   node ─► {"frame": 0, …, "snapshot": {…}} ─► {"frame": 1, …, "delta": {…}, "events": […]} ─► …
//! ```
//! A delta is a JSON merge patch (RFC 7396). With `--json` the lines are those of the node.

mod shown;

use std::ops::ControlFlow;
use std::time::Duration;

use clap::Args;
use pq_protocol::{Failure, Request};
use pq_term::printable_json;

use super::command::Typed;
use crate::client::{At, GONE, Heard, follow, say, warn};
use shown::Told;

#[derive(Args, Debug)]
pub(crate) struct EventsArgs {
    /// End after this time; 0 shows only the snapshot [default: no end]
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32))]
    time: Option<u32>,
    #[command(flatten)]
    at: At,
}

impl Typed for EventsArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let time = self.time.map(|seconds| Duration::from_secs(seconds.into()));
        let mut told = Told::default();
        follow(&self.at.root, &Request::Events {}, time, |heard| {
            match heard {
                Heard::Gone => warn(GONE),
                Heard::Line(line) if self.at.json => say(&printable_json(line)),
                Heard::Line(line) => told.hear(line).iter().for_each(|line| say(line)),
            }
            ControlFlow::Continue(())
        })
    }
}
