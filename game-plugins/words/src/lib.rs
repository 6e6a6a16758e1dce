//! The words of the game that its applications share: what `processquest` tells and `sockserv` retells.
//!
//! They travel as MessagePack with field names, and every released library holds a copy of them. So a
//! word may be added, but what is here never changes its name or its meaning.
//!
//! Not here: any rule of the game, any table, any line of text that a player reads.

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
