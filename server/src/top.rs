//! A live view of a node in the terminal, for `pq top`.
//!
//! ```text
//!   follow (a thread)   ─ lines of the feed ─┐                 ┌─► draw ─► screen
//!   keyboard (a thread) ─ keys, new sizes ───┼─► queue ─► View ┤
//!   asker (a thread)    ─ lists, outcomes ───┘                 └─► wishes ─► asker ─► the node
//! ```
//! | module | contents |
//! |---|---|
//! | [`process`] | the words between the view and the node: lists of processes, orders |
//! | [`view`] | the state: lines, keys and answers go in, wishes come out; it reads no clock |
//! | [`draw`] | the state as cells of a terminal, for any size |
//! | [`screen`] | the terminal: taken, written and given back at every end |
//! | [`keyboard`], [`asker`] | the threads for keys and for requests |
//! | [`run`] | the queue and its loop |
//!
//! The command `server/src/commands/top.rs` carries out the requests: this module knows no other command.

mod asker;
mod draw;
mod keyboard;
mod process;
mod run;
mod screen;
mod view;

pub(crate) use process::{Deed, Figure, Listing, Node, Order, Process, Query, Shape};
pub(crate) use run::top;
pub(crate) use screen::is_possible;
