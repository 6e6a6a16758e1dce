//! The modules `regis` (application), `regis_sup` and `regis_server`.

use pq_sdk::supervisor::{Refine, supervise, worker};
use pq_sdk::{
    Application, Ctx, From, GenServer, InitError, Level, Module, Next, Pid, Reason, Shutdown,
    Strategy, SupSpec, Supervisor, Term,
};
use serde::{Deserialize, Serialize};

pq_sdk::library! {
    application: "regis", vsn: "1.0.0",
    application Regis,
    supervisor RegisSup,
    gen_server RegisServer,
}

/// The callback module of the application.
struct Regis;

impl Module for Regis {
    const NAME: &'static str = "regis";
    const VSN: &'static str = "1.0.0";
}

impl Application for Regis {
    fn start(_args: Term, _ctx: &mut Ctx<'_>) -> Result<pq_sdk::supervisor::TopSupervisor, Reason> {
        Ok(pq_sdk::supervisor::start::<RegisSup>(&((),)))
    }
}

/// The supervisor of `regis_server`.
struct RegisSup;

impl Module for RegisSup {
    const NAME: &'static str = "regis_sup";
    const VSN: &'static str = "1.0.0";
}

impl Supervisor for RegisSup {
    type Args = ((),);

    fn init(_args: ((),)) -> Result<SupSpec, InitError> {
        let server = worker::<RegisServer>("server", &((),)).shutdown(Shutdown::Timeout(500));
        Ok(supervise(Strategy::OneForOne, 1, 3600, [server]))
    }
}

/// Cleans the tables: at its start it frees the names of processes that do not live.
#[derive(Serialize, Deserialize)]
struct RegisServer {
    /// The time of its start on the node's clock, in milliseconds.
    since_ms: u64,
    /// Names of dead processes that it found at its start. A number above 0 is a bug of the node, and is logged.
    swept: u64,
}

/// Questions of the operator to the process.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    GetNames,
    Whereis(Term),
}

pq_sdk::calls! {
    remote static SWEEP: fn() -> u64 = regis::sweep;
}

impl Module for RegisServer {
    const NAME: &'static str = "regis_server";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "regis_server";
    const CALLS: &'static [&'static str] = CALLS;
}

impl GenServer for RegisServer {
    type Args = ((),);
    type Call = Call;
    type Cast = ();

    fn init(_args: ((),), ctx: &mut Ctx<'_>) -> Result<RegisServer, InitError> {
        let swept = SWEEP.call(ctx, ());
        if swept > 0 {
            ctx.log(
                Level::Error,
                format_args!("{swept} names were held by processes that do not live"),
            );
        }
        Ok(RegisServer {
            since_ms: ctx.now_ms(),
            swept,
        })
    }

    fn handle_call(&mut self, request: Call, from: From, ctx: &mut Ctx<'_>) -> Next {
        match request {
            Call::GetNames => {
                let names = pq_sdk::regis::get_names(ctx);
                ctx.reply(from, &names);
            }
            Call::Whereis(name) => {
                let pid: Option<Pid> = pq_sdk::regis::whereis(ctx, name);
                ctx.reply(from, &pid);
            }
        }
        Next::Wait
    }
}
