//! The runtime from outside: processes of a small library, on a virtual clock and on real threads, compared
//! with OTP's manual pages.
//!
//! | module | subject of its tests |
//! |---|---|
//! | [`exits`], [`watching`], [`pids`] | links, exit reasons, monitors, incarnations and names |
//! | [`servers`], [`crashes`], [`timers`], [`time_outs`], [`machines`], [`events`] | gen_server, gen_fsm, gen_event |
//! | [`calls`], [`ports`] | functions of modules, the node's end of a socket |
//! | [`supervisors`], [`applications`] | supervision trees |
//! | [`system`], [`debugging`], [`upgrade`] | the `sys` protocol, `code_change` |
//! | [`transaction`] | all states convert and the new versions are in force, or nothing has changed |
//! | [`moved`] | processes that are copied, taken out and put in |
//! | [`model`], [`repeatable`] | generated runs against a plain model; one seed, one run |
//! | [`threads`] | the runtime under the real clock, with signals between shards |
//! | [`stalls`] | callbacks and functions that do not end |

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise, in its helpers too"
)]

#[path = "runtime/actor.rs"]
mod actor;
#[path = "runtime/fixture.rs"]
mod fixture;
#[path = "runtime/fixture_next.rs"]
mod fixture_next;
#[path = "runtime/journal.rs"]
mod journal;
#[path = "runtime/log.rs"]
mod log;
#[path = "runtime/rig.rs"]
mod rig;
#[path = "runtime/snare.rs"]
mod snare;

#[path = "runtime/applications.rs"]
mod applications;
#[path = "runtime/calls.rs"]
mod calls;
#[path = "runtime/crashes.rs"]
mod crashes;
#[path = "runtime/debugging.rs"]
mod debugging;
#[path = "runtime/events.rs"]
mod events;
#[path = "runtime/exits.rs"]
mod exits;
#[path = "runtime/machines.rs"]
mod machines;
#[path = "runtime/model.rs"]
mod model;
#[path = "runtime/moved.rs"]
mod moved;
#[path = "runtime/pids.rs"]
mod pids;
#[path = "runtime/ports.rs"]
mod ports;
#[path = "runtime/repeatable.rs"]
mod repeatable;
#[path = "runtime/servers.rs"]
mod servers;
#[path = "runtime/stalls.rs"]
mod stalls;
#[path = "runtime/supervisors.rs"]
mod supervisors;
#[path = "runtime/system.rs"]
mod system;
#[path = "runtime/threads.rs"]
mod threads;
#[path = "runtime/time_outs.rs"]
mod time_outs;
#[path = "runtime/timers.rs"]
mod timers;
#[path = "runtime/tracing.rs"]
mod tracing;
#[path = "runtime/transaction.rs"]
mod transaction;
#[path = "runtime/upgrade.rs"]
mod upgrade;
#[path = "runtime/watching.rs"]
mod watching;
