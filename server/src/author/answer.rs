//! The answers of authors' commands: text, or with `--json` one line, also for a failure.

use pq_protocol::{Exit, Failure};
use pq_term::printable_json;
use serde::Serialize;

use crate::client::say;
use crate::streams;

/// Writes an answer to stdout, or returns the failure after writing it there with `--json`.
pub(super) fn tell<A: Serialize>(
    is_json: bool,
    answer: anyhow::Result<A>,
    text: impl FnOnce(&A) -> String,
) -> anyhow::Result<()> {
    match answer {
        Ok(answer) if is_json => say(&printable_json(&serde_json::to_string(&answer)?)),
        Ok(answer) => streams::data(&(pq_term::printable_lines(&text(&answer)) + "\n")),
        Err(error) => {
            if is_json {
                say(&printable_json(&serde_json::to_string(&failure(&error))?));
            }
            return Err(error);
        }
    }
    Ok(())
}

fn failure(error: &anyhow::Error) -> Failure {
    let known = error.downcast_ref::<Failure>().cloned();
    known.unwrap_or_else(|| Failure::new(Exit::Internal, format!("{error:#}")))
}
