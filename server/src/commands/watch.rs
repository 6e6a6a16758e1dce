//! `pq watch`: the story of an avatar, as text or as JSON lines (`crate::story`).

use std::ops::ControlFlow;
use std::time::Duration;

use clap::Args;
use pq_protocol::{Failure, Request, StoryForm};
use pq_term::printable_json;

use super::command::Typed;
use crate::client::{At, GONE, Heard, UNREADABLE, follow, printable, say, warn};
use crate::story::{News, StoryLine};

#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// The name of the avatar
    name: String,
    /// End after this time [default: no end]
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32))]
    time: Option<u32>,
    #[command(flatten)]
    at: At,
}

impl Typed for WatchArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let time = self.time.map(|seconds| Duration::from_secs(seconds.into()));
        let request = Request::Watch {
            name: self.name.clone(),
            form: match self.at.json {
                true => StoryForm::Events,
                false => StoryForm::Text,
            },
        };
        follow(&self.at.root, &request, time, |heard| {
            match heard {
                Heard::Gone => warn(GONE),
                Heard::Line(line) if self.at.json => say(&printable_json(line)),
                Heard::Line(line) => match serde_json::from_str(line) {
                    Ok(line) => self.show(&line),
                    Err(_) => say(UNREADABLE),
                },
            }
            ControlFlow::Continue(())
        })
    }
}

impl WatchArgs {
    fn show(&self, line: &StoryLine) {
        if line.dropped > 0 {
            warn(&format!("{} parts of the story are left out", line.dropped));
        }
        let name = &self.name;
        match &line.news {
            News::Text { text } => text.lines().for_each(|line| say(&printable(line))),
            News::Event { event } => say(&printable(&event.to_string())),
            // The story itself needs no first line.
            News::Watching { .. } => (),
            News::Restarted {} => say(&printable(&format!(
                "{name} has failed and was started again."
            ))),
            News::Ended {} => say(&printable(&format!("{name} has ended."))),
        }
    }
}
