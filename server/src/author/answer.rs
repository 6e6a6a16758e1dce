//! The answers of authors' commands: text, or one line of JSON with `--json`.

use pq_protocol::{Exit, Failure};
use pq_release::package::PackageError;
use pq_release::registry::RegistryError;
use pq_signing::{KeysError, NoKey, SigningError};
use pq_term::printable_json;
use serde::Serialize;

use crate::client::{Show, say};
use crate::streams;

/// Writes the answer, or with `--json` the failure, and hands the failure on.
pub(super) fn answer<A: Show + Serialize>(
    is_json: bool,
    work: Result<A, Failure>,
) -> anyhow::Result<()> {
    let written = match &work {
        Ok(answer) if is_json => serde_json::to_string(answer),
        Ok(answer) => {
            say(answer.show().trim_end());
            return Ok(());
        }
        Err(failure) if is_json => serde_json::to_string(failure),
        Err(failure) => return Err(failure.clone().into()),
    };
    say(&printable_json(&written?));
    work.map(|_| ()).map_err(anyhow::Error::from)
}

/// The failure of work on a package.
pub(super) fn of_package(error: PackageError) -> Failure {
    let error = RegistryError::from(error);
    Failure {
        term: Some(error.to_term().to_string()),
        ..Failure::new(error.exit(), format!("failed to {error}"))
    }
}

/// The failure of a change of the keys.
pub(super) fn of_keys(error: &KeysError) -> Failure {
    let exit = match error {
        KeysError::Owner { .. } | KeysError::Writable { .. } | KeysError::Malformed { .. } => {
            Exit::Checksum
        }
        KeysError::Read { .. } | KeysError::Write(_) => Exit::Internal,
        _ => Exit::Refused,
    };
    Failure::new(exit, format!("failed to {error}"))
}

/// The failure of a secret key.
pub(super) fn of_secret(error: &SigningError) -> Failure {
    let exit = match error {
        SigningError::Failed(_) | SigningError::Write(_) => Exit::Internal,
        _ => Exit::Refused,
    };
    Failure::new(exit, format!("failed to {error}"))
}

/// The failure of a text that is no key.
pub(super) fn of_no_key(error: &NoKey) -> Failure {
    Failure::new(Exit::Usage, format!("failed to {error}"))
}

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
