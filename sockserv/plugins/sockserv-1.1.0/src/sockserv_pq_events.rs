//! The handler of a session in the event manager of its hero: it passes the hero's news to the session. While no session is
//! there, it counts them, and the next session is told what has happened.
//!
//! ```text
//!   news ─► the session lives ─► cast to it
//!       └─► it has ended ─► Away ─► Adopt{session}, from the session of the player who comes back ─► told in five lines
//! ```
//! The handler lives in the processes of the hero, so what it has counted is saved with the hero.

use pq_sdk::{Ctx, From, GenEvent, Handled, InitError, Migration, Module, Pid};
use pq_words::{Event, Report};
use serde::{Deserialize, Serialize};

use crate::away::Away;
use crate::v1_0_0::sockserv_pq_events as v1_0_0;

/// The handler, with the news that no session has heard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SockservPqEvents {
    /// The session that gets the news, while it lives.
    pub session: Pid,
    /// The news since it has ended.
    pub away: Away,
}

/// A request to the handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Pass the news to this session from now on. The answer is an [`Away`].
    Adopt {
        /// The session of the player who has come back.
        session: Pid,
    },
}

impl Module for SockservPqEvents {
    const NAME: &'static str = "sockserv_pq_events";
    const VSN: &'static str = "1.1.0";
}

impl GenEvent for SockservPqEvents {
    type Args = (Pid,);
    type Event = Report<'static>;
    type Call = Call;
    const MIGRATIONS: &'static [Migration] = &[Migration::converts::<
        v1_0_0::SockservPqEvents,
        SockservPqEvents,
    >("1.0.0")];

    fn init((session,): (Pid,), _ctx: &mut Ctx<'_>) -> Result<SockservPqEvents, InitError> {
        Ok(SockservPqEvents::of(session))
    }

    fn handle_event(&mut self, report: Report<'static>, ctx: &mut Ctx<'_>) -> Handled {
        match ctx.is_alive(self.session) {
            true => ctx.cast::<Event<'_>>(self.session, &report.event),
            false => self.away.count(&report.event),
        }
        Handled::Ok
    }

    fn handle_call(&mut self, request: Call, from: From, ctx: &mut Ctx<'_>) -> Handled {
        let Call::Adopt { session } = request;
        self.session = session;
        ctx.reply(from, &std::mem::take(&mut self.away));
        Handled::Ok
    }
}

impl SockservPqEvents {
    /// The handler of this session, which has told everything so far.
    pub fn of(session: Pid) -> SockservPqEvents {
        SockservPqEvents {
            session,
            away: Away::default(),
        }
    }
}
