//! The application of 1.0.0, which refuses one setting, and has one function that fails and one that does not end.

use pq_sdk::application::Application;
use pq_sdk::supervisor::TopSupervisor;
use pq_sdk::{Ctx, Export, Function, Module, Reason, Term};

use crate::v1_0_0::processquest::{Processquest as V1_0_0, START_PLAYER, STOP_PLAYER, SUBSCRIBE};

/// The name of the setting that it refuses, whatever the value.
const REFUSED: &str = "refused";

/// The callback module of the application.
pub struct Processquest;

impl Module for Processquest {
    const NAME: &'static str = "processquest";
    const VSN: &'static str = "1.1.1";
    const FUNCTIONS: &'static [&'static dyn Export] =
        &[&START_PLAYER, &STOP_PLAYER, &SUBSCRIBE, &FAIL, &LOOP];
}

/// `fail()`: returns an error at every call; nothing announces that before the call.
pub static FAIL: Function<(), Result<(), String>> =
    Function::new("processquest", "fail", |_, ()| {
        Err("as it should".to_string())
    });

/// `loop()`: a function that never returns.
pub static LOOP: Function<(), ()> = Function::new("processquest", "loop", |ctx, ()| {
    loop {
        std::hint::black_box(ctx.now_ms());
    }
});

impl Application for Processquest {
    fn start(args: Term, ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        V1_0_0::start(args, ctx)
    }

    fn config_change(
        _changed: Term,
        new: Term,
        _removed: Term,
        _ctx: &mut Ctx<'_>,
    ) -> Result<(), Reason> {
        let new = new.as_list().unwrap_or_default();
        let keys = new.iter().filter_map(|pair| pair.as_tuple()?.first());
        match keys.filter(|key| key.is_atom(REFUSED)).count() {
            0 => Ok(()),
            _ => Err(Reason::tagged("bad_setting", REFUSED)),
        }
    }
}
