//! The ear of a session inside its hero's event manager: what is told there is cast to the session.

use pq_sdk::{Ctx, GenEvent, Handled, InitError, Module, Pid};
use pq_words::Report;
use serde::{Deserialize, Serialize};

/// The handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SockservPqEvents {
    /// The session that listens.
    pub session: Pid,
}

impl Module for SockservPqEvents {
    const NAME: &'static str = "sockserv_pq_events";
    const VSN: &'static str = "1.0.0";
}

impl GenEvent for SockservPqEvents {
    type Args = (Pid,);
    type Event = Report<'static>;
    type Call = ();

    fn init((session,): (Pid,), _ctx: &mut Ctx<'_>) -> Result<SockservPqEvents, InitError> {
        Ok(SockservPqEvents { session })
    }

    /// A session that has ended hears nothing any more, while its hero may live on.
    fn handle_event(&mut self, report: Report<'static>, ctx: &mut Ctx<'_>) -> Handled {
        if !ctx.is_alive(self.session) {
            return Handled::Remove;
        }
        ctx.cast(self.session, &report.event);
        Handled::Ok
    }
}
