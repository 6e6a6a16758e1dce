//! Release 1.1.0 on a node that plays 1.0.0: up, play, down, play, and up again, with every client connected.
//!
//! | room | what lives there |
//! |---|---|
//! | `book` | both releases as files, and the relup that systools makes of their appups |
//! | `hands` | somebody who carries out a relup instruction by instruction |
#![allow(clippy::unwrap_used)]

#[path = "next_version/book.rs"]
mod book;
#[path = "next_version/hands.rs"]
mod hands;

use std::collections::BTreeSet;

use expect_test::expect;
use hands::{Hands, OLD};
use pq_otp::Pid;
use pq_tests::house::client::Client;
use pq_tests::house::{House, socket_opts};
use pq_words::Quest;
use processquest_1_0_0::pq_enemy::{Catalogue, PqEnemy};
use processquest_1_0_0::pq_player::Whole;
use processquest_1_1_0::pq_player::Whole as QuestWhole;
use processquest_1_1_0::pq_quest::QUESTS;

const SEED: u64 = 1_101;
const HEROES: usize = 300;

/// The heroes over sockets; they are among the [`HEROES`].
const GUESTS: [&str; 3] = ["Ann", "Bob", "Cid"];

/// Longer than the longest quest takes: 175 kills of 1 600 ms, and the trips to the market between them.
const LONG_MS: u64 = 3_600_000;

fn names() -> Vec<String> {
    let unseen = (GUESTS.len()..HEROES).map(|number| format!("hero {number}"));
    GUESTS
        .iter()
        .map(ToString::to_string)
        .chain(unseen)
        .collect()
}

/// A house whose heroes have played for a while, no two of them in step.
fn crowd() -> (House, Vec<Client>) {
    let mut house = House::boot(SEED);
    let mut guests = Vec::new();
    for (number, name) in names().iter().enumerate() {
        match GUESTS.get(number) {
            Some(name) => guests.push(house.enter_as(name)),
            None => drop(house.start_hero(name, &socket_opts()).unwrap()),
        }
        house.sim.run_ms(7);
    }
    house.sim.run_ms(LONG_MS);
    guests.iter().for_each(|guest| drop(guest.read()));
    (house, guests)
}

/// Every hero in the words that both versions have.
fn heroes(house: &mut House) -> Vec<Whole> {
    let hero = |name: &String| house.hero(name).unwrap_or_else(|| panic!("{name} is gone"));
    names().iter().map(hero).collect()
}

/// Every hero of 1.1.0; a hero of 1.0.0 is none.
fn questing(house: &mut House) -> Vec<Option<QuestWhole>> {
    let state = |name: &String| {
        let term = house.state_of(name).unwrap();
        rmp_serde::from_slice(&pq_term::msgpack::to_plain_msgpack(&term)).ok()
    };
    names().iter().map(state).collect()
}

/// Who is there, by name: heroes and their event managers.
fn pids(house: &House) -> Vec<(Option<Pid>, Option<Pid>)> {
    let of = |name: &String| (house.whereis(name), house.events_of(name));
    names().iter().map(of).collect()
}

/// The versions that run in the processes of a module.
fn versions(house: &House, module: &str) -> BTreeSet<String> {
    let processes = house.sim.processes().into_iter();
    let of_module = processes.filter(|process| process.module == module);
    of_module.map(|process| process.vsn).collect()
}

fn one(vsn: &str) -> BTreeSet<String> {
    BTreeSet::from([vsn.to_string()])
}

/// The words behind a beginning in each line that has it.
fn after<'a>(story: &'a str, begin: &str) -> Vec<&'a str> {
    story
        .lines()
        .filter_map(|line| line.strip_prefix(begin))
        .collect()
}

fn is_known_before(enemy: &str) -> bool {
    PqEnemy::ENEMIES
        .iter()
        .any(|known| enemy == format!("{}...", known.name))
}

