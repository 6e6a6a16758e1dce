//! Copies of a store: a backup beside a node that writes, and the way back.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pq_files::durable;
use rusqlite::Connection;

use super::file::{self, Lock, beside, unusable};
use super::schema::STEPS;
use super::{check, failed};
use crate::store::{StoreError, Unusable};

/// Copies the store, as it is at one moment, to a new file: one compact file without a log. A node may write meanwhile;
/// its write-ahead log grows until the copy is complete.
///
/// # Errors
/// Returns [`StoreError::Exists`] for a target that is there, and the errors of both files; then there is no target.
pub fn backup(store: &Path, target: &Path) -> Result<(), StoreError> {
    if target.symlink_metadata().is_ok() {
        let file = target.to_owned();
        return Err(StoreError::Exists { file });
    }
    let new = copy(&file::connect_readonly(store)?, target)?;
    Ok(durable::put_new(&new, target)?)
}

/// Puts a copy of `from` in place of a store that no node uses, and keeps the old store beside it. Returns the path of
/// the old store; `None` if there was none. `from` stays.
///
/// # Errors
/// Returns [`StoreError::Damaged`] if the check of `from` finds anything, [`StoreError::InUse`] if a node runs, and the
/// errors of both files. Then the store is as before.
pub fn restore(from: &Path, store: &Path) -> Result<Option<PathBuf>, StoreError> {
    let store = &file::resolved(store);
    let _lock = Lock::take(store)?;
    prove(from)?;
    let new = copy(&connect_any(from)?, store)?;
    let old = keep_old(store)?;
    durable::replace(&new, store)?;
    Ok(old)
}

/// Refuses a damaged file. The rules of an older format are not known, so only SQLite checks such a file.
fn prove(from: &Path) -> Result<(), StoreError> {
    let connection = connect_any(from)?;
    let findings = match file::examine(from)? {
        Some(format) if format == STEPS.len() => check::examine(&connection),
        _ => check::intact(&connection),
    };
    match findings.map_err(failed("check", from))? {
        findings if findings.is_empty() => Ok(()),
        findings => Err(StoreError::Damaged {
            file: from.to_owned(),
            findings,
        }),
    }
}

/// A connection that reads a store of any known format.
fn connect_any(from: &Path) -> Result<Connection, StoreError> {
    match file::examine(from)? {
        Some(_) => file::open_readonly(from),
        None => {
            let missing = std::io::ErrorKind::NotFound.into();
            Err(unusable(from, Unusable::File(missing)))
        }
    }
}

/// Copies the content to a new file beside its later place.
fn copy(connection: &Connection, place: &Path) -> Result<PathBuf, StoreError> {
    let new = file::prepare(place)?;
    match connection.execute("VACUUM INTO ?1", [&*new.to_string_lossy()]) {
        Ok(_) => Ok(new),
        Err(error) => {
            // The attempt failed, and its rest would only take space.
            let _ = durable::remove(&new);
            Err(failed("copy", place)(error))
        }
    }
}

/// Gives the old store a second name with the time. Its log first goes into the file, if it can still be read; a log
/// that stays would be taken for that of the new store.
fn keep_old(store: &Path) -> Result<Option<PathBuf>, StoreError> {
    // A store that is too damaged for this keeps its log beside it under the new name.
    let _ = file::fold_log(store);
    let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    let old = beside(store, &format!(".{}", now.replace(':', "-")));
    let mut is_kept = keep(store, &old)?;
    for log in ["-wal", "-shm"] {
        let left = beside(store, log);
        is_kept |= keep(&left, &beside(&old, log))?;
        durable::remove(&left)?;
    }
    Ok(is_kept.then_some(old))
}

/// Gives a file a second name. Returns false if there is no such file.
fn keep(file: &Path, name: &Path) -> Result<bool, StoreError> {
    if file.symlink_metadata().is_err() {
        return Ok(false);
    }
    durable::link(file, name)?;
    Ok(true)
}
