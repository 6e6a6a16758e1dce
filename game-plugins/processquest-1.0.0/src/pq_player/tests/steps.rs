//! The arrows of the picture in `pq_player`, walked through the boundary that a node uses.

use expect_test::expect;
use pq_sdk::gen_fsm::Machine;
use pq_sdk::pq_abi::host::Verdict;
use pq_sdk::pq_abi::{Callback, Reason};
use pq_sdk::{Pid, Term};
use pq_words::{Opts, Slot, Stats};

use super::host::{FakeHost, HERO, SUP, refusal};
use super::*;
use crate::pq_player::{Call, Event, State, Supervisor};
use crate::processquest::events_name;

/// One row of the table: an event in a state, what is told, where it leads, what comes next and when.
fn row(state: State, event: Event, opts: Opts) -> String {
    let opts = Opts {
        time: Some(800),
        ..opts
    };
    let mut host = FakeHost::new(1);
    let data = hero(opts);
    let mut running = host.resume(&Machine { state, data });
    let verdict = host.event(&mut running, event);
    let told: Vec<String> = host.told.iter().map(|r| format!("{:?}", r.event)).collect();
    let after = host.look(&running).state;
    let end = match (verdict, &host.next[..]) {
        (Verdict::Wait, [(ms, next)]) => format!("{after:?}, {next:?} in {ms} ms"),
        (verdict, next) => format!("{verdict:?}, {next:?}"),
    };
    format!("{state:?} {event:?}: {} -> {end}\n", told.join(", "))
}

/// Plays a number of events; `elsewhere` are modules that are called through the boundary.
fn play(seed: u64, elsewhere: &'static [&'static str], events: usize) -> (FakeHost, Player) {
    let mut host = FakeHost::new(seed);
    host.elsewhere = elsewhere;
    host.names.push((events_name("Gandalf"), EVENTS));
    let opts = Opts {
        lvlexp: Some(10),
        stats: Some(Stats::from_fn(|| 3)),
        ..Opts::default()
    };
    let mut running = host.start("Gandalf", &opts).unwrap();
    for _ in 0..events {
        let (_, event) = host.next.pop().unwrap();
        assert_eq!(host.event(&mut running, event), Verdict::Wait);
        assert_eq!(
            host.next.len(),
            1,
            "a living hero always has its next event"
        );
    }
    let player = host.look(&running).data;
    (host, player)
}

