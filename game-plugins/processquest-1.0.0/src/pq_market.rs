//! The market: what is sold there, and the first thing that is better and can be paid.

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module};
use pq_words::{Item, Slot};

/// The module.
pub struct PqMarket;

impl Module for PqMarket {
    const NAME: &'static str = "pq_market";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FIND];
}

impl Functions for PqMarket {}

/// `find(Slot, Above, Money)`: the first item in the order of the catalogue whose modifier and level together
/// are greater than `Above` and whose price is at most `Money`. The book has one such function per slot.
pub static FIND: Function<(Slot, i32, u64), Option<Item>> =
    Function::new("pq_market", "find", |_, (slot, above, money)| {
        find(slot, above, money).cloned()
    });

/// All that is sold for a slot. Helmets, shields and armors are made of the same materials.
pub fn catalogue(slot: Slot) -> &'static [Item] {
    match slot {
        Slot::Weapon => &WEAPONS,
        Slot::Armor | Slot::Helmet | Slot::Shield => &PROTECTION,
    }
}

fn find(slot: Slot, above: i32, money: u64) -> Option<&'static Item> {
    catalogue(slot)
        .iter()
        .find(|item| item.rank() > above && item.price <= money)
}

const fn item(name: &'static str, modifier: i32, level: i32, price: u64) -> Item {
    Item {
        name: Cow::Borrowed(name),
        modifier,
        level,
        price,
    }
}

static WEAPONS: [Item; 23] = [
    item("plastic knife", -1, 1, 2),
    item("plastic knife", 0, 1, 3),
    item("plastic knife", 1, 1, 5),
    item("metal spoon", -1, 4, 3),
    item("metal spoon", 0, 4, 4),
    item("butter knife", -1, 6, 5),
    item("butter knife", 0, 6, 7),
    item("butter knife", 1, 6, 9),
    item("machete", -1, 9, 15),
    item("machete", 0, 9, 20),
    item("machete", 1, 9, 25),
    item("broad sword", -1, 12, 23),
    item("broad sword", 0, 12, 30),
    item("broad sword", 1, 12, 38),
    item("lance", -1, 15, 32),
    item("lance", 0, 15, 44),
    item("lance", 1, 15, 57),
    item("pistol", -1, 25, 95),
    item("pistol", 0, 25, 105),
    item("pistol", 1, 25, 155),
    item("submachine gun", -1, 40, 200),
    item("submachine gun", 0, 40, 245),
    item("submachine gun", 1, 40, 365),
];

static PROTECTION: [Item; 17] = [
    item("wool", 0, 1, 25),
    item("pleather", 0, 2, 45),
    item("pleather", 1, 2, 50),
    item("pleather", 2, 2, 65),
    item("leather", -2, 7, 30),
    item("leather", -1, 7, 35),
    item("leather", 0, 7, 45),
    item("leather", 2, 7, 65),
    item("chain mail", -2, 12, 70),
    item("chain mail", 0, 12, 85),
    item("chain mail", 1, 12, 95),
    item("chain mail", 2, 12, 105),
    item("plate mail", -2, 17, 90),
    item("plate mail", -1, 17, 95),
    item("plate mail", 0, 17, 105),
    item("plate mail", 1, 17, 115),
    item("plate mail", 2, 17, 135),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// One line of the catalogue for each slot, typed a second time.
    const WEAPONS_AGAIN: &str = "plastic knife -1 1 2 | plastic knife 0 1 3 | plastic knife 1 1 5 | \
        metal spoon -1 4 3 | metal spoon 0 4 4 | butter knife -1 6 5 | butter knife 0 6 7 | \
        butter knife 1 6 9 | machete -1 9 15 | machete 0 9 20 | machete 1 9 25 | broad sword -1 12 23 | \
        broad sword 0 12 30 | broad sword 1 12 38 | lance -1 15 32 | lance 0 15 44 | lance 1 15 57 | \
        pistol -1 25 95 | pistol 0 25 105 | pistol 1 25 155 | submachine gun -1 40 200 | \
        submachine gun 0 40 245 | submachine gun 1 40 365";
    const PROTECTION_AGAIN: &str = "wool 0 1 25 | pleather 0 2 45 | pleather 1 2 50 | pleather 2 2 65 | \
        leather -2 7 30 | leather -1 7 35 | leather 0 7 45 | leather 2 7 65 | chain mail -2 12 70 | \
        chain mail 0 12 85 | chain mail 1 12 95 | chain mail 2 12 105 | plate mail -2 17 90 | \
        plate mail -1 17 95 | plate mail 0 17 105 | plate mail 1 17 115 | plate mail 2 17 135";

    fn line(slot: Slot) -> String {
        let rows = catalogue(slot).iter();
        let rows = rows.map(|i| format!("{} {} {} {}", i.name, i.modifier, i.level, i.price));
        rows.collect::<Vec<_>>().join(" | ")
    }

    fn found(slot: Slot, above: i32, money: u64) -> String {
        find(slot, above, money).map_or("nothing".into(), |i| format!("{} {}", i.name, i.modifier))
    }

    #[test]
    fn the_catalogue_is_that_of_the_book() {
        assert_eq!(line(Slot::Weapon), WEAPONS_AGAIN);
        for slot in [Slot::Armor, Slot::Helmet, Slot::Shield] {
            assert_eq!(line(slot), PROTECTION_AGAIN, "{slot}");
        }
    }

    #[test]
    fn the_catalogue_adds_up() {
        let sums = |slot| {
            let items = catalogue(slot);
            let rank: i32 = items.iter().map(Item::rank).sum();
            (
                items.len(),
                rank,
                items.iter().map(|i| i.price).sum::<u64>(),
            )
        };
        assert_eq!(sums(Slot::Weapon), (23, 331, 1_487));
        assert_eq!(sums(Slot::Helmet), (17, 171, 1_255));
    }

    #[test]
    fn the_first_better_thing_that_can_be_paid_is_found() {
        assert_eq!(found(Slot::Weapon, 0, 10), "plastic knife 0");
        assert_eq!(found(Slot::Weapon, -1, 10), "plastic knife -1");
        assert_eq!(found(Slot::Weapon, 1, 4), "metal spoon -1");
        assert_eq!(found(Slot::Weapon, 9, 30), "machete 1");
        assert_eq!(found(Slot::Helmet, 0, 30), "wool 0");
        assert_eq!(found(Slot::Shield, 1, 30), "leather -2");
        assert_eq!(found(Slot::Armor, 18, 1_000), "plate mail 2");
    }

    #[test]
    fn what_is_exactly_as_dear_as_the_purse_can_be_paid() {
        assert_eq!(found(Slot::Weapon, 40, 365), "submachine gun 1");
        assert_eq!(found(Slot::Weapon, 40, 364), "nothing");
    }

    #[test]
    fn what_is_only_as_good_is_not_better() {
        for slot in Slot::ALL {
            let best = catalogue(slot).iter().map(Item::rank).max().unwrap();
            assert_eq!(found(slot, best, u64::MAX), "nothing", "{slot}");
            assert_ne!(found(slot, best - 1, u64::MAX), "nothing", "{slot}");
        }
    }

    #[test]
    fn without_money_there_is_nothing() {
        for slot in Slot::ALL {
            assert_eq!(found(slot, -10, 1), "nothing", "{slot}");
        }
    }
}
