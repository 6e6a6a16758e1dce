//! The hero of 1.4.0 with a race, a class, spells, and eleven places for equipment.
//!
//! The diagram is that of 1.0.0. Four transitions have changed; all others are those of 1.4.0:
//!
//! | state, event | in this version |
//! |---|---|
//! | market, `sell` | a talent for sales brings more |
//! | market, `buy` | one better item for each of eleven places |
//! | killing, `kill` | a spell may be cast; a talent for fights teaches more |
//! | killing, `lvl_up` | the stat of the race gains a point, and the hero learns a spell |
//!
//! Rules are in `rules`, the equipment in `gear`, the encoded form in `form`, the messages for programs of players in `gmcp`, and the
//! conversions in [`crate::migrate`].

use std::borrow::Cow;

use pq_sdk::{
    Ctx, Export, From, GenFsm, InitError, Migration, Module, Pid, Step, gen_fsm::Machine,
};
use pq_words::{Enemy, Item, Name, Opts, Quest, Slot, Stats};
use serde::Deserialize;

use crate::migrate::LOST;
use crate::place::Place;
use crate::pq_market;
use crate::pq_origin::{self, Origin};
use crate::pq_spell::{self, Known};
use crate::v1_0_0::pq_player::rules::Outcome;
use crate::v1_0_0::pq_stats;
use crate::v1_1_0::pq_player::rules::Completed;
use crate::v1_1_0::{pq_events, pq_quest};
use crate::v1_4_0::pq_enemy::{self, Foes};
use crate::v1_4_0::pq_player::counted::counted;
use crate::v1_4_0::{self, pq_player as older};
use gear::{Gear, Seen};

pub use crate::v1_0_0::pq_player::{Call, Event, State, Supervisor};

pub mod gear;

mod form;

pub mod gmcp;

pub mod rules;

/// A hero. In its encoded form all parts are fields of one map.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "form::Fields")]
pub struct Player {
    /// The parts that heroes of 1.4.0 also have. Its own equipment stays empty: `gear` has it, and `seen` the places.
    pub old: older::Player,
    /// The equipment, which is called `equip` in the encoded form.
    pub gear: Gear,
    /// The places that it has asked the market for on this trip, called `bought` in the encoded form.
    pub seen: Seen,
    /// Race and class, which are two fields in the encoded form.
    pub origin: Origin,
    /// The spells that it knows, the first one it learned first.
    pub spells: Vec<Known>,
}

/// State and hero together, as they are exported and converted.
pub type Whole = Machine<State, Player>;

type Next = Step<State, Event>;

type Text = Cow<'static, str>;

pq_sdk::calls! {
    static ROLL: fn() -> u16 = pq_stats::ROLL;
    static MEET: fn() -> Foes = pq_enemy::MEET;
    static FETCH_OTHER_QUEST: fn(Text) -> Quest = pq_quest::FETCH_OTHER;
    static FIND_FOR: fn(Place, i32, u64) -> Option<Item> = pq_market::FIND_FOR;
    static FETCH_ORIGIN: fn() -> Origin = pq_origin::FETCH;
    static FETCH_SPELL: fn() -> Text = pq_spell::FETCH;
    static KILLED: fn(Pid, Name, Enemy, u32) -> u64 = pq_events::KILLED;
    static LVL_UP: fn(Pid, Name, Stats, u32, u64) -> u64 = pq_events::LVL_UP;
    static BUY: fn(Pid, Name, Slot, Item, u32) -> u64 = pq_events::BUY;
    static SELL: fn(Pid, Name, Text, u64, u32) -> u64 = pq_events::SELL;
    static QUEST: fn(Pid, Name, Text, Text) -> u64 = pq_events::QUEST;
}

