//! Each rule of the game on its own.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use pq_words::{Opts, Slot, Stats};

use super::*;
use crate::pq_market;
use crate::pq_player::rules::Outcome;

/// The market as it is.
fn market(slot: Slot, above: i32, money: u64) -> Option<Item> {
    let mut items = pq_market::catalogue(slot).iter();
    items
        .find(|item| item.rank() > above && item.price <= money)
        .cloned()
}

/// Shops until the market has nothing more; one line per purchase.
fn check_trip(mut hero: Player, expected: Expect) {
    let mut lines = String::new();
    while let Some((slot, item)) = hero.buy(&mut market) {
        lines += &format!(
            "{slot}: {} {}, money {}\n",
            item.name, item.modifier, hero.money
        );
    }
    assert!(
        Slot::ALL.iter().all(|slot| !hero.bought.has(*slot)),
        "the next trip starts afresh"
    );
    expected.assert_eq(&lines);
}

fn wearing(items: [(Slot, Item); 3], money: u64) -> Player {
    hero(Opts {
        equip: Some(BTreeMap::from(items)),
        money: Some(money),
        ..Opts::default()
    })
}

#[test]
fn a_new_hero_has_nothing_but_its_name_and_stats() {
    let hero = hero(Opts::default());
    assert_eq!((&*hero.name, hero.stats.wisdom), ("Gandalf", 10));
    assert_eq!(
        (hero.exp, hero.lvlexp, hero.lvl, hero.money, hero.time),
        (0, 1_000, 1, 0, 0)
    );
    assert!(hero.loot.is_empty() && hero.equip.iter().next().is_none());
    assert!(Slot::ALL.iter().all(|slot| !hero.bought.has(*slot)));
}

#[test]
fn every_part_of_a_hero_can_be_given_at_the_start() {
    let stats = Stats {
        strength: 3,
        ..Stats::default()
    };
    let hero = hero(Opts {
        stats: Some(stats),
        exp: Some(1),
        lvlexp: Some(50),
        lvl: Some(7),
        equip: Some(BTreeMap::from([(Slot::Shield, item("door", 1, 2, 3))])),
        money: Some(4),
        loot: Some(vec![loot("Pelt", 1), loot("Anvil", 9)]),
        bought: Some(vec![Slot::Weapon, Slot::Armor]),
        time: Some(800),
        quest: None,
    });
    assert_eq!(hero.stats, stats);
    assert_eq!(
        (hero.exp, hero.lvlexp, hero.lvl, hero.money, hero.time),
        (1, 50, 7, 4, 800)
    );
    assert_eq!(hero.equip.item(Slot::Shield), Some(&item("door", 1, 2, 3)));
    assert_eq!(
        hero.loot.iter().collect::<Vec<_>>(),
        [loot("Pelt", 1), loot("Anvil", 9)]
    );
    assert_eq!(
        Slot::ALL.map(|slot| hero.bought.has(slot)),
        [true, false, false, true]
    );
}

#[test]
fn all_that_is_sold_gives_what_it_is_worth_and_no_more_at_a_higher_level() {
    let bag = vec![
        loot("Pelt", 1),
        loot("Anvil", 900),
        loot("Chunks of Metal", 3),
    ];
    let mut hero = hero(Opts {
        loot: Some(bag.clone()),
        lvl: Some(5),
        money: Some(6),
        ..Opts::default()
    });
    let sold: Vec<Loot> = std::iter::from_fn(|| hero.sell()).collect();
    assert_eq!(sold, bag, "the newest first");
    assert_eq!((hero.money, hero.loot.len()), (910, 0));
}

#[test]
fn riches_have_an_end() {
    let purse = Some(u64::MAX);
    let mut hero = hero(Opts {
        money: purse,
        exp: purse,
        lvlexp: purse,
        ..Opts::default()
    });
    hero.earn(1);
    hero.fight(&pig());
    hero.level_up(Stats::from_fn(|| u16::MAX));
    assert_eq!(
        (hero.money, hero.exp, hero.lvlexp),
        (u64::MAX, u64::MAX, u64::MAX)
    );
    assert_eq!(hero.stats, Stats::from_fn(|| u16::MAX));
}

