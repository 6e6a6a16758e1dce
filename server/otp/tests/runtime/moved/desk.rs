//! A server for clients from outside, and the supervisor of the trees around such servers.

use pq_sdk::supervisor::{Refine, supervise, supervisor};
use pq_sdk::{
    Ctx, From, GenServer, Info, InitError, Module, Next, Restart, Strategy, SupSpec, Supervisor,
    TimerId,
};
use serde::{Deserialize, Serialize};

use super::company::{REGISTER, Stem, Word};
use crate::fixture::note;

/// A server that answers each call with its number. It answers each third call only after a pause.
#[derive(Serialize, Deserialize)]
pub(super) struct Desk {
    id: u32,
    served: u64,
    owed: Vec<From>,
    timer: Option<TimerId>,
}

impl Module for Desk {
    const NAME: &'static str = "desk";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Desk {
    type Args = (u32,);
    type Call = Word;
    type Cast = Word;

    fn init((id,): (u32,), ctx: &mut Ctx<'_>) -> Result<Desk, InitError> {
        REGISTER.call(ctx, (id,));
        Ok(Desk {
            id,
            served: 0,
            owed: Vec::new(),
            timer: None,
        })
    }

    fn handle_call(&mut self, _word: Word, from: From, ctx: &mut Ctx<'_>) -> Next {
        self.served += 1;
        if !self.served.is_multiple_of(3) {
            ctx.reply(from, &self.served);
            return Next::Wait;
        }
        self.owed.push(from);
        let is_running = self.timer.is_some_and(|timer| ctx.cancel_timer(timer));
        let pause = if is_running { 2 } else { 5 };
        self.timer = Some(ctx.start_timer(pause, &Word::Beat));
        Next::Wait
    }

    fn handle_cast(&mut self, _word: Word, ctx: &mut Ctx<'_>) -> Next {
        let line = format!("{} has a cast", self.id);
        note(ctx, line);
        Next::Wait
    }

    fn handle_info(&mut self, _info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        for owed in self.owed.drain(..) {
            ctx.reply(owed, &self.served);
        }
        Next::Wait
    }
}

/// A `simple_one_for_one` supervisor of stems, with a name; the argument says whether it restarts them.
pub(super) struct Grove;

impl Module for Grove {
    const NAME: &'static str = "grove";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "grove";
}

impl Supervisor for Grove {
    type Args = (bool,);

    fn init((restarts,): (bool,)) -> Result<SupSpec, InitError> {
        let restart = match restarts {
            true => Restart::Permanent,
            false => Restart::Temporary,
        };
        let mut stem = supervisor::<Stem>("stem", &((),)).restart(restart);
        stem.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 4, 1, [stem]))
    }
}
