//! Heroes that change their version: up from 1.4.0, down to it, and up again.

#![allow(clippy::unwrap_used)]

use pq_sdk::Pid;
use pq_sdk::gen_fsm::Machine;
use pq_sdk::pq_abi::Direction;
use pq_testing::{convert, there_and_back};
use pq_words::{Item, Loot, Name, Opts, Slot, Stats};
use processquest_1_0_0::pq_market;
use processquest_1_0_0::pq_player as first;
use processquest_1_1_0::pq_quest::QUESTS;
use processquest_1_4_0::pq_player as old;
use processquest_2_0_0::pq_player as new;
use processquest_2_0_0::{LIBRARY, MANIFEST};
use proptest::prelude::*;

const MODULE: &str = "pq_player";
const OLDER: &str = "1.4.0";

fn item() -> impl Strategy<Value = (Slot, Item)> {
    let slot = prop::sample::select(Slot::ALL.to_vec());
    slot.prop_flat_map(|slot| {
        let sold = prop::sample::select(pq_market::catalogue(slot));
        let odd = ("[a-z]{1,6}", any::<i32>(), any::<i32>(), any::<u64>());
        let odd = odd.prop_map(|(name, modifier, level, price)| Item {
            name: name.into(),
            modifier,
            level,
            price,
        });
        (Just(slot), prop_oneof![3 => sold, 1 => odd])
    })
}

prop_compose! {
    fn old_hero()(
        name in "\\PC{1,12}",
        stats in any::<[u16; 6]>(),
        numbers in any::<(u64, u64, u32, u64, u32)>(),
        equip in prop::collection::vec(item(), 0..6),
        bought in prop::sample::subsequence(Slot::ALL.to_vec(), 0..=4),
        pelts in 0..40_u64,
        is_killing in any::<bool>(),
    ) -> old::Whole {
        let (exp, lvlexp, lvl, money, time) = numbers;
        let opts = Opts {
            exp: Some(exp),
            lvlexp: Some(lvlexp),
            lvl: Some(lvl),
            money: Some(money),
            time: Some(time),
            equip: Some(equip.into_iter().collect()),
            bought: Some(bought),
            ..Opts::default()
        };
        let mut stats = stats.into_iter();
        let stats = Stats::from_fn(|| stats.next().unwrap());
        let hero = first::Player::new(Name::from(&*name), Pid::new(1, 22, 333), stats, opts);
        let mut sack = old::sack::Sack::default();
        sack.put(&Loot { drop: "Pelt".into(), value: 1 }, pelts);
        let data = old::Player { hero: hero.unwrap(), sack, quest: QUESTS[1].clone().into() };
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
    fn up_keeps_every_part_and_adds_an_origin(hero in old_hero()) {
        let above = up(&hero);
        prop_assert!(!above.data.origin.race.is_empty() && above.data.spells.is_empty());
        prop_assert_eq!(above.data.clone().below(), hero.data);
        prop_assert_eq!(above.data.old.hero.equip.iter().count(), 0);
    }
}

#[test]
fn the_manifest_says_what_the_way_down_loses() {
    let losses = r#"{loses,["1.4.0:race","1.4.0:class","1.4.0:spells","1.4.0:equip"]}"#;
    assert!(MANIFEST.contains(losses), "{MANIFEST}");
}

#[test]
fn the_sources_are_those_of_a_library() {
    pq_testing::sources::check(env!("CARGO_MANIFEST_DIR"));
}
