//! Conversion of sessions, and of their handlers, between 1.0.1 or 1.0.0 and this version.
//!
//! ```text
//!   1.0.x  ── up ──►  the same dialogue; nothing is asked about words
//!   1.0.x  ◄─ down ─  the dialogue below the question: a player who was asked for a word is asked for a name again, or
//!                     whether the stats are agreed to
//! ```
//! A line that was sealed before a conversion down comes behind it as a number, which 1.0.x refuses as a name or an answer.

use pq_sdk::{Ctx, Migrate, Reason};

use crate::sockserv_pq_events::SockservPqEvents;
use crate::sockserv_serv::Session;
use crate::v1_0_0::sockserv_pq_events as events_1_0_0;
use crate::v1_0_0::sockserv_serv as v1_0_0;
use crate::v1_0_1::sockserv_serv as v1_0_1;

impl Migrate<v1_0_0::Session> for Session {
    fn up(old: v1_0_0::Session, _ctx: &mut Ctx<'_>) -> Result<Session, Reason> {
        Ok(Session::of(old))
    }

    fn down(self, _ctx: &mut Ctx<'_>) -> Result<v1_0_0::Session, Reason> {
        Ok(self.book)
    }
}

impl Migrate<v1_0_1::Session> for Session {
    fn up(old: v1_0_1::Session, _ctx: &mut Ctx<'_>) -> Result<Session, Reason> {
        Ok(Session::of(old.0))
    }

    fn down(self, _ctx: &mut Ctx<'_>) -> Result<v1_0_1::Session, Reason> {
        Ok(v1_0_1::Session(self.book))
    }
}

/// What was counted is kept beside the handler of an older version.
impl Migrate<events_1_0_0::SockservPqEvents> for SockservPqEvents {
    fn up(
        old: events_1_0_0::SockservPqEvents,
        ctx: &mut Ctx<'_>,
    ) -> Result<SockservPqEvents, Reason> {
        Ok(SockservPqEvents {
            session: old.session,
            away: ctx.kept()?.unwrap_or_default(),
        })
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<events_1_0_0::SockservPqEvents, Reason> {
        ctx.keep(&self.away);
        let session = self.session;
        Ok(events_1_0_0::SockservPqEvents { session })
    }
}
