//! What the author of a release types: commands that read and write files and need no node.
//!
//! | room | what lives there |
//! |---|---|
//! | [`appup`] | `pq appup`: the appup between two versions of an application, made or checked |
//! | [`relup`] | `pq relup`: the appups between releases compiled into one relup |
//! | [`build`] | `pq build`: libraries built with cargo, and the release laid out |
//! | [`tar`] | `pq tar`: a release of a tree packed |
//! | [`same`] | what they say about modules that changed and kept their version |
//!
//! The work itself is done in `server/release`; here are the words of the command line, and sentences.

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
mod same;
pub(crate) mod tar;

/// Says on stderr what deserves a second look.
pub(crate) fn warn(sentence: impl Display) {
    // What is worth more than a look comes back as an error.
    streams::aside(&format!("pq: warning: {sentence}\n"));
}

/// Says what the judge has to say of a release of a tree, which is an error where it is more than a warning.
pub(crate) fn judge(root: &Path, vsn: &str) -> anyhow::Result<()> {
    let tree = ReleaseTree::open(root, boot::runtime()?);
    let judgement = author::of_tree(&tree, vsn).map_err(|error| refused(&error))?;
    pronounce(&judgement, &format!("release {vsn}"))
}

/// All refusals as one error, after the warnings.
pub(crate) fn pronounce(judgement: &Judgement, what: &str) -> anyhow::Result<()> {
    judgement.warnings.iter().for_each(warn);
    let refusals = judgement.refusals.iter();
    let lines: Vec<String> = refusals.map(|finding| format!("\n  {finding}")).collect();
    let sentence = format!(
        "failed to pass {what}: an install or the node would fail:{}",
        lines.concat()
    );
    ensure!(lines.is_empty(), Failure::new(Exit::Refused, sentence));
    Ok(())
}

/// What cannot be judged, with the exit code that an install of it would have.
fn refused(error: &author::Unjudged) -> Failure {
    Failure::new(error.exit(), format!("failed to {error}"))
}
