//! The session: the process that talks with one client. It is that of 1.0.0 but for its end:
//!
//! ```text
//!   client gone, in any phase ─► as if it had said `quit`: Leaving ─► end   (the hero is stopped first)
//! ```
//!
//! Its state is that of 1.0.0, written the same, so the module is exchanged without a conversion. A hero
//! that lost its client before stays until an operator stops it: no session is left that knows of it.

use pq_sdk::{Ctx, GenServer, Info, InitError, Migration, Module, Next, PortId};
use pq_words::Event;
use serde::{Deserialize, Serialize};

use crate::v1_0_0::sockserv_serv as v1_0_0;

/// A session.
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
    /// The client has gone: its hero is stopped, also one whose start is still to be answered.
    fn let_go(&mut self, ctx: &mut Ctx<'_>) -> Next {
        let todo = self.0.quit();
        self.0.perform(todo, ctx)
    }
}
