//! The changed rules one by one, and the size of a hero in memory and in encoded form.

use expect_test::expect;

use super::*;
use crate::pq_enemy::Foes;
use crate::v1_0_0::pq_enemy::enemy;
use crate::v1_1_0::pq_quest::QUESTS;

/// A hero of 1.1.0 takes at most 200 bytes; the sack is as large as the bag, which stays.
const _: () = assert!(size_of::<Whole>() <= 224);

fn hero(strength: u16) -> Player {
    let stats = Stats {
        strength,
        ..Stats::default()
    };
    let opts = Opts {
        time: Some(801),
        lvl: Some(5),
        ..Opts::default()
    };
    let events = Pid::new(1, 22, 333);
    Player {
        hero: v1_0_0::pq_player::Player::new(Name::from("Gandalf"), events, stats, opts).unwrap(),
        sack: Sack::default(),
        quest: QUESTS[0].clone().into(),
    }
}

fn foes(count: u32) -> Foes {
    Foes {
        enemy: enemy("4 Wildcats", "Pelt", 3, 8),
        count,
    }
}

#[test]
fn a_group_leaves_a_piece_for_each_and_is_sold_at_once() {
    let mut hero = hero(10);
    hero.fight(&foes(4));
    assert_eq!((hero.hero.exp, hero.sack.len()), (8, 4));
    let (loot, count, value) = hero.sell().unwrap();
    assert_eq!(counted(count, loot.drop), "4 Pelts");
    assert_eq!((value, hero.hero.money), (4 * 3 * 5, 4 * 3 * 5));
    assert_eq!(hero.sell(), None);
    assert_eq!(reported(foes(4)).drop, "4 Pelts");
}

#[test]
fn a_heavy_bag_makes_fights_slower_and_a_full_one_ends_them() {
    let mut hero = hero(10);
    let mut seen = Vec::new();
    for _ in 0..4 {
        hero.fight(&foes(5));
        seen.push((hero.encumbrance_percent(), hero.fight_time()));
        let is_full = hero.outcome() == Outcome::BagFull;
        assert_eq!(is_full, hero.sack.len() == 20);
    }
    assert_eq!(seen, [(25, 801), (50, 801), (75, 801), (100, 1_201)]);
}

#[test]
fn a_hero_without_strength_carries_nothing_and_goes_to_market_after_each_fight() {
    let mut hero = hero(0);
    assert_eq!(hero.encumbrance_percent(), 100);
    hero.fight(&foes(1));
    assert_eq!(hero.outcome(), Outcome::BagFull);
}

#[test]
fn riches_have_an_end() {
    let mut hero = hero(10);
    hero.hero.lvl = u32::MAX;
    let crowns = Foes {
        enemy: enemy("King", "Crown", u32::MAX, 1),
        count: u32::MAX,
    };
    hero.fight(&crowns);
    hero.sell().unwrap();
    assert_eq!(hero.hero.money, u64::MAX);
}

#[test]
fn a_hero_is_written_in_plain_words_with_its_loot_in_piles() {
    let mut data = hero(10);
    data.fight(&foes(2));
    let whole = Whole {
        state: State::Killing,
        data,
    };
    let bytes = rmp_serde::to_vec_named(&whole).unwrap();
    let term: Term = rmp_serde::from_slice(&bytes).unwrap();
    expect![[r##"
        #{data =>
              #{bought => [],
                equip => #{},
                events => <1.22.333>,
                exp => 8,
                loot => [#{count => 2,drop => "Pelt",value => 3}],
                lvl => 5,
                lvlexp => 1000,
                money => 0,
                name => "Gandalf",
                quest => #{experience => 150,kills => 20,name => "Fetch me a nut"},
                stats =>
                    #{charisma => 0,
                      constitution => 0,
                      dexterity => 0,
                      intelligence => 0,
                      strength => 10,
                      wisdom => 0},
                time => 801},
          state => "killing"}"##]]
    .assert_eq(&pq_term::pretty(&term));
    assert_eq!(rmp_serde::from_slice::<Whole>(&bytes).unwrap(), whole);
}

#[test]
fn programs_are_told_of_the_encumbrance_besides_what_they_were_told_before() {
    let mut player = hero(10);
    player.fight(&foes(5));
    let older = player.clone().piece_by_piece().unwrap();
    let before = v1_1_0::pq_player::gmcp::messages(State::Market, &older);
    let now = gmcp::messages(State::Market, player);
    let mut new = Vec::new();
    for ((name, was), (same, is)) in before.iter().zip(&now) {
        assert_eq!(name, same);
        assert!(was.iter().all(|(key, value)| is.get(key) == Some(value)));
        let added = is.iter().filter(|(key, _)| !was.contains_key(*key));
        new.extend(added.map(|(key, value)| format!("{name} {key}: {value:?}")));
    }
    assert_eq!(before.len(), now.len());
    expect![[r#"
        Char.StatusVars encumbrance: Text("Encumbrance in %")
        Char.Status encumbrance: Number(25)
        Char.Vitals encumbrance: Number(25)"#]]
    .assert_eq(&new.join("\n"));
}
