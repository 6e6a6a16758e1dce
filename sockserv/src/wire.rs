//! The bytes of telnet, without sockets: neither tokio nor the runtime of the node is used here.
//!
//! ```text
//!   bytes ─► telnet ─► line ─► endpoint: one Event after another ─► nvt ─► answers ─┐
//!                                                                    ▲              ├► outbox ─► bytes
//!   text with markup ─► render ──────────────────────────────────────┴──────────────┘
//! ```
//! | module | contents |
//! |---|---|
//! | [`telnet`], [`mod@line`], [`endpoint`] | turn bytes into commands and lines |
//! | [`option`], [`negotiation`] | the options, and which side performs each (RFC 854, RFC 1143) |
//! | [`ttype`], [`naws`], [`charset`], [`mssp`], [`gmcp`], [`mccp`] | one option each |
//! | [`client`] | the properties that a client has told of itself |
//! | [`markup`], [`render`] | texts, and their form at a client |
//! | [`echo`] | the echo of a client's own typing |
//! | [`nvt`] | the combination of all these modules, for one client |
//! | [`outbox`] | the bounded queue of output that the client has not read yet |
//! | [`peer`] | the counterpart: the client's end |

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
