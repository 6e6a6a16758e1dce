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
use std::io::Write;

pub(crate) mod appup;
pub(crate) mod relup;

pub(crate) mod build;
mod same;
pub(crate) mod tar;

/// Says on stderr what deserves a second look.
pub(crate) fn warn(sentence: impl Display) {
    // What is worth more than a look comes back as an error.
    let _ = writeln!(std::io::stderr(), "pq: warning: {sentence}");
}
