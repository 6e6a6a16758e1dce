//! Commands for authors of releases, which read and write files and need no node.
//!
//! | module | contents |
//! |---|---|
//! | [`appup`] | `pq appup`: creates or checks the appup between two versions of an application |
//! | [`relup`] | `pq relup`: compiles the appups between releases into one relup |
//! | [`explain`] | `pq relup --explain`: shows the steps of its ways |
//! | [`build`] | `pq build`: builds libraries with cargo and lays out the release |
//! | [`tar`] | `pq tar`: packs a release of a tree |
//! | [`release`] | `pq release`: all of these in one command |
//! | [`new`] | `pq new`: the files of the next version, and of a workspace of one's own |
//! | [`key`] | `pq key`: makes a key, and keeps the keys that a tree trusts |
//! | [`sign`] | `pq sign`: signs a package |
//! | [`package`] | `pq package`: shows, compares and examines packages |
//! | [`same`] | modules and files that changed without a new version |
//! | [`vsn`] | the order of versions |
//! | [`mod@answer`] | answers as text and as JSON |
//!
//! `server/release` does the work; these modules have the command-line options and the messages.

use std::fmt::Display;
use std::path::Path;

use anyhow::ensure;
use pq_protocol::{Exit, Failure};
use pq_release::boot::ReleaseTree;
use pq_release::judge::{Judgement, author};

use crate::{boot, streams};

pub(crate) mod appup;
pub(crate) mod relup;

pub(crate) mod build;
mod explain;
mod same;
pub(crate) mod tar;

pub(crate) mod key;
pub(crate) mod new;
pub(crate) mod package;
pub(crate) mod release;
pub(crate) mod sign;

mod answer;
mod vsn;

/// The path of a file for a person: relative to the workspace.
fn shown(root: &Path, file: &Path) -> String {
    let shown = file.strip_prefix(root).unwrap_or(file);
    shown.display().to_string()
}

/// Writes a warning to stderr.
pub(crate) fn warn(sentence: impl Display) {
    // Findings that prevent the work are returned as errors instead.
    streams::aside(&format!("pq: warning: {sentence}\n"));
}

/// Judges a release of a tree: writes warnings, and returns refusals as an error.
pub(crate) fn judge(root: &Path, vsn: &str) -> anyhow::Result<()> {
    let tree = ReleaseTree::open(root, boot::runtime()?);
    let judgement = author::of_tree(&tree, vsn).map_err(|error| refused(&error))?;
    pronounce(&judgement, &format!("release {vsn}"))
}

/// Writes the warnings of a judgement, and returns all refusals as one error.
pub(crate) fn pronounce(judgement: &Judgement, what: &str) -> anyhow::Result<()> {
    judgement.warnings.iter().for_each(warn);
    let refusals = judgement.refusals.iter();
    let lines: Vec<String> = refusals.map(ToString::to_string).collect();
    let sentence = format!(
        "failed to pass {what}: an install or the node would fail: {}",
        lines.join("; ")
    );
    ensure!(lines.is_empty(), Failure::new(Exit::Refused, sentence));
    Ok(())
}

/// The failure of a judgement that could not be made, with the exit code that an install of the release would have.
fn refused(error: &author::Unjudged) -> Failure {
    Failure::new(error.exit(), format!("failed to {error}"))
}