/// Goes up. Every hero keeps all it has and is handed a quest; nobody is started anew.
fn go_up(house: &mut House) {
    let (before, people) = (heroes(house), pids(house));
    Hands::new(house).up(|house| {
        assert_eq!(heroes(house), before, "seed {SEED}");
        for hero in questing(house) {
            let quest = Quest::from(hero.unwrap().data.quest);
            assert!(QUESTS.contains(&quest), "seed {SEED}: {quest:?}");
        }
    });
    assert_eq!(pids(house), people, "seed {SEED}");
    assert_eq!(versions(house, "pq_player"), one("1.1.0"));
    assert_eq!(versions(house, "sockserv_serv"), one("1.0.1"));
}

/// Goes down. Every hero keeps all but its quest.
fn go_down(house: &mut House) {
    let (before, people) = (heroes(house), pids(house));
    Hands::new(house).down(|house| {
        assert_eq!(heroes(house), before, "seed {SEED}");
        assert!(questing(house).iter().all(Option::is_none), "seed {SEED}");
    });
    assert_eq!(pids(house), people, "seed {SEED}");
    assert_eq!(versions(house, "pq_player"), one(OLD));
    assert_eq!(versions(house, "sockserv_serv"), one(OLD));
    assert_eq!(house.code.current("pq_quest"), None);
}

/// Plays by the rules of 1.1.0; the guests hear of their quests.
fn play_with_quests(house: &mut House, guests: &[Client]) {
    let before = questing(house);
    house.sim.run_ms(LONG_MS);
    let quest_names: BTreeSet<&str> = QUESTS.iter().map(|quest| &*quest.name).collect();
    for guest in guests {
        let story = guest.read();
        let done = after(&story, "Completed quest: ");
        let new = after(&story, "Obtained new quest: ");
        assert!(
            !done.is_empty() && done.len() == new.len(),
            "seed {SEED}: {story}"
        );
        for (done, new) in done.iter().zip(&new) {
            let (done, new) = (done.trim_end_matches("..."), new.trim_end_matches('.'));
            assert!(quest_names.contains(done) && quest_names.contains(new));
            assert_ne!(done, new, "seed {SEED}");
        }
        let fought = after(&story, "Executing a ");
        assert!(fought.iter().any(|enemy| !is_known_before(enemy)));
        // The fight that had begun when the node went up was with an enemy of before.
        assert!(!fought[1..].contains(&"Ant..."), "seed {SEED}");
    }
    for (before, after) in before.into_iter().zip(questing(house)) {
        let (before, after) = (before.unwrap().data, after.unwrap().data);
        let gained = after.hero.exp - before.hero.exp;
        assert!(
            gained > u64::from(before.quest.experience()),
            "seed {SEED}: {after:?}"
        );
    }
}

/// Plays by the rules of 1.0.0; what is left of the others is loot, and that is sold.
fn play_without_quests(house: &mut House, guests: &[Client]) {
    house.sim.run_ms(LONG_MS);
    let sold_before = |drop: &str| PqEnemy::ENEMIES.iter().any(|known| known.drop == drop);
    for guest in guests {
        let story = guest.read();
        assert!(!story.contains("quest"), "seed {SEED}: {story}");
        let fought = after(&story, "Executing a ");
        assert!(fought.len() > 1_000 && fought[1..].iter().all(|enemy| is_known_before(enemy)));
    }
    for hero in heroes(house) {
        let carried: Vec<_> = hero.data.loot.iter().map(|loot| loot.drop).collect();
        let known = carried.iter().all(|drop| sold_before(drop));
        assert!(known, "seed {SEED}: {} keeps {carried:?}", hero.data.name);
    }
}

