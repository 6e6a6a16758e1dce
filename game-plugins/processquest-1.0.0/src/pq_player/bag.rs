//! What a hero carries: a stack of drops, two bytes each.
//!
//! Nearly all of them are drops of this version's enemies, so an entry is a number: below the size of the
//! catalogue it means that enemy's drop, from there on one of the bag's own `others`. Those are drops that
//! another version's enemies left or that a hero was given at its start.
//!
//! Outside of the bag a drop is a [`Loot`], in memory and on the wire; numbers never leave it, because the
//! next version counts its enemies differently.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use pq_words::Loot;
use serde::{Deserialize, Serialize, Serializer};

use crate::pq_enemy::Catalogue;

/// How many different drops a bag may hold beside those of the catalogue. No version has more than some
/// dozens of enemies, and each look-up passes them all.
pub const OTHERS_MAX: usize = 1_000;

/// A stack of drops. Two bags are equal when the same drops come out of them.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Vec<Loot>", bound = "C: Catalogue")]
pub struct Bag<C> {
    /// The newest is the last.
    entries: Vec<u16>,
    /// Each once; forgotten when the bag is empty.
    others: Box<[Loot]>,
    catalogue: PhantomData<fn() -> C>,
}

/// More different drops than a bag has numbers for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a bag holds at most {OTHERS_MAX} different drops that no enemy of this version leaves")]
pub struct TooManyDrops;

impl<C: Catalogue> Bag<C> {
    /// How many drops are in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts a drop on top. Where [`OTHERS_MAX`] would be passed it stays where it lay; no game gets there.
    pub fn put(&mut self, drop: &str, value: u32) {
        if let Some(number) = self.number_of(drop, value) {
            self.entries.push(number);
        }
    }

    /// Takes the newest drop.
    pub fn take(&mut self) -> Option<Loot> {
        let number = self.entries.pop()?;
        let loot = self.drop_of(number);
        if self.entries.is_empty() {
            self.others = Box::default();
        }
        Some(loot)
    }

    /// The drops, the newest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Loot> + '_ {
        self.entries
            .iter()
            .rev()
            .map(|number| self.drop_of(*number))
    }

    fn drop_of(&self, number: u16) -> Loot {
        let number = usize::from(number);
        match C::ENEMIES.get(number) {
            Some(enemy) => Loot {
                drop: enemy.drop.clone(),
                value: enemy.value,
            },
            None => self.others[number - C::ENEMIES.len()].clone(),
        }
    }

    fn number_of(&mut self, drop: &str, value: u32) -> Option<u16> {
        let known = C::ENEMIES
            .iter()
            .position(|enemy| enemy.value == value && enemy.drop == drop);
        let number = match known {
            Some(number) => number,
            None => C::ENEMIES.len() + self.other(drop, value)?,
        };
        u16::try_from(number).ok()
    }

    /// The place of a drop among the others, where it is put if it is new and there is room.
    fn other(&mut self, drop: &str, value: u32) -> Option<usize> {
        let same = |other: &Loot| other.value == value && other.drop == drop;
        let place = self.others.iter().position(same);
        place.or_else(|| {
            let place = self.others.len();
            (place < OTHERS_MAX).then(|| {
                let mut others = std::mem::take(&mut self.others).into_vec();
                let drop = Cow::Owned(drop.to_owned());
                others.push(Loot { drop, value });
                self.others = others.into_boxed_slice();
                place
            })
        })
    }
}

impl<C: Catalogue> PartialEq for Bag<C> {
    fn eq(&self, other: &Bag<C>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<C: Catalogue> Eq for Bag<C> {}

impl<C: Catalogue> fmt::Debug for Bag<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<C> Default for Bag<C> {
    fn default() -> Bag<C> {
        Bag {
            entries: Vec::new(),
            others: Box::default(),
            catalogue: PhantomData,
        }
    }
}

impl<C: Catalogue> TryFrom<Vec<Loot>> for Bag<C> {
    type Error = TooManyDrops;

    /// From drops with the newest first.
    fn try_from(loot: Vec<Loot>) -> Result<Bag<C>, TooManyDrops> {
        let mut bag = Bag::default();
        bag.entries.reserve_exact(loot.len());
        for Loot { drop, value } in loot.iter().rev() {
            let number = bag.number_of(drop, *value).ok_or(TooManyDrops)?;
            bag.entries.push(number);
        }
        Ok(bag)
    }
}

impl<C: Catalogue> Serialize for Bag<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
