//! The registry as an application of the node: any term names a process.
//!
//! ```text
//!   module ── regis:register(Name) ──► Registry (service, any thread) ──► Regis tables
//!   shard  ── a named process ended ─► exit hook ──────────────────────► its names are free
//!   regis_sup ── one_for_one ─► regis_server: looks after the tables, answers the operator
//! ```
//! The tables belong to the node, not to `regis_server`: killing it restarts it and nobody notices.
//!
//! | call | answer |
//! |---|---|
//! | `regis:register(Name, Pid)` | `ok`, `{error, {name_taken, Holder}}`, `{error, {already_named, Name}}`, `{error, dead}`; `Pid` is the caller |
//! | `regis:unregister(Name)` | `ok`, also when nobody has the name |
//! | `regis:whereis(Name)` | the pid, or `undefined` |
//! | `regis:get_names()` | all names, in no order |
//! | `regis:sweep()` | how many names of the dead were freed |
//!
//! The book answers `{error, name_taken}` and `{error, already_named}`; ours say besides who has the name, or which one
//! the process has: whoever lost wants to know that next.
//!
//! What does not live here: the tables themselves (crate `regis`), the library that modules call them
//! with (`pq_sdk::regis`).

mod modules;
mod names;
mod places;
mod service;

pub use modules::{LIBRARY, MANIFEST};
pub use names::Names;
pub use service::install;

/// The `.app` file of the application.
pub const APP: &str = include_str!("../regis.app");
