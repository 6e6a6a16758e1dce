//! The API for authors of modules: traits for the behaviours, a context, and one export macro.
//!
//! A module is a type that implements [`Module`] and the trait of its behaviour:
//!
//! | trait | OTP's word | has a state |
//! |---|---|---|
//! | [`Functions`] | a module of functions | no |
//! | [`GenServer`] | `gen_server(3)` | yes |
//! | [`GenFsm`] | `gen_fsm(3)` | yes |
//! | [`GenEvent`] | a handler of `gen_event(3)` | yes |
//! | [`EventManager`] | a manager of `gen_event(3)` | the handlers |
//! | [`Supervisor`] | `supervisor(3)` | in the runtime |
//! | [`Application`] | `application(3)` | no |
//!
//! A callback decides, and the node acts: effects that a callback requests from its [`Ctx`] are carried out after it
//! has returned without a failure. So a callback that panics has changed nothing. Time, random numbers and logging also
//! come from the [`Ctx`]. So libraries need no thread-locals, which would prevent unloading, and every run of the game
//! can be repeated from a seed.
//!
//! [`library!`] makes a library from the modules of an application. Authors need no `unsafe`, no raw pointers and no
//! serialisation by hand; `serde`'s derive is enough.
//!
//! ```
//! use pq_sdk::{Ctx, From, GenServer, InitError, Module, Next};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! pub struct Counter {
//!     count: u64,
//! }
//!
//! impl Module for Counter {
//!     const NAME: &'static str = "counter";
//!     const VSN: &'static str = "1.0.0";
//! }
//!
//! impl GenServer for Counter {
//!     type Args = (u64,);
//!     type Call = ();
//!     type Cast = u64;
//!
//!     fn init((count,): (u64,), _ctx: &mut Ctx<'_>) -> Result<Counter, InitError> {
//!         Ok(Counter { count })
//!     }
//!
//!     fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Next {
//!         ctx.reply(from, &self.count);
//!         Next::Wait
//!     }
//!
//!     fn handle_cast(&mut self, more: u64, _ctx: &mut Ctx<'_>) -> Next {
//!         self.count += more;
//!         Next::Wait
//!     }
//! }
//! ```

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod codec;
mod ctx;
mod export;
mod module;

pub mod adapter;
pub mod application;
pub mod calls;
pub mod gen_event;
pub mod gen_fsm;
pub mod gen_server;
pub mod library;
pub mod migrate;
pub mod players;
pub mod regis;
pub mod supervisor;
pub mod words;

pub use application::Application;
pub use codec::{Info, Message};
pub use ctx::{Ctx, From, MonitorId, PortId, RequestId, TimerId};
pub use export::{Export, Function, Remote};
pub use gen_event::{EventManager, GenEvent, Handled};
pub use gen_fsm::{GenFsm, Step};
pub use gen_server::{GenServer, Next};
pub use migrate::{Migrate, Migration};
pub use module::{Functions, InitError, Module};
pub use supervisor::Supervisor;

pub use pq_abi::spec::{ChildType, Restart, Shutdown, Strategy, SupFlags};
pub use pq_abi::spec::{ManagerReply, SupReply, SupRequest, SupSpec};
pub use pq_abi::{Level, Reason};
pub use pq_term::{Atom, Pid, Term};
/// Random numbers and choices from the node: `ctx.random_range(1..=6)`.
pub use rand::RngExt;
/// Used by the code that [`library!`] generates.
#[doc(hidden)]
pub use {constcat, pq_abi};
