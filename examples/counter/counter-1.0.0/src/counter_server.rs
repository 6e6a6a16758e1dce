//! The server. An upgrade converts its state, whose fields are identified by their names.

use pq_sdk::{Ctx, From, GenServer, InitError, Module, Next};
use serde::{Deserialize, Serialize};

/// The state of the server.
#[derive(Serialize, Deserialize)]
pub struct CounterServer {
    /// The sum of all that was added.
    pub value: u64,
}

/// The requests that the server answers.
#[derive(Serialize, Deserialize)]
pub enum Call {
    /// Adds, and answers with the new value.
    Add(u64),
    /// Answers with the value.
    Value,
}

impl Module for CounterServer {
    const NAME: &'static str = "counter_server";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "counter_server";
}

impl GenServer for CounterServer {
    type Args = ();
    type Call = Call;
    type Cast = ();

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<CounterServer, InitError> {
        Ok(CounterServer { value: 0 })
    }

    fn handle_call(&mut self, call: Call, from: From, ctx: &mut Ctx<'_>) -> Next {
        if let Call::Add(more) = call {
            self.value = self.value.saturating_add(more);
        }
        ctx.reply(from, &self.value);
        Next::Wait
    }
}
