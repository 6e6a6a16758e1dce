//! The options that all commands for a node share: its release tree, and text or JSON as the format of the answer.

use std::path::PathBuf;

use clap::Args;
use pq_protocol::{Exit, Failure, Request};
use pq_term::printable_json;
use serde::de::DeserializeOwned;

use super::connection;
use super::progress::Meter;
use super::say::say;
use super::show::Show;

/// The node that a command is for, and the format of the answer.
#[derive(Args, Debug, Clone)]
pub(crate) struct At {
    /// The directory of the release tree that the node runs on
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// Write the answer as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl At {
    /// Sends the request and shows the answer; `typed` is the command that the progress line shows.
    pub(crate) fn show<A: DeserializeOwned + Show>(
        &self,
        typed: &str,
        request: &Request,
    ) -> Result<(), Failure> {
        self.tell::<A>(&self.ask(typed, request)?)
    }

    /// Sends the request and returns the answer as JSON text.
    pub(crate) fn ask(&self, typed: &str, request: &Request) -> Result<String, Failure> {
        let mut meter = Meter::of(typed.to_string());
        connection::ask(&self.root, request, |progress| meter.note(progress))
    }

    /// Prints an answer as text or, with `--json`, as JSON.
    pub(crate) fn tell<A: DeserializeOwned + Show>(&self, text: &str) -> Result<(), Failure> {
        let answer = read::<A>(text)?;
        match self.json {
            true => say(&printable_json(text)),
            false => say(answer.show().trim_end()),
        }
        answer.missing().map_or(Ok(()), |why| {
            Err(Failure::new(
                Exit::Partial,
                format!("the answer is incomplete: {why}"),
            ))
        })
    }
}

/// Parses an answer of the node.
pub(crate) fn read<A: DeserializeOwned>(text: &str) -> Result<A, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let sentence = format!(
            "failed to read the node's answer: {error}; use the `pq` program that runs the node"
        );
        Failure::new(Exit::Internal, sentence)
    })
}
