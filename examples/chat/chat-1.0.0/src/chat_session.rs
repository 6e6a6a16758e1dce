//! The session: the process that talks with one client. An upgrade keeps the state of the session, so the client
//! stays connected.

use pq_sdk::{Ctx, GenServer, Info, InitError, Module, Next, PortId, Reason};
use serde::{Deserialize, Serialize};

use crate::chat_topic::{Said, Topic};

/// The state of a session.
#[derive(Serialize, Deserialize)]
pub struct Session {
    /// The connection to the client.
    pub port: PortId,
    /// The client's name; `None` until the client has given one.
    pub name: Option<String>,
}

impl Module for Session {
    const NAME: &'static str = "chat_session";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Session {
    type Args = (PortId,);
    type Call = ();
    /// A line of the topic.
    type Cast = String;

    fn init((port,): (PortId,), ctx: &mut Ctx<'_>) -> Result<Session, InitError> {
        ctx.port_command(port, b"Your name? ");
        Ok(Session { port, name: None })
    }

    fn handle_cast(&mut self, text: String, ctx: &mut Ctx<'_>) -> Next {
        ctx.port_command(self.port, format!("{text}\n").as_bytes());
        Next::Wait
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        match info {
            Info::PortData { data, .. } => {
                self.line(String::from_utf8_lossy(data).trim(), ctx);
                Next::Wait
            }
            Info::PortClosed { .. } => Next::Stop(Reason::Normal),
            _ => Next::Wait,
        }
    }
}

impl Session {
    /// Handles a line of the client: the first line is the name, all others are for the topic.
    fn line(&mut self, line: &str, ctx: &mut Ctx<'_>) {
        let (Some(topic), false) = (ctx.whereis(Topic::REGISTERED), line.is_empty()) else {
            return;
        };
        let session = ctx.self_pid();
        let said = match self.name {
            Some(_) => Said::Line(session, line.to_string()),
            None => {
                self.name = Some(line.to_string());
                Said::Join(session, line.to_string())
            }
        };
        ctx.cast(topic, &said);
    }
}
