//! The hero: a state machine that walks between killing fields and marketplace, driven by its own events.
//!
//! The diagram is that of 1.0.0. Three transitions have changed: `kill` takes a piece of loot for each enemy and is slower under a
//! heavy bag, and `sell` sells a whole pile.
//!
//! ```text
//!       sell  buy
//!      /   | |  \
//!      \   ^ ^  /
//!       [market]<----.        sell: one pile of loot after another; nothing left: buy
//!       |            |        buy: one better thing per slot; nothing more: kill
//!  done buying    bag full
//!       v            |
//!   [killing]--------'        kill, which may complete a quest; lvl_up
//! ```
//!
//! This file has all transitions, because each version lists them completely. Rules that have changed are in `rules`, the loot is in
//! `sack`, its names in `counted`, the encoded form in `form`, the messages for programs of players in `gmcp`, and the conversions
//! in [`crate::migrate`]. All other rules, the equipment and the quest are those of 1.0.0 and 1.1.0.

use std::borrow::Cow;

use pq_sdk::{
    Ctx, Export, From, GenFsm, InitError, Migration, Module, Pid, Reason, Step, Term,
    gen_fsm::Machine, regis,
};
use pq_words::{Enemy, Item, Name, Opts, Place, Quest, Slot, Stats};
use serde::Deserialize;

use crate::pq_enemy::{self, Foes};
use crate::v1_0_0::pq_enemy::Catalogue;
use crate::v1_0_0::pq_player::rules::Outcome;
use crate::v1_0_0::processquest::{events_name, register};
use crate::v1_0_0::{self, pq_market, pq_stats};
use crate::v1_1_0::pq_player::rules::Completed;
use crate::v1_1_0::pq_player::task::Task;
use crate::v1_1_0::{self, pq_events, pq_quest};
use counted::counted;
use sack::Sack;

pub use crate::v1_0_0::pq_player::{Call, Event, State, Supervisor};

pub mod sack;

pub mod counted;

mod form;

pub mod gmcp;

pub mod rules;

/// A hero. In its encoded form all parts are fields of one map.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "form::Fields")]
pub struct Player {
    /// The parts that heroes of 1.0.0 also have. Its bag stays empty: the loot is in `sack`.
    pub hero: v1_0_0::pq_player::Player<NoLoot>,
    /// The loot, which is called `loot` in the encoded form.
    pub sack: Sack,
    /// The current quest, with its remaining kills.
    pub quest: Task,
}

/// The enemies of a bag that stays empty: none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoLoot;

impl Catalogue for NoLoot {
    const ENEMIES: &'static [Enemy] = &[];
}

/// State and hero together, as they are exported and converted.
pub type Whole = Machine<State, Player>;

type Next = Step<State, Event>;

type Text = Cow<'static, str>;

pq_sdk::calls! {
    static INITIAL_ROLL: fn() -> Stats = pq_stats::INITIAL_ROLL;
    static ROLL: fn() -> u16 = pq_stats::ROLL;
    static MEET: fn() -> Foes = pq_enemy::MEET;
    static FETCH_QUEST: fn() -> Quest = pq_quest::FETCH;
    static FETCH_OTHER_QUEST: fn(Text) -> Quest = pq_quest::FETCH_OTHER;
    static FIND_ITEM: fn(Slot, i32, u64) -> Option<Item> = pq_market::FIND;
    static KILLED: fn(Pid, Name, Enemy, u32) -> u64 = pq_events::KILLED;
    static LOCATION: fn(Pid, Name, Place, u32) -> u64 = pq_events::LOCATION;
    static LVL_UP: fn(Pid, Name, Stats, u32, u64) -> u64 = pq_events::LVL_UP;
    static BUY: fn(Pid, Name, Slot, Item, u32) -> u64 = pq_events::BUY;
    static SELL: fn(Pid, Name, Text, u64, u32) -> u64 = pq_events::SELL;
    static QUEST: fn(Pid, Name, Text, Text) -> u64 = pq_events::QUEST;
}

impl Module for Player {
    const NAME: &'static str = "pq_player";
    const VSN: &'static str = "1.4.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&gmcp::GMCP];
    const CALLS: &'static [&'static str] = CALLS;
}

