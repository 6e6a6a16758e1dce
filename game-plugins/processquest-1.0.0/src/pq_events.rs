//! A hero's event manager, and the functions through which the hero tells it the news.
//!
//! Each function takes the manager, the hero's name, the news and the hero's pace (`time`), tells every
//! subscriber, and returns how many milliseconds the hero now pauses. The book's functions sleep that long
//! themselves; here nothing waits inside a callback, so the pause is the caller's to make.
//!
//! Who subscribes, with which handler, is not known here.

use std::borrow::Cow;

use pq_sdk::gen_event::EventManager;
use pq_sdk::{Ctx, Export, Function, InitError, Module, Pid};
use pq_words::{Enemy, Event, Item, Name, Place, Report, Slot, Stats};

use crate::processquest::{events_name, register};

/// The module.
pub struct PqEvents;

impl Module for PqEvents {
    const NAME: &'static str = "pq_events";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&KILLED, &LOCATION, &LVL_UP, &BUY, &SELL];
}

impl EventManager for PqEvents {
    type Args = (Name,);

    fn init((name,): (Name,), ctx: &mut Ctx<'_>) -> Result<(), InitError> {
        register(ctx, events_name(&name))
    }
}

/// `killed(Manager, Name, Enemy, Time)`.
pub static KILLED: Function<(Pid, Name, Enemy, u32), u64> = Function::new(
    "pq_events",
    "killed",
    |ctx, (manager, name, enemy, time)| tell(ctx, manager, &name, killed(&enemy, time)),
);

/// `location(Manager, Name, Place, Time)`.
pub static LOCATION: Function<(Pid, Name, Place, u32), u64> = Function::new(
    "pq_events",
    "location",
    |ctx, (manager, name, place, time)| tell(ctx, manager, &name, location(place, time)),
);

/// `lvl_up(Manager, Name, Stats, Lvl, LvlExp)`.
pub static LVL_UP: Function<(Pid, Name, Stats, u32, u64), u64> = Function::new(
    "pq_events",
    "lvl_up",
    |ctx, (manager, name, stats, lvl, lvlexp)| {
        tell(ctx, manager, &name, lvl_up(stats, lvl, lvlexp))
    },
);

/// `buy(Manager, Name, Slot, Item, Time)`.
pub static BUY: Function<(Pid, Name, Slot, Item, u32), u64> = Function::new(
    "pq_events",
    "buy",
    |ctx, (manager, name, slot, item, time)| tell(ctx, manager, &name, buy(slot, &item, time)),
);

/// `sell(Manager, Name, Drop, Value, Time)`.
pub static SELL: Function<(Pid, Name, Cow<'static, str>, u64, u32), u64> = Function::new(
    "pq_events",
    "sell",
    |ctx, (manager, name, drop, value, time)| tell(ctx, manager, &name, sell(&drop, value, time)),
);

/// An event, and the hero's pause after it in milliseconds.
type News<'a> = (Event<'a>, u64);

fn tell(ctx: &mut Ctx<'_>, manager: Pid, name: &Name, (event, pause_ms): News<'_>) -> u64 {
    let name = Cow::Borrowed(&**name);
    ctx.notify(manager, &Report { name, event });
    pause_ms
}

fn killed(enemy: &Enemy, time: u32) -> News<'_> {
    let ms = 2 * u64::from(time);
    let event = Event::Killed {
        ms,
        enemy: Cow::Borrowed(&enemy.name),
        drop: Cow::Borrowed(&enemy.drop),
        experience: enemy.experience.into(),
    };
    (event, ms)
}

fn location(place: Place, time: u32) -> News<'static> {
    let ms = time.into();
    (Event::Heading { ms, place }, ms)
}

fn lvl_up(stats: Stats, lvl: u32, lvlexp: u64) -> News<'static> {
    (Event::LvlUp { stats, lvl, lvlexp }, 0)
}

fn buy(slot: Slot, item: &Item, time: u32) -> News<'_> {
    let ms = rounded(time, 2);
    (
        Event::Buy {
            ms,
            slot,
            item: Cow::Borrowed(&item.name),
        },
        ms,
    )
}

/// FIDELITY: the telling takes a fifth of what the hero waits, as in the book.
fn sell(drop: &str, value: u64, time: u32) -> News<'_> {
    let event = Event::Sell {
        ms: rounded(time, 5),
        drop: Cow::Borrowed(drop),
        value,
    };
    (event, time.into())
}

/// `round(Time / Divisor)`: halves go up, as `erlang:round/1` has it.
fn rounded(time: u32, divisor: u64) -> u64 {
    (u64::from(time) + divisor / 2) / divisor
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check((event, pause_ms): News<'_>, expected: Expect) {
        expected.assert_eq(&format!("{event:?}, pause {pause_ms}"));
    }

    #[test]
    fn a_fight_takes_twice_the_pace() {
        let ant = crate::pq_enemy::enemy("Ant", "Ant Egg", 1, 1);
        check(
            killed(&ant, 800),
            expect![[
                r#"Killed { ms: 1600, enemy: "Ant", drop: "Ant Egg", experience: 1 }, pause 1600"#
            ]],
        );
    }

    #[test]
    fn a_walk_takes_the_pace() {
        check(
            location(Place::Killing, 800),
            expect!["Heading { ms: 800, place: Killing }, pause 800"],
        );
        check(
            location(Place::Market, 800),
            expect!["Heading { ms: 800, place: Market }, pause 800"],
        );
    }

    #[test]
    fn a_level_takes_no_time() {
        check(
            lvl_up(Stats::default(), 2, 100),
            expect![
                "LvlUp { stats: Stats { charisma: 0, constitution: 0, dexterity: 0, intelligence: 0, strength: 0, wisdom: 0 }, lvl: 2, lvlexp: 100 }, pause 0"
            ],
        );
    }

    #[test]
    fn a_bargain_takes_half_the_pace() {
        let lance = Item {
            name: "lance".into(),
            modifier: 0,
            level: 15,
            price: 44,
        };
        check(
            buy(Slot::Weapon, &lance, 801),
            expect![[r#"Buy { ms: 401, slot: Weapon, item: "lance" }, pause 401"#]],
        );
    }

    #[test]
    fn a_sale_is_told_in_a_fifth_of_the_pace_but_the_hero_pauses_for_all_of_it() {
        check(
            sell("Pelt", 1, 800),
            expect![[r#"Sell { ms: 160, drop: "Pelt", value: 1 }, pause 800"#]],
        );
    }

    #[test]
    fn without_a_pace_nobody_waits() {
        let ant = crate::pq_enemy::enemy("Ant", "Ant Egg", 1, 1);
        let lance = Item {
            name: "lance".into(),
            modifier: 0,
            level: 15,
            price: 44,
        };
        let pauses = [
            killed(&ant, 0).1,
            location(Place::Market, 0).1,
            buy(Slot::Weapon, &lance, 0).1,
            sell("Pelt", 1, 0).1,
        ];
        assert_eq!(pauses, [0; 4]);
    }

    #[test]
    fn shares_of_the_pace_are_rounded_to_the_nearest() {
        let halves: Vec<u64> = (0..5).map(|time| rounded(time, 2)).collect();
        assert_eq!(halves, [0, 1, 1, 2, 2]);
        let fifths: Vec<u64> = (0..10).map(|time| rounded(time, 5)).collect();
        assert_eq!(fifths, [0, 0, 0, 1, 1, 1, 1, 1, 2, 2]);
        assert_eq!(rounded(u32::MAX, 2), 1 << 31);
    }
}
