//! What a hero wears, and for which slots it has been to the market.

use std::collections::BTreeMap;

use pq_words::{Item, Slot};
use serde::{Deserialize, Serialize, Serializer};

use crate::pq_market;

/// At most one thing per slot. On the wire it is a map from slot to [`Item`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(from = "BTreeMap<Slot, Item>")]
pub struct Equip([Option<Gear>; Slot::ALL.len()]);

/// A thing that is worn. What the market sells is not copied.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Gear {
    Sold(&'static Item),
    Other(Box<Item>),
}

impl Gear {
    fn new(slot: Slot, item: Item) -> Gear {
        match pq_market::catalogue(slot)
            .iter()
            .find(|sold| **sold == item)
        {
            Some(sold) => Gear::Sold(sold),
            None => Gear::Other(Box::new(item)),
        }
    }

    fn item(&self) -> &Item {
        match self {
            Gear::Sold(item) => item,
            Gear::Other(item) => item,
        }
    }
}

impl Equip {
    /// What is worn there.
    pub fn item(&self, slot: Slot) -> Option<&Item> {
        self.0[slot as usize].as_ref().map(Gear::item)
    }

    /// How good that is; nothing counts as 0.
    pub fn rank(&self, slot: Slot) -> i32 {
        self.item(slot).map_or(0, Item::rank)
    }

    /// Wears this instead.
    pub fn wear(&mut self, slot: Slot, item: Item) {
        self.0[slot as usize] = Some(Gear::new(slot, item));
    }

    /// What is worn, in the order of the slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Item)> {
        Slot::ALL
            .into_iter()
            .filter_map(|slot| Some((slot, self.item(slot)?)))
    }
}

impl From<BTreeMap<Slot, Item>> for Equip {
    fn from(items: BTreeMap<Slot, Item>) -> Equip {
        let mut equip = Equip::default();
        for (slot, item) in items {
            equip.wear(slot, item);
        }
        equip
    }
}

impl Serialize for Equip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The slots that a hero has asked the market for on this trip. On the wire it is their list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(from = "Vec<Slot>")]
pub struct Visited([bool; Slot::ALL.len()]);

impl Visited {
    /// Has this one been asked for?
    pub fn has(self, slot: Slot) -> bool {
        self.0[slot as usize]
    }

    /// It has.
    pub fn mark(&mut self, slot: Slot) {
        self.0[slot as usize] = true;
    }
}

impl From<Vec<Slot>> for Visited {
    fn from(slots: Vec<Slot>) -> Visited {
        let mut visited = Visited::default();
        for slot in slots {
            visited.mark(slot);
        }
        visited
    }
}

impl Serialize for Visited {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let visited = Slot::ALL.into_iter().filter(|slot| self.has(*slot));
        serializer.collect_seq(visited.collect::<Vec<Slot>>())
    }
}
