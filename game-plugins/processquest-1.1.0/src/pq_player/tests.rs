//! The new rules one by one, and the size of a hero in memory and in encoded form.

use expect_test::expect;
use pq_sdk::{Pid, Term};
use pq_words::{Enemy, Loot, Name, Opts, Quest, Stats};

use super::*;
use crate::pq_quest::QUESTS;

/// A hero of 1.0.0 takes at most 184 bytes, and a quest 16.
const _: () = assert!(size_of::<Whole>() <= 200);

fn hero(opts: Opts, quest: Quest) -> Player {
    let events = Pid::new(1, 22, 333);
    let stats = Stats::from_fn(|| 10);
    let hero = v1_0_0::pq_player::Player::new(Name::from("Gandalf"), events, stats, opts);
    Player {
        hero: hero.unwrap(),
        quest: quest.into(),
    }
}

fn quest(name: &'static str, experience: u32, kills: u32) -> Quest {
    Quest {
        name: name.into(),
        experience,
        kills,
    }
}

fn loot(drop: &'static str, value: u32) -> Loot {
    Loot {
        drop: drop.into(),
        value,
    }
}

fn back<T: Serialize, U: serde::de::DeserializeOwned>(value: &T) -> U {
    rmp_serde::from_slice(&rmp_serde::to_vec_named(value).unwrap()).unwrap()
}

/// The quest that follows any other quest.
fn next_quest(_: std::borrow::Cow<'static, str>) -> Quest {
    QUESTS[1].clone()
}

#[test]
fn a_kill_counts_the_quest_down_and_grants_nothing() {
    let mut hero = hero(Opts::default(), quest("Fetch me a nut", 150, 3));
    assert_eq!(hero.quest_step(&mut next_quest), None);
    assert_eq!(Quest::from(hero.quest), quest("Fetch me a nut", 150, 2));
    assert_eq!(hero.hero.exp, 0);
}

#[test]
fn the_last_kill_of_a_quest_grants_its_experience_and_another_quest() {
    for kills in [1, 0] {
        let opts = Opts {
            exp: Some(5),
            ..Opts::default()
        };
        let mut hero = hero(opts, quest("Slay the Bieber", 500, kills));
        let mut asked = String::new();
        let step = hero.quest_step(&mut |done| {
            asked = done.to_string();
            next_quest(done)
        });
        let completed = Completed {
            completed: "Slay the Bieber".into(),
            new: "Cancel the festival".into(),
        };
        assert_eq!(step, Some(completed), "{kills} to go");
        assert_eq!(asked, "Slay the Bieber");
        assert_eq!(Quest::from(hero.quest), QUESTS[1]);
        assert_eq!(hero.hero.exp, 505);
    }
}

#[test]
fn a_quest_takes_as_many_kills_as_it_says() {
    for row in &QUESTS {
        let mut hero = hero(Opts::default(), row.clone());
        let steps = (1..).find(|_| hero.quest_step(&mut next_quest).is_some());
        assert_eq!(steps, Some(row.kills), "{}", row.name);
        assert_eq!(hero.hero.exp, u64::from(row.experience));
    }
}

#[test]
fn all_that_is_sold_brings_its_value_times_the_level() {
    let bag = vec![loot("Spices", 10), loot("Anvil", 900), loot("Ant Egg", 1)];
    let opts = Opts {
        loot: Some(bag.clone()),
        lvl: Some(5),
        money: Some(6),
        ..Opts::default()
    };
    let mut hero = hero(opts, QUESTS[0].clone());
    let sold: Vec<(Loot, u64)> = std::iter::from_fn(|| hero.sell()).collect();
    let values = [50, 4_500, 5];
    let expected: Vec<(Loot, u64)> = bag.into_iter().zip(values).collect();
    assert_eq!(sold, expected, "the newest first");
    assert_eq!((hero.hero.money, hero.hero.loot.len()), (4_561, 0));
}

#[test]
fn riches_have_an_end() {
    let most = Opts {
        loot: Some(vec![loot("Crown", u32::MAX)]),
        lvl: Some(u32::MAX),
        money: Some(u64::MAX),
        exp: Some(u64::MAX),
        ..Opts::default()
    };
    let mut hero = hero(most, quest("Own it all", u32::MAX, 1));
    hero.sell().unwrap();
    hero.quest_step(&mut next_quest).unwrap();
    assert_eq!((hero.hero.money, hero.hero.exp), (u64::MAX, u64::MAX));
}

#[test]
fn a_quest_comes_back_as_it_went() {
    let odd = [
        quest("Water the moon", 7, 9),
        quest("Fetch me a nut", 151, 20),
        quest("Fetch me a nut", 150, u32::MAX),
    ];
    for row in QUESTS.iter().chain(&odd) {
        let task = Task::from(row.clone());
        assert_eq!(back::<Task, Quest>(&task), *row);
        assert_eq!(back::<Quest, Task>(row), task);
    }
}

#[test]
fn a_hero_is_written_in_plain_words_with_its_quest_among_them() {
    let opts = Opts {
        loot: Some(vec![loot("Spider Egg", 1)]),
        ..Opts::default()
    };
    let data = hero(opts, quest("Fetch me a nut", 150, 3));
    let whole = Whole {
        state: State::Killing,
        data,
    };
    let term: Term = back(&whole);
    expect![[r##"
        #{data =>
              #{bought => [],
                equip => #{},
                events => <1.22.333>,
                exp => 0,
                loot => [#{drop => "Spider Egg",value => 1}],
                lvl => 1,
                lvlexp => 1000,
                money => 0,
                name => "Gandalf",
                quest => #{experience => 150,kills => 3,name => "Fetch me a nut"},
                stats =>
                    #{charisma => 10,
                      constitution => 10,
                      dexterity => 10,
                      intelligence => 10,
                      strength => 10,
                      wisdom => 10},
                time => 0},
          state => "killing"}"##]]
    .assert_eq(&pq_term::pretty(&term));
    assert_eq!(back::<Whole, Whole>(&whole), whole);
}

#[test]
fn an_enemy_of_this_version_leaves_what_the_bag_has_a_number_for() {
    let mut hero = hero(Opts::default(), QUESTS[0].clone());
    let worm: Enemy = v1_0_0::pq_enemy::enemy("Sand Worm", "Spices", 10, 25);
    hero.hero.fight(&worm);
    let carried: Vec<Loot> = hero.hero.loot.iter().collect();
    assert_eq!(carried, [loot("Spices", 10)]);
    assert!(matches!(carried[0].drop, std::borrow::Cow::Borrowed(_)));
    assert_eq!(hero.hero.exp, 25);
}

#[test]
fn programs_are_told_of_the_quest_besides_what_they_were_told_before() {
    let player = hero(Opts::default(), quest("Fetch me a nut", 150, 3));
    let before = v1_0_0::pq_player::gmcp::messages(State::Market, &player.hero);
    let now = gmcp::messages(State::Market, &player);
    let mut new = Vec::new();
    for ((name, was), (same, is)) in before.iter().zip(&now) {
        assert_eq!(name, same);
        assert!(was.iter().all(|(key, value)| is.get(key) == Some(value)));
        let added = is.iter().filter(|(key, _)| !was.contains_key(*key));
        new.extend(added.map(|(key, value)| format!("{name} {key}: {value:?}")));
    }
    assert_eq!(before.len(), now.len());
    expect![[r#"
        Char.StatusVars kills: Text("Kills left")
        Char.StatusVars quest: Text("Quest")
        Char.Status kills: Number(3)
        Char.Status quest: Text("Fetch me a nut")"#]]
    .assert_eq(&new.join("\n"));
}
