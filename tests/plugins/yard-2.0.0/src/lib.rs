//! Version 2 of the yard: its supervisor has one more child, a dog, and there are more functions.

use pq_sdk::supervisor::{Supervisor, worker};
use pq_sdk::{Ctx, GenServer, InitError, Module, SupSpec};
use serde::{Deserialize, Serialize};
use yard_1_0_0::{Gate, Pen, Pens, Yard};

/// The top supervisor `yard_sup`.
pub struct Sup;

impl Module for Sup {
    const NAME: &'static str = "yard_sup";
    const VSN: &'static str = "2.0.0";
    const REGISTERED: &'static str = "yard_sup";
}

impl Supervisor for Sup {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let mut spec = yard_1_0_0::Sup::init(())?;
        spec.children.push(worker::<Dog>("dog", &()));
        Ok(spec)
    }
}

/// A server that only this version has.
#[derive(Serialize, Deserialize)]
pub struct Dog {
    barked: u64,
}

pq_sdk::calls! {
    static RING: fn() -> u64 = yard_bell::RING;
    static COUNT: fn() -> u64 = yard_tools::COUNT;
}

impl Module for Dog {
    const NAME: &'static str = "yard_dog";
    const VSN: &'static str = "2.0.0";
    const REGISTERED: &'static str = "yard_dog";
    const CALLS: &'static [&'static str] = CALLS;
}

impl GenServer for Dog {
    type Args = ();
    type Call = ();
    type Cast = u64;

    fn init((): (), ctx: &mut Ctx<'_>) -> Result<Dog, InitError> {
        let barked = RING.call(ctx, ()) + COUNT.call(ctx, ());
        Ok(Dog { barked })
    }
}

/// The functions of 1.0.0, and one more.
pub mod yard_tools {
    use pq_sdk::{Export, Function, Functions, Module};
    use yard_1_0_0::yard_tools::WEIGH;

    /// The module `yard_tools`, which has functions.
    pub struct Tools;

    impl Module for Tools {
        const NAME: &'static str = "yard_tools";
        const VSN: &'static str = "2.0.0";
        const FUNCTIONS: &'static [&'static dyn Export] = &[&WEIGH, &COUNT];
    }

    impl Functions for Tools {}

    /// `count()`: always returns three.
    pub static COUNT: Function<(), u64> = Function::new("yard_tools", "count", |_, ()| 3);
}

/// Functions that only this version has.
pub mod yard_bell {
    use pq_sdk::{Export, Function, Functions, Module};

    /// The module `yard_bell`, which has functions.
    pub struct Bell;

    impl Module for Bell {
        const NAME: &'static str = "yard_bell";
        const VSN: &'static str = "2.0.0";
        const FUNCTIONS: &'static [&'static dyn Export] = &[&RING];
    }

    impl Functions for Bell {}

    /// `ring()`: always returns one.
    pub static RING: Function<(), u64> = Function::new("yard_bell", "ring", |_, ()| 1);
}

pq_sdk::library! {
    application: "yard", vsn: "2.0.0",
    application Yard,
    supervisor Sup,
    supervisor Pens,
    gen_server Gate,
    gen_server Pen,
    functions yard_tools::Tools,
    gen_server Dog,
    functions yard_bell::Bell,
}
