//! Heroes that change their version: up from 1.1.0, down to it, and up again.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;

use pq_sdk::Pid;
use pq_sdk::gen_fsm::Machine;
use pq_sdk::pq_abi::Direction;
use pq_testing::{convert, generated, there_and_back};
use pq_words::{Loot, Name, Opts, Quest, Stats};
use processquest_1_0_0::pq_enemy::Catalogue;
use processquest_1_0_0::pq_player as first;
use processquest_1_1_0::pq_enemy::PqEnemy as Rows;
use processquest_1_1_0::pq_player as old;
use processquest_1_4_0::LIBRARY;
use processquest_1_4_0::pq_player as new;
use proptest::prelude::*;

const MODULE: &str = "pq_player";
const OLDER: &str = "1.1.0";

/// Loot of enemies for the most part, so that equal pieces lie on each other.
fn loot() -> impl Strategy<Value = Loot> {
    let rows = prop::sample::select(&Rows::ENEMIES[..4]).prop_map(|row| Loot {
        drop: row.drop.clone(),
        value: row.value,
    });
    let odd = ("[a-z]{1,3}", 0..3_u32).prop_map(|(drop, value)| Loot {
        drop: Cow::Owned(drop),
        value,
    });
    prop_oneof![4 => rows, 1 => odd]
}

prop_compose! {
    fn old_hero()(
        name in "\\PC{1,12}",
        stats in any::<[u16; 6]>(),
        numbers in any::<(u64, u64, u32, u64, u32)>(),
        loot in prop::collection::vec(loot(), 0..60),
        quest in ("\\PC{0,12}", any::<u32>(), any::<u32>()),
        is_killing in any::<bool>(),
    ) -> old::Whole {
        let (exp, lvlexp, lvl, money, time) = numbers;
        let opts = Opts {
            exp: Some(exp),
            lvlexp: Some(lvlexp),
            lvl: Some(lvl),
            money: Some(money),
            time: Some(time),
            loot: Some(loot),
            ..Opts::default()
        };
        let mut stats = stats.into_iter();
        let stats = Stats::from_fn(|| stats.next().unwrap());
        let hero = first::Player::new(Name::from(&*name), Pid::new(1, 22, 333), stats, opts);
        let (name, experience, kills) = quest;
        let quest = Quest { name: Cow::Owned(name), experience, kills }.into();
        let data = old::Player { hero: hero.unwrap(), quest };
        let state = if is_killing { new::State::Killing } else { new::State::Market };
        Machine { state, data }
    }
}

fn bytes(hero: &impl serde::Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(hero).unwrap()
}

fn up(hero: &old::Whole) -> new::Whole {
    let above = convert(&LIBRARY, MODULE, Direction::Up, OLDER, &bytes(hero)).unwrap();
    rmp_serde::from_slice(&above).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hero_that_went_up_and_down_is_the_same_to_the_last_byte(hero in old_hero()) {
        there_and_back(&LIBRARY, MODULE, OLDER, [hero]);
    }

    #[test]
    fn no_piece_is_lost_and_no_two_piles_beside_each_other_are_alike(hero in old_hero()) {
        let above = up(&hero);
        prop_assert_eq!(above.data.sack.len(), hero.data.hero.loot.len() as u64);
        let piles: Vec<Loot> = above.data.sack.iter().map(|(loot, _)| loot).collect();
        prop_assert!(piles.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", piles);
        prop_assert!(above.data.hero.loot.is_empty());
    }

    /// A hero of this version, with piles of its own, comes back from 1.1.0 as it was.
    #[test]
    fn a_hero_that_went_down_and_up_is_the_same(hero in old_hero(), more in prop::collection::vec((loot(), 1..6_u64), 0..8)) {
        let mut above = up(&hero);
        for (loot, count) in &more {
            above.data.sack.put(loot, *count);
        }
        let before = bytes(&above);
        let below = convert(&LIBRARY, MODULE, Direction::Down, OLDER, &before).unwrap();
        prop_assert_eq!(convert(&LIBRARY, MODULE, Direction::Up, OLDER, &below).unwrap(), before);
    }
}

#[test]
fn states_near_all_limits_go_up_and_down() {
    // The type has a flat form, so generated states are those of 1.0.0 with a quest.
    let heroes = generated::<first::Player<Rows>>(1).take(500);
    let heroes = heroes.map(|hero| old::Whole {
        state: new::State::Market,
        data: old::Player {
            hero,
            quest: processquest_1_1_0::pq_quest::QUESTS[0].clone().into(),
        },
    });
    there_and_back(&LIBRARY, MODULE, OLDER, heroes);
}

#[test]
fn a_damaged_sack_is_refused_instead_of_filling_the_memory() {
    let hero = generated::<first::Player<Rows>>(1).next().unwrap();
    let quest = processquest_1_1_0::pq_quest::QUESTS[0].clone().into();
    let mut above = up(&old::Whole {
        state: new::State::Market,
        data: old::Player { hero, quest },
    });
    let pelt = Loot {
        drop: "Pelt".into(),
        value: 1,
    };
    above.data.sack.put(&pelt, u64::MAX);
    let refused = convert(&LIBRARY, MODULE, Direction::Down, OLDER, &bytes(&above)).unwrap_err();
    assert!(refused.to_string().contains("pieces of loot"), "{refused}");
}

#[test]
fn the_sources_are_those_of_a_library() {
    pq_testing::sources::check(env!("CARGO_MANIFEST_DIR"));
}
