//! The session: the process that talks with one client. It differs from 1.0.0 only at its end:
//!
//! ```text
//!   client disconnected, in any phase ─► as after `quit`: Leaving ─► end   (the hero is stopped first)
//! ```
//!
//! State and encoded form are those of 1.0.0, so the module is exchanged without a conversion. A hero that lost its
//! client before the upgrade stays until an operator stops it, because no session knows it any more.

use pq_sdk::{Ctx, GenServer, Info, InitError, Migration, Module, Next, PortId};
use pq_words::Event;
use serde::{Deserialize, Serialize};

use crate::v1_0_0::sockserv_serv as v1_0_0;

/// The state of a session, equal to that of 1.0.0.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Session(pub v1_0_0::Session);

impl Module for Session {
    const NAME: &'static str = "sockserv_serv";
    const VSN: &'static str = "1.0.1";
    const CALLS: &'static [&'static str] = v1_0_0::Session::CALLS;
}

impl GenServer for Session {
    type Args = (PortId,);
    type Call = ();
    type Cast = Event<'static>;
    const MIGRATIONS: &'static [Migration] =
        &[Migration::keeps::<v1_0_0::Session, Session>("1.0.0")];

    fn init(args: (PortId,), ctx: &mut Ctx<'_>) -> Result<Session, InitError> {
        v1_0_0::Session::init(args, ctx).map(Session)
    }

    fn handle_cast(&mut self, event: Event<'static>, ctx: &mut Ctx<'_>) -> Next {
        self.0.hear(event, ctx)
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        match info {
            Info::PortClosed { .. } => self.let_go(ctx),
            info => self.0.take(info, ctx),
        }
    }
}

impl Session {
    /// Stops the hero after the client has disconnected, even if the answer to the hero's start is still missing.
    fn let_go(&mut self, ctx: &mut Ctx<'_>) -> Next {
        let todo = self.0.quit();
        self.0.perform(todo, ctx)
    }
}