#[test]
fn at_the_market_a_hero_sells_then_buys_then_leaves() {
    let none = Opts::default;
    let bag = Some(vec![loot("Pelt", 1), loot("Anvil", 9)]);
    let full = Opts {
        loot: bag,
        ..none()
    };
    let rich = Opts {
        money: Some(100),
        ..none()
    };
    let rows = [
        row(State::Market, Event::Sell, full),
        row(State::Market, Event::Sell, none()),
        row(State::Market, Event::Buy, rich),
        row(State::Market, Event::Buy, none()),
        row(State::Market, Event::Kill, none()),
    ];
    expect![[r#"
        Market Sell: Sell { ms: 160, drop: "Pelt", value: 1 } -> Market, Sell in 800 ms
        Market Sell:  -> Market, Buy in 0 ms
        Market Buy: Buy { ms: 400, slot: Armor, item: "wool" } -> Market, Buy in 400 ms
        Market Buy:  -> Market, Kill in 0 ms
        Market Kill: Heading { ms: 800, place: Killing } -> Killing, Kill in 800 ms
    "#]]
    .assert_eq(&rows.concat());
}

#[test]
fn on_the_killing_fields_one_thing_follows_from_a_kill() {
    let none = Opts::default;
    let taught = Opts {
        lvlexp: Some(1),
        ..none()
    };
    let weak = Opts {
        stats: Some(Stats::default()),
        ..taught.clone()
    };
    let rows = [
        row(State::Killing, Event::Kill, none()),
        row(State::Killing, Event::Kill, taught),
        row(State::Killing, Event::Kill, weak),
        row(State::Killing, Event::LvlUp, none()),
        row(State::Killing, Event::Market, none()),
    ];
    expect![[r#"
        Killing Kill: Killed { ms: 1600, enemy: "Goblin", drop: "Goblin hair", experience: 2 } -> Killing, Kill in 1600 ms
        Killing Kill: Killed { ms: 1600, enemy: "Goblin", drop: "Goblin hair", experience: 2 } -> Killing, LvlUp in 1600 ms
        Killing Kill: Killed { ms: 1600, enemy: "Goblin", drop: "Goblin hair", experience: 2 } -> Killing, Market in 1600 ms
        Killing LvlUp: LvlUp { stats: Stats { charisma: 15, constitution: 15, dexterity: 11, intelligence: 15, strength: 12, wisdom: 14 }, lvl: 2, lvlexp: 2000 } -> Killing, Kill in 0 ms
        Killing Market: Heading { ms: 800, place: Market } -> Market, Sell in 800 ms
    "#]].assert_eq(&rows.concat());
}

#[test]
fn an_event_out_of_place_ends_the_hero() {
    let out_of_place = [
        (State::Market, Event::LvlUp),
        (State::Market, Event::Market),
        (State::Killing, Event::Sell),
        (State::Killing, Event::Buy),
    ];
    let rows = out_of_place.map(|(state, event)| row(state, event, Opts::default()));
    expect![[r#"
        Market LvlUp:  -> Stop(Other({bad_event,"LvlUp in state Market"})), []
        Market Market:  -> Stop(Other({bad_event,"Market in state Market"})), []
        Killing Sell:  -> Stop(Other({bad_event,"Sell in state Killing"})), []
        Killing Buy:  -> Stop(Other({bad_event,"Buy in state Killing"})), []
    "#]]
    .assert_eq(&rows.concat());
}

#[test]
fn a_level_raises_every_stat_by_one_to_six() {
    let mut host = FakeHost::new(2);
    let mut running = host.resume(&Machine {
        state: State::Killing,
        data: hero(Opts::default()),
    });
    let mut before = host.look(&running).data.stats;
    for _ in 0..200 {
        assert_eq!(host.event(&mut running, Event::LvlUp), Verdict::Wait);
        let after = host.look(&running).data.stats;
        for ((stat, old), (_, new)) in before.iter().zip(after.iter()) {
            assert!((1..=6).contains(&(new - old)), "{stat}: {old} to {new}");
        }
        before = after;
    }
}

#[test]
fn a_hero_starts_under_its_name_and_goes_to_the_killing_fields_at_once() {
    let mut host = FakeHost::new(3);
    host.names.push((events_name("Gandalf"), EVENTS));
    let running = host.start("Gandalf", &Opts::default()).unwrap();
    assert!(host.names.contains(&(Term::string("Gandalf"), HERO)));
    let whole = host.look(&running);
    assert_eq!(
        (whole.state, &host.next[..]),
        (State::Market, &[(0, Event::Kill)][..])
    );
    assert_eq!(whole.data.events, EVENTS);
    assert!(
        whole
            .data
            .stats
            .iter()
            .all(|(_, value)| (3..=18).contains(&value))
    );
}

#[test]
fn a_name_that_is_taken_stops_the_start() {
    let mut host = FakeHost::new(4);
    let taken = Reason::Other(Term::atom("name_taken"));
    host.names
        .push((Term::string("Gandalf"), Pid::new(0, 9, 9)));
    assert_eq!(refusal(host.start("Gandalf", &Opts::default())), taken);

    host.names = vec![(events_name("Gandalf"), Pid::new(0, 9, 9))];
    let args = rmp_serde::to_vec_named(&("Gandalf",)).unwrap();
    let started = host.module("pq_events").call(&mut host, "init", &args);
    assert_eq!(started.map_err(|failure| failure.into_reason()), Err(taken));
}

#[test]
fn a_hero_without_its_event_manager_does_not_start() {
    let mut host = FakeHost::new(5);
    assert_eq!(
        refusal(host.start("Gandalf", &Opts::default())),
        Reason::NoProc
    );
}

#[test]
fn an_event_manager_registers_as_events_of_its_hero() {
    let mut host = FakeHost::new(6);
    let args = rmp_serde::to_vec_named(&("Gandalf",)).unwrap();
    host.module("pq_events")
        .call(&mut host, "init", &args)
        .unwrap();
    assert_eq!(host.names, [(events_name("Gandalf"), HERO)]);
}

#[test]
fn a_hero_knows_its_supervisor() {
    let mut host = FakeHost::new(7);
    let mut running = host.resume(&Machine {
        state: State::Market,
        data: hero(Opts::default()),
    });
    let call = rmp_serde::to_vec_named(&Call::Supervisor).unwrap();
    let caller = (Pid::new(0, 8, 8).as_raw(), 1);
    assert_eq!(
        running.handle(&mut host, Callback::Call, caller, &call),
        Verdict::Wait
    );
    let reply: Supervisor = rmp_serde::from_slice(&host.reply).unwrap();
    assert_eq!(
        reply,
        Supervisor {
            supervisor: Some(SUP)
        }
    );
    assert!(
        host.next.is_empty(),
        "the event it waits for stays the only one"
    );
}

#[test]
fn all_news_carries_the_name_of_its_hero() {
    let (host, _) = play(8, &[], 500);
    assert!(host.told.len() > 400 && host.told.iter().all(|report| report.name == "Gandalf"));
}

#[test]
fn a_hero_lives_well_for_a_long_time() {
    let (host, player) = play(9, &[], 20_000);
    let fights = host
        .told
        .iter()
        .filter(|r| matches!(r.event, pq_words::Event::Killed { .. }));
    let levels = host
        .told
        .iter()
        .filter(|r| matches!(r.event, pq_words::Event::LvlUp { .. }));
    assert!(fights.count() > 5_000);
    assert_eq!(levels.count() as u32, player.lvl - 1);
    assert_eq!(player.lvlexp, 10 << (player.lvl - 1));
    assert_eq!(player.equip.rank(Slot::Weapon), 41, "the best there is");
    assert!(player.loot.len() <= 2 * usize::from(player.stats.strength));
}

#[test]
fn a_game_through_the_boundary_is_the_same_game() {
    let (here, player) = play(10, &[], 3_000);
    let (there, same_player) = play(
        10,
        &["pq_events", "pq_market", "pq_enemy", "pq_stats"],
        3_000,
    );
    assert_eq!(here.told, there.told);
    assert_eq!(player, same_player);
}
