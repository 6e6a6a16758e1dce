//! The runtime: an OTP for modules that live in libraries.
//!
//! ```text
//!            ┌──────────────── Node (shared: names, ports, environment, code) ────────────────┐
//!  outside ─►│ request ─► inbox ┌─ Shard 0 ─────────────────┐   signals   ┌─ Shard 1 ────────┐ │
//!            │                  │ slab of processes         │ ◄─────────► │ …                │ │
//!            │                  │ mailboxes, run queue      │             └──────────────────┘ │
//!            │                  │ timer wheel               │                                  │
//!            │                  └─ one callback at a time ──┘                                  │
//!            └────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A process is data, not a task: a slot in a shard's slab. A shard runs one callback at a time; the effects of the
//! callback are recorded, and done after it has returned without a failure (`callback`). Between two callbacks
//! no process of the shard runs; code changes happen there.
//!
//! The same shard runs on its own thread under the real clock ([`threads`]), or under a virtual clock
//! and a seed in the caller's thread ([`sim`]). A callback that does not end blocks only its own shard (`stall`).
//!
//! In this crate: scheduling, mailboxes, timers, links, monitors, exit reasons, the behaviours, supervisors,
//! applications, `sys`. Elsewhere: libraries (`server/code`), the registry of names (`regis`),
//! sockets (`sockserv`), the game.

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod supervisor;

mod alive;
mod answers;
mod callback;
mod called;
mod calls;
mod code_change;
mod crowd;
mod dice;
mod durations;
mod effect;
mod export;
mod lateness;
mod mailbox;
mod message;
mod node;
mod numbered;
mod pages;
mod port;
mod process;
mod residue;
mod run_clock;
mod shard;
mod stall;
mod tally;
mod unpoisoned;
mod wheel;

pub mod application;
pub mod inquiry;
pub mod moved;
pub mod native;
pub mod sim;
pub mod sys;
pub mod threads;
pub mod trace;
pub mod upgrade;

pub use crowd::{CrowdChange, CrowdEvent, CrowdEvents, CrowdShare};
pub use dice::Dice;
pub use lateness::Lateness;
pub use message::{Caller, Payload};
// The signals between shards, for the tests of this crate: no part of its interface.
#[doc(hidden)]
pub use message::{Ack, Envelope, ExitCause, ModuleCall, OnList, OnSample, Signal, Spawn};
pub use native::{Native, NativeAction, NativeCtx, NativeInput};
pub use node::{Ask, Asking, Called, Question};
pub use node::{Census, Listing, Missing, NameHook, NameRegistry, Runner};
pub use node::{Children, Comeback, EndOf, Restart};
pub use node::{
    Config, CrowdMember, ExitHook, Kin, Node, OnReply, RequestError, Service, ServiceCall,
};
pub use node::{News, Notice, Notices};
pub use port::PortSink;
pub use process::{ProcessInfo, Seen, StartOutcome};
pub use shard::{Counters, Measure};
pub use sim::{Busy, Sim};
pub use stall::{Stall, StallEvent, StallHook};
pub use tally::Count;
pub use threads::Threads;

pub use pq_abi::spec;
pub use pq_abi::{Direction, Failure, Kind, Module, Modules, Reason};
pub use pq_term::{Atom, Pid, Term};