impl GenFsm for Player {
    type State = State;
    type Event = Event;
    type Args = (Name, Opts);
    type Call = Call;
    const MIGRATIONS: &'static [Migration] = &[Migration::converts::<
        v1_1_0::pq_player::Whole,
        Whole,
    >("1.1.0")];

    fn init(
        (name, mut opts): (Name, Opts),
        ctx: &mut Ctx<'_>,
    ) -> Result<(Player, Next), InitError> {
        register(ctx, Term::string(&*name))?;
        let events = regis::whereis(ctx, events_name(&name)).ok_or(Reason::NoProc)?;
        let stats = opts.stats.unwrap_or_else(|| INITIAL_ROLL.call(ctx, ()));
        let quest = opts.quest.take();
        let quest = Task::from(quest.unwrap_or_else(|| FETCH_QUEST.call(ctx, ())));
        let sack = opts.loot.take().unwrap_or_default().into_iter().collect();
        let hero = v1_0_0::pq_player::Player::new(name, events, stats, opts)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))?;
        let player = Player { hero, sack, quest };
        Ok((player, Step::to(State::Market).and_send(Event::Kill)))
    }

    fn handle_event(&mut self, state: State, event: Event, ctx: &mut Ctx<'_>) -> Next {
        match (state, event) {
            (State::Market, Event::Sell) => market_sell(self, ctx),
            (State::Market, Event::Buy) => market_buy(self, ctx),
            (State::Market, Event::Kill) => market_kill(self, ctx),
            (State::Killing, Event::Kill) => killing_kill(self, ctx),
            (State::Killing, Event::LvlUp) => killing_lvl_up(self, ctx),
            (State::Killing, Event::Market) => killing_market(self, ctx),
            (State::Market, Event::LvlUp | Event::Market)
            | (State::Killing, Event::Sell | Event::Buy) => out_of_place(state, event),
        }
    }

    fn handle_call(&mut self, state: State, call: Call, from: From, ctx: &mut Ctx<'_>) -> Next {
        match call {
            Call::Supervisor => {
                let supervisor = ctx.parent();
                ctx.reply(from, &Supervisor { supervisor });
            }
        }
        Step::to(state)
    }
}

fn market_sell(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let Some((loot, count, value)) = player.sell() else {
        return Step::to(State::Market).and_send(Event::Buy);
    };
    let (hero, pile) = (&player.hero, counted(count, loot.drop));
    let sold = (hero.events, hero.name.clone(), pile, value, hero.time);
    let pause_ms = SELL.call(ctx, sold);
    Step::to(State::Market).and_send_after(pause_ms, Event::Sell)
}

fn market_buy(Player { hero, .. }: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let mut ask = |slot: Slot, above, money| FIND_ITEM.call(ctx, (slot, above, money));
    let Some((slot, item)) = hero.buy(&mut ask) else {
        return Step::to(State::Market).and_send(Event::Kill);
    };
    let bought = (hero.events, hero.name.clone(), slot, item, hero.time);
    let pause_ms = BUY.call(ctx, bought);
    Step::to(State::Market).and_send_after(pause_ms, Event::Buy)
}

fn market_kill(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let pause_ms = head_for(Place::Killing, player, ctx);
    Step::to(State::Killing).and_send_after(pause_ms, Event::Kill)
}

/// The bag before the fight decides how long the fight takes. The experience of a quest counts before the check for the next level.
/// The report of the completed quest comes after the report of the kill.
fn killing_kill(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let foes = MEET.call(ctx, ());
    let time = player.fight_time();
    player.fight(&foes);
    let mut fetch_other = |name| FETCH_OTHER_QUEST.call(ctx, (name,));
    let completed = player.quest_step(&mut fetch_other);
    let next = match player.outcome() {
        Outcome::BagFull => Event::Market,
        Outcome::LevelReached => Event::LvlUp,
        Outcome::GoOn => Event::Kill,
    };
    let hero = &player.hero;
    let mut pause_ms = KILLED.call(ctx, (hero.events, hero.name.clone(), reported(foes), time));
    if let Some(Completed { completed, new }) = completed {
        let quest = (hero.events, hero.name.clone(), completed, new);
        pause_ms += QUEST.call(ctx, quest);
    }
    Step::to(State::Killing).and_send_after(pause_ms, next)
}

/// The enemies as the report of the kill names them, with all their drops.
fn reported(foes: Foes) -> Enemy {
    Enemy {
        drop: counted(foes.count.into(), foes.enemy.drop),
        ..foes.enemy
    }
}

fn killing_lvl_up(Player { hero, .. }: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    hero.level_up(Stats::from_fn(|| ROLL.call(ctx, ())));
    let reached = (
        hero.events,
        hero.name.clone(),
        hero.stats,
        hero.lvl,
        hero.lvlexp,
    );
    let pause_ms = LVL_UP.call(ctx, reached);
    Step::to(State::Killing).and_send_after(pause_ms, Event::Kill)
}

fn killing_market(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let pause_ms = head_for(Place::Market, player, ctx);
    Step::to(State::Market).and_send_after(pause_ms, Event::Sell)
}

fn head_for(place: Place, Player { hero, .. }: &Player, ctx: &mut Ctx<'_>) -> u64 {
    LOCATION.call(ctx, (hero.events, hero.name.clone(), place, hero.time))
}

/// Only a hero sends events to itself, so an event in the wrong state is a mistake of our code or an attack. The hero
/// ends and is restarted, as after a `function_clause` in the book.
fn out_of_place(state: State, event: Event) -> Next {
    Step::stop(Reason::tagged(
        "bad_event",
        &format!("{event:?} in state {state:?}"),
    ))
}

#[cfg(test)]
mod tests;
