//! The application: its top is the supervisor of all connections.
//!
//! Which port is listened on stands in its environment (`{port, 8082}`); the node's door reads it and asks
//! `sockserv_sup` for a session whenever a client comes.

use pq_sdk::supervisor::{self, TopSupervisor};
use pq_sdk::{Application, Ctx, Module, Reason, Term};

use crate::sockserv_sup::SockservSup;

/// The application's callback module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sockserv;

impl Module for Sockserv {
    const NAME: &'static str = "sockserv";
    const VSN: &'static str = "1.0.0";
}

impl Application for Sockserv {
    fn start(_args: Term, _ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        Ok(supervisor::start::<SockservSup>(&()))
    }
}
