//! The rules of the game, of supervision and of the conversation, on the virtual clock.
//!
//! One room per subject; each test boots a house of its own under a seed, which every failure names.
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
