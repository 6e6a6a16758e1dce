//! The enemies of the killing fields: those of 1.1.0, alone or in groups, in moods, and some with names of their own.
//!
//! ```text
//!   a row of 1.1.0 ─┬─► alone:  "Goblin"         ─┐
//!                   ├─► group:  "3 Goblins"       ├─► with a mood or without: "3 drowsy Goblins"
//!                   └─► famous: "Brackle the Goblin"
//! ```
//! An encounter leaves the drop of its row, so bags of heroes, which number the drops of 1.1.0, stay as small as they were.
//! `sockserv_trans` chooses the article before the name.

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module, RngExt};
use pq_words::Enemy;

use crate::v1_0_0::pq_enemy::{Catalogue, choose};
use crate::v1_1_0::pq_enemy::PqEnemy as Rows;

/// The module `pq_enemy`, which selects enemies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PqEnemy;

impl Module for PqEnemy {
    const NAME: &'static str = "pq_enemy";
    const VSN: &'static str = "1.3.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FETCH];
}

impl Functions for PqEnemy {}

/// `fetch()`: returns a random encounter.
pub static FETCH: Function<(), Enemy> =
    Function::new("pq_enemy", "fetch", |ctx, ()| meet(ctx).enemy());

/// The largest group of enemies that attacks together.
pub const GROUP_MAX: u32 = 5;

/// Enemies that a hero meets at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encounter {
    /// The row of the table.
    pub row: &'static Enemy,
    /// The company of the enemy.
    pub company: Company,
    /// The mood that all of them are in.
    pub mood: Option<&'static Mood>,
}

/// The company in which an enemy comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Company {
    /// The enemy is alone.
    Alone,
    /// So many of them come together: from 2 to [`GROUP_MAX`].
    Group(u32),
    /// The enemy is alone and has this name.
    Famous(&'static str),
}

/// A mood, and its effect on the experience.
#[derive(PartialEq, Eq, Debug)]
pub struct Mood {
    /// The word before the name of the enemy.
    pub word: &'static str,
    /// The experience in percent of that without a mood.
    pub experience_percent: u32,
}

/// The moods, the mildest first.
pub static MOODS: [Mood; 8] = [
    mood("drowsy", 50),
    mood("homesick", 50),
    mood("off-duty", 75),
    mood("underpaid", 100),
    mood("grumpy", 125),
    mood("overdue", 150),
    mood("rain-soaked", 150),
    mood("insufferable", 200),
];

/// The names of famous enemies.
pub static NAMES: [&str; 8] = [
    "Brackle",
    "Umbo",
    "Tessimond",
    "Quillon",
    "Hobnail",
    "Vesperine",
    "Drizzle",
    "Old Moss",
];

/// A famous enemy is worth so many of its kind.
const FAMOUS_WORTH: u32 = 3;

const fn mood(word: &'static str, experience_percent: u32) -> Mood {
    Mood {
        word,
        experience_percent,
    }
}

/// Returns a random encounter: of ten, six are with one enemy, three with a group, and one with a famous enemy. Four of ten
/// are in a mood, except famous enemies, which are above that.
pub fn meet(dice: &mut impl RngExt) -> Encounter {
    let row = choose(Rows::ENEMIES, dice);
    let company = match dice.random_range(0..10) {
        0..6 => Company::Alone,
        6..9 => Company::Group(dice.random_range(2..=GROUP_MAX)),
        _ => Company::Famous(NAMES[dice.random_range(0..NAMES.len())]),
    };
    let is_moody = dice.random_range(0..10) < 4 && !matches!(company, Company::Famous(_));
    let mood = is_moody.then(|| &MOODS[dice.random_range(0..MOODS.len())]);
    Encounter { row, company, mood }
}

impl Encounter {
    /// The encounter as heroes fight it, with the drop of its row.
    pub fn enemy(self) -> Enemy {
        Enemy {
            name: self.name(),
            drop: self.row.drop.clone(),
            value: self.row.value,
            experience: self.experience(),
        }
    }

