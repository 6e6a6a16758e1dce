//! News of a hero as a player reads them: the lines of 1.0.0, with the right article before each name, and with the title that a
//! hero gets at certain levels.
//!
//! | name | line |
//! |---|---|
//! | `Goblin` | Executing a Goblin... |
//! | `overdue Goblin` | Executing an overdue Goblin... |
//! | `3 Goblins`, `Umbo the Goblin` | Executing 3 Goblins... |
//!
//! The file has all lines, because a function of 1.0.0 that is called by its name is the current one: this one.

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module};
use pq_words::{Event, Place, Slot, Stats};

use crate::v1_0_0::sockserv_trans::stat_lines;

pub use crate::v1_0_0::sockserv_trans::Piece;

/// The module `sockserv_trans`, which turns news into lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SockservTrans;

impl Module for SockservTrans {
    const NAME: &'static str = "sockserv_trans";
    const VSN: &'static str = "1.3.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&TO_OUTPUT];
}

impl Functions for SockservTrans {}

/// `to_output(Event)`: returns the lines about an event, and the pauses between them.
pub static TO_OUTPUT: Function<(Event<'static>,), Vec<Piece>> =
    Function::new("sockserv_trans", "to_output", |_ctx, (event,)| {
        to_output(&event)
    });

/// The titles of heroes, each with the level at which a hero gets it.
pub const TITLES: [(u32, &str); 8] = [
    (2, "Doorstep Adventurer"),
    (4, "Puddle Crosser"),
    (6, "Lantern Bearer"),
    (8, "Ditch Captain"),
    (11, "Scourge of Picnics"),
    (14, "Warden of the Long Queue"),
    (18, "Umbrella Knight"),
    (22, "Living Footnote"),
];

fn to_output(event: &Event<'_>) -> Vec<Piece> {
    match event {
        Event::Killed {
            ms, enemy, drop, ..
        } => later(
            *ms,
            format!("Executing {}...\n", with_article(enemy)),
            format!("Obtained {drop}.\n"),
        ),
        Event::Heading { place, .. } => text(heading(*place).to_string()),
        Event::LvlUp { stats, lvl, .. } => text(lvl_up(stats, *lvl)),
        Event::Buy { ms, slot, item } => {
            let begin = "Negotiating purchase of better equipment...\n".to_string();
            let bought = with_article(item);
            later(*ms, begin, format!("Bought {bought}{}\n", kind(*slot)))
        }
        Event::Sell { ms, drop, value } => later(
            *ms,
            format!("Selling {drop}\n"),
            format!("Got {value} bucks.\n"),
        ),
        Event::Quest { completed, new } => text(format!(
            "Completed quest: {completed}...\nObtained new quest: {new}.\n"
        )),
    }
}

fn text(text: String) -> Vec<Piece> {
    vec![Piece::Text(text)]
}

/// A line at the beginning, and one that follows `ms` milliseconds later.
fn later(ms: u64, begin: String, end: String) -> Vec<Piece> {
    vec![Piece::Text(begin), Piece::Wait(ms), Piece::Text(end)]
}

fn heading(place: Place) -> &'static str {
    match place {
        Place::Killing => "Heading to the killing fields...\n",
        Place::Market => "Heading to the marketplace to sell loot...\n",
    }
}

/// The lines of a new level. The title comes before the stats, whose empty line ends the text.
fn lvl_up(stats: &Stats, lvl: u32) -> String {
    let stats = stat_lines(stats);
    let title = match title(lvl) {
        Some(title) => format!("Your hero is {} from now on.\n", with_article(title)),
        None => String::new(),
    };
    format!("Leveled up to level {lvl} Here are your new stats:\n{stats}{title}\n\n")
}

/// The title that a hero gets at this level; `None` if the title stays as it is.
pub fn title(lvl: u32) -> Option<&'static str> {
    let found = TITLES.iter().find(|(from, _)| *from == lvl);
    found.map(|(_, title)| *title)
}

