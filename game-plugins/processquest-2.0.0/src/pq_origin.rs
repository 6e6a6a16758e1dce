//! Races and classes of heroes. A race makes one stat grow faster; a class helps in fights, at the market, or with spells.

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module, RngExt};
use pq_words::Stats;
use serde::{Deserialize, Serialize};

/// The module `pq_origin`, which draws races and classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PqOrigin;

/// The names of a race and a class, each a row of the tables below, or one of another version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The name of the race.
    pub race: Cow<'static, str>,
    /// The name of the class.
    pub class: Cow<'static, str>,
}

/// The thing that a class is good at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Talent {
    /// A tenth more experience from each fight.
    Fights,
    /// A tenth more money from each sale.
    Sales,
    /// Spells in twice as many fights.
    Spells,
}

impl Module for PqOrigin {
    const NAME: &'static str = "pq_origin";
    const VSN: &'static str = "2.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FETCH];
}

impl Functions for PqOrigin {}

/// `fetch()`: returns a random origin.
pub static FETCH: Function<(), Origin> = Function::new("pq_origin", "fetch", |ctx, ()| any(ctx));

/// The stat of a race among those of a hero.
pub type Favourite = fn(&mut Stats) -> &mut u16;

/// The races, each with the stat that gains one point more at each level.
pub static RACES: [(&str, Favourite); 6] = [
    ("Mossling", |stats| &mut stats.constitution),
    ("Half-Lamp", |stats| &mut stats.intelligence),
    ("Bog Aristocrat", |stats| &mut stats.charisma),
    ("Clockwork Otter", |stats| &mut stats.dexterity),
    ("Reformed Scarecrow", |stats| &mut stats.wisdom),
    ("Barrow Porter", |stats| &mut stats.strength),
];

/// The classes with their talents.
pub static CLASSES: [(&str, Talent); 6] = [
    ("Umbrella Fencer", Talent::Fights),
    ("Toll Monk", Talent::Sales),
    ("Pantry Mage", Talent::Spells),
    ("Fog Herder", Talent::Fights),
    ("Coupon Knight", Talent::Sales),
    ("Soup Prophet", Talent::Spells),
];

/// Returns a random origin, with equal probabilities.
pub fn any(dice: &mut impl RngExt) -> Origin {
    Origin {
        race: Cow::Borrowed(RACES[dice.random_range(0..RACES.len())].0),
        class: Cow::Borrowed(CLASSES[dice.random_range(0..CLASSES.len())].0),
    }
}

impl Origin {
    /// The talent of the class; `None` for a class of another version.
    pub fn talent(&self) -> Option<Talent> {
        let row = CLASSES.iter().find(|(name, _)| *name == self.class);
        row.map(|(_, talent)| *talent)
    }

    /// Adds the point that the race gains at a level. A race of another version gains none.
    pub fn grow(&self, stats: &mut Stats) {
        if let Some((_, stat)) = RACES.iter().find(|(name, _)| *name == self.race) {
            let stat = stat(stats);
            *stat = stat.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn every_race_and_every_class_comes() {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(1);
        let all: Vec<Origin> = (0..500).map(|_| any(&mut dice)).collect();
        let races: BTreeSet<&str> = all.iter().map(|origin| &*origin.race).collect();
        let classes: BTreeSet<&str> = all.iter().map(|origin| &*origin.class).collect();
        assert_eq!((races.len(), classes.len()), (RACES.len(), CLASSES.len()));
    }

    #[test]
    fn each_race_gains_in_one_stat_of_its_own() {
        let mut grown = BTreeSet::new();
        for (race, _) in RACES {
            let origin = Origin {
                race: race.into(),
                class: CLASSES[0].0.into(),
            };
            let mut stats = Stats::default();
            origin.grow(&mut stats);
            let (name, value) = stats.iter().max_by_key(|(_, value)| *value).unwrap();
            assert_eq!((value, stats.iter().map(|(_, v)| v).sum::<u16>()), (1, 1));
            grown.insert(name);
        }
        assert_eq!(grown.len(), RACES.len());
    }
}
