//! `pq replay`: an avatar that has crashed in a rehearsal plays once more, alone, until its crash (`crate::rehearsal`). No node has to
//! run.

use std::path::Path;

use clap::Args;
use pq_protocol::{Exit, Failure};
use pq_rehearsal::{Crash, Said, Sample, Trace, Wanted, replay};
use pq_term::printable_json;
use schemars::JsonSchema;
use serde::Serialize;

use super::command::Typed;
use crate::client::{At, Show, say};
use crate::rehearsal::{Record, failed_avatar};

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The seed of the rehearsal
    seed: u64,
    /// The name of the avatar
    name: String,
    /// The last steps before the crash
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    steps: u32,
    #[command(flatten)]
    at: At,
}

/// The answer to `replay`.
#[derive(Serialize, Debug, JsonSchema)]
pub(in crate::commands) struct Replayed {
    /// The release that has crashed.
    release: String,
    /// The seed of the rehearsal.
    seed: u64,
    /// The last steps before the crash, the crash at their end.
    steps: Vec<String>,
    /// The crash at the end of the steps.
    crash: Crash,
}

impl Typed for ReplayArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let record = Record::read(&self.at.root, self.seed)?;
        let copies = record.copies(&self.name)?;
        let wanted = Wanted {
            root: std::path::absolute(&self.at.root).unwrap_or_else(|_| self.at.root.clone()),
            sample: Sample::All,
            ..record.wanted
        };
        let trace = Trace {
            name: self.name.clone(),
            steps: self.steps as usize,
        };
        let mut steps = Vec::new();
        let played = replay(
            Path::new("/proc/self/exe"),
            &wanted,
            &trace,
            &copies,
            &mut |_, said| {
                if let Said::Steps(last) = said {
                    steps.clone_from(last);
                }
            },
        );
        let refused = |why: String| {
            Failure::new(
                Exit::Refused,
                format!("failed to replay {}: {why}", self.name),
            )
        };
        let side = played.map_err(|why| refused(why.to_string()))?;
        let crash = side.first_crashes.into_iter().next();
        let crash = crash.ok_or_else(|| {
            let why = side
                .ended
                .unwrap_or_else(|| "it does not crash again".to_string());
            refused(why)
        })?;
        self.tell(&Replayed {
            release: wanted.to,
            seed: self.seed,
            steps,
            crash,
        })
    }
}

impl ReplayArgs {
    fn tell(&self, replayed: &Replayed) -> Result<(), Failure> {
        if !self.at.json {
            say(replayed.show().trim_end());
            return Ok(());
        }
        let text = serde_json::to_string(replayed).map_err(|error| {
            Failure::new(
                Exit::Internal,
                format!("failed to write the answer: {error}"),
            )
        })?;
        say(&printable_json(&text));
        Ok(())
    }
}

impl Show for Replayed {
    fn show(&self) -> String {
        let steps: String = self.steps.iter().map(|step| format!("{step}\n")).collect();
        format!("{steps}{}", failed_avatar(&self.crash))
    }
}
