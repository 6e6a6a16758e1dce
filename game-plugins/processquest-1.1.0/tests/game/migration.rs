//! Heroes that change their version: old state with new code, new state with old code, up and down and up.

use std::borrow::Cow;

use pq_sdk::gen_fsm::Machine;
use pq_sdk::pq_abi::Direction;
use pq_words::{Event as News, Item, Loot, Name, Opts, Quest, Slot, Stats};
use processquest_1_0_0::pq_enemy::{self as old_enemy, Catalogue};
use processquest_1_0_0::pq_market;
use processquest_1_0_0::pq_player::bag::OTHERS_MAX;
use processquest_1_0_0::pq_player::{self as old, Event, State};
use processquest_1_1_0::pq_player as new;
use processquest_1_1_0::{pq_enemy as new_enemy, pq_quest};
use proptest::prelude::*;

use super::node::{EVENTS, NEW, Node, OLD};

fn named(value: &impl serde::Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(value).unwrap()
}

fn as_old(bytes: &[u8]) -> old::Whole {
    rmp_serde::from_slice(bytes).unwrap()
}

fn as_new(bytes: &[u8]) -> new::Whole {
    rmp_serde::from_slice(bytes).unwrap()
}

// ---- random heroes ----

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    "\\PC{1,12}".prop_map(Cow::Owned)
}

/// A drop of one of these enemies, in part of the cases with another value.
fn drop_of(enemies: &'static [pq_words::Enemy]) -> impl Strategy<Value = Loot> {
    (prop::sample::select(enemies), 0..8_u32).prop_map(|(enemy, more)| Loot {
        drop: enemy.drop.clone(),
        value: if more == 7 { 77 } else { enemy.value },
    })
}

