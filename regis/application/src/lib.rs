//! The registry as an application of the node: any term names a process.
//!
//! ```text
//!   module ── regis:register(Name) ──► Registry (service, any thread) ──► Regis tables
//!   shard  ── a named process ended ─► exit hook ──────────────────────► its names are free
//!   regis_sup ── one_for_one ─► regis_server: looks after the tables, answers the operator
//! ```
//! The tables belong to the node, not to `regis_server`: killing it restarts it and nobody notices.
//! What does not live here: the tables themselves (crate `regis`), the library that modules call them
//! with (`pq_sdk::regis`).

mod modules;
mod service;

pub use modules::{LIBRARY, MANIFEST};
pub use service::{Names, install};

/// The `.app` file of the application.
pub const APP: &str = include_str!("../regis.app");
