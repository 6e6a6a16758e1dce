//! The library as a node sees it: through its table, with a node of paper behind it.
#![allow(clippy::unwrap_used)]

#[path = "game/library.rs"]
mod library;
#[path = "game/migration.rs"]
mod migration;
#[path = "game/node.rs"]
mod node;
#[path = "game/steps.rs"]
mod steps;
