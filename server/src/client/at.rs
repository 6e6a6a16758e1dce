//! A command at a node: which node it is for, one request, and its answer as text or JSON.

use std::path::PathBuf;

use clap::Args;
use pq_protocol::{Exit, Failure, Request};
use pq_term::printable_json;
use serde::de::DeserializeOwned;

use super::connection;
use super::progress::Meter;
use super::say::say;
use super::show::Show;

/// Which node, and how its answer is written.
#[derive(Args, Debug, Clone)]
pub(crate) struct At {
    /// The release tree that the node runs on
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// Write the answer as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl At {
    /// Asks the node and shows its answer; `typed` is the command as progress is shown with it.
    pub(crate) fn show<A: DeserializeOwned + Show>(
        &self,
        typed: &str,
        request: &Request,
    ) -> Result<(), Failure> {
        self.tell::<A>(&self.ask(typed, request)?)
    }

    /// Asks the node; the answer's text.
    pub(crate) fn ask(&self, typed: &str, request: &Request) -> Result<String, Failure> {
        let mut meter = Meter::of(typed.to_string());
        connection::ask(&self.root, request, |progress| meter.note(progress))
    }

    /// Shows an answer.
    pub(crate) fn tell<A: DeserializeOwned + Show>(&self, text: &str) -> Result<(), Failure> {
        let answer = read::<A>(text)?;
        match self.json {
            true => say(&printable_json(text)),
            false => say(answer.show().trim_end()),
        }
        answer.missing().map_or(Ok(()), |why| {
            Err(Failure::new(
                Exit::Partial,
                format!("some of it is missing: {why}"),
            ))
        })
    }
}

/// Reads an answer.
pub(crate) fn read<A: DeserializeOwned>(text: &str) -> Result<A, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let sentence = format!(
            "failed to read the node's answer: {error}; use the `pq` that it was started with"
        );
        Failure::new(Exit::Internal, sentence)
    })
}
