//! The server. New in 1.1.0: its state has the number of additions, so the states of 1.0.0 are converted.

use counter_1_0_0::counter_server as v1_0_0;
use pq_sdk::{Ctx, From, GenServer, InitError, Migrate, Migration, Module, Next, Reason};
use serde::{Deserialize, Serialize};

/// The state of the server.
#[derive(Serialize, Deserialize)]
pub struct CounterServer {
    /// The sum of all that was added.
    pub value: u64,
    /// How often something was added.
    pub additions: u64,
}

/// The requests that the server answers.
#[derive(Serialize, Deserialize)]
pub enum Call {
    /// Adds, and answers with the new value.
    Add(u64),
    /// Answers with the value.
    Value,
    /// Answers with the number of additions.
    Additions,
}

impl Module for CounterServer {
    const NAME: &'static str = "counter_server";
    const VSN: &'static str = "1.1.0";
    const REGISTERED: &'static str = "counter_server";
}

impl GenServer for CounterServer {
    type Args = ();
    type Call = Call;
    type Cast = ();
    const MIGRATIONS: &'static [Migration] = &[Migration::converts::<
        v1_0_0::CounterServer,
        CounterServer,
    >("1.0.0")];

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<CounterServer, InitError> {
        Ok(CounterServer {
            value: 0,
            additions: 0,
        })
    }

    fn handle_call(&mut self, call: Call, from: From, ctx: &mut Ctx<'_>) -> Next {
        if let Call::Add(more) = call {
            self.value = self.value.saturating_add(more);
            self.additions += 1;
        }
        let answer = match call {
            Call::Add(_) | Call::Value => self.value,
            Call::Additions => self.additions,
        };
        ctx.reply(from, &answer);
        Next::Wait
    }
}

/// Both directions of the conversion. The number of additions is kept beside the process while 1.0.0 runs, and is restored
/// by the next upgrade.
impl Migrate<v1_0_0::CounterServer> for CounterServer {
    fn up(old: v1_0_0::CounterServer, ctx: &mut Ctx<'_>) -> Result<CounterServer, Reason> {
        Ok(CounterServer {
            value: old.value,
            additions: ctx.kept()?.unwrap_or(0),
        })
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<v1_0_0::CounterServer, Reason> {
        ctx.keep(&self.additions);
        Ok(v1_0_0::CounterServer { value: self.value })
    }
}
