//! The hero: a state machine that walks between killing fields and marketplace, driven by its own events.
//!
//! The diagram is that of 1.0.0. Two transitions have changed: `kill` counts for the hero's quest, and `sell` brings
//! more money at a higher level.
//!
//! ```text
//!       sell  buy
//!      /   | |  \
//!      \   ^ ^  /
//!       [market]<----.        sell: one looted thing after another; nothing left: buy
//!       |            |        buy: one better thing per slot; nothing more: kill
//!  done buying    bag full
//!       v            |
//!   [killing]--------'        kill, which may complete a quest; lvl_up
//! ```
//!
//! This file has all transitions, because each version lists them completely. States, events and most rules are those
//! of 1.0.0. New rules are in `rules`, the quest is in `task`, the messages for programs of players are in `gmcp`, and
//! the conversions in [`crate::migrate`].

use std::borrow::Cow;

use pq_sdk::{
    Ctx, Export, From, GenFsm, InitError, Migration, Module, Pid, Reason, Step, Term,
    gen_fsm::Machine, regis,
};
use pq_words::{Enemy, Item, Name, Opts, Place, Quest, Slot, Stats};
use serde::{Deserialize, Serialize};

use crate::pq_enemy::{self, PqEnemy};
use crate::v1_0_0::pq_player::rules::Outcome;
use crate::v1_0_0::processquest::{events_name, register};
use crate::v1_0_0::{self, pq_market, pq_stats};
use crate::{pq_events, pq_quest};
use rules::Completed;
use task::Task;

pub use crate::v1_0_0::pq_player::{Call, Event, State, Supervisor};

mod form;

pub mod gmcp;

pub mod rules;

pub mod task;

/// A hero. An upgrade converts its parts by their names; in its encoded form the quest is one of these parts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "form::Fields")]
pub struct Player {
    /// The part that heroes of 1.0.0 also have. Its bag counts the enemies of this version.
    #[serde(flatten)]
    pub hero: v1_0_0::pq_player::Player<PqEnemy>,
    /// The current quest, with its remaining kills.
    pub quest: Task,
}

/// State and hero together, as they are exported and converted.
pub type Whole = Machine<State, Player>;

type Next = Step<State, Event>;

type Text = Cow<'static, str>;

pq_sdk::calls! {
    static INITIAL_ROLL: fn() -> Stats = pq_stats::INITIAL_ROLL;
    static ROLL: fn() -> u16 = pq_stats::ROLL;
    static FETCH_ENEMY: fn() -> Enemy = pq_enemy::FETCH;
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
    const VSN: &'static str = "1.1.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&gmcp::GMCP];
    const CALLS: &'static [&'static str] = CALLS;
}

impl GenFsm for Player {
    type State = State;
    type Event = Event;
    type Args = (Name, Opts);
    type Call = Call;
    const MIGRATIONS: &'static [Migration] = &[Migration::converts::<
        v1_0_0::pq_player::Whole,
        Whole,
    >("1.0.0")];

    fn init(
        (name, mut opts): (Name, Opts),
        ctx: &mut Ctx<'_>,
    ) -> Result<(Player, Next), InitError> {
        register(ctx, Term::string(&*name))?;
        let events = regis::whereis(ctx, events_name(&name)).ok_or(Reason::NoProc)?;
        let stats = opts.stats.unwrap_or_else(|| INITIAL_ROLL.call(ctx, ()));
        let quest = opts.quest.take();
        let quest = Task::from(quest.unwrap_or_else(|| FETCH_QUEST.call(ctx, ())));
        let hero = v1_0_0::pq_player::Player::new(name, events, stats, opts)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))?;
        let player = Player { hero, quest };
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
    let Some((loot, value)) = player.sell() else {
        return Step::to(State::Market).and_send(Event::Buy);
    };
    let hero = &player.hero;
    let sold = (hero.events, hero.name.clone(), loot.drop, value, hero.time);
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

/// The experience of a quest counts before the check for the next level. The report of the completed quest comes after
/// the report of the kill.
fn killing_kill(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let enemy = FETCH_ENEMY.call(ctx, ());
    player.hero.fight(&enemy);
    let mut fetch_other = |name| FETCH_OTHER_QUEST.call(ctx, (name,));
    let completed = player.quest_step(&mut fetch_other);
    let hero = &player.hero;
    let next = match hero.outcome() {
        Outcome::BagFull => Event::Market,
        Outcome::LevelReached => Event::LvlUp,
        Outcome::GoOn => Event::Kill,
    };
    let killed = (hero.events, hero.name.clone(), enemy, hero.time);
    let mut pause_ms = KILLED.call(ctx, killed);
    if let Some(Completed { completed, new }) = completed {
        let quest = (hero.events, hero.name.clone(), completed, new);
        pause_ms += QUEST.call(ctx, quest);
    }
    Step::to(State::Killing).and_send_after(pause_ms, next)
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
