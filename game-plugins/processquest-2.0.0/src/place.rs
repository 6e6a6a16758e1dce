//! The eleven places for equipment: a type of this version, because released versions match that of `pq_words` completely.

use pq_words::{Item, Slot};
use serde::{Deserialize, Serialize};

/// A place on a hero for equipment. Places are ordered as they are listed here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A place around the neck.
    Amulet,
    /// The place of 1.0.0 around the body.
    Armor,
    /// A place around the waist.
    Belt,
    /// A place on both feet.
    Boots,
    /// A place on the back.
    Cloak,
    /// A place on both hands.
    Gloves,
    /// The place of 1.0.0 on the head.
    Helmet,
    /// A place on a finger.
    Ring,
    /// The place of 1.0.0 on one arm.
    Shield,
    /// A place on both legs.
    Trousers,
    /// The place of 1.0.0 in the other hand.
    Weapon,
}

impl Place {
    /// All places in their order.
    pub const ALL: [Place; 11] = [
        Place::Amulet,
        Place::Armor,
        Place::Belt,
        Place::Boots,
        Place::Cloak,
        Place::Gloves,
        Place::Helmet,
        Place::Ring,
        Place::Shield,
        Place::Trousers,
        Place::Weapon,
    ];

    /// The slot of older versions for this place; `None` for the seven places that they do not have.
    pub const fn slot(self) -> Option<Slot> {
        match self {
            Place::Armor => Some(Slot::Armor),
            Place::Helmet => Some(Slot::Helmet),
            Place::Shield => Some(Slot::Shield),
            Place::Weapon => Some(Slot::Weapon),
            _ => None,
        }
    }

    /// The place of a slot.
    pub const fn of(slot: Slot) -> Place {
        match slot {
            Slot::Armor => Place::Armor,
            Slot::Helmet => Place::Helmet,
            Slot::Shield => Place::Shield,
            Slot::Weapon => Place::Weapon,
        }
    }

    /// The word for equipment of this place, in lower case.
    pub const fn word(self) -> &'static str {
        match self {
            Place::Amulet => "amulet",
            Place::Armor => "armor",
            Place::Belt => "belt",
            Place::Boots => "boots",
            Place::Cloak => "cloak",
            Place::Gloves => "gloves",
            Place::Helmet => "helmet",
            Place::Ring => "ring",
            Place::Shield => "shield",
            Place::Trousers => "trousers",
            Place::Weapon => "weapon",
        }
    }

    /// Equipment of one of the seven further places with its kind, as it stands behind an article: `felt cloak`, `pair of felt boots`.
    pub fn described(self, item: &Item) -> String {
        match self {
            Place::Boots | Place::Gloves | Place::Trousers => {
                format!("pair of {} {}", item.name, self.word())
            }
            _ => format!("{} {}", item.name, self.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_its_place_and_seven_places_have_no_slot() {
        for slot in Slot::ALL {
            assert_eq!(Place::of(slot).slot(), Some(slot));
            assert_eq!(Place::of(slot).word(), slot.as_str());
        }
        let further = Place::ALL.iter().filter(|place| place.slot().is_none());
        assert_eq!(further.count(), 7);
        assert!(Place::ALL.is_sorted());
    }
}
