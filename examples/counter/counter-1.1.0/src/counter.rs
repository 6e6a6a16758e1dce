//! The application's callback module. New in 1.1.0: `counter:additions/0`.

use counter_1_0_0::counter_sup::CounterSup;
use pq_sdk::application::Application;
use pq_sdk::supervisor::{self, TopSupervisor};
use pq_sdk::{Ctx, Export, Function, Module, Pid, Reason, RequestId, Term};

use crate::counter_server::{Call, CounterServer};

/// How long a caller waits for the server, in milliseconds.
const TIMEOUT_MS: u64 = 5_000;

/// A pid without a process: a request to it fails with `noproc`.
const NOBODY: Pid = Pid::from_raw(0);

/// The callback module of the application.
pub struct Counter;

impl Module for Counter {
    const NAME: &'static str = "counter";
    const VSN: &'static str = "1.1.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&ADD, &VALUE, &ADDITIONS];
}

impl Application for Counter {
    fn start(_args: Term, _ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        Ok(supervisor::start::<CounterSup>(&()))
    }
}

/// `counter:add(More)`: the response is the new value.
pub static ADD: Function<(u64,), RequestId> =
    Function::new("counter", "add", |ctx, (more,)| ask(ctx, &Call::Add(more)));

/// `counter:value()`: the response is the value.
pub static VALUE: Function<(), RequestId> =
    Function::new("counter", "value", |ctx, ()| ask(ctx, &Call::Value));

/// `counter:additions()`: the response is the number of additions that 1.1.0 has counted.
pub static ADDITIONS: Function<(), RequestId> =
    Function::new("counter", "additions", |ctx, ()| ask(ctx, &Call::Additions));

fn ask(ctx: &mut Ctx<'_>, call: &Call) -> RequestId {
    let server = ctx.whereis(CounterServer::REGISTERED).unwrap_or(NOBODY);
    ctx.request(server, call, TIMEOUT_MS)
}
