//! A small application with a process of each kind that an upgrade script can refer to. Tests use it for scripts that
//! no author would write.
//!
//! ```text
//!   yard_sup (one_for_one) ─┬► gate: yard_gate
//!                           └► pens: yard_pens (simple_one_for_one) ─► yard_pen …
//! ```

use pq_sdk::application::Application;
use pq_sdk::supervisor::{self, Refine, Supervisor, TopSupervisor, supervise, worker};
use pq_sdk::{Ctx, GenServer, InitError, Module, Reason, Restart, Strategy, SupSpec, Term};
use serde::{Deserialize, Serialize};

/// The callback module of the application.
pub struct Yard;

impl Module for Yard {
    const NAME: &'static str = "yard";
    const VSN: &'static str = "1.0.0";
}

impl Application for Yard {
    fn start(_args: Term, _ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        Ok(supervisor::start::<Sup>(&()))
    }
}

/// The top supervisor `yard_sup`.
pub struct Sup;

impl Module for Sup {
    const NAME: &'static str = "yard_sup";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "yard_sup";
}

impl Supervisor for Sup {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let gate = worker::<Gate>("gate", &());
        let pens = supervisor::supervisor::<Pens>("pens", &());
        Ok(supervise(Strategy::OneForOne, 100, 60, [gate, pens]))
    }
}

/// The supervisor of the pens, a `simple_one_for_one`.
pub struct Pens;

impl Module for Pens {
    const NAME: &'static str = "yard_pens";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "yard_pens";
}

impl Supervisor for Pens {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let pen = worker::<Pen>("pen", &()).restart(Restart::Temporary);
        Ok(supervise(Strategy::SimpleOneForOne, 100, 60, [pen]))
    }
}

/// A server with a registered name.
#[derive(Serialize, Deserialize)]
pub struct Gate {
    opened: u64,
}

pq_sdk::calls! {
    static WEIGH: fn(u64) -> u64 = yard_tools::WEIGH;
}

impl Module for Gate {
    const NAME: &'static str = "yard_gate";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "yard_gate";
    const CALLS: &'static [&'static str] = CALLS;
}

impl GenServer for Gate {
    type Args = ();
    type Call = ();
    type Cast = u64;

    fn init((): (), ctx: &mut Ctx<'_>) -> Result<Gate, InitError> {
        let opened = WEIGH.call(ctx, (0,));
        Ok(Gate { opened })
    }
}

/// A server with many instances.
#[derive(Serialize, Deserialize)]
pub struct Pen {
    animals: u64,
}

impl Module for Pen {
    const NAME: &'static str = "yard_pen";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Pen {
    type Args = (u64,);
    type Call = ();
    type Cast = u64;

    fn init((animals,): (u64,), _: &mut Ctx<'_>) -> Result<Pen, InitError> {
        Ok(Pen { animals })
    }
}

/// The functions without a process.
pub mod yard_tools {
    use pq_sdk::{Export, Function, Functions, Module};

    /// The module `yard_tools`, which has functions.
    pub struct Tools;

    impl Module for Tools {
        const NAME: &'static str = "yard_tools";
        const VSN: &'static str = "1.0.0";
        const FUNCTIONS: &'static [&'static dyn Export] = &[&WEIGH];
    }

    impl Functions for Tools {}

    /// `weigh(Animals)`: returns twice the number.
    pub static WEIGH: Function<(u64,), u64> =
        Function::new("yard_tools", "weigh", |_, (animals,)| animals * 2);
}

pq_sdk::library! {
    application: "yard", vsn: "1.0.0",
    application Yard,
    supervisor Sup,
    supervisor Pens,
    gen_server Gate,
    gen_server Pen,
    functions yard_tools::Tools,
}
