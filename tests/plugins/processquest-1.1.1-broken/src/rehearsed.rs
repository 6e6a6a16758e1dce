//! Faults that no conversion shows: they come with play. The setting `{fault, {Fault, Of}}` of processquest chooses one; `Of` is the
//! name of a hero or a number.
//!
//! | fault | of | what happens |
//! |---|---|---|
//! | `panics` | a hero | it panics in its first event |
//! | `late` | milliseconds | all heroes panic when the node is that old |
//! | `level` | a level | heroes of that level and above panic |
//! | `leaks` | bytes | each event keeps that much memory for ever |
//! | `slows` | calls of the node | each event makes that many for each piece of loot |
//! | `doubles` | any | each sale brings twice the money |
//! | `loses` | any | each sale takes one more piece of loot, for nothing |
//! | `loops` | a hero | its first event does not end |
//! | `spins` | a hero | its events follow each other without a pause |
//! | `suspects` | a hero | the check finds its state wrong |

use std::collections::BTreeMap;
use std::hint::black_box;

use pq_sdk::{Ctx, Function, Term};

use crate::pq_player::{Event, Whole};
use crate::v1_1_0::pq_player::Player;

/// `measures(Hero)`: the figures of a hero for a rehearsal.
pub(crate) static MEASURES: Function<(Whole,), BTreeMap<String, u64>> =
    Function::new("pq_player", "measures", |_ctx, (whole,)| {
        let hero = &whole.data.0.hero;
        let figures = [
            ("level", hero.lvl.into()),
            ("gold", hero.money),
            ("loot", hero.loot.len() as u64),
        ];
        figures
            .map(|(name, value)| (name.to_string(), value))
            .into()
    });

/// `check(Hero)`: `ok`, or what is wrong with a hero.
pub(crate) static CHECK: Function<(Whole,), String> =
    Function::new("pq_player", "check", |ctx, (whole,)| {
        let hero = &whole.data.0.hero;
        match fault(ctx) {
            Some((fault, of)) if fault == "suspects" && is(&of, &hero.name) => {
                format!("it has {} gold and no right to it", hero.money)
            }
            _ => "ok".to_string(),
        }
    });

fn fault(ctx: &mut Ctx<'_>) -> Option<(String, Term)> {
    let setting = ctx.env("processquest", "fault")?;
    match setting.as_tuple()? {
        [fault, of] => Some((fault.as_atom()?.as_str().to_string(), of.clone())),
        _ => None,
    }
}

fn is(of: &Term, name: &str) -> bool {
    of.as_str() == Some(name)
}

fn number(of: &Term) -> u64 {
    of.as_i64().unwrap_or_default().cast_unsigned()
}

/// The faults before an event.
pub(crate) fn before(player: &mut Player, event: Event, ctx: &mut Ctx<'_>) {
    let Some((fault, of)) = fault(ctx) else {
        return;
    };
    let hero = &mut player.hero;
    match &*fault {
        "panics" => assert!(!is(&of, &hero.name), "{} panics", hero.name),
        "late" => assert!(ctx.now_ms() < number(&of), "{} is tired", hero.name),
        "level" => assert!(
            u64::from(hero.lvl) < number(&of),
            "{} is too high",
            hero.name
        ),
        "leaks" => {
            vec![1_u8; number(&of) as usize].leak();
        }
        "slows" => {
            for _ in 0..number(&of) * hero.loot.len() as u64 {
                black_box(ctx.now_ms());
            }
        }
        "loses" if event == Event::Sell => drop(hero.loot.take()),
        "loops" if is(&of, &hero.name) => loop {
            black_box(ctx.now_ms());
        },
        _ => (),
    }
}

/// The faults behind an event, which began with this money.
pub(crate) fn after(player: &mut Player, (event, money): (Event, u64), ctx: &mut Ctx<'_>) {
    let Some((fault, of)) = fault(ctx) else {
        return;
    };
    let hero = &mut player.hero;
    match &*fault {
        "doubles" if event == Event::Sell => {
            let earned = hero.money.saturating_sub(money);
            hero.earn(earned);
        }
        // A pause is a multiple of the pace.
        "spins" if is(&of, &hero.name) => hero.time = 0,
        _ => (),
    }
}
