//! The encoding of the types: by field name, and unchanged after a round trip.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pq_words::{Enemy, Event, Item, Loot, Name, Opts, Place, Quest, Report, Slot, Stats};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn back_and_forth<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let bytes = rmp_serde::to_vec_named(value).expect("a value can be encoded");
    assert_eq!(
        &rmp_serde::from_slice::<T>(&bytes).expect("and read"),
        value
    );
}

fn stats() -> Stats {
    let mut next = 0;
    Stats::from_fn(|| {
        next += 1;
        next
    })
}

fn knife() -> Item {
    Item {
        name: "plastic knife".into(),
        modifier: -1,
        level: 1,
        price: 2,
    }
}

fn egg() -> Loot {
    Loot {
        drop: "Ant Egg".into(),
        value: 1,
    }
}

#[test]
fn every_report_comes_back_as_it_went() {
    let events = [
        Event::Killed {
            ms: 1_600,
            enemy: "Ant".into(),
            drop: "Ant Egg".into(),
            experience: 1,
        },
        Event::Heading {
            ms: 800,
            place: Place::Market,
        },
        Event::LvlUp {
            stats: stats(),
            lvl: 2,
            lvlexp: 100,
        },
        Event::Buy {
            ms: 400,
            slot: Slot::Weapon,
            item: "lance".into(),
        },
        Event::Sell {
            ms: 160,
            drop: "Pelt".into(),
            value: u64::MAX,
        },
        Event::Quest {
            completed: "Fetch me a nut".into(),
            new: "Cancel the festival".into(),
        },
    ];
    for event in events {
        back_and_forth(&Report {
            name: "Gandalf".into(),
            event,
        });
    }
}

#[test]
fn events_and_their_parts_are_called_by_their_names() {
    let event = Event::LvlUp {
        stats: stats(),
        lvl: 2,
        lvlexp: 100,
    };
    let bytes = rmp_serde::to_vec_named(&event).unwrap();
    for word in ["lvl_up", "stats", "charisma", "wisdom", "lvl", "lvlexp"] {
        let marked = [&[0xa0 | word.len() as u8], word.as_bytes()].concat();
        assert!(
            bytes.windows(marked.len()).any(|found| found == marked),
            "no {word}"
        );
    }
}

#[test]
fn opts_carry_only_what_they_override() {
    assert_eq!(rmp_serde::to_vec_named(&Opts::default()).unwrap(), [0x80]);
    back_and_forth(&Opts::default());
    back_and_forth(&Opts {
        stats: Some(stats()),
        exp: Some(1),
        lvlexp: Some(50),
        lvl: Some(3),
        equip: Some(BTreeMap::from([(Slot::Weapon, knife())])),
        money: Some(7),
        loot: Some(vec![egg()]),
        bought: Some(vec![Slot::Shield, Slot::Armor]),
        time: Some(800),
        quest: Some(Quest {
            name: "Summon the dragon".into(),
            experience: 1_000,
            kills: 100,
        }),
    });
}

#[test]
fn opts_of_a_later_version_are_read_as_far_as_they_are_known() {
    let later = BTreeMap::from([("lvl", 3), ("horses", 2)]);
    let bytes = rmp_serde::to_vec_named(&later).unwrap();
    let opts: Opts = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!(
        opts,
        Opts {
            lvl: Some(3),
            ..Opts::default()
        }
    );
}

#[test]
fn enemies_and_names_come_back_as_they_went() {
    back_and_forth(&Name::from("Gandalf"));
    back_and_forth(&Enemy {
        name: "Ant".into(),
        drop: "Ant Egg".into(),
        value: 1,
        experience: 1,
    });
}

#[test]
fn stats_are_told_in_the_order_of_their_names() {
    let told: Vec<(&str, u16)> = stats().iter().collect();
    assert!(told.is_sorted());
    assert_eq!(told.len(), 6);
    assert_eq!(told[4], ("Strength", 5));
    assert_eq!(stats().plus(stats()).wisdom, 12);
}

#[test]
fn slots_are_in_the_order_of_their_words() {
    assert!(Slot::ALL.is_sorted());
    assert!(Slot::ALL.is_sorted_by_key(|slot| slot.as_str()));
    for slot in Slot::ALL {
        assert_eq!(slot.to_string(), format!("{slot:?}").to_lowercase());
    }
}
