//! All ways in which a hero or its session ends, and the number of played and of abandoned heroes afterwards.
//! `door/ends.rs` has the table, and tests the answers of commands on a real node and the ends that need sockets.

use std::sync::Arc;

use pq_otp::Ask;
use pq_otp::sys::SysMessage;
use pq_tests::house::client::Client;
use pq_tests::house::{House, socket_opts};
use sockserv::Avatars;

const SEED: u64 = 1_947;

/// Enough milliseconds for all requests of a session at its end.
const LONG_MS: u64 = 20_000;

/// A simulated node that counts its heroes.
fn counted() -> (House, Arc<Avatars>) {
    let house = House::boot(SEED);
    let heroes = Arc::new(Avatars::default());
    assert!(house.sim.node().tell_kin(heroes.clone()));
    (house, heroes)
}

type End = fn(&mut House, &Client);

/// The ends of a hero named Ann or of her connection, with the numbers of played and of abandoned heroes afterwards,
/// and whether the name is taken.
const ENDS: &[(&str, End, (usize, usize, bool))] = &[
    (
        "quit",
        |house, ann| drop(house.types(ann, "quit")),
        (0, 0, false),
    ),
    (
        "its client goes",
        |house, ann| house.drops(ann),
        (0, 1, true),
    ),
    ("its client quits and goes", quits_and_goes, (0, 0, false)),
    ("stop_player", stop, (0, 0, false)),
    (
        "its supervisor is killed",
        |house, _| kill_sup(house),
        (0, 0, false),
    ),
    ("it falls once", |house, _| falls(house, 1), (1, 0, true)),
    ("it falls twice", |house, _| falls(house, 2), (1, 0, true)),
    (
        "it falls too often",
        |house, _| falls(house, 3),
        (0, 0, false),
    ),
    ("its event manager falls", events_fall, (1, 0, true)),
    (
        "its session falls",
        |house, ann| house.kill(ann.session),
        (0, 1, true),
    ),
    (
        "its session is held, and its client goes",
        held,
        (1, 0, true),
    ),
    ("and goes on", held_and_let_go, (0, 1, true)),
    (
        "sockserv stops",
        |house, _| stop_application(house, "sockserv"),
        (0, 1, true),
    ),
    (
        "processquest stops",
        |house, _| stop_application(house, "processquest"),
        (0, 0, false),
    ),
];

fn quits_and_goes(house: &mut House, ann: &Client) {
    house.sends(ann, "quit");
    house.drops(ann);
}

fn stop(house: &mut House, _: &Client) {
    let sup = house.sup_of("Ann").unwrap();
    house.stop_hero(sup);
}

fn kill_sup(house: &mut House) {
    let sup = house.sup_of("Ann").unwrap();
    house.kill(sup);
}

fn falls(house: &mut House, times: usize) {
    for _ in 0..times {
        let hero = house.whereis("Ann").unwrap();
        house.kill(hero);
        house.sim.settle();
    }
}

fn events_fall(house: &mut House, _: &Client) {
    let events = house.events_of("Ann").unwrap();
    house.kill(events);
}

fn held(house: &mut House, ann: &Client) {
    house
        .sim
        .sys(ann.session, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    house.drops(ann);
}

fn held_and_let_go(house: &mut House, ann: &Client) {
    held(house, ann);
    house
        .sim
        .sys(ann.session, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
}

fn stop_application(house: &mut House, name: &str) {
    house.stop_application(name);
}

#[test]
fn whatever_ends_a_hero_or_its_session_is_counted_at_once() {
    for (end, meet, expected) in ENDS {
        let (mut house, heroes) = counted();
        let ann = house.enter_as("Ann");
        assert_eq!((heroes.played(), heroes.abandoned()), (1, 0), "{end}");
        meet(&mut house, &ann);
        house.sim.run_ms(LONG_MS);
        let is_taken = house.whereis("Ann").is_some();
        let found = (heroes.played(), heroes.abandoned(), is_taken);
        assert_eq!(found, *expected, "{end}");
        let left = heroes.list_abandoned();
        assert_eq!(left.len(), heroes.abandoned(), "{end}");
        for sup in left {
            house.stop_hero(sup);
        }
        house.sim.run_ms(LONG_MS);
        assert_eq!(heroes.abandoned(), 0, "{end}");
    }
}

#[test]
fn a_client_that_goes_before_its_hero_plays_leaves_it_all_the_same() {
    let (mut house, heroes) = counted();
    let clients: Vec<Client> = (0..10).map(|_| house.enter()).collect();
    for (number, client) in clients.iter().enumerate() {
        house.sends(client, format!("hero-{number}"));
        house.sends(client, "y");
        let node = house.sim.node();
        node.port_closed(client.port, client.session, "closed by the client");
    }
    house.sim.run_ms(LONG_MS);
    assert_eq!((heroes.played(), heroes.abandoned()), (0, 10));
    assert_eq!(house.count_children("pq_supersup"), 10);
}

#[test]
fn who_quits_while_its_hero_is_started_leaves_none() {
    let (mut house, heroes) = counted();
    let client = house.enter();
    for line in ["Ann", "y", "quit"] {
        house.sends(&client, line);
    }
    house.drops(&client);
    house.sim.run_ms(LONG_MS);
    assert_eq!((heroes.played(), heroes.abandoned()), (0, 0));
    assert!(house.is_gone("Ann"));
}

#[test]
fn heroes_of_operators_and_names_that_are_taken_count_for_nothing() {
    let (mut house, heroes) = counted();
    house.start_hero("bot", &socket_opts()).unwrap();
    let (ann, bob) = (house.enter_as("Ann"), house.enter());
    house.types(&bob, "Ann");
    assert!(house.types(&bob, "y").starts_with("That name is taken.\n"));
    assert_eq!((heroes.played(), heroes.abandoned()), (1, 0));
    house.drops(&bob);
    assert_eq!((heroes.played(), heroes.abandoned()), (1, 0));
    // A client whose hero has ended may start another one.
    stop(&mut house, &ann);
    house.sim.settle();
    house.begin(&ann, "Eve");
    assert_eq!((heroes.played(), heroes.abandoned()), (1, 0));
    house.drops(&ann);
    assert_eq!((heroes.played(), heroes.abandoned()), (0, 1));
}
