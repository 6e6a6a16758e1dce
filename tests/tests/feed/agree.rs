//! The views of one node agree: `pq events`, `/metrics`, `pq status`, `pq top`, and the records of installs.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use pq_protocol::socket::SocketFolder;
use pq_protocol::{Asked, Event, Exit, Failure, Named, PROTOCOL, Request, frame};

use pq_tests::running::{BROKEN, BROKEN_VSN, Draft, PATIENCE, Player, Running, Tree, poll};
use pq_tests::scrape::{metrics, node, sum};
use serde_json::{Value, json};

use crate::feed::viewers::{lines, sees, viewer};

const HEROES: u64 = 10_000;

/// Three processes for each hero, the controller, three top supervisors, the registry's server.
const PROCESSES: u64 = 3 * HEROES + 5;

/// The processes of a player: a session, and the three of its hero.
const OF_PLAYER: u64 = 4;

/// The sum of a figure over all entries of a map.
fn total(state: &Value, map: &str, figure: &str) -> u64 {
    let entries = state[map].as_object().unwrap().values();
    entries
        .map(|entry| entry[figure].as_u64().unwrap_or(0))
        .sum()
}

/// All views of the node have the same processes at any moment, also while states are converted.
fn processes_agree(tree: &Tree, node: &Running, seen: &Running, processes: u64) {
    let all = lines(seen);
    let state = crate::feed::viewers::state(&all);
    let of_events = total(&state, "shards", "started") - total(&state, "shards", "ended");
    assert_eq!(of_events, processes);
    assert_eq!(tree.answer(&["status"])["processes"], processes);
    let query = json!({"containing": "", "figure": "waiting"});
    let (rows, more) = of_top(tree, &query);
    assert_eq!(rows + more, processes);
    let text = metrics(node);
    let of_metrics =
        sum(&text, "pq_processes_started_total", "") - sum(&text, "pq_processes_ended_total", "");
    assert_eq!(of_metrics as u64, processes);
    assert_eq!(sum(&text, "pq_ready", "") as u64, 1);
}

/// The rows of `pq top`, and the processes without a row, as the node answers its question.
fn of_top(tree: &Tree, query: &Value) -> (u64, u64) {
    let words = Named::of("top", query).unwrap();
    let answer = asked(tree, Request::Question(words)).unwrap();
    let more = answer["more"].as_u64().unwrap_or_default();
    (answer["rows"].as_array().unwrap().len() as u64, more)
}

/// The answer of the node to a request.
fn asked(tree: &Tree, request: Request) -> Result<Value, Failure> {
    let version = PROTOCOL;
    let folder = SocketFolder::open(tree.root()).unwrap();
    let mut stream = UnixStream::connect(folder.address()).unwrap();
    stream
        .write_all(&frame::encode(&Asked { version, request }))
        .unwrap();
    let mut answer = String::new();
    loop {
        let mut prefix = [0; frame::PREFIX];
        stream.read_exact(&mut prefix).unwrap();
        let mut body = vec![0; frame::length(prefix, frame::EVENT_MAX).unwrap()];
        stream.read_exact(&mut body).unwrap();
        match serde_json::from_slice(&body).unwrap() {
            Event::Part { text } => answer += &text,
            Event::Done => return Ok(serde_json::from_str(&answer).unwrap()),
            Event::Failed(failure) => return Err(failure),
            Event::Waiting | Event::Progress(_) => (),
        }
    }
}

/// Installs a release, and compares the views until the install has ended. Returns its record as the command has it.
fn installs(vsn: &str, tree: &Tree, node: &Running, seen: &Running) -> Value {
    let mut install = installing(tree, &[vsn]);
    let mut looks = 0;
    while !ended(&install) {
        processes_agree(tree, node, seen, PROCESSES);
        looks += 1;
    }
    assert!(looks > 0);
    assert!(install.end().success(), "{}", install.log());
    serde_json::from_str(&install.out()).unwrap()
}

fn installing(tree: &Tree, args: &[&str]) -> Running {
    let mut command = pq_tests::running::pq([&["install"], args].concat());
    Running::start(command.args(["--json", "--root"]).arg(tree.root()))
}

