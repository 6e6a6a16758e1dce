//! Releases: the files with which OTP describes them, and their way into a running node.
//!
//! | module | contents |
//! |---|---|
//! | [`app`], [`rel`], [`sys_config`], [`start_erl`], [`releases`] | one kind of file each: parsed and written |
//! | [`appup`], [`relup`], [`instruction`] | the ways of an application and of a release from one version to another |
//! | [`systools`] | compiles appups to a relup |
//! | [`checksums`] | `SHA256SUMS`, the checksums of the files of an application |
//! | [`owner`], [`same_vsn`] | the application of a library, and modules that changed without a new version |
//! | [`fit`] | checks that the applications of a release fit together, and orders them for the start |
//! | [`boot`] | reads a release tree for booting |
//! | [`tree`] | writes a release tree for the author of a release |
//! | [`package`] | packs a release as one file, `Name-Vsn.tar.gz`, and unpacks it |
//! | [`registry`] | the releases of a running node: unpacking, statuses, the next boot, removal |
//! | `script` | the instructions of a way in the form that is judged and carried out |
//! | [`judge`] | checks the effect of a script before it affects any process, and lists the functions a script may call |
//! | [`handler`] | the release handler, which checks and installs a release in a running node |
//! | [`file_error`] | the errors of all of them: file, line, OTP's term, and the correct form |
//! | [`layout`] | the places of files in a tree |
//!
//! Other crates load libraries (`server/code`) and start applications (`server/otp`). This crate knows nothing about the game.

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod consult;
mod names;
mod places;
mod terms;

mod summed;

pub mod owner;
pub mod same_vsn;
mod sequence;

pub mod file_error;

pub mod app;
pub mod checksums;
pub mod rel;
pub mod releases;
pub mod start_erl;
pub mod sys_config;

pub mod appup;
pub mod instruction;
pub mod relup;

pub mod fit;
pub mod layout;

pub mod boot;
pub mod systools;
pub mod tree;

pub mod package;

pub mod registry;

mod script;

pub mod judge;

pub mod handler;

pub use file_error::FileError;
pub use summed::{PutError, put};
