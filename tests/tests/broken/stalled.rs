//! A callback that does not end in an installed release: the log names it, other processes continue, and the node ends
//! when it is told to, or restarts.

use std::time::Duration;

use pq_tests::manager::ServiceManager;
use pq_tests::running::{BROKEN_VSN, Draft, PATIENCE, Player, Running, Signal, Tree, poll, pq};
use pq_tests::scrape;
use pq_tests::story::Version;
use serde_json::Value;

/// The hero that does not finish its first event.
const CAUGHT: &str = "Stalls";

/// The exit code of a command when a part of the node does not answer.
const PARTIAL: i32 = 11;

/// A tree in which the release with that callback is unpacked, and a node on it.
fn node_of(tree: &Tree, args: &[&str]) -> Running {
    Running::node_with(
        tree,
        &[&["--release", BROKEN_VSN, "--shards", "2"], args].concat(),
    )
}

/// The hero starts and does not finish its event; its session waits.
fn is_caught(node: &Running, tree: &Tree) -> (Player, Value) {
    let mut player = Player::connect(node).of_version(Version::New);
    player.sees(pq_tests::running::PROMPT);
    player.gives(CAUGHT);
    player.types("y\n");
    let stall = node.poll(PATIENCE, || {
        let stalls = tree.answer(&["status"])["stalls"].clone();
        let is_known = stalls[0]["is_stalled"] == true;
        is_known.then(|| stalls[0].clone())
    });
    (player, stall.expect("the callback is never named"))
}

fn tree() -> Tree {
    let tree = Tree::new();
    tree.offers(&Draft::broken().package());
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["unpack", pq_tests::running::BROKEN]);
    tree.does(&["stop"]);
    drop(node);
    limits_stalls(&tree, "infinity");
    tree
}

/// Sets the limit for a blocked shard in the settings of that release.
fn limits_stalls(tree: &Tree, limit: &str) {
    let file = tree
        .root()
        .join(format!("releases/{BROKEN_VSN}/sys.config"));
    let text = include_str!("../../../releases/1.1.0/sys.config");
    let kernel = format!("[{{kernel, [{{shard_stall_ms, {limit}}}]}},\n {{sockserv,");
    std::fs::write(file, text.replace("[{sockserv,", &kernel)).unwrap();
}

#[test]
fn a_callback_that_does_not_end_is_named_and_holds_up_nobody_who_does_not_need_it() {
    let tree = tree();
    let mut node = node_of(&tree, &["--heroes", "20", "--metrics-port", "0"]);
    node.wrote("20 heroes started");
    assert_eq!(scrape::get(&node, "/healthz", "*/*").status, 200);
    let early: Vec<Player> = ["Ann", "Bob"].map(|name| enter(&node, name)).into();
    let (_caught, stall) = is_caught(&node, &tree);
    let shard = stall["shard"].as_u64().unwrap();
    for (key, value) in [
        ("module", "pq_player"),
        ("function", "handle_event"),
        ("name", CAUGHT),
        ("vsn", BROKEN_VSN),
    ] {
        assert_eq!(stall[key], value, "{stall}");
    }
    assert!(
        stall["processes"].as_u64().unwrap() > 10,
        "half of the heroes: {stall}"
    );
    let pid = stall["pid"].as_str().unwrap();
    let sentence = format!("shard {shard} is blocked: pq_player:handle_event of {CAUGHT} ({pid})");
    let status = tree.does(&["status"]);
    assert!(status.contains(&sentence), "{status}");
    node.logged("a callback does not end: its shard is blocked");
    views_say_that_it_is_blocked(&node, &sentence);
    lists_say_what_is_missing(&tree, shard, &sentence);
    nothing_is_installed(&tree, &sentence);
    // New clients are admitted, whatever shard they would have got.
    let mut late: Vec<Player> = (0..6).map(|n| enter(&node, &format!("New{n}"))).collect();
    Player::all_play_on(&mut late);
    assert_eq!(
        tree.answer(&["status"])["door"]["refused"],
        serde_json::json!({})
    );
    a_function_that_does_not_end_is_named(&node, &tree);
    let refused = tree.refuses(&["sys", "get-state", CAUGHT], 3);
    assert!(refused.contains(&sentence), "{refused}");
    let past = tree.answer(&["history"]);
    let is_stall = |entry: &&Value| entry["operation"] == "stall" && entry["from"] == BROKEN_VSN;
    let entries = past["entries"].as_array().unwrap();
    let entry = entries
        .iter()
        .find(is_stall)
        .expect("the history has the stall");
    assert!(
        entry["result"].as_str().unwrap().starts_with(&sentence),
        "{entry}"
    );
    ends_as_it_is(&mut node, &tree);
    drop((early, late));
}

