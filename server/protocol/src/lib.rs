//! The language in which operators and a node talk: what the command `pq` and the node that it asks both have to know, and
//! nothing of how either finds or shows an answer.
//!
//! | module | what it has |
//! |---|---|
//! | [`socket`], [`frame`] | where the two meet, and how a message is cut into bytes |
//! | [`request`] | what is asked, by its kind |
//! | [`event`] | a request in its envelope, and the events that answer it |
//! | [`exit`] | how a command ends: exit codes, and the sentence of one that failed |
//! | [`answer`] | parts of answers that more than one command knows |
//! | [`who`], [`history`] | the user who asks, and entries of what was done |
//! | [`record`] | an install with all that was measured of it; history, answers, `status` and the log tell of it |
//!
//! What one command alone asks and is answered stands in the file of that command (`server/src/commands`): its types are
//! those of the command line on one side, and often of `pq-release` on the other, which this crate does not know.

pub mod answer;
pub mod event;
pub mod exit;
pub mod frame;
pub mod history;
pub mod record;
pub mod request;
pub mod socket;
pub mod who;

pub use event::{Asked, Event, PROTOCOL, Progress};
pub use exit::{EXIT_CODES, Exit, Failure};
pub use request::{Named, Request};
pub use who::Who;
