//! News of a hero as a player reads them: lines, and pauses between them.
//!
//! Here is only what is said, and how long it takes. When it is said is the session's to decide
//! (`sockserv_serv`), and what happens at all the hero's (`processquest`).

use pq_sdk::{Export, Function, Functions, Module};
use pq_words::{Event, Place, Slot, Stats};
use serde::{Deserialize, Serialize};

/// The module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SockservTrans;

impl Module for SockservTrans {
    const NAME: &'static str = "sockserv_trans";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&TO_OUTPUT];
}

impl Functions for SockservTrans {}

/// A piece of a story.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// One or more lines, each ended with `\n`.
    Text(String),
    /// A pause, in milliseconds.
    Wait(u64),
}

/// `to_output(Event)`.
pub static TO_OUTPUT: Function<(Event<'static>,), Vec<Piece>> =
    Function::new("sockserv_trans", "to_output", |_ctx, (event,)| {
        to_output(&event)
    });

fn to_output(event: &Event<'_>) -> Vec<Piece> {
    match event {
        // FIDELITY: "a Ant" of 1.0.0 is the book's own; the next version's enemies begin with consonants.
        Event::Killed {
            ms, enemy, drop, ..
        } => later(
            *ms,
            format!("Executing a {enemy}...\n"),
            format!("Obtained {drop}.\n"),
        ),
        Event::Heading { place, .. } => vec![Piece::Text(heading(*place).to_string())],
        Event::LvlUp { stats, lvl, .. } => vec![Piece::Text(lvl_up(stats, *lvl))],
        Event::Buy { ms, slot, item } => {
            let begin = "Negotiating purchase of better equipment...\n".to_string();
            later(*ms, begin, format!("Bought a {item}{}\n", kind(*slot)))
        }
        Event::Sell { ms, drop, value } => later(
            *ms,
            format!("Selling {drop}\n"),
            format!("Got {value} bucks.\n"),
        ),
        Event::Quest { completed, new } => {
            let text = format!("Completed quest: {completed}...\nObtained new quest: {new}.\n");
            vec![Piece::Text(text)]
        }
    }
}

/// What begins now and ends `ms` milliseconds later.
fn later(ms: u64, begin: String, end: String) -> Vec<Piece> {
    vec![Piece::Text(begin), Piece::Wait(ms), Piece::Text(end)]
}

fn heading(place: Place) -> &'static str {
    match place {
        Place::Killing => "Heading to the killing fields...\n",
        Place::Market => "Heading to the marketplace to sell loot...\n",
    }
}

fn lvl_up(stats: &Stats, lvl: u32) -> String {
    format!(
        "Leveled up to level {lvl} Here are your new stats:\n{}\n\n",
        stat_lines(stats)
    )
}

/// Weapons say by their name what they are.
fn kind(slot: Slot) -> &'static str {
    match slot {
        Slot::Armor => " armor",
        Slot::Helmet => " helmet",
        Slot::Shield => " shield",
        Slot::Weapon => "",
    }
}

/// The six stats, one to a line.
pub fn stat_lines(stats: &Stats) -> String {
    stats
        .iter()
        .map(|(name, value)| format!("  {name}: {value}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(event: Event<'_>, expected: Expect) {
        let pieces = to_output(&event).into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Wait(ms) => format!("<{ms} ms>\n"),
        });
        expected.assert_eq(&pieces.collect::<String>());
    }

    #[test]
    fn a_kill_is_told_when_it_begins_and_when_it_ends() {
        let event = Event::Killed {
            ms: 1600,
            enemy: "Ant".into(),
            drop: "Ant Egg".into(),
            experience: 1,
        };
        check(
            event,
            expect![[r#"
            Executing a Ant...
            <1600 ms>
            Obtained Ant Egg.
        "#]],
        );
    }

    #[test]
    fn a_walk_is_told_in_one_line() {
        check(
            Event::Heading {
                ms: 800,
                place: Place::Killing,
            },
            expect![[r#"
            Heading to the killing fields...
        "#]],
        );
        check(
            Event::Heading {
                ms: 800,
                place: Place::Market,
            },
            expect![[r#"
            Heading to the marketplace to sell loot...
        "#]],
        );
    }

    #[test]
    fn a_level_comes_with_the_stats_and_two_empty_lines() {
        let stats = Stats {
            charisma: 7,
            constitution: 12,
            dexterity: 9,
            intelligence: 8,
            strength: 5,
            wisdom: 16,
        };
        check(
            Event::LvlUp {
                stats,
                lvl: 2,
                lvlexp: 100,
            },
            expect![[r#"
            Leveled up to level 2 Here are your new stats:
              Charisma: 7
              Constitution: 12
              Dexterity: 9
              Intelligence: 8
              Strength: 5
              Wisdom: 16


        "#]],
        );
    }

    #[test]
    fn a_bargain_says_what_was_bought_unless_it_is_a_weapon() {
        let buy = |slot, item: &'static str| Event::Buy {
            ms: 400,
            slot,
            item: item.into(),
        };
        check(
            buy(Slot::Armor, "wool"),
            expect![[r#"
            Negotiating purchase of better equipment...
            <400 ms>
            Bought a wool armor
        "#]],
        );
        for (slot, last) in [
            (Slot::Helmet, "Bought a wool helmet\n"),
            (Slot::Shield, "Bought a wool shield\n"),
            (Slot::Weapon, "Bought a wool\n"),
        ] {
            assert_eq!(
                to_output(&buy(slot, "wool"))[2],
                Piece::Text(last.to_string())
            );
        }
    }

    #[test]
    fn a_sale_names_the_loot_and_then_its_price() {
        check(
            Event::Sell {
                ms: 160,
                drop: "Pelt".into(),
                value: 1,
            },
            expect![[r#"
            Selling Pelt
            <160 ms>
            Got 1 bucks.
        "#]],
        );
    }

    #[test]
    fn a_quest_that_is_done_is_told_with_the_next_one() {
        let event = Event::Quest {
            completed: "Fetch me a nut".into(),
            new: "Slay the Bieber".into(),
        };
        check(
            event,
            expect![[r#"
            Completed quest: Fetch me a nut...
            Obtained new quest: Slay the Bieber.
        "#]],
        );
    }
}
