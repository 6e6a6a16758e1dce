//! Release 1.1.0 on a node that runs 1.0.0: upgrade, play, downgrade, play, and upgrade again, with all clients
//! connected.

use std::collections::BTreeSet;

use expect_test::expect;
use pq_otp::Pid;
use pq_release::handler::{Options, ReleaseHandler};
use pq_tests::house::client::Client;
use pq_tests::house::{House, socket_opts};
use pq_tests::running::Tree;
use pq_words::Quest;
use processquest_1_0_0::pq_enemy::{Catalogue, PqEnemy};
use processquest_1_0_0::pq_player::Whole;
use processquest_1_1_0::pq_player::Whole as QuestWhole;
use processquest_1_1_0::pq_quest::QUESTS;

const SEED: u64 = 1_101;
const OLD: &str = "1.0.0";
const NEW: &str = "1.1.0";
const HEROES: usize = 300;

/// The heroes with sockets, which are among the [`HEROES`].
const GUESTS: [&str; 3] = ["Ann", "Bob", "Cid"];

/// Milliseconds longer than the longest quest: 175 kills of 1 600 ms, and the trips to the market between them.
const LONG_MS: u64 = 3_600_000;

fn names() -> Vec<String> {
    let unseen = (GUESTS.len()..HEROES).map(|number| format!("hero {number}"));
    GUESTS
        .iter()
        .map(ToString::to_string)
        .chain(unseen)
        .collect()
}

/// A simulated node on a tree of its own, with its release handler.
struct Site {
    _tree: Tree,
    house: House,
    handler: ReleaseHandler,
}

impl Site {
    fn new() -> Site {
        let tree = Tree::new();
        let (house, mut handler) = House::boot_tree(tree.root(), SEED);
        handler.registry_mut().unpack("processquest-1.1.0").unwrap();
        Site {
            _tree: tree,
            house,
            handler,
        }
    }

    fn install(&mut self, vsn: &str) {
        let options = Options::default();
        let installed = self
            .house
            .install(&mut self.handler, vsn, &options, |_, _| ());
        let installed = installed.unwrap_or_else(|error| panic!("failed to {error}"));
        assert_eq!(installed.warnings, Vec::<String>::new());
    }
}

/// A site whose heroes have played for some time, no two of them in step.
fn crowd() -> (Site, Vec<Client>) {
    let mut site = Site::new();
    let house = &mut site.house;
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
    (site, guests)
}

/// Every hero in the type that both versions can read.
fn heroes(house: &mut House) -> Vec<Whole> {
    let hero = |name: &String| house.hero(name).unwrap_or_else(|| panic!("{name} is gone"));
    names().iter().map(hero).collect()
}

/// Every hero of 1.1.0; `None` for a hero of 1.0.0.
fn questing(house: &mut House) -> Vec<Option<QuestWhole>> {
    let state = |name: &String| {
        let term = house.state_of(name).unwrap();
        rmp_serde::from_slice(&pq_term::msgpack::to_plain_msgpack(&term)).ok()
    };
    names().iter().map(state).collect()
}

/// The pids of heroes and of their event managers, by name.
fn pids(house: &House) -> Vec<(Option<Pid>, Option<Pid>)> {
    let of = |name: &String| (house.whereis(name), house.events_of(name));
    names().iter().map(of).collect()
}

/// The versions of a module that its processes run.
fn versions(house: &House, module: &str) -> BTreeSet<String> {
    let processes = house.sim.processes().into_iter();
    let of_module = processes.filter(|process| process.module == module);
    of_module.map(|process| process.vsn).collect()
}

fn one(vsn: &str) -> BTreeSet<String> {
    BTreeSet::from([vsn.to_string()])
}

/// The rest of each line that starts with `begin`.
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

/// The experience of every hero, in the order of their names.
fn experience(house: &mut House, vsn: &str) -> Vec<u64> {
    match vsn {
        OLD => heroes(house).iter().map(|hero| hero.data.exp).collect(),
        _ => questing(house)
            .into_iter()
            .map(|hero| hero.unwrap().data.hero.exp)
            .collect(),
    }
}

/// Installs the other release. Every hero keeps its process, its name and its state; none is restarted.
fn change(site: &mut Site, from: &str, to: &str) {
    let (before, people) = (experience(&mut site.house, from), pids(&site.house));
    site.install(to);
    let after = experience(&mut site.house, to);
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before <= after),
        "seed {SEED}"
    );
    assert_eq!(pids(&site.house), people, "seed {SEED}");
}