#[test]
fn a_fight_fills_the_bag_and_teaches() {
    let mut hero = hero(Opts {
        exp: Some(5),
        ..Opts::default()
    });
    hero.fight(&crate::pq_enemy::enemy("Robot", "Chunks of Metal", 3, 2));
    assert_eq!(
        hero.loot.iter().collect::<Vec<_>>(),
        [loot("Chunks of Metal", 3)]
    );
    assert_eq!(hero.exp, 7);
}

#[test]
fn a_bag_is_full_at_twice_the_strength() {
    let stats = Stats {
        strength: 3,
        ..Stats::default()
    };
    let mut hero = hero(Opts {
        stats: Some(stats),
        ..Opts::default()
    });
    for _ in 0..5 {
        hero.fight(&pig());
        assert_eq!(hero.outcome(), Outcome::GoOn);
    }
    hero.fight(&pig());
    assert_eq!((hero.loot.len(), hero.outcome()), (6, Outcome::BagFull));
    hero.fight(&pig());
    assert_eq!(hero.outcome(), Outcome::BagFull, "and stays so beyond");
}

#[test]
fn kills_lead_to_the_next_level() {
    let mut hero = hero(Opts {
        lvlexp: Some(3),
        ..Opts::default()
    });
    let outcomes: Vec<Outcome> = (0..4)
        .map(|_| {
            hero.fight(&pig());
            hero.outcome()
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            Outcome::GoOn,
            Outcome::GoOn,
            Outcome::LevelReached,
            Outcome::LevelReached
        ]
    );
}

#[test]
fn a_full_bag_comes_before_a_level() {
    let stats = Some(Stats::default());
    let hero = hero(Opts {
        stats,
        exp: Some(9),
        lvlexp: Some(3),
        ..Opts::default()
    });
    assert_eq!(hero.outcome(), Outcome::BagFull);
}

#[test]
fn a_level_doubles_what_the_next_one_takes_and_keeps_the_experience() {
    let mut hero = hero(Opts {
        exp: Some(60),
        lvlexp: Some(50),
        ..Opts::default()
    });
    hero.level_up(Stats {
        strength: 6,
        wisdom: 1,
        ..Stats::default()
    });
    assert_eq!((hero.lvl, hero.lvlexp, hero.exp), (2, 100, 60));
    assert_eq!(
        (hero.stats.strength, hero.stats.wisdom, hero.stats.charisma),
        (16, 11, 10)
    );
}

#[test]
fn the_rich_buy_one_better_thing_for_every_slot() {
    let rich = Opts {
        money: Some(1_000),
        ..Opts::default()
    };
    check_trip(
        hero(rich),
        expect![[r#"
        armor: wool 0, money 975
        helmet: wool 0, money 950
        shield: wool 0, money 925
        weapon: plastic knife 0, money 922
    "#]],
    );
}

#[test]
fn the_poor_leave_the_market_with_nothing() {
    let poor = Opts {
        money: Some(1),
        ..Opts::default()
    };
    check_trip(hero(poor), expect![[""]]);
    check_trip(hero(Opts::default()), expect![[""]]);
}

#[test]
fn the_worst_slot_is_seen_to_first_and_what_cannot_be_paid_is_passed_over() {
    let items = [
        (Slot::Armor, item("plate mail", 2, 17, 135)),
        (Slot::Shield, item("wool", 0, 1, 25)),
        (Slot::Weapon, item("plastic knife", -1, 1, 2)),
    ];
    check_trip(
        wearing(items.clone(), 40),
        expect![[r#"
        helmet: wool 0, money 15
        weapon: plastic knife 0, money 12
    "#]],
    );
    check_trip(
        wearing(items, 27),
        expect![[r#"
        helmet: wool 0, money 2
    "#]],
    );
}

#[test]
fn slots_seen_on_this_trip_are_not_seen_again() {
    let interrupted = Opts {
        money: Some(500),
        bought: Some(vec![Slot::Armor, Slot::Helmet, Slot::Weapon]),
        ..Opts::default()
    };
    check_trip(
        hero(interrupted),
        expect![[r#"
        shield: wool 0, money 475
    "#]],
    );
}

#[test]
fn a_slot_worse_than_empty_comes_first_and_takes_anything() {
    let items = [
        (Slot::Armor, item("rags", -3, 1, 0)),
        (Slot::Helmet, item("bucket", 0, 1, 0)),
        (Slot::Shield, item("plank", 0, 1, 0)),
    ];
    check_trip(
        wearing(items, 30),
        expect![[r#"
        armor: wool 0, money 5
        weapon: plastic knife 0, money 2
    "#]],
    );
}
