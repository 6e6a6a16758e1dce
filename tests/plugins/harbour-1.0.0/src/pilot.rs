//! A pilot: the session of a client. It asks for a name, starts a ship, and reports its end.

use pq_sdk::{
    Ctx, Export, Function, GenServer, Info, InitError, Module, Next, Pid, PortId, Reason,
    RequestId, SupReply, pq_abi::spec,
};
use serde::{Deserialize, Serialize};

use crate::Berths;

/// The deadline for the start of a ship in milliseconds.
const START_TIMEOUT_MS: u64 = 5_000;

/// The cargo of a ship that a client has named.
const CARGO: u64 = 7;

/// The state of a session.
#[derive(Serialize, Deserialize)]
pub struct Pilot {
    line: PortId,
    aboard: Option<Aboard>,
    ordered: Option<(RequestId, String)>,
}

/// The ship of a client.
#[derive(Serialize, Deserialize)]
pub struct Aboard {
    called: String,
    ship: Pid,
}

/// The answer of `harbour_pilot:who`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The client has not given a name yet.
    Nobody,
    /// The start of the ship is in progress.
    Arriving {
        /// The name of the starting ship.
        name: String,
    },
    /// The client has a ship.
    Playing {
        /// The name of the ship.
        name: String,
        /// The process of the ship.
        process: Pid,
    },
}

/// `who(State)`: returns the ship of a client.
pub static WHO: Function<(Pilot,), Who> =
    Function::new("harbour_pilot", "who", |_ctx, (pilot,)| {
        match (pilot.aboard, pilot.ordered) {
            (Some(Aboard { called, ship }), _) => Who::Playing {
                name: called,
                process: ship,
            },
            (None, Some((_, name))) => Who::Arriving { name },
            (None, None) => Who::Nobody,
        }
    });

impl Module for Pilot {
    const NAME: &'static str = "harbour_pilot";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&WHO];
}

impl GenServer for Pilot {
    type Args = (PortId,);
    type Call = ();
    type Cast = ();

    fn init((line,): (PortId,), ctx: &mut Ctx<'_>) -> Result<Pilot, InitError> {
        ctx.port_command(line, b"Which ship?\n");
        Ok(Pilot {
            line,
            aboard: None,
            ordered: None,
        })
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        match info {
            Info::PortClosed { .. } => return Next::Stop(Reason::Normal),
            Info::PortData { data, .. } => {
                self.line(String::from_utf8_lossy(data).trim(), ctx);
            }
            Info::Response { id, result } => {
                let reply = result
                    .ok()
                    .and_then(|reply| spec::decode(reply.bytes()).ok());
                self.started(id, reply, ctx);
            }
            Info::Down { .. } => {
                if let Some(Aboard { called, .. }) = self.aboard.take() {
                    self.say(&format!("{called} has sunk. Which ship?"), ctx);
                }
            }
            Info::Message(_) | Info::Exit { .. } => {}
        }
        Next::Wait
    }
}

impl Pilot {
    fn say(&self, text: &str, ctx: &mut Ctx<'_>) {
        ctx.port_command(self.line, format!("{text}\n").as_bytes());
    }

    /// The first line is a name; later lines are echoed.
    fn line(&mut self, line: &str, ctx: &mut Ctx<'_>) {
        let berths = ctx.whereis(Berths::REGISTERED);
        match (&self.aboard, berths) {
            (Some(_), _) => self.say(&format!("Aye: {line}"), ctx),
            (None, Some(berths)) if self.ordered.is_none() => {
                let id = ctx.start_child(berths, &(line, CARGO), START_TIMEOUT_MS);
                self.ordered = Some((id, line.to_string()));
            }
            (None, _) => {}
        }
    }

    fn started(&mut self, id: RequestId, reply: Option<SupReply>, ctx: &mut Ctx<'_>) {
        let Some((_, called)) = self.ordered.take_if(|(ordered, _)| *ordered == id) else {
            return;
        };
        match reply {
            Some(SupReply::Started(Some(ship))) => {
                ctx.monitor(ship);
                self.say(&format!("{called} sails."), ctx);
                self.aboard = Some(Aboard { called, ship });
            }
            _ => self.say("There is such a ship. Which other?", ctx),
        }
    }
}