/// Upgrades. Every hero gets a quest, or the one that it had here before.
fn go_up(site: &mut Site) {
    change(site, OLD, NEW);
    for hero in questing(&mut site.house) {
        let quest = Quest::from(hero.unwrap().data.quest);
        // Several heroes have had a fight since then.
        let is_it = |known: &Quest| known.name == quest.name && known.kills >= quest.kills;
        assert!(QUESTS.iter().any(is_it), "seed {SEED}: {quest:?}");
    }
    assert_eq!(versions(&site.house, "pq_player"), one(NEW));
    assert_eq!(versions(&site.house, "pq_events"), one(NEW));
    assert_eq!(versions(&site.house, "sockserv_serv"), one("1.0.1"));
}

/// Downgrades. Every hero keeps everything except its quest.
fn go_down(site: &mut Site) {
    change(site, NEW, OLD);
    assert!(
        questing(&mut site.house).iter().all(Option::is_none),
        "seed {SEED}"
    );
    for module in ["pq_player", "pq_events", "sockserv_serv"] {
        assert_eq!(versions(&site.house, module), one(OLD));
    }
    assert_eq!(site.house.code.current("pq_quest"), None);
}

/// Plays by the rules of 1.1.0; clients see the quests of their heroes.
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
        // The fight at the moment of the upgrade was with an enemy of 1.0.0.
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

/// Plays by the rules of 1.0.0; only loot is left from 1.1.0, and heroes sell it.
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
    let site = Site::new();
    let relup = site.handler.registry().tree().relup(NEW).unwrap().unwrap();
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
    let (mut site, guests) = crowd();
    go_up(&mut site);
    play_with_quests(&mut site.house, &guests);
    go_down(&mut site);
    play_without_quests(&mut site.house, &guests);
    go_up(&mut site);
    play_with_quests(&mut site.house, &guests);
    let mut house = site.house;
    assert_eq!(house.count_children("pq_supersup"), HEROES as u64);
    assert_eq!(house.count_children("sockserv_sup"), GUESTS.len() as u64);
    assert_eq!(house.sim.counters().dropped, 0);
    assert_eq!(house.ended(), Vec::<String>::new());
}

#[test]
fn a_quest_waits_beside_its_hero_until_the_next_upgrade() {
    let (mut site, _guests) = crowd();
    go_up(&mut site);
    let quests = |house: &mut House| -> Vec<Quest> {
        let heroes = questing(house).into_iter();
        heroes
            .map(|hero| Quest::from(hero.unwrap().data.quest))
            .collect()
    };
    let before = quests(&mut site.house);
    go_down(&mut site);
    go_up(&mut site);
    // A hero may complete its quest between the two checks, but that is rare within milliseconds.
    let after = quests(&mut site.house);
    let same = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before.name == after.name)
        .count();
    assert!(same >= HEROES - 3, "seed {SEED}: {same} of {HEROES}");
}

#[test]
fn a_hero_that_fell_after_the_upgrade_rises_with_a_quest() {
    let mut site = Site::new();
    let guest = site.house.enter_as("Ann");
    site.install(NEW);
    let mut house = site.house;
    guest.read();
    let player = house.whereis("Ann").unwrap();
    house.kill(player);
    house.sim.run_ms(10);
    assert_eq!(guest.read(), "Ann fell, and rises again.\n");
    assert_ne!(house.whereis("Ann"), Some(player));
    assert_eq!(versions(&house, "pq_player"), one(NEW));
    house.sim.run_ms(LONG_MS);
    assert!(guest.read().contains("Completed quest: "));
}

#[test]
fn a_client_that_goes_takes_its_hero_along_from_the_upgrade_on() {
    let mut site = Site::new();
    let house = &mut site.house;
    let guests = ["leaked", "cured", "back", "never"].map(|name| (name, house.enter_as(name)));
    let [leaked, cured, back, never] = guests;
    house.drops(&leaked.1);
    assert!(house.whereis(leaked.0).is_some(), "1.0.0 leaks");

    site.install(NEW);
    let house = &mut site.house;
    house.drops(&cured.1);
    assert!(house.is_gone(cured.0), "1.0.1 does not");
    assert!(
        house.whereis(leaked.0).is_some(),
        "a hero that leaked before stays"
    );
    let fresh = house.enter_as("fresh");
    house.drops(&fresh);
    assert!(house.is_gone("fresh"));

    site.install(OLD);
    let house = &mut site.house;
    house.drops(&back.1);
    assert!(house.whereis(back.0).is_some(), "1.0.0 leaks again");
    house.types(&never.1, "quit");
    assert!(house.is_gone(never.0) && never.1.is_closed());
}
