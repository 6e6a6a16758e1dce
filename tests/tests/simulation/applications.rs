//! Stopping and starting applications while heroes play and clients are connected.

use pq_otp::application::{AppReply, AppRequest};
use pq_sdk::{Pid, Term};
use pq_tests::house::client::PROMPT;
use pq_tests::house::{House, socket_opts};

const SEED: u64 = 321;

fn name(number: usize) -> String {
    format!("hero {number}")
}

fn running(house: &mut House) -> Vec<String> {
    match house.application(&AppRequest::Which) {
        AppReply::Running(apps) => apps.into_iter().map(|(name, ..)| name).collect(),
        other => panic!("{other:?}"),
    }
}

fn not_started(name: &str) -> AppReply {
    AppReply::Error(Term::tuple([Term::atom("not_started"), Term::string(name)]))
}

#[test]
fn applications_start_in_the_order_of_their_needs_and_are_listed_last_first() {
    let mut house = House::boot(SEED);
    let all = [
        "sockserv",
        "processquest",
        "regis",
        "crypto",
        "stdlib",
        "kernel",
    ];
    assert_eq!(running(&mut house), all);
    house.stop_application("sockserv");
    house.stop_application("processquest");
    assert_eq!(
        house.start_application("sockserv"),
        not_started("processquest")
    );
    assert_eq!(running(&mut house), all[2..]);
}

#[test]
fn stopping_the_game_ends_every_hero_and_frees_every_name() {
    let mut house = House::boot(SEED);
    let processes = house.sim.processes().len();
    for number in 0..300 {
        house.start_hero(&name(number), &socket_opts()).unwrap();
        house.sim.run_ms(50);
    }
    house.sim.run_ms(600_000);
    let before_ms = house.sim.now_ms();
    assert_eq!(house.stop_application("processquest"), AppReply::Ok);
    assert_eq!(
        house.sim.now_ms(),
        before_ms,
        "the stop had to wait for a process"
    );
    assert_eq!(house.names.get_names(), []);
    assert_eq!(house.sim.node().whereis("pq_supersup"), None);
    assert_eq!(house.sim.processes().len(), processes - 1);
    assert_eq!(
        house.stop_application("processquest"),
        not_started("processquest")
    );
}

#[test]
fn the_game_starts_again_after_it_was_stopped() {
    let mut house = House::boot(SEED);
    for _ in 0..3 {
        let start = |number| {
            let sup = house.start_hero(&name(number), &socket_opts()).unwrap();
            house.watch_hero(&name(number));
            (name(number), sup)
        };
        let heroes: Vec<(String, Pid)> = (0..20).map(start).collect();
        house.sim.run_ms(300_000);
        for (name, sup) in &heroes {
            house.check_hero(name, *sup).unwrap();
        }
        assert_eq!(house.stop_application("processquest"), AppReply::Ok);
        assert_eq!(house.start_application("processquest"), AppReply::Ok);
    }
}

#[test]
fn a_hero_ends_before_its_event_manager_and_both_before_their_supervisors() {
    let mut house = House::boot(SEED);
    let sup = house.start_hero("Conan", &socket_opts()).unwrap();
    let events = house.events_of("Conan").unwrap();
    let player = house.whereis("Conan").unwrap();
    let top = house.local("pq_supersup");
    let mourner = house.mourn(&[top, sup, events, player]);
    house.stop_application("processquest");
    assert_eq!(house.gone(mourner), [player, events, sup, top]);
}

#[test]
fn clients_of_a_game_that_stops_are_told_and_can_play_when_it_is_back() {
    let mut house = House::boot(SEED);
    let client = house.enter_as("Conan");
    house.stop_application("processquest");
    assert_eq!(
        client.read(),
        format!("Conan has fallen for the last time.\n{PROMPT}")
    );
    house.sim.run_ms(60_000);
    house.start_application("processquest");
    house.begin(&client, "Conan");
    house.sim.run_ms(10_000);
    assert!(client.read().contains("Obtained "));
}

/// Without the game there are no random stats either, so the session fails, and the connection of its client ends.
#[test]
fn a_hero_that_cannot_be_started_is_explained() {
    let mut house = House::boot(SEED);
    let client = house.enter();
    house.types(&client, "Conan");
    house.stop_application("processquest");
    assert_eq!(
        house.types(&client, "y"),
        format!("Your hero could not be started.\n{PROMPT}")
    );
    house.start_application("processquest");
    house.begin(&client, "Conan");
}

#[test]
fn stopping_the_socket_server_closes_every_port_and_leaves_the_heroes() {
    let mut house = House::boot(SEED);
    let clients: Vec<_> = (0..20)
        .map(|number| house.enter_as(&format!("hero-{number}")))
        .collect();
    let waiting = house.enter();
    assert_eq!(house.sim.node().port_count(), 21);
    assert_eq!(house.stop_application("sockserv"), AppReply::Ok);
    assert!(clients.iter().all(|client| client.is_closed()) && waiting.is_closed());
    assert_eq!(house.sim.node().port_count(), 0);
    assert_eq!(house.count_children("pq_supersup"), 20);
    assert!(house.connect().is_none());
    assert_eq!(house.start_application("sockserv"), AppReply::Ok);
    house.enter_as("somebody-else");
}