#[test]
fn the_relup_holds_what_the_appups_of_the_book_say() {
    let relup = book::relup();
    expect![[r#"
        %% coding: utf-8
        {"1.1.0",
         [{"1.0.0",[],
           [{load_object_code,{processquest,"1.1.0",
                                            [pq_player,pq_quest,pq_events,pq_enemy]}},
            {load_object_code,{sockserv,"1.0.1",[sockserv_serv]}},
            point_of_no_return,
            {suspend,[pq_player]},
            {load,{pq_events,brutal_purge,brutal_purge}},
            {load,{pq_quest,brutal_purge,brutal_purge}},
            {load,{pq_player,brutal_purge,brutal_purge}},
            {code_change,up,[{pq_player,[]}]},
            {resume,[pq_player]},
            {load,{pq_enemy,brutal_purge,brutal_purge}},
            {load,{sockserv_serv,brutal_purge,brutal_purge}}]}],
         [{"1.0.0",[],
           [{load_object_code,{processquest,"1.0.0",[pq_player,pq_enemy,pq_events]}},
            {load_object_code,{sockserv,"1.0.0",[sockserv_serv]}},
            point_of_no_return,
            {suspend,[pq_player]},
            {code_change,down,[{pq_player,[]}]},
            {load,{pq_player,brutal_purge,brutal_purge}},
            {resume,[pq_player]},
            {remove,{pq_quest,brutal_purge,brutal_purge}},
            {purge,[pq_quest]},
            {load,{pq_enemy,brutal_purge,brutal_purge}},
            {load,{pq_events,brutal_purge,brutal_purge}},
            {load,{sockserv_serv,brutal_purge,brutal_purge}}]}]}.
    "#]]
    .assert_eq(&relup.to_text());
}

#[test]
fn heroes_go_up_and_down_and_up_while_they_play() {
    let (mut house, guests) = crowd();
    go_up(&mut house);
    play_with_quests(&mut house, &guests);
    go_down(&mut house);
    play_without_quests(&mut house, &guests);
    go_up(&mut house);
    play_with_quests(&mut house, &guests);
    assert_eq!(house.count_children("pq_supersup"), HEROES as u64);
    assert_eq!(house.count_children("sockserv_sup"), GUESTS.len() as u64);
    assert_eq!(house.sim.counters().dropped, 0);
    assert_eq!(house.ended(), Vec::<String>::new());
}

#[test]
fn a_hero_that_fell_after_the_upgrade_rises_with_a_quest() {
    let mut house = House::boot(SEED);
    let guest = house.enter_as("Ann");
    Hands::new(&mut house).up(|_| ());
    guest.read();
    let player = house.whereis("Ann").unwrap();
    house.kill(player);
    house.sim.run_ms(10);
    assert_eq!(guest.read(), "Ann fell, and rises again.\n");
    assert_ne!(house.whereis("Ann"), Some(player));
    assert_eq!(versions(&house, "pq_player"), one("1.1.0"));
    house.sim.run_ms(LONG_MS);
    assert!(guest.read().contains("Completed quest: "));
}

#[test]
fn a_client_that_goes_takes_its_hero_along_from_the_upgrade_on() {
    let mut house = House::boot(SEED);
    let guests = ["leaked", "cured", "back", "never"].map(|name| (name, house.enter_as(name)));
    let [leaked, cured, back, never] = guests;
    house.drops(&leaked.1);
    assert!(house.whereis(leaked.0).is_some(), "1.0.0 leaks");

    Hands::new(&mut house).up(|_| ());
    house.drops(&cured.1);
    assert!(house.is_gone(cured.0), "1.0.1 does not");
    assert!(house.whereis(leaked.0).is_some(), "who leaked before stays");
    let fresh = house.enter_as("fresh");
    house.drops(&fresh);
    assert!(house.is_gone("fresh"));

    Hands::new(&mut house).down(|_| ());
    house.drops(&back.1);
    assert!(house.whereis(back.0).is_some(), "1.0.0 leaks again");
    house.types(&never.1, "quit");
    assert!(house.is_gone(never.0) && never.1.is_closed());
}
