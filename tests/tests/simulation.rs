//! The rules of the game, of supervision and of the conversation, on the virtual clock.
//!
//! Each module has one subject. Each test boots a simulated node of its own with a seed, which every failure prints.
#![allow(clippy::unwrap_used)]

#[path = "simulation/applications.rs"]
mod applications;
#[path = "simulation/conversation.rs"]
mod conversation;
#[path = "simulation/crashes.rs"]
mod crashes;
#[path = "simulation/crowd.rs"]
mod crowd;
#[path = "simulation/ends.rs"]
mod ends;
#[path = "simulation/play.rs"]
mod play;
#[path = "simulation/restarts.rs"]
mod restarts;
