//! The enemies of the killing fields: those of 1.0.0 except the Ant, and sixteen more.

use pq_sdk::{Export, Function, Functions, Module};
use pq_words::Enemy;

use crate::v1_0_0::pq_enemy::{Catalogue, choose, enemy};

/// The module `pq_enemy`, which selects enemies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PqEnemy;

impl Module for PqEnemy {
    const NAME: &'static str = "pq_enemy";
    const VSN: &'static str = "1.1.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FETCH];
}

impl Functions for PqEnemy {}

/// `fetch()`: returns a random enemy, with equal probabilities.
pub static FETCH: Function<(), Enemy> =
    Function::new("pq_enemy", "fetch", |ctx, ()| choose(&ENEMIES, ctx).clone());

impl Catalogue for PqEnemy {
    const ENEMIES: &'static [Enemy] = &ENEMIES;
}

static ENEMIES: [Enemy; 22] = [
    enemy("Spider", "Spider Egg", 1, 1),
    enemy("Wildcat", "Pelt", 1, 1),
    enemy("Pig", "Bacon", 1, 1),
    enemy("Wild Pig", "Tasty Ribs", 2, 1),
    enemy("Goblin", "Goblin hair", 1, 2),
    enemy("Robot", "Chunks of Metal", 3, 2),
    enemy("Factory Worker", "Wrench", 2, 1),
    enemy("Carnie", "Cotton Candy", 1, 1),
    enemy("Mad Beaver", "Wood chips", 2, 1),
    enemy("Silent magpie", "Shiny things", 3, 1),
    enemy("Great Lizard", "Lizard tail", 1, 1),
    enemy("Cheetah", "Fur", 3, 4),
    enemy("Radish Horse", "Horseradish", 1, 2),
    enemy("Sand Worm", "Spices", 10, 25),
    enemy("Mule", "Map", 2, 12),
    enemy("Man Tree", "branch", 1, 2),
    enemy("Penguin Lord", "Penguin Egg", 1, 3),
    enemy("Cursed Priest", "Grail", 3, 5),
    enemy("Bearded cow", "Hairy milk", 1, 6),
    enemy("Hellish crow", "Black feather", 1, 1),
    enemy("Wolverine", "Puddle of blood", 1, 2),
    enemy("Gangsta Bear", "Bear Grylls", 3, 4),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1_0_0;

    #[test]
    fn the_table_is_that_of_the_book() {
        let list = "Spider, Spider Egg, 1, 1 | Wildcat, Pelt, 1, 1 | Pig, Bacon, 1, 1 | Wild Pig, Tasty Ribs, 2, 1 | \
                    Goblin, Goblin hair, 1, 2 | Robot, Chunks of Metal, 3, 2 | Factory Worker, Wrench, 2, 1 | \
                    Carnie, Cotton Candy, 1, 1 | Mad Beaver, Wood chips, 2, 1 | Silent magpie, Shiny things, 3, 1 | \
                    Great Lizard, Lizard tail, 1, 1 | Cheetah, Fur, 3, 4 | Radish Horse, Horseradish, 1, 2 | \
                    Sand Worm, Spices, 10, 25 | Mule, Map, 2, 12 | Man Tree, branch, 1, 2 | \
                    Penguin Lord, Penguin Egg, 1, 3 | Cursed Priest, Grail, 3, 5 | Bearded cow, Hairy milk, 1, 6 | \
                    Hellish crow, Black feather, 1, 1 | Wolverine, Puddle of blood, 1, 2 | Gangsta Bear, Bear Grylls, 3, 4";
        let rows: Vec<String> = ENEMIES
            .iter()
            .map(|e| format!("{}, {}, {}, {}", e.name, e.drop, e.value, e.experience))
            .collect();
        assert_eq!(rows.join(" | "), list);
    }

    #[test]
    fn of_the_enemies_of_1_0_0_only_the_ant_is_gone() {
        let before = v1_0_0::pq_enemy::PqEnemy::ENEMIES.iter();
        let gone: Vec<&str> = before
            .filter(|enemy| !ENEMIES.contains(enemy))
            .map(|enemy| enemy.name.as_ref())
            .collect();
        assert_eq!(gone, ["Ant"]);
    }
}
