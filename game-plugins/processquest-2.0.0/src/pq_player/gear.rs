//! The equipment of a hero, and the places for which it has been to the market.

use std::collections::BTreeMap;

use pq_words::{Item, Slot};
use serde::{Deserialize, Serialize, Serializer};

use crate::place::Place;
use crate::pq_market;
use crate::v1_0_0::pq_player::equip::{Equip, Visited};

/// At most one item for each place. In its encoded form it is a map from place to [`Item`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(from = "BTreeMap<Place, Item>")]
pub struct Gear {
    /// In the order of the places.
    worn: Vec<(Place, Piece)>,
}

/// An item that is worn. Items of the market are not copied.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Sold(&'static Item),
    Other(Box<Item>),
}

impl Piece {
    fn new(place: Place, item: Item) -> Piece {
        let mut sold = pq_market::catalogue(place).iter();
        match sold.find(|sold| **sold == item) {
            Some(sold) => Piece::Sold(sold),
            None => Piece::Other(Box::new(item)),
        }
    }

    fn item(&self) -> &Item {
        match self {
            Piece::Sold(item) => item,
            Piece::Other(item) => item,
        }
    }
}

impl Gear {
    /// The equipment of a hero of an older version.
    pub fn of(equip: &Equip) -> Gear {
        let mut gear = Gear::default();
        for (slot, item) in equip.iter() {
            gear.wear(Place::of(slot), item.clone());
        }
        gear
    }

    /// The item at a place.
    pub fn item(&self, place: Place) -> Option<&Item> {
        let at = self.place_of(place).ok()?;
        Some(self.worn[at].1.item())
    }

    /// The quality of the item at a place; 0 without one.
    pub fn rank(&self, place: Place) -> i32 {
        self.item(place).map_or(0, Item::rank)
    }

    /// Replaces the item at a place.
    pub fn wear(&mut self, place: Place, item: Item) {
        let piece = Piece::new(place, item);
        match self.place_of(place) {
            Ok(at) => self.worn[at].1 = piece,
            Err(at) => self.worn.insert(at, (place, piece)),
        }
    }

    fn place_of(&self, place: Place) -> Result<usize, usize> {
        self.worn.binary_search_by_key(&place, |(place, _)| *place)
    }

    /// All items, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &Item)> {
        self.worn
            .iter()
            .map(|(place, piece)| (*place, piece.item()))
    }

    /// The items of the slots that older versions have.
    pub fn in_slots(&self) -> impl Iterator<Item = (Slot, &Item)> {
        self.iter()
            .filter_map(|(place, item)| Some((place.slot()?, item)))
    }

    /// The items of the places for which `is_kept` says so.
    pub fn only(mut self, is_kept: fn(Place) -> bool) -> Gear {
        self.worn.retain(|(place, _)| is_kept(*place));
        self
    }
}

impl Extend<(Place, Item)> for Gear {
    fn extend<I: IntoIterator<Item = (Place, Item)>>(&mut self, items: I) {
        for (place, item) in items {
            self.wear(place, item);
        }
    }
}

impl IntoIterator for Gear {
    type Item = (Place, Item);
    type IntoIter = std::vec::IntoIter<(Place, Item)>;

    fn into_iter(self) -> Self::IntoIter {
        let items = self.iter().map(|(place, item)| (place, item.clone()));
        items.collect::<Vec<_>>().into_iter()
    }
}

impl From<BTreeMap<Place, Item>> for Gear {
    fn from(items: BTreeMap<Place, Item>) -> Gear {
        let mut gear = Gear::default();
        gear.extend(items);
        gear
    }
}

impl Serialize for Gear {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The places that a hero has asked the market for on this trip. In its encoded form it is their list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(from = "Vec<Place>")]
pub struct Seen {
    /// A bit for each place.
    bits: u16,
}

impl Seen {
    /// The places of a hero of an older version.
    pub fn of(visited: Visited) -> Seen {
        let slots = Slot::ALL.into_iter().filter(|slot| visited.has(*slot));
        Seen::from_iter(slots.map(Place::of))
    }

    /// Whether the hero has asked for this place.
    pub fn has(self, place: Place) -> bool {
        self.bits & (1 << place as u16) != 0
    }

    /// Notes that the hero has asked for this place.
    pub fn mark(&mut self, place: Place) {
        self.bits |= 1 << place as u16;
    }

    /// Adds the places of the other.
    pub fn extend(&mut self, other: Seen) {
        self.bits |= other.bits;
    }

    /// Those of the places for which `is_kept` says so.
    pub fn only(self, is_kept: fn(Place) -> bool) -> Seen {
        self.iter().filter(|place| is_kept(*place)).collect()
    }

    /// The slots among them that older versions have.
    pub fn in_slots(self) -> impl Iterator<Item = Slot> {
        self.iter().filter_map(Place::slot)
    }

    fn iter(self) -> impl Iterator<Item = Place> {
        Place::ALL.into_iter().filter(move |place| self.has(*place))
    }
}

impl FromIterator<Place> for Seen {
    fn from_iter<I: IntoIterator<Item = Place>>(places: I) -> Seen {
        let mut seen = Seen::default();
        places.into_iter().for_each(|place| seen.mark(place));
        seen
    }
}

impl From<Vec<Place>> for Seen {
    fn from(places: Vec<Place>) -> Seen {
        places.into_iter().collect()
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().collect::<Vec<Place>>())
    }
}
