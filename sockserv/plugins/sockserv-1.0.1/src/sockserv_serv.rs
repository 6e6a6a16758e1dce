//! The session: the process that talks with one client. It differs from 1.0.0 at its end, and reports its player:
//!
//! ```text
//!   client disconnected, in any phase ─► as after `quit`: Leaving ─► end   (the hero is stopped first)
//!   who(State) ─► nobody, the name of a hero before or during its start, or the playing hero
//! ```
//!
//! State and encoded form are those of 1.0.0, so the module is exchanged without a conversion. A hero that lost its
//! client before the upgrade stays until an operator stops it, because no session knows it any more.

use pq_sdk::{
    Ctx, Export, Function, GenServer, Info, InitError, Migration, Module, Next, Pid, PortId,
};
use pq_words::{Event, Name};
use serde::{Deserialize, Serialize};

use crate::v1_0_0::sockserv_serv::{self as v1_0_0, Phase};

/// The state of a session, equal to that of 1.0.0.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Session(pub v1_0_0::Session);

/// The player of a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The session has no name yet.
    Nobody,
    /// The client has given this name and has not agreed yet.
    Named {
        /// The name of the future hero.
        name: Name,
    },
    /// The start of the hero is in progress.
    Arriving {
        /// The name of the starting hero.
        name: Name,
    },
    /// The hero of the session plays.
    Playing {
        /// The name of the playing hero.
        name: Name,
        /// The supervisor of the hero, which ends with it.
        process: Pid,
    },
}

/// `who(Session)`: returns the player of the session.
pub static WHO: Function<(Session,), Who> =
    Function::new("sockserv_serv", "who", |_ctx, (session,)| session.who());

impl Module for Session {
    const NAME: &'static str = "sockserv_serv";
    const VSN: &'static str = "1.0.1";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&WHO];
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
    /// The player of this session.
    pub fn who(self) -> Who {
        match self.0.phase {
            Phase::Name | Phase::Leaving => Who::Nobody,
            Phase::Stats { name, .. } => Who::Named { name },
            Phase::Starting { name } => Who::Arriving { name },
            Phase::Playing { hero } => Who::Playing {
                name: hero.name,
                process: hero.sup,
            },
        }
    }

    /// Stops the hero after the client has disconnected, even if the answer to the hero's start is still missing.
    fn let_go(&mut self, ctx: &mut Ctx<'_>) -> Next {
        let todo = self.0.quit();
        self.0.perform(todo, ctx)
    }
}
