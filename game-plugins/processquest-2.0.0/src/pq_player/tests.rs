//! The changed rules one by one, and the encoded form of a hero.

use std::collections::BTreeSet;

use expect_test::expect;
use pq_sdk::Term;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::*;
use crate::pq_origin::CLASSES;
use crate::pq_spell::SPELLS;
use crate::v1_0_0;
use crate::v1_0_0::pq_enemy::enemy;
use crate::v1_1_0::pq_quest::QUESTS;

fn hero(class: &'static str) -> Player {
    let opts = Opts {
        money: Some(1_000),
        ..Opts::default()
    };
    let stats = Stats::from_fn(|| 10);
    let events = Pid::new(1, 22, 333);
    let old = older::Player {
        hero: v1_0_0::pq_player::Player::new(Name::from("Gandalf"), events, stats, opts).unwrap(),
        sack: Default::default(),
        quest: QUESTS[0].clone().into(),
    };
    let origin = Origin {
        race: "Mossling".into(),
        class: class.into(),
    };
    Player::of(old, origin)
}

fn foes() -> Foes {
    Foes {
        enemy: enemy("3 Goblins", "Goblin hair", 4, 6),
        count: 3,
    }
}

#[test]
fn each_talent_helps_where_it_should_and_nowhere_else() {
    let mut seen = Vec::new();
    for (class, _) in &CLASSES[..3] {
        let mut hero = hero(class);
        hero.fight(&foes(), None);
        let (_, _, money) = hero.sell().unwrap();
        seen.push((hero.old.hero.exp, money, hero.old.hero.money));
    }
    assert_eq!(seen, [(7, 12, 1_012), (6, 14, 1_014), (6, 12, 1_012)]);
}

#[test]
fn spells_are_cast_in_a_quarter_of_the_fights_and_by_the_talented_in_half_of_them() {
    for (class, expected) in [("Umbrella Fencer", 250), ("Pantry Mage", 500)] {
        let mut hero = hero(class);
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(1);
        assert_eq!(hero.cast(&mut dice), None, "it knows none");
        hero.level_up(Stats::default(), SPELLS[0].into());
        let cast = (0..1_000)
            .filter(|_| hero.cast(&mut dice).is_some())
            .count();
        // Five standard deviations of at most 16.
        assert!(cast.abs_diff(expected) < 80, "{class}: {cast}");
    }
}

#[test]
fn a_spell_teaches_its_rank_and_is_named_in_the_report() {
    let mut hero = hero("Toll Monk");
    let spell = Known {
        name: SPELLS[0].into(),
        rank: 2,
    };
    hero.fight(&foes(), Some(&spell));
    assert_eq!(hero.old.hero.exp, 8);
    let told = reported_foes(foes(), Some(&spell));
    assert_eq!(
        (&*told.name, &*told.drop),
        ("3 Goblins by Cinder Sneeze 2", "3 Goblin hair")
    );
}

#[test]
fn a_level_brings_a_point_of_the_race_and_a_spell() {
    let mut hero = hero("Toll Monk");
    hero.level_up(Stats::from_fn(|| 1), SPELLS[3].into());
    let stats = hero.old.hero.stats;
    assert_eq!((stats.constitution, stats.charisma), (12, 11));
    assert_eq!(hero.spells[0].described(), "Borrowed Thunder");
}

#[test]
fn a_trip_to_the_market_asks_for_each_of_eleven_places_once() {
    let mut hero = hero("Toll Monk");
    let mut asked = Vec::new();
    let mut find = |place, above, money| {
        asked.push(place);
        let mut items = pq_market::catalogue(place).iter();
        items
            .find(|item| item.rank() > above && item.price <= money)
            .cloned()
    };
    let mut bought = Vec::new();
    while let Some((place, _)) = hero.buy(&mut find) {
        bought.push(place);
    }
    assert_eq!(asked.len(), 11);
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), 11);
    assert_eq!(bought, asked, "it can pay for all");
    assert_eq!(hero.gear.iter().count(), 11);
    assert_eq!(hero.seen, Seen::default(), "the next trip begins anew");
}

#[test]
fn equipment_of_a_further_place_says_by_itself_what_it_is() {
    let felt = |place| {
        let felt = Item {
            name: "felt".into(),
            modifier: 0,
            level: 3,
            price: 30,
        };
        let (slot, item) = reported_item(place, felt);
        format!("{slot}: {}", item.name)
    };
    assert_eq!(felt(Place::Cloak), "weapon: felt cloak");
    assert_eq!(felt(Place::Boots), "weapon: pair of felt boots");
    assert_eq!(felt(Place::Helmet), "helmet: felt");
}

#[test]
fn a_hero_is_written_in_plain_words_and_read_as_it_was() {
    let mut data = hero("Toll Monk");
    data.level_up(Stats::default(), SPELLS[0].into());
    for place in [Place::Ring, Place::Armor] {
        data.gear
            .wear(place, pq_market::catalogue(place)[0].clone());
    }
    data.seen.mark(Place::Belt);
    let whole = Whole {
        state: State::Market,
        data,
    };
    let bytes = rmp_serde::to_vec_named(&whole).unwrap();
    assert_eq!(rmp_serde::from_slice::<Whole>(&bytes).unwrap(), whole);
    let term: Term = rmp_serde::from_slice(&bytes).unwrap();
    expect![[r##"
        #{data =>
              #{bought => ["belt"],
                class => "Toll Monk",
                equip =>
                    #{armor => #{level => 1,modifier => 0,name => "wool",price => 25},
                      ring =>
                          #{level => 1,modifier => 0,name => "newspaper",price => 12}},
                events => <1.22.333>,
                exp => 0,
                loot => [],
                lvl => 2,
                lvlexp => 2000,
                money => 1000,
                name => "Gandalf",
                quest => #{experience => 150,kills => 20,name => "Fetch me a nut"},
                race => "Mossling",
                spells => [#{name => "Cinder Sneeze",rank => 1}],
                stats =>
                    #{charisma => 10,
                      constitution => 11,
                      dexterity => 10,
                      intelligence => 10,
                      strength => 10,
                      wisdom => 10},
                time => 0},
          state => "market"}"##]]
    .assert_eq(&pq_term::pretty(&term));
}

#[test]
fn programs_are_told_of_the_origin_and_of_all_equipment() {
    let mut player = hero("Toll Monk");
    player.level_up(Stats::default(), SPELLS[0].into());
    player
        .gear
        .wear(Place::Ring, pq_market::catalogue(Place::Ring)[0].clone());
    let messages = gmcp::messages(State::Market, player);
    let shown = format!("{messages:?}");
    for part in [
        "Mossling",
        "Toll Monk",
        "Cinder Sneeze",
        "newspaper ring",
        "\"w7\"",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
