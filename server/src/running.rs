//! The node that runs, as operators' commands and its end know it.
//!
//! | module | contents |
//! |---|---|
//! | [`releases`], [`outcome`] | the release handler behind one lock, and how an operation of it ended |
//! | [`turn`] | one operation on releases, or the end, at a time |
//! | [`upgrade_news`] | what players' programs hear of an upgrade |
//! | [`bans`] | who may not come in |
//! | [`shutdown`] | an end that is planned, and players are told of |
//! | [`farewell`] | what an operator wishes of the node as a whole, and the answer to a stop |

pub(crate) mod bans;
pub(crate) mod farewell;
pub(crate) mod outcome;
pub(crate) mod releases;
pub(crate) mod shutdown;
pub(crate) mod turn;
pub(crate) mod upgrade_news;

pub(crate) use farewell::Farewell;
pub(crate) use outcome::Outcome;
pub(crate) use releases::Releases;