/// The name with its indefinite article. A number of things and a name of somebody's own, `Umbo the Goblin`, have none.
pub fn with_article(name: &str) -> Cow<'_, str> {
    let Some(first) = name.chars().next() else {
        return Cow::Borrowed(name);
    };
    let is_title = TITLES.iter().any(|(_, title)| *title == name);
    let is_own = name.contains(" the ") && !is_title;
    match first {
        '0'..='9' => Cow::Borrowed(name),
        _ if is_own => Cow::Borrowed(name),
        'a' | 'e' | 'i' | 'o' | 'u' | 'A' | 'E' | 'I' | 'O' | 'U' => {
            Cow::Owned(format!("an {name}"))
        }
        _ => Cow::Owned(format!("a {name}")),
    }
}

/// The word behind equipment. Weapons say by their name what they are.
fn kind(slot: Slot) -> &'static str {
    match slot {
        Slot::Armor => " armor",
        Slot::Helmet => " helmet",
        Slot::Shield => " shield",
        Slot::Weapon => "",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn told(event: &Event<'_>) -> String {
        let pieces = to_output(event).into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Wait(ms) => format!("<{ms} ms>\n"),
        });
        pieces.collect()
    }

    #[test]
    fn a_name_has_the_article_that_its_first_letter_asks_for() {
        for (name, told) in [
            ("Goblin", "a Goblin"),
            ("Ant", "an Ant"),
            ("overdue Goblin", "an overdue Goblin"),
            ("3 Goblins", "3 Goblins"),
            ("Umbo the Goblin", "Umbo the Goblin"),
            ("Warden of the Long Queue", "a Warden of the Long Queue"),
            ("", ""),
        ] {
            assert_eq!(with_article(name), told);
        }
    }

    #[test]
    fn a_fight_with_several_enemies_has_no_article() {
        let event = Event::Killed {
            ms: 1_600,
            enemy: "3 drowsy Goblins".into(),
            drop: "Goblin hair".into(),
            experience: 3,
        };
        expect![[r#"
            Executing 3 drowsy Goblins...
            <1600 ms>
            Obtained Goblin hair.
        "#]]
        .assert_eq(&told(&event));
    }

    #[test]
    fn a_level_with_a_title_says_so_and_every_other_level_is_told_as_before() {
        let level = |lvl| Event::LvlUp {
            stats: Stats::default(),
            lvl,
            lvlexp: 100,
        };
        expect![[r#"
            Leveled up to level 18 Here are your new stats:
              Charisma: 0
              Constitution: 0
              Dexterity: 0
              Intelligence: 0
              Strength: 0
              Wisdom: 0
            Your hero is an Umbrella Knight from now on.


        "#]]
        .assert_eq(&told(&level(18)));
        assert!(!told(&level(3)).contains("Your hero"));
        let mut levels = TITLES.map(|(lvl, _)| lvl).to_vec();
        levels.dedup();
        assert!(levels.len() == TITLES.len() && levels.is_sorted());
    }

    #[test]
    fn all_other_news_are_told_as_before() {
        let buy = |slot, item: &'static str| {
            told(&Event::Buy {
                ms: 400,
                slot,
                item: item.into(),
            })
        };
        expect![[r#"
            Negotiating purchase of better equipment...
            <400 ms>
            Bought a wool armor
        "#]]
        .assert_eq(&buy(Slot::Armor, "wool"));
        assert!(buy(Slot::Weapon, "iron ladle").ends_with("Bought an iron ladle\n"));
        let sell = Event::Sell {
            ms: 160,
            drop: "Pelt".into(),
            value: 1,
        };
        assert_eq!(told(&sell), "Selling Pelt\n<160 ms>\nGot 1 bucks.\n");
        let heading = Event::Heading {
            ms: 800,
            place: Place::Killing,
        };
        assert_eq!(told(&heading), "Heading to the killing fields...\n");
        let quest = Event::Quest {
            completed: "Fetch me a nut".into(),
            new: "Slay the Bieber".into(),
        };
        assert_eq!(
            told(&quest),
            "Completed quest: Fetch me a nut...\nObtained new quest: Slay the Bieber.\n"
        );
    }
}
