//! The bytes of telnet, without sockets: neither tokio nor the runtime of the node is used here.
//!
//! ```text
//!   bytes ─► telnet ─► line ─► endpoint: one Event after another ─► nvt ─► answers ─┐
//!                                                                    ▲              ├► outbox ─► bytes
//!   text with markup ─► render ──────────────────────────────────────┴──────────────┘
//! ```
//! | module | contents |
//! |---|---|
//! | [`telnet`], [`mod@line`], [`endpoint`] | bytes become commands and lines |
//! | [`option`], [`negotiation`] | the options, and which side performs each (RFC 854, RFC 1143) |
//! | [`ttype`], [`naws`], [`charset`], [`mssp`], [`gmcp`], [`mccp`] | one option each |
//! | [`client`] | what a client has told of itself |
//! | [`markup`], [`render`] | texts, and how they look at a client |
//! | [`echo`] | what a client is shown of its own typing |
//! | [`nvt`] | all of it together, for one client |
//! | [`outbox`] | the bounded queue of what the client has still to read |
//! | [`peer`] | the same from the client's end |

pub mod option;

pub mod telnet;

pub mod line;

pub mod endpoint;

pub mod negotiation;

pub mod ttype;

pub mod naws;

pub mod charset;

pub mod mssp;

pub mod gmcp;

pub mod mccp;

pub mod client;

pub mod markup;

pub mod render;

pub mod echo;

pub mod nvt;

pub mod outbox;

pub mod peer;
