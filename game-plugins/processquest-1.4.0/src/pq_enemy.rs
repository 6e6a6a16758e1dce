//! The enemies of 1.3.0, and their number.

use pq_sdk::{Export, Function, Functions, Module};
use pq_words::Enemy;
use serde::{Deserialize, Serialize};

use crate::v1_3_0::pq_enemy::{Company, Encounter, meet};

pub use crate::v1_3_0::pq_enemy::{FETCH, plural};

/// The module `pq_enemy`, with the functions of 1.3.0 and `meet/0`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PqEnemy;

/// Enemies that a hero meets at once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Foes {
    /// All of them as one enemy, as in `fetch/0`, with the drop of one.
    pub enemy: Enemy,
    /// Their number, which is also that of their drops.
    pub count: u32,
}

impl Module for PqEnemy {
    const NAME: &'static str = "pq_enemy";
    const VSN: &'static str = "1.4.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FETCH, &MEET];
}

impl Functions for PqEnemy {}

/// `meet()`: returns a random encounter with the number of enemies.
pub static MEET: Function<(), Foes> = Function::new("pq_enemy", "meet", |ctx, ()| foes(meet(ctx)));

fn foes(encounter: Encounter) -> Foes {
    Foes {
        enemy: encounter.enemy(),
        count: match encounter.company {
            Company::Group(count) => count,
            Company::Alone | Company::Famous(_) => 1,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1_0_0::pq_enemy::Catalogue;
    use crate::v1_1_0::pq_enemy::PqEnemy as Rows;

    #[test]
    fn a_group_leaves_a_piece_for_each_and_everybody_else_one() {
        let of = |company| {
            let row = &Rows::ENEMIES[0];
            foes(Encounter {
                row,
                company,
                mood: None,
            })
            .count
        };
        assert_eq!(of(Company::Group(4)), 4);
        assert_eq!((of(Company::Alone), of(Company::Famous("Umbo"))), (1, 1));
    }
}
