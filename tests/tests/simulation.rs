//! The rules of the game, of supervision and of the conversation, on the virtual clock.
//!
//! Each module has one subject. Each test boots a simulated node of its own with a seed, which every failure prints.

mod applications;
mod conversation;
mod crashes;
mod crowd;
mod ends;
mod play;
mod restarts;
