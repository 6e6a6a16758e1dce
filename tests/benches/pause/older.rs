//! The older library: servers with a small state under one supervisor.

use pq_sdk::supervisor::{Refine, TopSupervisor, start, supervise, worker};
use pq_sdk::{
    Application, Ctx, From, GenServer, Info, InitError, Module, Next, Reason, Restart, Strategy,
    SupSpec, Supervisor, Term,
};
use serde::{Deserialize, Serialize};

pq_sdk::library! {
    application: "bench", vsn: "1.0.0",
    gen_server Server,
    supervisor Crowd,
    application Bench,
}

/// A state of a few fields, as in the bench of OTP.
#[derive(Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) ticks: u64,
    /// The pause between two ticks in milliseconds; 0 for an idle server.
    pub(crate) pace_ms: u64,
}

impl Module for Server {
    const NAME: &'static str = "server";
    const VSN: &'static str = "1.0.0";
}

impl Server {
    /// The reaction of both versions to a tick.
    pub(crate) fn tick(&mut self, ctx: &mut Ctx<'_>) {
        self.ticks += 1;
        if self.pace_ms > 0 {
            ctx.start_timer(self.pace_ms, &());
        }
    }
}

impl GenServer for Server {
    type Args = (u64, u64);
    type Call = ();
    type Cast = ();

    fn init((number, pace_ms): (u64, u64), ctx: &mut Ctx<'_>) -> Result<Server, InitError> {
        if pace_ms > 0 {
            // Spreads the first ticks, so that servers do not act at the same time.
            ctx.start_timer(number * 7 % pace_ms, &());
        }
        Ok(Server {
            number,
            name: format!("server {number}"),
            ticks: 0,
            pace_ms,
        })
    }

    fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Next {
        ctx.reply(from, &self.ticks);
        Next::Wait
    }

    fn handle_info(&mut self, _: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        self.tick(ctx);
        Next::Wait
    }
}

struct Crowd;

impl Module for Crowd {
    const NAME: &'static str = "crowd";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "crowd";
}

impl Supervisor for Crowd {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let mut server = worker::<Server>("server", &(0, 0)).restart(Restart::Temporary);
        // Only the arguments of `start_child` are used.
        server.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 0, 1, [server]))
    }
}

struct Bench;

impl Module for Bench {
    const NAME: &'static str = "bench";
    const VSN: &'static str = "1.0.0";
}

impl Application for Bench {
    fn start(_: Term, _ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        Ok(start::<Crowd>(&()))
    }
}