fn ended(install: &Running) -> bool {
    install.out().ends_with('\n')
}

/// The sum of the durations of this phase in a record, in microseconds.
fn took_us(record: &Value, phase: &str) -> u64 {
    let phases = record["phases"].as_array().unwrap().iter();
    let of = phases.filter(|it| it["phase"] == phase);
    of.map(|it| it["took_us"].as_u64().unwrap()).sum()
}

fn count(histogram: &Value) -> u64 {
    let counts = histogram["counts"].as_array().unwrap().iter();
    counts.map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn all_views_agree_while_heroes_play_and_a_release_is_installed_and_left_again() {
    let tree = Tree::new();
    let node = node(&tree, &["--heroes", "10000"]);
    node.wrote("10000 heroes started");
    let (seen, text) = (viewer(&tree, &["--json"]), viewer(&tree, &[]));
    sees(&seen, |state| {
        state["processes"]["pq_player-1.0.0"]["living"] == HEROES
    });
    tree.does(&["unpack", "processquest-1.1.0"]);
    let up = installs("1.1.0", &tree, &node, &seen);
    sees(&seen, |state| is_last(state, &up));
    versions_are(&node, &seen, "1.1.0");
    let down = installs("1.0.0", &tree, &node, &seen);
    sees(&seen, |state| is_last(state, &down));
    versions_are(&node, &seen, "1.0.0");
    records_are_in_the_metrics(&metrics(&node), [&up, &down]);
    each_install_is_told_once(&seen);
    text.wrote("install 1.0.0 to 1.1.0 (up): prepare ");
    text.wrote("install 1.1.0 to 1.0.0 (down): prepare ");
    let history = tree.answer(&["history"]);
    let entries = history["entries"].as_array().unwrap().iter();
    let pauses: Vec<&Value> = entries
        .map(|it| &it["pause_us"])
        .filter(|it| it.is_object())
        .collect();
    assert_eq!(pauses.len(), 2);
    assert!(pauses.contains(&&up["pause_us"]) && pauses.contains(&&down["pause_us"]));
    assert_eq!(node.errors(), [""; 0]);
}

/// Tries to install the broken release without the check before, and compares the views until the attempt has ended.
fn fails_to_install(tree: &Tree, node: &Running, seen: &Running) -> Failure {
    let options = json!({
        "suspend_timeout_ms": null,
        "code_change_timeout_ms": null,
        "error_action": "restart",
        "on_overrun": "abort",
        "partial": true,
    });
    let words = Named::of("install", &json!({"vsn": BROKEN_VSN, "options": options})).unwrap();
    let request = Request::Release {
        request: words,
        message: None,
    };
    std::thread::scope(|scope| {
        let install = scope.spawn(|| asked(tree, request).unwrap_err());
        let mut is_first = true;
        while std::mem::take(&mut is_first) || !install.is_finished() {
            processes_agree(tree, node, seen, PROCESSES + OF_PLAYER);
        }
        install.join().unwrap()
    })
}

#[test]
fn all_views_agree_while_an_install_fails_and_is_rolled_back() {
    let tree = Tree::new();
    let node = node(&tree, &["--heroes", "10000"]);
    node.wrote("10000 heroes started");
    let mut errs = Player::enter(&node, "Errs");
    tree.offers(&Draft::broken().package());
    tree.does(&["unpack", BROKEN]);
    let seen = viewer(&tree, &["--json"]);
    sees(&seen, |state| {
        state["processes"]["pq_player-1.0.0"]["living"] == HEROES + 1
    });
    let failure = fails_to_install(&tree, &node, &seen);
    assert_eq!(failure.exit, Exit::RolledBack, "{}", failure.sentence);
    let state = sees(&seen, |state| state["last_install"]["to"] == BROKEN_VSN);
    let record = &state["last_install"];
    assert_eq!(record["failure"]["exit"], 4);
    assert_eq!(state["processes"]["pq_player-1.0.0"]["living"], HEROES + 1);
    let text = metrics(&node);
    assert_eq!(sum(&text, "pq_installs_total", "result=\"failed\""), 1.0);
    let failed = sum(&text, "pq_conversions_failed_total", "") as u64;
    assert_eq!(failed, record["failed"].as_u64().unwrap());
    assert!(failed > 0);
    errs.plays_on();
    assert_eq!(tree.answer(&["status"])["release"]["vsn"], "1.0.0");
}

/// Whether the last install of these figures is the one of this record.
fn is_last(state: &Value, record: &Value) -> bool {
    let last = &state["last_install"];
    [
        "from",
        "to",
        "phases",
        "converted",
        "failed",
        "pauses",
        "stalls",
        "pause_us",
    ]
    .iter()
    .all(|field| last[*field] == record[*field])
}

/// The heroes run this version, in all views.
fn versions_are(node: &Running, seen: &Running, vsn: &str) {
    let name = format!("pq_player-{vsn}");
    let state = sees(seen, |state| state["processes"][&name]["living"] == HEROES);
    let sample = state["sample"].as_object().unwrap();
    let versions = sample.values().filter_map(Value::as_str);
    // The first places of the shards have supervisors and event managers.
    let of_events: Vec<&str> = versions.filter(|it| it.starts_with("pq_events-")).collect();
    let expected = format!("pq_events-{vsn}");
    assert!(
        of_events.len() > 10 && of_events.iter().all(|version| *version == expected),
        "{of_events:?}"
    );
    let label = format!("{{module=\"pq_player\",vsn=\"{vsn}\"}}");
    let living = poll(PATIENCE, || {
        let living = sum(&metrics(node), "pq_processes", &label) as u64;
        (living == HEROES).then_some(())
    });
    living.expect("the metrics have the version");
}

fn records_are_in_the_metrics(text: &str, records: [&Value; 2]) {
    let of = |name: &str, label: &str| sum(text, name, label);
    assert_eq!(of("pq_installs_total", "result=\"done\""), 2.0);
    assert_eq!(of("pq_installs_total", "result=\"failed\""), 0.0);
    let both = |field: &str| -> u64 {
        records
            .iter()
            .map(|record| record[field].as_u64().unwrap())
            .sum()
    };
    assert_eq!(of("pq_conversions_total", "") as u64, both("converted"));
    assert_eq!(of("pq_conversions_failed_total", "") as u64, both("failed"));
    for phase in ["prepare", "copy", "follow", "hold", "commit", "swap"] {
        let label = format!("phase=\"{phase}\"");
        let us = of("pq_install_phase_duration_seconds_total", &label) * 1e6;
        let recorded: u64 = records.iter().map(|record| took_us(record, phase)).sum();
        assert!(
            recorded > 0 && (us - recorded as f64).abs() < 1.0,
            "{phase}: {us}, {recorded}"
        );
    }
    let pauses = records
        .iter()
        .map(|record| count(&record["pauses"]))
        .sum::<u64>();
    assert_eq!(of("pq_install_pause_seconds_count", "") as u64, pauses);
    assert!(pauses >= 2 * HEROES, "{pauses}");
    let stalls = records
        .iter()
        .map(|record| count(&record["stalls"]))
        .sum::<u64>();
    assert_eq!(of("pq_install_stall_seconds_count", "") as u64, stalls);
}

/// Each install is told once, with all its phases in their order, however short it was.
fn each_install_is_told_once(seen: &Running) {
    let lines = lines(seen);
    let records = lines
        .iter()
        .filter_map(|line| line["delta"]["last_install"]["phases"].as_array());
    let phases: Vec<Vec<&str>> = records
        .map(|phases| {
            phases
                .iter()
                .filter_map(|it| it["phase"].as_str())
                .collect()
        })
        .collect();
    assert_eq!(phases.len(), 2);
    for phases in phases {
        let exchange = ["copy", "follow", "hold", "commit", "swap"];
        assert_eq!(phases[0], "prepare");
        assert!(phases.windows(5).any(|part| part == exchange), "{phases:?}");
    }
}
