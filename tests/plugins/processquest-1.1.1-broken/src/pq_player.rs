//! The hero of 1.1.0 with a conversion that depends on its fate.
//!
//! | fate | conversion, up and down |
//! |---|---|
//! | `Errs` | returns an error |
//! | `Panics` | panics |
//! | `Loops` | does not end while this is its fate |
//! | `Works` | takes about a second, and is as in 1.1.0 then |
//! | `Sends` | requests an effect, which a conversion may not |
//! | one of `faults` | ends the node, and so does the hero's first event |
//! | any other | as in 1.1.0 |
//!
//! A hero with the name `Stalls` converts, but does not finish its first event. From some experience on, a hero with the name
//! `Falls` panics in each event, and one with the name `Trips` in one.
//!
//! Faults that only a rehearsal finds are in `rehearsed`: the setting `fault` chooses one.
//!
//! The fate of a hero is its name, unless the setting `{fate, {Name, Fate}}` of processquest gives it another one.

use std::sync::atomic::{AtomicBool, Ordering};

use pq_sdk::{
    Ctx, Export, From, GenFsm, Migrate, Migration, Module, Reason, Step, gen_fsm::Machine,
};
use serde::{Deserialize, Serialize};

use crate::faults;
use crate::rehearsed::{self, CHECK, MEASURES};
use crate::v1_0_0::pq_player as pq_player_1_0_0;
use crate::v1_1_0::pq_player as pq_player_1_1_0;

pub use crate::v1_0_0::pq_player::{Call, Event, State};

/// A hero, equal to that of 1.1.0 in state and encoded form.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Player(pub pq_player_1_1_0::Player);

/// State and hero together, as they are exported and converted.
pub type Whole = Machine<State, Player>;

type Begun = pq_sdk::gen_fsm::Begun<Player>;

/// The experience of a few fights, from which on a hero may fall: it was saved with less.
const FALLS_AT: u64 = 5;

/// Whether a hero has tripped since the library was loaded.
static HAS_TRIPPED: AtomicBool = AtomicBool::new(false);

fn fall(name: &str, exp: u64) {
    let falls = match name {
        "Falls" => exp >= FALLS_AT,
        "Trips" => exp >= FALLS_AT && !HAS_TRIPPED.swap(true, Ordering::Relaxed),
        _ => false,
    };
    assert!(!falls, "{name} falls");
}

impl Module for Player {
    const NAME: &'static str = "pq_player";
    const VSN: &'static str = "1.1.1";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&MEASURES, &CHECK];
    const CALLS: &'static [&'static str] = pq_player_1_1_0::Player::CALLS;
}

impl GenFsm for Player {
    type State = State;
    type Event = Event;
    type Args = <pq_player_1_1_0::Player as GenFsm>::Args;
    type Call = Call;
    const MIGRATIONS: &'static [Migration] = &[
        Migration::converts::<pq_player_1_0_0::Whole, Whole>("1.0.0"),
        Migration::converts::<pq_player_1_1_0::Whole, Whole>("1.1.0"),
    ];

    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<Begun, pq_sdk::InitError> {
        let (player, step) = pq_player_1_1_0::Player::init(args, ctx)?;
        Ok((Player(player), step))
    }

    fn handle_event(
        &mut self,
        state: State,
        event: Event,
        ctx: &mut Ctx<'_>,
    ) -> Step<State, Event> {
        faults::happen(&self.0.hero.name);
        if &*self.0.hero.name == "Stalls" {
            loop {
                std::hint::black_box(ctx.now_ms());
            }
        }
        fall(&self.0.hero.name, self.0.hero.exp);
        rehearsed::before(&mut self.0, event, ctx);
        let before = self.0.hero.money;
        let step = self.0.handle_event(state, event, ctx);
        rehearsed::after(&mut self.0, (event, before), ctx);
        step
    }

    fn handle_call(
        &mut self,
        state: State,
        call: Call,
        from: From,
        ctx: &mut Ctx<'_>,
    ) -> Step<State, Event> {
        self.0.handle_call(state, call, from, ctx)
    }
}

impl Migrate<pq_player_1_0_0::Player> for Player {
    fn up(old: pq_player_1_0_0::Player, ctx: &mut Ctx<'_>) -> Result<Player, Reason> {
        fate(&old.name, ctx)?;
        ctx.acting_as("1.1.0", |ctx| pq_player_1_1_0::Player::up(old, ctx))
            .map(Player)
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<pq_player_1_0_0::Player, Reason> {
        fate(&self.0.hero.name, ctx)?;
        ctx.acting_as("1.1.0", |ctx| self.0.down(ctx))
    }
}

impl Migrate<pq_player_1_1_0::Player> for Player {
    fn up(old: pq_player_1_1_0::Player, ctx: &mut Ctx<'_>) -> Result<Player, Reason> {
        fate(&old.hero.name, ctx)?;
        Ok(Player(old))
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<pq_player_1_1_0::Player, Reason> {
        fate(&self.0.hero.name, ctx)?;
        Ok(self.0)
    }
}

/// The number of calls to the node that take about a second: 100 ns each in a build for tests.
const WORK: u32 = 10_000_000;

/// The result of the conversion of a hero with this name.
fn fate(name: &str, ctx: &mut Ctx<'_>) -> Result<(), Reason> {
    match fate_of(name, ctx).as_str() {
        "Errs" => Err(Reason::tagged("bad_state", "this hero is not convertible")),
        "Panics" => panic!("this hero is not convertible"),
        "Loops" => {
            while fate_of(name, ctx) == "Loops" {
                std::hint::spin_loop();
            }
            Ok(())
        }
        "Works" => {
            for _ in 0..WORK {
                std::hint::black_box(ctx.now_ms());
            }
            Ok(())
        }
        "Sends" => {
            let own = ctx.self_pid();
            ctx.send(own, &"convert");
            Ok(())
        }
        other => {
            faults::happen(other);
            Ok(())
        }
    }
}

fn fate_of(name: &str, ctx: &mut Ctx<'_>) -> String {
    let setting = ctx.env("processquest", "fate");
    let told = setting
        .as_ref()
        .and_then(|setting| match setting.as_tuple() {
            Some([whose, fate]) if whose.as_str() == Some(name) => fate.as_str(),
            _ => None,
        });
    told.unwrap_or(name).to_string()
}
