//! The registry as an application of the node: any term can name a process.
//!
//! ```text
//!   module ── regis:register(Name) ──► Registry (service, any thread) ──► Regis tables
//!   shard  ── a named process ended ─► exit hook ──────────────────────► its names are free
//!   regis_sup ── one_for_one ─► regis_server: cleans the tables at its start, answers the operator
//! ```
//! The tables belong to the node, not to `regis_server`: a restart of `regis_server` loses no name.
//!
//! | call | answer |
//! |---|---|
//! | `regis:register(Name, Pid)` | `ok`, `{error, {name_taken, Holder}}`, `{error, {already_named, Name}}`, `{error, dead}`; `Pid` is the caller |
//! | `regis:unregister(Name)` | `ok`, also when the name is free |
//! | `regis:whereis(Name)` | the pid, or `undefined` |
//! | `regis:get_names()` | all names, in no order |
//! | `regis:sweep()` | the number of names of dead processes that were freed |
//!
//! A name may be reserved for a process that is not there ([`Names::reserve`]); its holder is pid 0.
//!
//! The book answers `{error, name_taken}` and `{error, already_named}`. Our answers also contain the holder of the
//! name, or the present name of the process, because the caller usually asks for that next.
//!
//! The tables themselves are in the crate `regis`, and the library with which modules call them is `pq_sdk::regis`.

mod modules;
mod names;
mod places;
mod service;

pub use modules::{LIBRARY, MANIFEST};
pub use names::{IsReserved, Names};
pub use service::install;

/// The text of the application's `.app` file.
pub const APP: &str = include_str!("../regis.app");
