//! The answers of authors' commands: text, or one line of JSON with `--json`.

use std::path::Path;

use pq_protocol::{Exit, Failure};
use pq_release::package::PackageError;
use pq_release::registry::RegistryError;
use pq_signing::{KeysError, NoKey, PublicKey, SigningError};
use pq_term::printable_json;
use serde::Serialize;

use crate::client::{Show, say};

/// Writes the answer, or with `--json` the failure, and hands the failure on.
pub(super) fn answer<A: Show + Serialize, E: Into<anyhow::Error>>(
    is_json: bool,
    work: Result<A, E>,
) -> anyhow::Result<()> {
    let work = work.map_err(Into::into);
    match &work {
        Ok(answer) if is_json => say_json(answer)?,
        Ok(answer) => say(answer.show().trim_end()),
        Err(error) if is_json => say_json(&failure(error))?,
        Err(_) => (),
    }
    work.map(|_| ())
}

fn say_json(value: &impl Serialize) -> serde_json::Result<()> {
    say(&printable_json(&serde_json::to_string(value)?));
    Ok(())
}

fn failure(error: &anyhow::Error) -> Failure {
    let known = error.downcast_ref::<Failure>().cloned();
    known.unwrap_or_else(|| Failure::new(Exit::Internal, format!("{error:#}")))
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

/// The public key in a file.
pub(super) fn public_key(file: &Path) -> Result<PublicKey, Failure> {
    let text = pq_files::read(file, pq_files::TEXT_BYTES_MAX).map_err(|error| {
        let sentence = format!("failed to read {}: {error}", file.display());
        Failure::new(Exit::Refused, sentence)
    })?;
    PublicKey::parse(&String::from_utf8_lossy(&text)).map_err(|error| of_no_key(&error))
}
