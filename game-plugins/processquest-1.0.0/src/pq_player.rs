//! The hero: a state machine that lives on its own events.
//!
//! ```text
//!       sell  buy
//!      /   | |  \
//!      \   ^ ^  /
//!       [market]<----.        sell: one looted thing after another; nothing left: buy
//!       |            |        buy: one better thing per slot; nothing more: kill
//!  done buying    bag full
//!       v            |
//!   [killing]--------'        kill, lvl_up
//! ```
//!
//! Here are the state, and one function per arrow: it lets a rule decide (`rules`), tells the news
//! (`pq_events`), and says which event comes next and after which pause. What a hero carries is in `bag`,
//! what it wears in `equip`, what programs of players are told in `gmcp`. Enemies, the market and the dice are other modules, called at their current
//! version. Started by `pq_sup`.

use pq_sdk::{
    Ctx, Export, From, GenFsm, InitError, Module, Pid, Reason, Step, Term, gen_fsm::Machine, regis,
};
use pq_words::{Name, Opts, Place, Slot, Stats};
use serde::{Deserialize, Serialize};

use crate::pq_enemy::{self, Catalogue, PqEnemy};
use crate::processquest::{events_name, register};
use crate::{pq_events, pq_market, pq_stats};
use bag::Bag;
use equip::{Equip, Visited};
use rules::Outcome;

pub mod bag;

pub mod equip;

pub mod gmcp;

pub mod rules;

/// A hero. Its parts, by these names, are what an upgrade converts.
///
/// There may be a million of them in one node, so a part is as small as what it must hold. `C` are the
/// enemies whose drops the bag keeps as numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound = "C: Catalogue")]
pub struct Player<C: Catalogue = PqEnemy> {
    /// Its name in the registry.
    pub name: Name,
    /// The six stats.
    pub stats: Stats,
    /// Experience so far.
    pub exp: u64,
    /// The experience at which the next level comes.
    pub lvlexp: u64,
    /// The level.
    pub lvl: u32,
    /// What it wears.
    pub equip: Equip,
    /// What it can spend.
    pub money: u64,
    /// What it carries.
    pub loot: Bag<C>,
    /// For which slots it has been to the market on this trip.
    pub bought: Visited,
    /// Its pace in milliseconds.
    pub time: u32,
    /// Its event manager. The two are restarted together, so the pid stays right.
    pub events: Pid,
}

/// Where a hero is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// At the marketplace.
    Market,
    /// On the killing fields.
    Killing,
}

/// What moves a hero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Fight; at the market: go to where the enemies are.
    Kill,
    /// Sell the next thing.
    Sell,
    /// Buy the next thing.
    Buy,
    /// Reach the next level.
    LvlUp,
    /// Go to the market.
    Market,
}

/// What a hero can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Under which `pq_sup` it runs, for [`crate::processquest::STOP_PLAYER`]; a [`Supervisor`].
    Supervisor,
}

/// The answer to [`Call::Supervisor`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Supervisor {
    /// The hero's `pq_sup`; `None` when nobody supervises it.
    pub supervisor: Option<Pid>,
}

/// State and hero together: what is exported and converted.
pub type Whole = Machine<State, Player>;

type Next = Step<State, Event>;

impl Module for Player {
    const NAME: &'static str = "pq_player";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&gmcp::GMCP];
    const CALLS: &'static [&'static str] = &[
        "pq_enemy:fetch/0",
        "pq_events:buy/5",
        "pq_events:killed/4",
        "pq_events:location/4",
        "pq_events:lvl_up/5",
        "pq_events:sell/5",
        "pq_market:find/3",
        "pq_stats:initial_roll/0",
        "pq_stats:roll/0",
    ];
}

impl GenFsm for Player {
    type State = State;
    type Event = Event;
    type Args = (Name, Opts);
    type Call = Call;

    fn init((name, opts): (Name, Opts), ctx: &mut Ctx<'_>) -> Result<(Player, Next), InitError> {
        register(ctx, Term::string(&*name))?;
        let events = regis::whereis(ctx, events_name(&name)).ok_or(Reason::NoProc)?;
        let stats = opts
            .stats
            .unwrap_or_else(|| pq_stats::INITIAL_ROLL.call(ctx, ()));
        let hero = Player::new(name, events, stats, opts)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))?;
        Ok((hero, Step::to(State::Market).and_send(Event::Kill)))
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

fn market_sell(hero: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let Some(loot) = hero.sell() else {
        return Step::to(State::Market).and_send(Event::Buy);
    };
    let value = loot.value.into();
    let sold = (hero.events, hero.name.clone(), loot.drop, value, hero.time);
    let pause_ms = pq_events::SELL.call(ctx, sold);
    Step::to(State::Market).and_send_after(pause_ms, Event::Sell)
}

fn market_buy(hero: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let mut ask = |slot: Slot, above, money| pq_market::FIND.call(ctx, (slot, above, money));
    let Some((slot, item)) = hero.buy(&mut ask) else {
        return Step::to(State::Market).and_send(Event::Kill);
    };
    let bought = (hero.events, hero.name.clone(), slot, item, hero.time);
    let pause_ms = pq_events::BUY.call(ctx, bought);
    Step::to(State::Market).and_send_after(pause_ms, Event::Buy)
}

fn market_kill(hero: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let pause_ms = head_for(Place::Killing, hero, ctx);
    Step::to(State::Killing).and_send_after(pause_ms, Event::Kill)
}

fn killing_kill(hero: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let enemy = pq_enemy::FETCH.call(ctx, ());
    hero.fight(&enemy);
    let next = match hero.outcome() {
        Outcome::BagFull => Event::Market,
        Outcome::LevelReached => Event::LvlUp,
        Outcome::GoOn => Event::Kill,
    };
    let killed = (hero.events, hero.name.clone(), enemy, hero.time);
    let pause_ms = pq_events::KILLED.call(ctx, killed);
    Step::to(State::Killing).and_send_after(pause_ms, next)
}

fn killing_lvl_up(hero: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    hero.level_up(Stats::from_fn(|| pq_stats::ROLL.call(ctx, ())));
    let reached = (
        hero.events,
        hero.name.clone(),
        hero.stats,
        hero.lvl,
        hero.lvlexp,
    );
    let pause_ms = pq_events::LVL_UP.call(ctx, reached);
    Step::to(State::Killing).and_send_after(pause_ms, Event::Kill)
}

fn killing_market(hero: &mut Player, ctx: &mut Ctx<'_>) -> Next {
    let pause_ms = head_for(Place::Market, hero, ctx);
    Step::to(State::Market).and_send_after(pause_ms, Event::Sell)
}

fn head_for(place: Place, hero: &Player, ctx: &mut Ctx<'_>) -> u64 {
    pq_events::LOCATION.call(ctx, (hero.events, hero.name.clone(), place, hero.time))
}

/// Only a hero sends itself events, so one that is out of place is our mistake or somebody's mischief: the
/// hero ends and is started afresh, as after a `function_clause` in the book.
fn out_of_place(state: State, event: Event) -> Next {
    Step::stop(Reason::tagged(
        "bad_event",
        &format!("{event:?} in state {state:?}"),
    ))
}

#[cfg(test)]
mod tests;
