//! The quests, and their random selection.
//!
//! The remaining kills of a hero's quest are in the state of the hero (`pq_player`).

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module, RngExt};
use pq_words::Quest;

/// The module `pq_quest`, which selects quests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PqQuest;

impl Module for PqQuest {
    const NAME: &'static str = "pq_quest";
    const VSN: &'static str = "1.1.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FETCH, &FETCH_OTHER];
}

impl Functions for PqQuest {}

/// `fetch()`: returns a random quest, with equal probabilities.
pub static FETCH: Function<(), Quest> =
    Function::new("pq_quest", "fetch", |ctx, ()| any(ctx).clone());

/// `fetch_other(Name)`: returns a random quest with another name, with equal probabilities.
pub static FETCH_OTHER: Function<(Cow<'static, str>,), Quest> =
    Function::new("pq_quest", "fetch_other", |ctx, (name,)| {
        other(&name, ctx).clone()
    });

/// All quests, with the number of kills that each takes.
pub static QUESTS: [Quest; 7] = [
    quest("Fetch me a nut", 150, 20),
    quest("Cancel the festival", 65, 8),
    quest("Summon the dragon", 1_000, 100),
    quest("Meet the invisible man", 200, 25),
    quest("Find quest ideas", 340, 32),
    quest("Invent maple syrup", 1_500, 175),
    quest("Slay the Bieber", 500, 45),
];

const fn quest(name: &'static str, experience: u32, kills: u32) -> Quest {
    Quest {
        name: Cow::Borrowed(name),
        experience,
        kills,
    }
}

/// Returns a random quest, with equal probabilities.
pub fn any(dice: &mut impl RngExt) -> &'static Quest {
    &QUESTS[dice.random_range(0..QUESTS.len())]
}

/// Returns a random quest whose name is not `name`, with equal probabilities.
pub fn other(name: &str, dice: &mut impl RngExt) -> &'static Quest {
    let others: Vec<&Quest> = QUESTS.iter().filter(|quest| quest.name != name).collect();
    others[dice.random_range(0..others.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn the_table_is_that_of_the_book() {
        let list = "Fetch me a nut, 150, 20 | Cancel the festival, 65, 8 | Summon the dragon, 1000, 100 | \
                    Meet the invisible man, 200, 25 | Find quest ideas, 340, 32 | Invent maple syrup, 1500, 175 | \
                    Slay the Bieber, 500, 45";
        let rows: Vec<String> = QUESTS
            .iter()
            .map(|q| format!("{}, {}, {}", q.name, q.experience, q.kills))
            .collect();
        assert_eq!(rows.join(" | "), list);
    }

    /// The frequency of each quest in 7 000 draws.
    fn count(draw: impl Fn(&mut Xoshiro256PlusPlus) -> &'static Quest) -> BTreeMap<String, u32> {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut seen = BTreeMap::new();
        for _ in 0..7_000 {
            *seen.entry(draw(&mut dice).name.to_string()).or_insert(0) += 1;
        }
        seen
    }

    #[test]
    fn each_quest_comes_as_often_as_any_other() {
        let seen = count(any);
        assert_eq!(seen.len(), 7);
        // Four standard deviations of 29 around the expected 1 000.
        let fair = seen.values().all(|count| (883..=1_117).contains(count));
        assert!(fair, "seed 1: {seen:?}");
    }

    #[test]
    fn a_quest_is_never_followed_by_itself_and_by_all_others_alike() {
        for done in &QUESTS {
            let seen = count(|dice| other(&done.name, dice));
            assert_eq!((seen.len(), seen.get(&*done.name)), (6, None));
            // Four standard deviations of 31 around the expected 1 167.
            let fair = seen.values().all(|count| (1_042..=1_292).contains(count));
            assert!(fair, "seed 1: {seen:?}");
        }
    }

    #[test]
    fn a_quest_from_elsewhere_is_followed_by_any_of_these() {
        assert_eq!(count(|dice| other("Water the moon", dice)).len(), 7);
    }
}
