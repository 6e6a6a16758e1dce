//! What a hero takes up in memory, and that nothing of it is lost on the wire.

use std::borrow::Cow;
use std::collections::BTreeMap;

use expect_test::expect;
use pq_sdk::Term;
use pq_sdk::gen_fsm::Machine;
use pq_words::{Opts, Slot};

use super::*;
use crate::pq_enemy::{Catalogue, PqEnemy};
use crate::pq_market;
use crate::pq_player::bag::{Bag, OTHERS_MAX, TooManyDrops};
use crate::pq_player::{State, Whole};

/// A million heroes take a million times this, their names, and two bytes per piece of loot.
const _: () = assert!(size_of::<Whole>() <= 184);

fn back<T: serde::Serialize, U: serde::de::DeserializeOwned>(value: &T) -> U {
    rmp_serde::from_slice(&rmp_serde::to_vec_named(value).unwrap()).unwrap()
}

/// A hero with everything, also with things that no catalogue has.
fn laden() -> Player {
    hero(Opts {
        exp: Some(u64::MAX),
        lvlexp: Some(50),
        lvl: Some(7),
        equip: Some(BTreeMap::from([
            (Slot::Shield, item("door", 1, 2, 3)),
            (Slot::Weapon, item("lance", 0, 15, 44)),
            (Slot::Helmet, item("lance", 0, 15, 44)),
        ])),
        money: Some(4),
        loot: Some(vec![
            loot("Pelt", 1),
            loot("Anvil", 9),
            loot("Pelt", 2),
            loot("Spider Egg", 1),
            loot("Anvil", 9),
        ]),
        bought: Some(vec![Slot::Armor, Slot::Weapon]),
        time: Some(800),
        ..Opts::default()
    })
}

#[test]
fn a_hero_comes_back_as_it_went() {
    for hero in [hero(Opts::default()), laden()] {
        let whole = Machine {
            state: State::Killing,
            data: hero,
        };
        assert_eq!(back::<Whole, Whole>(&whole), whole);
    }
}

#[test]
fn a_hero_is_written_in_plain_words() {
    let whole = Machine {
        state: State::Killing,
        data: laden(),
    };
    let term: Term = back(&whole);
    let text = pq_term::pretty(&term);
    expect![[r##"
        #{data =>
              #{bought => ["armor","weapon"],
                equip =>
                    #{helmet =>
                          #{level => 15,modifier => 0,name => "lance",price => 44},
                      shield => #{level => 2,modifier => 1,name => "door",price => 3},
                      weapon =>
                          #{level => 15,modifier => 0,name => "lance",price => 44}},
                events => <1.22.333>,
                exp => 18446744073709551615,
                loot =>
                    [#{drop => "Pelt",value => 1},
                     #{drop => "Anvil",value => 9},
                     #{drop => "Pelt",value => 2},
                     #{drop => "Spider Egg",value => 1},
                     #{drop => "Anvil",value => 9}],
                lvl => 7,
                lvlexp => 50,
                money => 4,
                name => "Gandalf",
                stats =>
                    #{charisma => 10,
                      constitution => 10,
                      dexterity => 10,
                      intelligence => 10,
                      strength => 10,
                      wisdom => 10},
                time => 800},
          state => "killing"}"##]]
    .assert_eq(&text);
}

#[test]
fn drops_of_this_version_are_not_copied() {
    let mut bag = Bag::<PqEnemy>::default();
    for enemy in PqEnemy::ENEMIES {
        bag.put(&enemy.drop, enemy.value);
    }
    assert!(bag.iter().all(|loot| matches!(loot.drop, Cow::Borrowed(_))));
    let bag: Bag<PqEnemy> = back(&bag);
    assert!(
        bag.iter().all(|loot| matches!(loot.drop, Cow::Borrowed(_))),
        "nor after a conversion"
    );
    assert_eq!(bag.len(), PqEnemy::ENEMIES.len());
}

#[test]
fn a_bag_gives_back_the_newest_first_whatever_is_in_it() {
    let all = ["Ant Egg", "Anvil", "Pelt", "Spider Egg", "Anvil"].map(|drop| loot(drop, 1));
    let mut bag = Bag::<PqEnemy>::default();
    for loot in all.iter().rev() {
        bag.put(&loot.drop, loot.value);
    }
    assert_eq!(bag.iter().collect::<Vec<_>>(), all);
    assert_eq!(std::iter::from_fn(|| bag.take()).collect::<Vec<_>>(), all);
    assert_eq!(bag, Bag::default());
}

#[test]
fn the_same_drop_of_another_value_is_another_drop() {
    let mut bag = Bag::<PqEnemy>::default();
    let all = [loot("Ant Egg", 1), loot("Ant Egg", 8), loot("Ant Egg", 9)];
    for loot in all.iter().rev() {
        bag.put(&loot.drop, loot.value);
    }
    assert_eq!(bag.iter().collect::<Vec<_>>(), all);
}

#[test]
fn a_bag_refuses_more_sorts_than_it_can_tell_apart() {
    let drop = |n: usize| Loot {
        drop: format!("thing {n}").into(),
        value: 1,
    };
    let sorts = |count: usize| (0..count).map(drop).collect::<Vec<Loot>>();
    let mut full = Bag::<PqEnemy>::try_from(sorts(OTHERS_MAX)).unwrap();
    full.put("one thing more", 1);
    assert_eq!(full.len(), OTHERS_MAX);
    full.put("Pelt", 1);
    assert_eq!(full.len(), OTHERS_MAX + 1);
    assert_eq!(
        Bag::<PqEnemy>::try_from(sorts(OTHERS_MAX + 1)),
        Err(TooManyDrops)
    );
}

#[test]
fn an_empty_bag_has_forgotten_what_was_in_it() {
    let drop = |n: usize| format!("thing {n}");
    let mut bag = Bag::<PqEnemy>::default();
    for trip in 0..3 {
        for n in 0..OTHERS_MAX {
            bag.put(&drop(trip * OTHERS_MAX + n), 1);
        }
        assert_eq!(bag.len(), OTHERS_MAX, "trip {trip}");
        assert_eq!(std::iter::from_fn(|| bag.take()).count(), OTHERS_MAX);
    }
}

#[test]
fn what_the_market_sells_is_worn_without_a_copy() {
    let hero: Player = back(&laden());
    let lance = hero.equip.item(Slot::Weapon).unwrap();
    let mut sold = pq_market::catalogue(Slot::Weapon).iter();
    assert!(sold.any(|item| std::ptr::eq(item, lance)));
    let worn: Vec<String> = hero
        .equip
        .iter()
        .map(|(slot, item)| format!("{slot}: {}", item.name))
        .collect();
    assert_eq!(worn, ["helmet: lance", "shield: door", "weapon: lance"]);
}
