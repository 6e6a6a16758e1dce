//! The library that runs: servers with a small state under one supervisor.

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

/// A few fields, as the bench of OTP has them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) ticks: u64,
    /// How long until the next tick; 0 for a server that only waits.
    pub(crate) pace_ms: u64,
}

impl Module for Server {
    const NAME: &'static str = "server";
    const VSN: &'static str = "1.0.0";
}

impl Server {
    /// What both versions do with a tick.
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
            // No two of them in step.
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
        // The arguments of `start_child` are all there are.
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
