//! The enemies of the killing fields.

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module, RngExt};
use pq_words::Enemy;

/// The module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PqEnemy;

impl Module for PqEnemy {
    const NAME: &'static str = "pq_enemy";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FETCH];
}

impl Functions for PqEnemy {}

/// `fetch()`: one of the enemies, each as likely as any other.
pub static FETCH: Function<(), Enemy> =
    Function::new("pq_enemy", "fetch", |ctx, ()| choose(&ENEMIES, ctx).clone());

/// Enemies that a hero's bag has numbers for: see [`crate::pq_player::bag::Bag`].
pub trait Catalogue: 'static {
    /// All of them. Fewer than 1 000.
    const ENEMIES: &'static [Enemy];
}

impl Catalogue for PqEnemy {
    const ENEMIES: &'static [Enemy] = &ENEMIES;
}

static ENEMIES: [Enemy; 6] = [
    enemy("Ant", "Ant Egg", 1, 1),
    enemy("Wildcat", "Pelt", 1, 1),
    enemy("Pig", "Bacon", 1, 1),
    enemy("Wild Pig", "Tasty Ribs", 2, 1),
    enemy("Goblin", "Goblin hair", 1, 2),
    enemy("Robot", "Chunks of Metal", 3, 2),
];

/// A row of a table of enemies.
pub const fn enemy(name: &'static str, drop: &'static str, value: u32, experience: u32) -> Enemy {
    Enemy {
        name: Cow::Borrowed(name),
        drop: Cow::Borrowed(drop),
        value,
        experience,
    }
}

/// One of these, each as likely as any other. There must be one.
pub fn choose<'a>(enemies: &'a [Enemy], dice: &mut impl RngExt) -> &'a Enemy {
    &enemies[dice.random_range(0..enemies.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn the_table_is_that_of_the_book() {
        let list = "Ant, Ant Egg, 1, 1 | Wildcat, Pelt, 1, 1 | Pig, Bacon, 1, 1 | \
                    Wild Pig, Tasty Ribs, 2, 1 | Goblin, Goblin hair, 1, 2 | Robot, Chunks of Metal, 3, 2";
        let rows: Vec<String> = ENEMIES
            .iter()
            .map(|e| format!("{}, {}, {}, {}", e.name, e.drop, e.value, e.experience))
            .collect();
        assert_eq!(rows.join(" | "), list);
    }

    #[test]
    fn every_enemy_is_worth_fighting_and_leaves_something_behind() {
        for enemy in &ENEMIES {
            assert!(
                enemy.value > 0 && enemy.experience > 0 && !enemy.drop.is_empty(),
                "{enemy:?}"
            );
        }
        let total = |of: fn(&Enemy) -> u32| ENEMIES.iter().map(of).sum::<u32>();
        assert_eq!((total(|e| e.value), total(|e| e.experience)), (9, 8));
    }

    #[test]
    fn each_enemy_comes_as_often_as_any_other() {
        let seed = 1;
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut seen = BTreeMap::new();
        for _ in 0..6_000 {
            *seen
                .entry(choose(&ENEMIES, &mut dice).name.as_ref())
                .or_insert(0) += 1;
        }
        assert_eq!(seen.len(), ENEMIES.len());
        // Four standard deviations of 29 around the 1 000 that each should have.
        assert!(
            seen.values().all(|count| (884..=1_116).contains(count)),
            "seed {seed}: {seen:?}"
        );
    }
}
