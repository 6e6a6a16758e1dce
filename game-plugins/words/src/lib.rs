//! The types that applications of the game share: `processquest` sends them, `sockserv` receives them.
//!
//! They are transferred as MessagePack with field names, and every released library contains a copy of them. So types
//! and variants may be added, but none of them ever changes its name or its meaning.
//!
//! Rules of the game, tables and texts for players are not in this crate.

mod event;
mod name;
mod opts;
mod stats;
mod things;

pub use event::{Event, Place, Report};
pub use name::Name;
pub use opts::Opts;
pub use stats::Stats;
pub use things::{Enemy, Item, Loot, Quest, Slot};
