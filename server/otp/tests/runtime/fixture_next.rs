//! The next version of the library: the counter has a step size, and a handler and a supervisor have changed.

use pq_sdk::{
    Ctx, From, GenEvent, GenServer, Handled, InitError, Migrate, Migration, Module, Next, Reason,
    SupSpec, Supervisor,
};
use serde::{Deserialize, Serialize};

use crate::fixture::{self, Count, note};

pq_sdk::library! {
    application: "fixture", vsn: "2.0.0",
    gen_server Counter,
    gen_event Ear,
    supervisor Tree,
}

/// A counter with a step size.
#[derive(Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) count: i64,
    pub(crate) step: i64,
}

impl Module for Counter {
    const NAME: &'static str = "counter";
    const VSN: &'static str = "2.0.0";
}

impl GenServer for Counter {
    type Args = (i64,);
    type Call = Count;
    type Cast = Count;
    const MIGRATIONS: &'static [Migration] =
        &[Migration::converts::<fixture::Counter, Counter>("1.0.0")];

    fn init((count,): (i64,), _ctx: &mut Ctx<'_>) -> Result<Counter, InitError> {
        Ok(Counter { count, step: 10 })
    }

    fn handle_call(&mut self, _request: Count, from: From, ctx: &mut Ctx<'_>) -> Next {
        ctx.reply(from, &format!("{} by {}", self.count, Self::VSN));
        Next::Wait
    }

    fn handle_cast(&mut self, _message: Count, ctx: &mut Ctx<'_>) -> Next {
        self.count += self.step;
        note(ctx, format!("{} by {}", self.count, Self::VSN));
        Next::Wait
    }

    fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) -> Next {
        note(ctx, format!("{} alone by {}", self.count, Self::VSN));
        Next::Wait
    }
}

impl Migrate<fixture::Counter> for Counter {
    fn up(old: fixture::Counter, ctx: &mut Ctx<'_>) -> Result<Counter, Reason> {
        match old.count {
            13 => panic!("no counter stands at thirteen"),
            17 => {
                let own = ctx.self_pid();
                ctx.cast(own, &Count::Step);
            }
            19 => crate::actor::work(19_000),
            23 => crate::actor::work(3_000),
            313 => {
                let why = fixture::BOTTOM.call(ctx, (0,));
                return Err(Reason::tagged("bottom", &why));
            }
            _ => (),
        }
        let step = ctx
            .kept()?
            .or(ctx.extra::<i64>().ok().flatten())
            .unwrap_or(10);
        match old.count {
            count if count < 0 => Err(Reason::tagged("negative", "count")),
            count => Ok(Counter { count, step }),
        }
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<fixture::Counter, Reason> {
        ctx.keep(&(self.step + 1));
        Ok(fixture::Counter { count: self.count })
    }
}

/// The next version of the handler `ear`.
#[derive(Serialize, Deserialize)]
struct Ear {
    heard: u32,
    understood: u32,
}

/// The state of the older `ear`.
#[derive(Serialize, Deserialize)]
struct OldEar {
    heard: u32,
}

impl Module for Ear {
    const NAME: &'static str = "ear";
    const VSN: &'static str = "2.0.0";
}

impl GenEvent for Ear {
    type Args = (String,);
    type Event = String;
    type Call = String;
    const MIGRATIONS: &'static [Migration] = &[Migration::converts::<OldEar, Ear>("1.0.0")];

    fn init(_args: (String,), _ctx: &mut Ctx<'_>) -> Result<Ear, InitError> {
        Ok(Ear {
            heard: 0,
            understood: 0,
        })
    }

    fn handle_event(&mut self, event: String, ctx: &mut Ctx<'_>) -> Handled {
        (self.heard, self.understood) = (self.heard + 1, self.understood + 1);
        note(ctx, format!("ear 2: {event}, heard {}", self.heard));
        Handled::Ok
    }
}

impl Migrate<OldEar> for Ear {
    fn up(old: OldEar, _ctx: &mut Ctx<'_>) -> Result<Ear, Reason> {
        Ok(Ear {
            heard: old.heard,
            understood: 0,
        })
    }

    fn down(self, _ctx: &mut Ctx<'_>) -> Result<OldEar, Reason> {
        Ok(OldEar { heard: self.heard })
    }
}

/// A supervisor that permits more restarts.
struct Tree;

impl Module for Tree {
    const NAME: &'static str = "tree";
    const VSN: &'static str = "2.0.0";
}

impl Supervisor for Tree {
    type Args = (SupSpec,);

    fn init((mut spec,): (SupSpec,)) -> Result<SupSpec, InitError> {
        spec.flags.intensity += 5;
        // Stands for a copied child spec whose id was not changed.
        if spec.flags.intensity == 100 {
            spec.children.extend(spec.children.first().cloned());
        }
        Ok(spec)
    }
}
