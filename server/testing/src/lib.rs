//! Tests of one's own modules, without a node in the way: the same modules run on a virtual clock, with a seed.
//!
//! | item | purpose |
//! |---|---|
//! | [`Node`] | a node on a virtual clock: start processes, ask them, let time pass, upgrade them while they run |
//! | [`generated`] | states of any type that serde can read |
//! | [`there_and_back`] | a state that went up and down is the same to the last byte |
//! | [`convert`] | one state, converted up or down |
//! | [`alone`] | a process without a node: every request that it makes, and answers that the test gives |
//! | [`sources`] | the rules for the sources of a library |
//!
//! ```
//! use pq_sdk::{Ctx, From, GenServer, InitError, Migrate, Migration, Module, Next, Reason};
//! use pq_testing::{Node, generated, there_and_back};
//! use serde::{Deserialize, Serialize};
//!
//! mod v1 {
//!     # use super::*;
//!     #[derive(Serialize, Deserialize)]
//!     pub struct Lamp { pub hours: u64 }
//!     impl Module for Lamp {
//!         const NAME: &'static str = "lamp";
//!         const VSN: &'static str = "1.0.0";
//!     }
//!     impl GenServer for Lamp {
//!         type Args = ();
//!         type Call = ();
//!         type Cast = u64;
//!         fn init((): (), _: &mut Ctx<'_>) -> Result<Lamp, InitError> { Ok(Lamp { hours: 0 }) }
//!         fn handle_cast(&mut self, more: u64, _: &mut Ctx<'_>) -> Next { self.hours += more; Next::Wait }
//!     }
//!     pq_sdk::library! { application: "lamp", vsn: "1.0.0", gen_server Lamp }
//! }
//! mod v2 {
//!     # use super::*;
//!     #[derive(Serialize, Deserialize, PartialEq, Debug)]
//!     pub struct Lamp { pub hours: u64, pub is_red: bool }
//!     impl Module for Lamp {
//!         const NAME: &'static str = "lamp";
//!         const VSN: &'static str = "1.1.0";
//!     }
//!     impl GenServer for Lamp {
//!         type Args = ();
//!         type Call = ();
//!         type Cast = u64;
//!         const MIGRATIONS: &'static [Migration] = &[Migration::converts::<v1::Lamp, Lamp>("1.0.0")];
//!         fn init((): (), _: &mut Ctx<'_>) -> Result<Lamp, InitError> { Ok(Lamp { hours: 0, is_red: false }) }
//!         fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Next {
//!             ctx.reply(from, &self.is_red);
//!             Next::Wait
//!         }
//!     }
//!     impl Migrate<v1::Lamp> for Lamp {
//!         fn up(old: v1::Lamp, ctx: &mut Ctx<'_>) -> Result<Lamp, Reason> {
//!             Ok(Lamp { hours: old.hours, is_red: ctx.kept()?.unwrap_or(true) })
//!         }
//!         fn down(self, ctx: &mut Ctx<'_>) -> Result<v1::Lamp, Reason> {
//!             ctx.keep(&self.is_red);
//!             Ok(v1::Lamp { hours: self.hours })
//!         }
//!     }
//!     pq_sdk::library! { application: "lamp", vsn: "1.1.0", gen_server Lamp }
//! }
//!
//! # fn main() {
//! there_and_back(&v2::LIBRARY, "lamp", "1.0.0", generated::<v1::Lamp>(7).take(100));
//!
//! let mut node = Node::new(7);
//! node.load(&v1::LIBRARY);
//! let lamp = node.start("lamp", &());
//! node.cast(lamp, &5_u64);
//! let upgrade = node.upgrade(&v2::LIBRARY).unwrap();
//! assert_eq!(upgrade.processes["lamp"], 1);
//! assert_eq!(node.state::<v2::Lamp>(lamp), v2::Lamp { hours: 5, is_red: true });
//! assert!(node.call::<bool>(lamp, &()));
//! # }
//! ```

pub mod alone;
mod conversion;
mod generated;
mod node;
pub mod sources;

pub use conversion::{convert, there_and_back};
pub use generated::generated;
pub use node::Node;