#[test]
fn a_service_manager_gets_no_sign_of_life_while_a_shard_is_blocked() {
    let (tree, manager) = (tree(), ServiceManager::new());
    let args = ["--release", BROKEN_VSN, "--shards", "2"];
    let mut command = pq(tree.start());
    let mut node = Running::start(manager.starts(command.args(args), 200));
    manager.until("READY=1");
    node.listens(PATIENCE);
    manager.until("WATCHDOG=1");
    let (_caught, _) = is_caught(&node, &tree);
    let status = manager.until("STATUS=processquest 1.1.1: shard ");
    assert!(
        status
            .last()
            .unwrap()
            .contains(" is blocked: pq_player:handle_event of Stalls"),
        "{status:?}"
    );
    // Ten signs of life would have been due.
    let later = node.poll(PATIENCE, || {
        let stall = tree.answer(&["status"])["stalls"][0].clone();
        (stall["age_ms"].as_u64() > Some(3_000)).then_some(())
    });
    assert!(later.is_some());
    node.signal(Signal::TERM);
    let lines = manager.until("STOPPING=1");
    assert!(!lines.iter().any(|line| line == "WATCHDOG=1"), "{lines:?}");
    node.end();
}

fn views_say_that_it_is_blocked(node: &Running, sentence: &str) {
    let health = scrape::get(node, "/healthz", "*/*");
    assert_eq!(health.status, 503);
    assert!(health.body.starts_with(sentence), "{health:?}");
    let metrics = scrape::metrics(node);
    assert_eq!(scrape::sum(&metrics, "pq_stalled_shards", ""), 1.0);
    assert_eq!(scrape::sum(&metrics, "pq_callbacks_stalled_total", ""), 1.0);
}

/// Connects a player to the broken release and starts its hero.
fn enter(node: &Running, name: &str) -> Player {
    let mut player = Player::connect(node).of_version(Version::New);
    player.join(name);
    player
}

fn lists_say_what_is_missing(tree: &Tree, shard: u64, sentence: &str) {
    for (args, has_rows) in [
        (&["tree", "--all"][..], true),
        (&["names"], true),
        (&["who"], true),
    ] {
        let said = tree.operate(&[args, &["--json"]].concat());
        assert_eq!(said.code, PARTIAL, "{args:?}: {said:?}");
        let answer: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(answer["missing"][0]["shard"], shard, "{answer}");
        assert!(
            answer["missing"][0]["why"]
                .as_str()
                .unwrap()
                .starts_with(sentence),
            "{answer}"
        );
        assert!(
            answer["missing"][0]["processes"].as_u64() > Some(10),
            "{answer}"
        );
        assert_eq!(
            answer["rows"].as_array().unwrap().len() > 1,
            has_rows,
            "{answer}"
        );
        let said = tree.operate(args);
        assert_eq!(said.code, PARTIAL, "{said:?}");
        assert!(
            said.err.contains("the answer is incomplete: shard "),
            "{said:?}"
        );
    }
    let names = tree.operate(&["names", "Bob"]);
    assert!(
        names.out.contains("\"Bob\""),
        "names are known without the stalled shard: {names:?}"
    );
    assert!(tree.does(&["apps"]).contains("processquest"));
}

fn nothing_is_installed(tree: &Tree, sentence: &str) {
    let before = tree.releases();
    for command in ["check-install", "install"] {
        let refused = tree.refuses(&[command, "1.1.0"], 3);
        assert!(refused.contains(sentence), "{refused}");
    }
    let folder = tree.root().join("lib/processquest-1.1.0");
    let refused = tree.refuses(
        &["upgrade-app", "processquest", folder.to_str().unwrap()],
        3,
    );
    assert!(refused.contains(sentence), "{refused}");
    assert_eq!(tree.releases(), before);
}

