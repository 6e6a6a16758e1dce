//! The supervisor, which restarts the server when the server fails.

use pq_sdk::supervisor::{Supervisor, supervise, worker};
use pq_sdk::{InitError, Module, Strategy, SupSpec};

use crate::counter_server::CounterServer;

/// The callback module of the top supervisor.
pub struct CounterSup;

impl Module for CounterSup {
    const NAME: &'static str = "counter_sup";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "counter_sup";
}

impl Supervisor for CounterSup {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let server = worker::<CounterServer>("counter_server", &());
        Ok(supervise(Strategy::OneForOne, 3, 60, [server]))
    }
}
