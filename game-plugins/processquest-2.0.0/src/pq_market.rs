//! The market of 1.0.0, which also sells equipment for seven further places.

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module};
use pq_words::Item;

use crate::place::Place;
use crate::v1_0_0::pq_market::catalogue as catalogue_of_slot;

pub use crate::v1_0_0::pq_market::FIND;

/// The module `pq_market`, with the function of 1.0.0 and `find_for/3`.
pub struct PqMarket;

impl Module for PqMarket {
    const NAME: &'static str = "pq_market";
    const VSN: &'static str = "2.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FIND, &FIND_FOR];
}

impl Functions for PqMarket {}

/// `find_for(Place, Above, Money)`: the first item in the order of the catalogue that is better than `Above` and costs at most `Money`.
pub static FIND_FOR: Function<(Place, i32, u64), Option<Item>> =
    Function::new("pq_market", "find_for", |_, (place, above, money)| {
        find(place, above, money).cloned()
    });

/// All equipment for a place, the cheapest first. The seven further places have the same materials.
pub fn catalogue(place: Place) -> &'static [Item] {
    match place.slot() {
        Some(slot) => catalogue_of_slot(slot),
        None => &FURTHER,
    }
}

fn find(place: Place, above: i32, money: u64) -> Option<&'static Item> {
    let mut items = catalogue(place).iter();
    items.find(|item| item.rank() > above && item.price <= money)
}

const fn item(name: &'static str, level: i32, price: u64) -> Item {
    Item {
        name: Cow::Borrowed(name),
        modifier: 0,
        level,
        price,
    }
}

static FURTHER: [Item; 9] = [
    item("newspaper", 1, 12),
    item("felt", 3, 30),
    item("oilcloth", 5, 55),
    item("bark", 8, 80),
    item("tin", 11, 110),
    item("horn", 14, 150),
    item("bronze", 18, 210),
    item("whalebone", 23, 300),
    item("moonsilver", 30, 450),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_equipment_costs_more_and_the_first_affordable_improvement_is_found() {
        assert!(FURTHER.is_sorted_by_key(|item| (item.rank(), item.price)));
        let found = |above, money| find(Place::Ring, above, money).map(|item| &*item.name);
        assert_eq!(found(0, 1_000), Some("newspaper"));
        assert_eq!(found(5, 79), None);
        assert_eq!(found(5, 80), Some("bark"));
        assert_eq!(found(30, u64::MAX), None);
        let weapon = find(Place::Weapon, 0, 3).map(|item| &*item.name);
        assert_eq!(weapon, Some("plastic knife"), "as in 1.0.0");
    }
}
