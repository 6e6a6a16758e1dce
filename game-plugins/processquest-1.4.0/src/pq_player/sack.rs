//! The loot that a hero carries: a stack of piles. A pile has equal pieces that lie on each other.
//!
//! ```text
//!   1.1.0:  Pelt Pelt Bacon Pelt       here:  2 Pelts, Bacon, Pelt
//! ```
//! In its encoded form a pile is a piece of loot with its number, `#{count => 2,drop => "Pelt",value => 1}`. In memory, a drop of an
//! enemy is its place in the table of enemies, because there may be a million heroes in one node.

use std::borrow::Cow;
use std::fmt;

use pq_words::Loot;
use serde::{Deserialize, Serialize, Serializer};

use crate::v1_0_0::pq_enemy::Catalogue;
use crate::v1_1_0::pq_enemy::PqEnemy as Rows;

/// A stack of piles. No two neighbours in it have the same loot.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Vec<Counted>")]
pub struct Sack {
    /// The newest is the last.
    piles: Vec<Pile>,
}

#[derive(Clone, PartialEq, Eq)]
struct Pile {
    kind: Kind,
    count: u64,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// The place of the enemy that leaves this drop.
    Row(u8),
    /// A drop that no enemy of this version leaves.
    Own(Box<Loot>),
}

/// A pile in its encoded form.
#[derive(Serialize, Deserialize)]
struct Counted {
    drop: Cow<'static, str>,
    value: u32,
    count: u64,
}

impl Counted {
    fn of((Loot { drop, value }, count): (Loot, u64)) -> Counted {
        Counted { drop, value, count }
    }
}

impl Sack {
    /// The number of pieces.
    pub fn len(&self) -> u64 {
        let counts = self.piles.iter().map(|pile| pile.count);
        counts.fold(0, u64::saturating_add)
    }

    /// Whether there is no piece in it.
    pub fn is_empty(&self) -> bool {
        self.piles.is_empty()
    }

    /// Puts so many pieces on top.
    pub fn put(&mut self, loot: &Loot, count: u64) {
        if count == 0 {
            return;
        }
        let kind = Kind::of(loot);
        match self.piles.last_mut() {
            Some(top) if top.kind == kind => top.count = top.count.saturating_add(count),
            _ => self.piles.push(Pile { kind, count }),
        }
    }

    /// Takes the newest pile: its loot, and the number of pieces.
    pub fn take(&mut self) -> Option<(Loot, u64)> {
        let pile = self.piles.pop()?;
        Some((pile.kind.loot(), pile.count))
    }

    /// The piles, the newest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Loot, u64)> + '_ {
        let piles = self.piles.iter().rev();
        piles.map(|pile| (pile.kind.loot(), pile.count))
    }
}

impl Kind {
    fn of(loot: &Loot) -> Kind {
        let mut rows = Rows::ENEMIES.iter();
        let row = rows.position(|row| row.value == loot.value && row.drop == loot.drop);
        match row.and_then(|row| u8::try_from(row).ok()) {
            Some(row) => Kind::Row(row),
            None => Kind::Own(Box::new(loot.clone())),
        }
    }

    fn loot(&self) -> Loot {
        match self {
            Kind::Row(row) => {
                let row = &Rows::ENEMIES[usize::from(*row)];
                Loot {
                    drop: row.drop.clone(),
                    value: row.value,
                }
            }
            Kind::Own(loot) => (**loot).clone(),
        }
    }
}

/// Single pieces, the newest first.
impl FromIterator<Loot> for Sack {
    fn from_iter<I: IntoIterator<Item = Loot>>(pieces: I) -> Sack {
        let newest_first: Vec<Loot> = pieces.into_iter().collect();
        let mut sack = Sack::default();
        for piece in newest_first.iter().rev() {
            sack.put(piece, 1);
        }
        sack
    }
}

/// Piles, the newest first. Neighbours with the same loot become one pile.
impl From<Vec<Counted>> for Sack {
    fn from(piles: Vec<Counted>) -> Sack {
        let mut sack = Sack::default();
        for Counted { drop, value, count } in piles.into_iter().rev() {
            sack.put(&Loot { drop, value }, count);
        }
        sack
    }
}

impl Serialize for Sack {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Counted::of))
    }
}

impl fmt::Debug for Sack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loot(drop: &'static str, value: u32) -> Loot {
        Loot {
            drop: drop.into(),
            value,
        }
    }

    #[test]
    fn equal_pieces_that_lie_on_each_other_are_a_pile() {
        let mut sack = Sack::default();
        for (drop, count) in [("Pelt", 1), ("Pelt", 1), ("Bacon", 1), ("Pelt", 3)] {
            sack.put(&loot(drop, 1), count);
        }
        // Another value is another kind of loot.
        sack.put(&loot("Pelt", 9), 1);
        assert_eq!(sack.len(), 7);
        let taken: Vec<String> = std::iter::from_fn(|| sack.take())
            .map(|(loot, count)| format!("{count} {} at {}", loot.drop, loot.value))
            .collect();
        assert_eq!(
            taken,
            ["1 Pelt at 9", "3 Pelt at 1", "1 Bacon at 1", "2 Pelt at 1"]
        );
        assert!(sack.is_empty());
    }

    #[test]
    fn a_sack_is_written_as_piles_and_read_as_it_was() {
        let pieces = [loot("Pelt", 1), loot("Pelt", 1), loot("Anvil", 900)];
        let sack: Sack = pieces.into_iter().collect();
        let bytes = rmp_serde::to_vec_named(&sack).unwrap();
        let term: pq_sdk::Term = rmp_serde::from_slice(&bytes).unwrap();
        assert_eq!(
            term.to_string(),
            "[#{count => 2,drop => \"Pelt\",value => 1},#{count => 1,drop => \"Anvil\",value => 900}]"
        );
        assert_eq!(rmp_serde::from_slice::<Sack>(&bytes).unwrap(), sack);
    }

    #[test]
    fn piles_that_a_damaged_state_has_twice_become_one_and_empty_ones_go() {
        let counted = |drop, count| Counted::of((loot(drop, 1), count));
        let sack = Sack::from(vec![
            counted("Pelt", 2),
            counted("Bacon", 0),
            counted("Pelt", u64::MAX),
        ]);
        assert_eq!((sack.piles.len(), sack.len()), (1, u64::MAX));
    }
}
