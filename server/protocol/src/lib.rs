//! The protocol between the command `pq` and a node: the types that both sides need. The crate contains neither the
//! computation of answers nor their display.
//!
//! | module | contents |
//! |---|---|
//! | [`socket`], [`frame`] | the Unix socket, and the encoding of messages |
//! | [`request`] | requests by their kind |
//! | [`event`] | the envelope of a request, and the events of an answer |
//! | [`exit`] | exit codes and failures |
//! | [`answer`] | parts of answers that several commands share |
//! | [`who`], [`history`] | the operator, and entries of the history |
//! | [`record`] | an install with its measurements, as history, answers, `status` and the log report it |
//!
//! The request and the answer of a single command are in the file of that command (`server/src/commands`): their
//! types belong to the command line and often to `pq-release`, on which this crate does not depend.

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
pub use request::{Named, Request, StoryForm};
pub use who::Who;
