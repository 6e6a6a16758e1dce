//! Packages that can be trusted: keys, signatures, the rotation of a lost key, and libraries that everybody builds alike.

mod packages;
mod reproducible;
mod rotation;

use std::path::Path;
use std::process::{Command, Output};

use pq_tests::running::pq;

/// A command of an author or operator who has no key at the default place.
pub(crate) fn command(line: &[&str], folder: &Path) -> Command {
    let mut command = pq(line);
    command.current_dir(folder).env("PQ_KEY", "");
    command
        .env_remove("SOURCE_DATE_EPOCH")
        .env_remove("PQ_KEY_PASSWORD");
    command
}

/// Runs a command that succeeds; returns its data.
#[track_caller]
pub(crate) fn does(line: &[&str], folder: &Path) -> String {
    said(&command(line, folder).output().unwrap(), 0)
}

/// The data of a command that ended with this code, or the message of one that failed.
#[track_caller]
pub(crate) fn said(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let text = if code == 0 {
        &output.stdout
    } else {
        &output.stderr
    };
    String::from_utf8(text.clone())
        .unwrap()
        .trim_end()
        .to_string()
}
