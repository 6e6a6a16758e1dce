//! The event manager of a hero, and the functions with which the hero reports news to it: those of 1.0.0, and one for
//! quests.

use std::borrow::Cow;

use pq_sdk::gen_event::EventManager;
use pq_sdk::{Ctx, Export, Function, InitError, Module, Pid};
use pq_words::{Event, Name, Report};

use crate::v1_0_0::processquest::{events_name, register};

pub use crate::v1_0_0::pq_events::{BUY, KILLED, LOCATION, LVL_UP, SELL};

/// The module `pq_events`, with the functions of 1.0.0 and `quest/4`.
pub struct PqEvents;

impl Module for PqEvents {
    const NAME: &'static str = "pq_events";
    const VSN: &'static str = "1.1.0";
    const FUNCTIONS: &'static [&'static dyn Export] =
        &[&KILLED, &LOCATION, &LVL_UP, &BUY, &SELL, &QUEST];
}

impl EventManager for PqEvents {
    type Args = (Name,);

    fn init((name,): (Name,), ctx: &mut Ctx<'_>) -> Result<(), InitError> {
        register(ctx, events_name(&name))
    }
}

/// `quest(Manager, Name, Completed, New)`: reports a completed quest. It takes no time, so the returned pause is always
/// 0.
pub static QUEST: Function<(Pid, Name, Text, Text), u64> = Function::new(
    "pq_events",
    "quest",
    |ctx, (manager, name, completed, new)| {
        let name = Cow::Borrowed(&*name);
        let event = Event::Quest { completed, new };
        ctx.notify(manager, &Report { name, event });
        0
    },
);

type Text = Cow<'static, str>;