    /// The name without an article: `Goblin`, `drowsy Goblin`, `3 Goblins`, `Brackle the Goblin`.
    pub fn name(self) -> Cow<'static, str> {
        let kind = match self.company {
            Company::Group(_) => Cow::Owned(plural(&self.row.name)),
            Company::Alone | Company::Famous(_) => self.row.name.clone(),
        };
        let kind = match self.mood {
            Some(mood) => Cow::Owned(format!("{} {kind}", mood.word)),
            None => kind,
        };
        match self.company {
            Company::Alone => kind,
            Company::Group(count) => Cow::Owned(format!("{count} {kind}")),
            Company::Famous(name) => Cow::Owned(format!("{name} the {kind}")),
        }
    }

    /// The number of enemies of the row that the encounter is worth.
    pub fn worth(self) -> u32 {
        match self.company {
            Company::Alone => 1,
            Company::Group(count) => count,
            Company::Famous(_) => FAMOUS_WORTH,
        }
    }

    /// The experience: that of the row for each enemy, changed by the mood, and at least 1.
    pub fn experience(self) -> u32 {
        let percent = self.mood.map_or(100, |mood| mood.experience_percent);
        let all = self.row.experience.saturating_mul(self.worth());
        (all.saturating_mul(percent) / 100).max(1)
    }
}

/// The plural of a name whose last word is its noun, by the rules for regular nouns of English.
pub fn plural(name: &str) -> String {
    let hisses = ["s", "x", "z", "ch", "sh"];
    let before_y = name
        .strip_suffix('y')
        .filter(|stem| stem.ends_with(|last: char| !"aeiouAEIOU".contains(last)));
    match before_y {
        Some(stem) => format!("{stem}ies"),
        None if hisses.iter().any(|end| name.ends_with(end)) => format!("{name}es"),
        None => format!("{name}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    const SEED: u64 = 1;

    fn goblin(company: Company, mood: Option<&'static Mood>) -> Encounter {
        let goblin = |row: &&Enemy| row.name == "Goblin";
        let row = Rows::ENEMIES.iter().find(goblin).unwrap();
        Encounter { row, company, mood }
    }

    fn many() -> Vec<Encounter> {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(SEED);
        (0..10_000).map(|_| meet(&mut dice)).collect()
    }

    #[test]
    fn the_name_says_how_many_there_are_and_what_they_are_like() {
        let drowsy = Some(&MOODS[0]);
        for (company, mood, name, experience) in [
            (Company::Alone, None, "Goblin", 2),
            (Company::Alone, drowsy, "drowsy Goblin", 1),
            (Company::Group(3), None, "3 Goblins", 6),
            (Company::Group(3), drowsy, "3 drowsy Goblins", 3),
            (Company::Famous("Umbo"), None, "Umbo the Goblin", 6),
        ] {
            let enemy = goblin(company, mood).enemy();
            assert_eq!((&*enemy.name, enemy.experience), (name, experience));
        }
    }

    #[test]
    fn plurals_follow_the_last_letters() {
        for (one, many) in [
            ("Goblin", "Goblins"),
            ("Carnie", "Carnies"),
            ("Lynx", "Lynxes"),
            ("Finch", "Finches"),
            ("Fairy", "Fairies"),
            ("Donkey", "Donkeys"),
            ("", "s"),
        ] {
            assert_eq!(plural(one), many);
        }
    }

    #[test]
    fn everybody_teaches_something_and_leaves_what_a_bag_of_1_1_0_has_a_number_for() {
        for encounter in many() {
            let enemy = encounter.enemy();
            assert!(enemy.experience > 0, "{enemy:?}");
            let drop = (&enemy.drop, enemy.value);
            let is_known = |row: &Enemy| (&row.drop, row.value) == drop;
            assert!(Rows::ENEMIES.iter().any(is_known), "{enemy:?}");
        }
    }

    #[test]
    fn every_company_and_every_mood_comes_as_often_as_it_should() {
        let all = many();
        let count = |what: fn(&Encounter) -> bool| all.iter().filter(|one| what(one)).count();
        // Five standard deviations of at most 50 around the expected numbers.
        let alone = count(|one| one.company == Company::Alone);
        assert!((5_750..6_250).contains(&alone), "seed {SEED}: {alone}");
        let famous = count(|one| matches!(one.company, Company::Famous(_)));
        assert!((850..1_150).contains(&famous), "seed {SEED}: {famous}");
        let moody = count(|one| one.mood.is_some());
        assert!((3_350..3_850).contains(&moody), "seed {SEED}: {moody}");
        let moods = all.iter().filter_map(|one| one.mood.map(|mood| mood.word));
        assert_eq!(moods.collect::<BTreeSet<_>>().len(), MOODS.len());
        let sizes = all.iter().filter_map(|one| match one.company {
            Company::Group(size) => Some(size),
            _ => None,
        });
        assert_eq!(
            sizes.collect::<BTreeSet<_>>(),
            (2..=GROUP_MAX).collect::<BTreeSet<_>>()
        );
    }
}