fn a_function_that_does_not_end_is_named(node: &Running, tree: &Tree) {
    let said = tree.refuses(&["call", "processquest", "loop", "[]"], 6);
    assert!(
        said.contains("failed to call processquest:loop: the function has not returned within"),
        "{said}"
    );
    let named = poll(PATIENCE, || {
        let stalls = tree.answer(&["status"])["stalls"].clone();
        let stalls = stalls.as_array().unwrap().clone();
        stalls.into_iter().find(|stall| stall["shard"].is_null())
    });
    let named = named.expect("the function is never named");
    assert_eq!(
        (&named["module"], &named["function"]),
        (&"processquest".into(), &"loop".into())
    );
    node.logged("a called function does not end: it occupies a thread");
    // Another call is answered.
    let names = tree.does(&["call", "regis", "get_names", "[]"]);
    assert!(names.contains("Ann"), "{names}");
}

fn ends_as_it_is(node: &mut Running, tree: &Tree) {
    let stopped = tree.operate(&["stop", "--now", "-m", "it hangs"]);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    assert_eq!(node.end().code(), Some(1));
    let past = tree.answer(&["history"]);
    let last = past["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["operation"], &last["message"]),
        (&"stop --now".into(), &"it hangs".into())
    );
}

#[test]
fn a_node_that_cannot_stop_says_what_it_waits_for_and_is_ended_by_a_second_word() {
    let tree = tree();
    for by_signal in [true, false] {
        let mut node = node_of(&tree, &[]);
        let _caught = is_caught(&node, &tree);
        node.signal(Signal::TERM);
        node.logged("told to terminate: stopping");
        match by_signal {
            true => node.signal(Signal::TERM),
            // The socket is already closed.
            false => assert_eq!(tree.operate(&["stop", "--now"]).code, 0),
        }
        assert_eq!(node.end().code(), Some(1));
        node.logged("second signal: the node ends without an orderly stop");
        let past = tree.answer(&["history"]);
        let last = past["entries"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["operation"], "stop");
        assert!(
            last["result"].as_str().unwrap().contains("second signal"),
            "{last}"
        );
    }
    // Without a second request: the other processes are stopped, and the node ends.
    let mut node = node_of(&tree, &[]);
    let _caught = is_caught(&node, &tree);
    let stop = tree.operate(&["stop"]);
    assert_eq!(stop.code, 5, "{stop:?}");
    assert!(
        stop.err
            .contains("is blocked: pq_player:handle_event of Stalls"),
        "{stop:?}"
    );
    assert_eq!(node.ends_within(PATIENCE).code(), Some(1));
}

#[test]
fn a_node_starts_itself_again_when_its_release_wants_that() {
    let tree = tree();
    limits_stalls(&tree, "soon");
    let mut node =
        Running::start(pq_tests::running::pq(tree.start()).args(["--release", BROKEN_VSN]));
    assert_eq!(node.end().code(), Some(1));
    assert!(
        node.log()
            .contains("shard_stall_ms of kernel is soon, where infinity or"),
        "{}",
        node.log()
    );
    limits_stalls(&tree, "1500");
    let mut node = node_of(&tree, &[]);
    let pid = node.process();
    let mut player = Player::connect(&node).of_version(Version::New);
    player.sees(pq_tests::running::PROMPT);
    player.gives(CAUGHT);
    player.types("y\n");
    let again = node.poll(Duration::from_secs(60), || {
        let past = tree.answer(&["history"]);
        let entries = past["entries"].as_array().unwrap().clone();
        let restart = entries
            .iter()
            .rposition(|entry| entry["operation"] == "restart")?;
        Some((entries[restart].clone(), entries.get(restart + 1)?.clone()))
    });
    let (restart, boot) = again.expect("the node does not restart");
    let why = "is blocked: pq_player:handle_event of Stalls";
    for entry in [&restart, &boot] {
        let message = entry["message"].as_str().unwrap();
        assert!(
            message.contains(why) && message.contains("shard_stall_ms of kernel is 1500"),
            "{entry}"
        );
    }
    assert_eq!(
        (&boot["operation"], &boot["to"]),
        (&"boot".into(), &BROKEN_VSN.into())
    );
    let status = tree.answer(&["status"]);
    assert_eq!(status["node"]["pid"], pid);
    assert_eq!(
        (&status["release"]["vsn"], &status["stalls"]),
        (&BROKEN_VSN.into(), &serde_json::json!([]))
    );
    tree.does(&["stop"]);
    assert_eq!(node.end().code(), Some(0));
}
