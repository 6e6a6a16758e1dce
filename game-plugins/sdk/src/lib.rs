//! What an author of modules writes against: traits for the behaviours, a context, and one export macro.
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
//! A callback decides; the node does. Whatever a callback asks of its [`Ctx`] is done after it has returned
//! well, so a callback that panics has done nothing. Time, chance and logging come from the [`Ctx`] too:
//! that keeps libraries free of thread-locals, which could never be unloaded, and makes every run of the
//! game repeatable from a seed.
//!
//! [`library!`] makes a library of an application's modules. No `unsafe`, no raw pointer and no serialisation
//! by hand is needed anywhere; `serde`'s derive is the whole of it.

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
pub mod regis;
pub mod supervisor;

pub use application::Application;
pub use codec::{Info, Message};
pub use ctx::{Ctx, From, PortId, RequestId, TimerId};
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
/// Ranges and choices over the node's dice: `ctx.random_range(1..=6)`.
pub use rand::RngExt;
/// For [`library!`].
#[doc(hidden)]
pub use {constcat, pq_abi};
