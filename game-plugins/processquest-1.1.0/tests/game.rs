//! The library in the view of a node: the tests call it through its table, with a mock node.
#![allow(clippy::unwrap_used)]

#[path = "game/library.rs"]
mod library;
#[path = "game/migration.rs"]
mod migration;
#[path = "game/node.rs"]
mod node;
#[path = "game/steps.rs"]
mod steps;
