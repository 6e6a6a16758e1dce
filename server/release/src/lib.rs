//! Releases: the files OTP describes them with, and what boots from them.
//!
//! | module | what it has |
//! |---|---|
//! | [`app`], [`rel`], [`sys_config`], [`start_erl`], [`releases`] | one kind of file each: text to values and back |
//! | [`appup`], [`relup`], [`instruction`] | how an application, and how a release, gets from one version to another |
//! | [`systools`] | appups to relup |
//! | [`checksums`] | `SHA256SUMS`, which names the very bytes an application consists of |
//! | [`owner`], [`same_vsn`] | whose library it is, and which modules changed without another version |
//! | [`fit`] | whether the applications of a release fit together, and in which order they start |
//! | [`boot`] | a release tree as the node boots from it: what, in which order, from where |
//! | [`tree`] | a release tree as its author lays it out |
//! | [`package`] | a release as one file: `Name-Vsn.tar.gz`, written and taken apart |
//! | [`registry`] | what a node has of releases while it runs: unpacking, statuses, what boots next time, removing |
//! | `script` | the instructions of a way as they are judged and carried out |
//! | [`judge`] | whether a script does what it says, before anybody is touched; what a script may call |
//! | [`handler`] | the release handler: a release is checked and installed in a node that runs |
//! | [`file_error`] | the errors of all of them: file, line, OTP's words, and what would be right |
//! | [`layout`] | where in a tree a file has its place |
//!
//! Not here: loading a library (`server/code`), starting an application (`server/otp`), and
//! every word about the game.

mod consult;
mod names;
mod places;
mod terms;

mod summed;

pub mod owner;
pub mod same_vsn;

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