fn loot() -> impl Strategy<Value = Loot> {
    prop_oneof![
        4 => drop_of(old_enemy::PqEnemy::ENEMIES),
        4 => drop_of(new_enemy::PqEnemy::ENEMIES),
        1 => (text(), any::<u32>()).prop_map(|(drop, value)| Loot { drop, value }),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let sold = prop::sample::select(Slot::ALL.to_vec())
        .prop_flat_map(|slot| prop::sample::select(pq_market::catalogue(slot)));
    let odd = (text(), any::<i32>(), any::<i32>(), any::<u64>()).prop_map(
        |(name, modifier, level, price)| Item {
            name,
            modifier,
            level,
            price,
        },
    );
    prop_oneof![3 => sold, 1 => odd]
}

prop_compose! {
    fn opts()(
        numbers in any::<(u64, u64, u32, u64, u32)>(),
        equip in prop::collection::btree_map(prop::sample::select(Slot::ALL.to_vec()), item(), 0..=4),
        loot in prop::collection::vec(loot(), 0..40),
        bought in prop::sample::subsequence(Slot::ALL.to_vec(), 0..=4),
    ) -> Opts {
        let (exp, lvlexp, lvl, money, time) = numbers;
        Opts {
            stats: None,
            exp: Some(exp),
            lvlexp: Some(lvlexp),
            lvl: Some(lvl),
            equip: Some(equip),
            money: Some(money),
            loot: Some(loot),
            bought: Some(bought),
            time: Some(time),
            quest: None,
        }
    }
}

prop_compose! {
    fn stats()(values in any::<[u16; 6]>()) -> Stats {
        let mut values = values.into_iter();
        Stats::from_fn(|| values.next().unwrap())
    }
}

fn state() -> impl Strategy<Value = State> {
    prop::sample::select(vec![State::Market, State::Killing])
}

prop_compose! {
    /// A random hero of 1.0.0.
    fn old_hero()(state in state(), name in text(), stats in stats(), opts in opts()) -> old::Whole {
        let data = old::Player::new(Name::from(&*name), EVENTS, stats, opts).unwrap();
        Machine { state, data }
    }
}

prop_compose! {
    /// A random hero of 1.1.0.
    fn new_hero()(
        state in state(),
        name in text(),
        stats in stats(),
        opts in opts(),
        quest in prop::sample::select(pq_quest::QUESTS.to_vec()),
        kills in any::<u32>(),
        experience in prop::option::of(any::<u32>()),
    ) -> new::Whole {
        let hero = old::Player::new(Name::from(&*name), EVENTS, stats, opts).unwrap();
        let experience = experience.unwrap_or(quest.experience);
        let quest = Quest { kills, experience, ..quest }.into();
        Machine { state, data: new::Player { hero, quest } }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hero_that_went_up_and_down_is_the_same_to_the_last_byte(hero in old_hero(), seed in any::<u64>()) {
        let before = named(&hero);
        let mut node = Node::new(NEW, seed);
        let above = node.change(Direction::Up, &before).unwrap();
        let after = node.change(Direction::Down, &above).unwrap();
        prop_assert_eq!(&after, &before);
        let mut home = Node::new(OLD, seed);
        let running = home.import(&after).unwrap();
        prop_assert_eq!(home.export(&running), before);
        prop_assert_eq!(as_old(&after), hero);
    }

    #[test]
    fn up_keeps_every_part_and_adds_a_quest(hero in old_hero(), seed in any::<u64>()) {
        let mut node = Node::new(NEW, seed);
        let above = node.change(Direction::Up, &named(&hero)).unwrap();
        let new = as_new(&above);
        prop_assert!(pq_quest::QUESTS.contains(&new.data.quest.clone().into()));
        // The parts that both versions have, in their encoded form.
        prop_assert_eq!(as_old(&above), hero);
        let running = node.import(&above).unwrap();
        prop_assert_eq!(node.export(&running), above);
    }

    #[test]
    fn down_keeps_every_part_in_the_hero_or_beside_it(hero in new_hero(), seed in any::<u64>()) {
        let mut node = Node::new(NEW, seed);
        let above = named(&hero);
        let below = node.change(Direction::Down, &above).unwrap();
        // 1.0.0 reads the encoded form of 1.1.0 and writes its own.
        let mut home = Node::new(OLD, seed);
        let running = home.import(&above).unwrap();
        prop_assert_eq!(home.export(&running), below.clone());
        let again = node.change(Direction::Up, &below).unwrap();
        prop_assert_eq!(again, above, "to the last byte, with its quest");
        // A hero without its kept quest gets another one, and nothing else changes.
        let fresh = as_new(&Node::new(NEW, seed).change(Direction::Up, &below).unwrap());
        prop_assert_eq!(fresh.data.hero, hero.data.hero);
        prop_assert_eq!(fresh.state, hero.state);
    }

    #[test]
    fn a_hero_plays_on_in_each_version_it_comes_to(seed in any::<u64>(), events in 1..200_usize) {
        let opts = Opts { lvlexp: Some(10), stats: Some(Stats::from_fn(|| 3)), ..Opts::default() };
        let mut node = Node::new(OLD, seed);
        let mut running = node.start(&opts).unwrap();
        let mut event = node.next.remove(0).1;
        let mut bytes = node.export(&running);
        for (way, vsn) in [(Direction::Up, NEW), (Direction::Down, OLD), (Direction::Up, NEW)] {
            event = node.play(&mut running, event, events);
            bytes = node.export(&running);
            bytes = Node::new(NEW, seed).change(way, &bytes).unwrap();
            node = Node::new(vsn, seed.wrapping_add(events as u64));
            running = node.import(&bytes).unwrap();
        }
        node.play(&mut running, event, events);
        prop_assert!(!node.told.is_empty());
        prop_assert_ne!(node.export(&running), bytes);
    }
}

#[test]
fn quests_of_heroes_that_went_up_are_drawn_by_the_dice() {
    let hero = Node::new(OLD, 1).start(&Opts::default()).unwrap();
    let before = Node::new(OLD, 1).export(&hero);
    let mut node = Node::new(NEW, 2);
    let mut quests: Vec<String> = (0..200)
        .map(|_| node.change(Direction::Up, &before).unwrap())
        .map(|above| as_new(&above).data.quest.name().into_owned())
        .collect();
    quests.sort();
    quests.dedup();
    assert_eq!(quests.len(), pq_quest::QUESTS.len());
}

#[test]
fn the_new_code_does_not_take_a_hero_without_a_quest_for_one_of_its_own() {
    let hero = Node::new(OLD, 1).start(&Opts::default()).unwrap();
    let before = Node::new(OLD, 1).export(&hero);
    let refused = Node::new(NEW, 1).import(&before).err().unwrap();
    let reason = refused.into_reason().to_string();
    assert!(reason.contains("missing field `quest`"), "{reason}");
}

#[test]
fn loot_that_the_other_version_has_no_enemy_for_is_sold_all_the_same() {
    let bag = |drops: &[&'static str]| Opts {
        loot: Some(drops.iter().map(|drop| one(drop)).collect()),
        ..Opts::default()
    };
    let mut up = Node::new(OLD, 1);
    let ants = up.start(&bag(&["Ant Egg", "Pelt"])).unwrap();
    let above = Node::new(NEW, 1)
        .change(Direction::Up, &up.export(&ants))
        .unwrap();
    let mut down = Node::new(NEW, 1);
    let spiders = down.start(&bag(&["Spider Egg", "Spices", "Pelt"])).unwrap();
    let below = down.export(&spiders);
    let below = down.change(Direction::Down, &below).unwrap();
    for (vsn, bytes, expected) in [
        (NEW, above, "Ant Egg Pelt"),
        (OLD, below, "Spider Egg Spices Pelt"),
    ] {
        let mut node = Node::new(vsn, 1);
        let mut hero = node.import(&bytes).unwrap();
        node.play(&mut hero, Event::Sell, 3);
        let sold: Vec<&str> = node
            .told
            .iter()
            .filter_map(|news| match news {
                News::Sell { drop, .. } => Some(&**drop),
                _ => None,
            })
            .collect();
        assert_eq!(sold.join(" "), expected, "in {vsn}");
    }
}

fn one(drop: &'static str) -> Loot {
    Loot {
        drop: drop.into(),
        value: 1,
    }
}

/// A bag full of kinds of loot that neither version has, and one more kind that the other version does not have: the
/// conversion refuses it, and no loot is lost.
#[test]
fn a_bag_that_the_other_version_cannot_count_is_refused() {
    let odd = (0..OTHERS_MAX).map(|n| Loot {
        drop: format!("thing {n}").into(),
        value: 1,
    });
    let opts = |own: &'static str| Opts {
        loot: Some(odd.clone().chain([one(own)]).collect()),
        ..Opts::default()
    };
    for (vsn, own, way) in [
        (OLD, "Ant Egg", Direction::Up),
        (NEW, "Spider Egg", Direction::Down),
    ] {
        let mut node = Node::new(vsn, 1);
        let hero = node.start(&opts(own)).unwrap();
        let bytes = node.export(&hero);
        let refused = Node::new(NEW, 1).change(way, &bytes).err().unwrap();
        assert!(refused.to_string().contains("different drops"), "{refused}");
    }
}