impl Module for Player {
    const NAME: &'static str = "pq_player";
    const VSN: &'static str = "2.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&gmcp::GMCP];
    const CALLS: &'static [&'static str] =
        pq_sdk::constcat::concat_slices!([&'static str]: older::Player::CALLS, CALLS);
}

impl GenFsm for Player {
    type State = State;
    type Event = Event;
    type Args = (Name, Opts);
    type Call = Call;
    const MIGRATIONS: &'static [Migration] =
        &[Migration::converts::<v1_4_0::pq_player::Whole, Whole>("1.4.0").losing(LOST)];

    fn init(args: (Name, Opts), ctx: &mut Ctx<'_>) -> Result<(Player, Next), InitError> {
        let (old, next) = older::Player::init(args, ctx)?;
        let origin = FETCH_ORIGIN.call(ctx, ());
        Ok((Player::of(old, origin), next))
    }

    fn handle_event(&mut self, state: State, event: Event, ctx: &mut Ctx<'_>) -> Next {
        match (state, event) {
            (State::Market, Event::Sell) => market_sell(self, ctx),
            (State::Market, Event::Buy) => market_buy(self, ctx),
            (State::Killing, Event::Kill) => killing_kill(self, ctx),
            (State::Killing, Event::LvlUp) => killing_lvl_up(self, ctx),
            (state, event) => self.old.handle_event(state, event, ctx),
        }
    }

    fn handle_call(&mut self, state: State, call: Call, from: From, ctx: &mut Ctx<'_>) -> Next {
        self.old.handle_call(state, call, from, ctx)
    }
}

fn market_sell(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let Some((loot, count, value)) = player.sell() else {
        return Step::to(State::Market).and_send(Event::Buy);
    };
    let (hero, pile) = (&player.old.hero, counted(count, loot.drop));
    let sold = (hero.events, hero.name.clone(), pile, value, hero.time);
    let pause_ms = SELL.call(ctx, sold);
    Step::to(State::Market).and_send_after(pause_ms, Event::Sell)
}

fn market_buy(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let mut ask = |place: Place, above, money| FIND_FOR.call(ctx, (place, above, money));
    let Some((place, item)) = player.buy(&mut ask) else {
        return Step::to(State::Market).and_send(Event::Kill);
    };
    let hero = &player.old.hero;
    let (slot, item) = reported_item(place, item);
    let bought = (hero.events, hero.name.clone(), slot, item, hero.time);
    let pause_ms = BUY.call(ctx, bought);
    Step::to(State::Market).and_send_after(pause_ms, Event::Buy)
}

/// Equipment as the report of a purchase names it. The report knows the slots of 1.0.0. A weapon is the only one whose line has no word
/// for its kind, so an item of a further place is reported as one, and has the word itself.
fn reported_item(place: Place, item: Item) -> (Slot, Item) {
    match place.slot() {
        Some(slot) => (slot, item),
        None => {
            let name = Cow::Owned(place.described(&item));
            (Slot::Weapon, Item { name, ..item })
        }
    }
}

/// As in 1.4.0, the bag before the fight decides how long the fight takes.
fn killing_kill(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let foes = MEET.call(ctx, ());
    let (time, spell) = (player.old.fight_time(), player.cast(ctx));
    player.fight(&foes, spell.as_ref());
    let mut fetch_other = |name| FETCH_OTHER_QUEST.call(ctx, (name,));
    let completed = player.old.quest_step(&mut fetch_other);
    let next = match player.old.outcome() {
        Outcome::BagFull => Event::Market,
        Outcome::LevelReached => Event::LvlUp,
        Outcome::GoOn => Event::Kill,
    };
    let hero = &player.old.hero;
    let told = reported_foes(foes, spell.as_ref());
    let mut pause_ms = KILLED.call(ctx, (hero.events, hero.name.clone(), told, time));
    if let Some(Completed { completed, new }) = completed {
        let quest = (hero.events, hero.name.clone(), completed, new);
        pause_ms += QUEST.call(ctx, quest);
    }
    Step::to(State::Killing).and_send_after(pause_ms, next)
}

/// The enemies as the report of the kill names them: `3 Goblins by Mild Panic 2`, with all their drops.
fn reported_foes(foes: Foes, spell: Option<&Known>) -> Enemy {
    let drop = counted(foes.count.into(), foes.enemy.drop);
    let name = match spell {
        Some(spell) => Cow::Owned(format!("{} by {}", foes.enemy.name, spell.described())),
        None => foes.enemy.name,
    };
    Enemy {
        name,
        drop,
        value: foes.enemy.value,
        experience: foes.enemy.experience,
    }
}

fn killing_lvl_up(player: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let gain = Stats::from_fn(|| ROLL.call(ctx, ()));
    let spell = FETCH_SPELL.call(ctx, ());
    player.level_up(gain, spell);
    let hero = &player.old.hero;
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

#[cfg(test)]
mod tests;
