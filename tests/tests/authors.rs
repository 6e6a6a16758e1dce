//! Authors: a version of one's own, from its scaffold to its install, in a copy of this workspace and in others.
#![allow(clippy::unwrap_used)]

#[path = "authors/desk.rs"]
mod desk;
#[path = "authors/foreign.rs"]
mod foreign;
#[path = "author/lamp_sources.rs"]
mod lamp_sources;
#[path = "authors/mistakes.rs"]
mod mistakes;
#[path = "authors/trial.rs"]
mod trial;
