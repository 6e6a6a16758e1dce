//! The installation of a release: its three commands, their output, and all ways in which they can fail.

use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::{PATIENCE, Player, Running, Signal, Tree, poll};
use serde_json::Value;

use Position::{After, Before};

use crate::operator::typed::{
    Typed, command, done, json, node_with_heroes, refused, run, told, typed,
};
use crate::operator::wire;

/// A node on release 1.0.0 with heroes, and release 1.1.0 unpacked.
fn ready(tree: &Tree, heroes: u64) -> Running {
    let node = node_with_heroes(tree, heroes);
    done(tree, &["unpack", "processquest-1.1.0"]);
    node
}

/// The versions of this module that processes run.
fn versions(tree: &Tree, module: &str) -> Vec<String> {
    let tree = json(tree, &["tree", "--all"]);
    let rows = tree["rows"].as_array().unwrap().iter();
    let of = rows.filter(|row| row["module"] == module);
    let mut versions: Vec<_> = of
        .map(|row| row["vsn"].as_str().unwrap().to_string())
        .collect();
    versions.dedup();
    versions
}

fn running(tree: &Tree) -> (String, String) {
    let release = json(tree, &["status"])["release"].clone();
    let text = |name: &str| release[name].as_str().unwrap().to_string();
    (text("vsn"), text("status"))
}

fn runs(tree: &Tree, vsn: &str, status: &str) {
    assert_eq!(running(tree), (vsn.to_string(), status.to_string()));
}

/// A call of a function that does not exist.
const MISSING: &str = "{apply,{nowhere,f,[]}}";

/// Two starts of one hero: the second fails because the name is taken, which no check can find before.
pub(crate) const FAILS: &str = "{apply,{supervisor,start_child,[pq_supersup,[\"Zed\",#{}]]}},\
                                {apply,{supervisor,start_child,[pq_supersup,[\"Zed\",#{}]]}}";

/// The last instruction of the upgrade.
pub(crate) const LAST: &str = "{load,{sockserv_serv,brutal_purge,brutal_purge}}";

/// The place of an added instruction.
pub(crate) enum Position {
    Before(&'static str),
    After(&'static str),
}

/// Gives release 1.1.0 a relup with one more instruction, at the first place that has the instruction `known`.
pub(crate) fn with_instruction(tree: &Tree, known: &str, added: Position) {
    let relup = std::fs::read_to_string(tree.root().join("releases/1.1.0/relup")).unwrap();
    assert!(relup.contains(known), "{relup}");
    let both = match added {
        Before(added) => format!("{added},\n{known}"),
        After(added) => format!("{known},\n{added}"),
    };
    let file = tree.root().join("relup");
    std::fs::write(&file, relup.replacen(known, &both, 1)).unwrap();
    done(tree, &["install-file", "1.1.0", file.to_str().unwrap()]);
}

#[test]
fn three_lines_bring_a_release_into_force_while_heroes_play_on() {
    let tree = Tree::new();
    let mut node = node_with_heroes(&tree, 100);
    let pid = json(&tree, &["status"])["node"]["pid"].clone();
    done(&tree, &["unpack", "processquest-1.1.0"]);
    let install = typed(&tree, &["install", "1.1.0", "-m", "quests for everybody"]);
    assert_eq!(install.code, 0, "{install:?}");
    runs(&tree, "1.1.0", "current");
    let plan = &install.err;
    assert!(
        plan.starts_with("pq: check-install 1.1.0: prepare\n"),
        "{plan}"
    );
    for part in [
        "up from 1.0.0 to 1.1.0:\nMODULE ",
        "\npq_player      1.0.0  1.1.0  convert  100\n",
        "pq_player 100",
        "pq: install 1.1.0: copy",
        "pq: install 1.1.0: commit",
    ] {
        assert!(plan.contains(part), "no {part:?} in {plan}");
    }
    assert_eq!(plan.matches("up from").count(), 1, "{plan}");
    assert!(!plan.contains("point_of_no_return"), "{plan}");
    assert!(
        plan.ends_with("`pq make-permanent 1.1.0` changes that\n"),
        "{plan}"
    );
    assert!(
        install
            .out
            .starts_with("installed  1.1.0, up from 1.0.0, in "),
        "{}",
        install.out
    );
    assert_eq!(versions(&tree, "pq_player"), ["1.1.0"]);
    assert_eq!(versions(&tree, "pq_sup"), ["1.0.0"]);
    done(&tree, &["make-permanent", "1.1.0"]);
    runs(&tree, "1.1.0", "permanent");
    let status = json(&tree, &["status"]);
    assert_eq!(status["node"]["pid"], pid);
    assert_eq!(status["processes"], 3 * 100 + 5);
    // The release also boots at the next start.
    node.signal(Signal::TERM);
    node.end();
    let _next = Running::node_with(&tree, &[]);
    runs(&tree, "1.1.0", "permanent");
    let past = json(&tree, &["history"]);
    let install = &past["entries"][2];
    assert_eq!(
        (&install["operation"], &install["message"]),
        (&"install 1.1.0".into(), &"quests for everybody".into())
    );
    assert_eq!(
        (&install["from"], &install["to"]),
        (&"1.0.0".into(), &"1.1.0".into())
    );
    assert!(
        install["pause_us"]["max"].as_u64().unwrap() > 0,
        "{install}"
    );
}

#[test]
fn a_program_reads_the_report_and_only_the_report_from_stdout() {
    let tree = Tree::new();
    let _node = ready(&tree, 20);
    let check = done(&tree, &["check-install", "1.1.0", "--json"]);
    let check: Value = serde_json::from_str(&check).unwrap();
    assert_eq!(check["direction"], "up");
    assert_eq!(check["processes"]["pq_player"], 20);
    runs(&tree, "1.0.0", "permanent");
    let report = done(
        &tree,
        &[
            "install",
            "1.1.0",
            "--json",
            "--yes",
            "--on-overrun",
            "kill",
        ],
    );
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["processes"]["pq_player"], 20);
    assert_eq!(report["unpurged"], Value::Array(vec![]));
    assert!(report["bytes_loaded"].is_u64(), "{report}");
    let back = done(
        &tree,
        &[
            "install",
            "1.0.0",
            "--json",
            "--suspend-timeout",
            "2000",
            "--code-change-timeout",
            "1000",
        ],
    );
    let back: Value = serde_json::from_str(&back).unwrap();
    assert_eq!(
        (&back["direction"], &back["to"]),
        (&"down".into(), &"1.0.0".into())
    );
    runs(&tree, "1.0.0", "permanent");
    assert_eq!(versions(&tree, "pq_player"), ["1.0.0"]);
}

#[test]
fn an_install_that_its_check_refuses_is_in_the_history_with_its_message() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    assert_eq!(typed(&tree, &["check-install", "1.1.0"]).code, 3);
    let entries = || {
        json(&tree, &["history"])["entries"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(entries().len(), 1, "the boot");
    let refused = typed(&tree, &["install", "1.1.0", "-m", "too early"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    let entry = &entries()[1];
    assert_eq!(entry["operation"], "install 1.1.0");
    assert_eq!(
        (&entry["message"], &entry["exit"]),
        (&"too early".into(), &3.into())
    );
    let sentence = entry["result"].as_str().unwrap();
    assert!(refused.err.contains(sentence), "{refused:?} and {entry}");
}

#[test]
fn a_plan_for_a_release_that_does_not_run_any_more_is_not_carried_out() {
    let tree = Tree::new();
    let _node = ready(&tree, 1);
    done(&tree, &["install", "1.1.0"]);
    let asked = r#"{"version":1,"request":{"release":{"message":"late","request":{"install":{"vsn":"1.1.0",
        "from":"1.0.0","options":{"on_overrun":"abort","error_action":"restart"}}}}}}"#;
    let (exit, said) = wire::refusal(&tree, &wire::frame(asked.as_bytes()));
    assert_eq!(exit, 3, "{said}");
    assert!(
        said.contains("runs release 1.0.0, and meanwhile it runs 1.1.0"),
        "{said}"
    );
    let past = json(&tree, &["history"]);
    let last = past["entries"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["result"], &last["message"]),
        (&said.into(), &"late".into())
    );
}

#[test]
fn the_report_counts_the_clients_that_the_upgrade_has_dropped_and_no_others() {
    let tree = Tree::new();
    let node = ready(&tree, 1);
    let mut players = Player::enter_all(&node, &["Ann", "Bob", "Cid", "Dora"]);
    done(&tree, &["sys", "suspend", "application_controller"]);
    let mut install = Running::start(&mut command(tree.root(), &["install", "1.1.0", "--json"]));
    is_installing(&tree);
    players.pop().unwrap().quits();
    players.pop().unwrap().drops();
    let two_left = || (json(&tree, &["status"])["ports"] == 2).then_some(());
    assert!(
        poll(PATIENCE, two_left).is_some(),
        "the clients are not disconnected"
    );
    done(&tree, &["sys", "resume", "application_controller"]);
    assert_eq!(install.end().code(), Some(0), "{}", install.log());
    let report: Value = serde_json::from_str(&install.out()).unwrap();
    assert_eq!(report["connections_dropped"], 0);
    Player::all_play_on(&mut players);
    done(&tree, &["install", "1.0.0"]);
    with_instruction(&tree, LAST, After("{apply,{application,stop,[sockserv]}}"));
    let report = done(&tree, &["install", "1.1.0"]);
    assert!(report.contains("dropped    2 connections"), "{report}");
    players.iter().for_each(Player::ends);
}

#[test]
fn a_release_that_is_not_made_permanent_is_gone_with_the_node() {
    let tree = Tree::new();
    let mut node = ready(&tree, 1);
    done(&tree, &["install", "1.1.0"]);
    runs(&tree, "1.1.0", "current");
    node.signal(Signal::KILL);
    node.end();
    let _next = Running::node_with(&tree, &[]);
    runs(&tree, "1.0.0", "permanent");
    let unpacked = json(&tree, &["which-releases", "unpacked"]);
    assert_eq!(unpacked["rows"][0]["vsn"], "1.1.0");
}

#[test]
fn an_old_release_is_booted_again_in_the_same_process_at_the_same_port() {
    let tree = Tree::new();
    let mut node = ready(&tree, 3);
    done(&tree, &["install", "1.1.0"]);
    done(&tree, &["make-permanent", "1.1.0"]);
    let before = json(&tree, &["status"]);
    let said = done(&tree, &["reboot-old", "1.0.0", "-m", "back to work"]);
    assert!(said.contains("restarts with it"), "{said}");
    started_again(&tree, &mut node, &before);
    runs(&tree, "1.0.0", "permanent");
}

/// Waits until the node has restarted in its process, with its heroes and listeners.
fn started_again(tree: &Tree, node: &mut Running, before: &Value) {
    let address = format!("listening on {}\n", node.address());
    let again = || (node.out().matches(&address).count() == 2).then_some(());
    assert!(poll(PATIENCE, again).is_some(), "the node does not restart");
    let status = json(tree, &["status"]);
    assert_eq!(status["node"]["pid"], before["node"]["pid"]);
    assert_ne!(status["node"]["since"], before["node"]["since"]);
    let heroes = || (node.out().matches("heroes started").count() == 2).then_some(());
    assert!(
        poll(PATIENCE, heroes).is_some(),
        "the heroes do not come back"
    );
    // The heroes of clients have come back, too, and their sessions have not.
    let processes = |status: &Value| status["processes"].as_u64().unwrap();
    assert!(processes(&json(tree, &["status"])) >= processes(before));
}

#[test]
fn a_call_of_what_is_not_there_is_refused_wherever_it_stands() {
    let tree = Tree::new();
    let _node = ready(&tree, 5);
    let pristine = std::fs::read(tree.root().join("releases/1.1.0/relup")).unwrap();
    with_instruction(&tree, LAST, After(MISSING));
    let behind = typed(&tree, &["check-install", "1.1.0"]);
    assert_eq!(behind.code, 3, "{behind:?}");
    assert!(
        behind.err.contains("`nowhere:f/0` cannot be called"),
        "{behind:?}"
    );
    assert_eq!(typed(&tree, &["install", "1.1.0"]).code, 3);
    std::fs::write(tree.root().join("releases/1.1.0/relup"), pristine).unwrap();
    with_instruction(&tree, "point_of_no_return", Before(MISSING));
    let said = typed(&tree, &["install", "1.1.0"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err.contains("`nowhere:f/0` cannot be called"),
        "{said:?}"
    );
    runs(&tree, "1.0.0", "permanent");
    assert_eq!(versions(&tree, "pq_player"), ["1.0.0"]);
}

#[test]
fn a_library_that_was_changed_after_it_was_unpacked_is_not_loaded() {
    let tree = Tree::new();
    let _node = ready(&tree, 5);
    let library = tree
        .root()
        .join("lib/processquest-1.1.0/priv/processquest.so");
    let mut bytes = std::fs::read(&library).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&library, bytes).unwrap();
    let said = refused(&tree, &["install", "1.1.0"], 10);
    assert!(
        said.contains("processquest.so") && said.contains("SHA-256"),
        "{said}"
    );
    runs(&tree, "1.0.0", "permanent");
}

#[test]
fn a_failure_after_the_point_of_no_return_ends_in_a_restart_on_the_permanent_release() {
    let tree = Tree::new();
    let mut node = ready(&tree, 5);
    let before = json(&tree, &["status"]);
    with_instruction(&tree, LAST, After(FAILS));
    let said = typed(&tree, &["install", "1.1.0"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(
        said.err
            .contains("the node restarts on the permanent release"),
        "{said:?}"
    );
    started_again(&tree, &mut node, &before);
    runs(&tree, "1.0.0", "permanent");
    let past = json(&tree, &["history"]);
    let [.., last, restart, boot] = &past["entries"].as_array().unwrap()[..] else {
        panic!("{past}");
    };
    assert_eq!(restart["operation"], "restart");
    assert_eq!(
        boot["message"],
        "the node restarted itself: `install 1.1.0` failed after the point of no return"
    );
    assert_eq!(
        (&last["operation"], &last["exit"]),
        (&"install 1.1.0".into(), &5.into())
    );
}

#[test]
fn a_relup_that_wants_a_restart_runs_the_new_release_once() {
    let tree = Tree::new();
    let mut node = ready(&tree, 5);
    let before = json(&tree, &["status"]);
    with_instruction(&tree, LAST, After("restart_emulator"));
    let said = done(&tree, &["install", "1.1.0"]);
    assert!(
        said.contains("the node restarts with this release"),
        "{said}"
    );
    started_again(&tree, &mut node, &before);
    runs(&tree, "1.1.0", "current");
    assert_eq!(versions(&tree, "pq_player"), ["1.1.0"]);
    node.signal(Signal::TERM);
    node.end();
    let _next = Running::node_with(&tree, &[]);
    runs(&tree, "1.0.0", "permanent");
}

#[test]
fn whoever_wants_it_started_from_outside_gets_the_end_of_the_process() {
    let tree = Tree::new();
    let mut node = ready(&tree, 5);
    with_instruction(&tree, LAST, After(FAILS));
    let said = typed(&tree, &["install", "1.1.0", "--error-action", "reboot"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert_eq!(node.end().code(), Some(1));
    assert!(
        node.log()
            .contains("its service manager must start the permanent release"),
        "see the log"
    );
    let _next = Running::node_with(&tree, &[]);
    runs(&tree, "1.0.0", "permanent");
}

/// Waits until the check is done and the install itself is in progress.
fn is_installing(tree: &Tree) {
    let at_it = || json(tree, &["status"])["operation"]["operation"] == "install 1.1.0";
    assert!(
        poll(PATIENCE, || at_it().then_some(())).is_some(),
        "the install does not begin"
    );
}

#[test]
fn one_operation_at_a_time_and_questions_are_answered_meanwhile() {
    let tree = Tree::new();
    let _node = ready(&tree, 10);
    // The release handler sends a request to the application controller, which does not answer until it is resumed.
    done(&tree, &["sys", "suspend", "application_controller"]);
    let mut install = Running::start(&mut command(tree.root(), &["install", "1.1.0"]));
    is_installing(&tree);
    for args in [
        &["install", "1.1.0"][..],
        &["remove", "1.1.0"],
        &["make-permanent", "1.0.0"],
        &["stop"],
    ] {
        let said = refused(&tree, args, 8);
        assert!(said.contains("install 1.1.0`, requested by"), "{said}");
    }
    for args in [
        &["tree"][..],
        &["names"],
        &["which-releases"],
        &["history"],
        &["call", "regis", "get_names"],
    ] {
        told(&tree, args);
    }
    assert!(told(&tree, &["status"]).contains("install 1.1.0 by "));
    done(&tree, &["sys", "resume", "application_controller"]);
    assert_eq!(install.end().code(), Some(0), "{}", install.log());
    runs(&tree, "1.1.0", "current");
    assert_eq!(json(&tree, &["status"])["operation"], Value::Null);
}

#[test]
fn an_install_whose_operator_leaves_is_finished() {
    let tree = Tree::new();
    let _node = ready(&tree, 10);
    done(&tree, &["sys", "suspend", "application_controller"]);
    let mut install = Running::start(&mut command(tree.root(), &["install", "1.1.0", "--json"]));
    is_installing(&tree);
    install.signal(Signal::KILL);
    install.end();
    done(&tree, &["sys", "resume", "application_controller"]);
    let installed = || (running(&tree).0 == "1.1.0").then_some(());
    assert!(poll(PATIENCE, installed).is_some());
    let past = json(&tree, &["history"]);
    let last = past["entries"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["operation"], &last["result"]),
        (&"install 1.1.0".into(), &"done".into())
    );
}

#[test]
fn a_node_that_is_killed_during_an_install_leaves_the_outcome_unknown() {
    let tree = Tree::new();
    let mut node = ready(&tree, 10);
    done(&tree, &["sys", "suspend", "application_controller"]);
    let mut install = Running::start(&mut command(tree.root(), &["install", "1.1.0"]));
    is_installing(&tree);
    node.signal(Signal::KILL);
    node.end();
    assert_eq!(install.end().code(), Some(6));
    let _next = Running::node_with(&tree, &[]);
    runs(&tree, "1.0.0", "permanent");
    told(&tree, &["history"]);
}

/// Runs the command on a terminal with this input.
fn on_a_terminal(tree: &Tree, args: &[&str], input: &str) -> Typed {
    run(&mut on_a_terminal_with(tree, args, input))
}

/// The command that runs it on a terminal whose output is recorded completely.
fn on_a_terminal_with(tree: &Tree, args: &[&str], input: &str) -> Command {
    let mut typed = Command::new("bash");
    let line = command(tree.root(), args);
    typed.args([
        "-c",
        r#"input=$0; printf "$input" | script -qec "$(printf '%q ' "$@")" /dev/null"#,
    ]);
    typed
        .arg(input)
        .arg(line.get_program())
        .args(line.get_args())
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    typed
}

#[test]
fn who_wants_to_be_asked_is_asked_on_a_terminal() {
    if !has(&[Need::Bash, Need::Script]) {
        return;
    }
    let tree = Tree::new();
    let _node = ready(&tree, 2);
    assert_eq!(typed(&tree, &["install", "1.1.0", "--ask"]).code, 2);
    assert_eq!(
        typed(&tree, &["install", "1.1.0", "--ask", "--yes"]).code,
        2
    );
    let no = on_a_terminal(&tree, &["install", "1.1.0", "--ask"], "n\\n");
    assert_eq!(no.code, 3, "{no:?}");
    assert!(no.out.contains("install? [y/N]"), "{no:?}");
    runs(&tree, "1.0.0", "permanent");
    let yes = on_a_terminal(&tree, &["install", "1.1.0", "--ask"], "y\\n");
    assert_eq!(yes.code, 0, "{yes:?}");
    runs(&tree, "1.1.0", "current");
    // A single line is updated: it has a progress bar, and only CR and blanks erase it.
    let moves = |out: &str| out.contains("\rinstall 1.1.0  [") && !out.contains('\u{1b}');
    assert!(moves(&yes.out), "{yes:?}");
    assert_eq!(
        yes.out.matches("up from").count(),
        2,
        "plan and report: {yes:?}"
    );
    // Without a question, a terminal makes no difference.
    let back = on_a_terminal(&tree, &["install", "1.0.0", "--verbose"], "");
    assert_eq!(back.code, 0, "{back:?}");
    assert!(back.out.contains("\n  point_of_no_return\r\n"), "{back:?}");
    runs(&tree, "1.0.0", "permanent");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut plain = on_a_terminal_with(&tree, &["check-install", "1.1.0"], "");
        let plain = run(plain.env(name, value));
        assert_eq!(plain.code, 0, "{plain:?}");
        assert!(
            plain.out.contains("pq: check-install 1.1.0: copy"),
            "{plain:?}"
        );
        assert!(!plain.out.contains("\rcheck-install"), "{plain:?}");
    }
}

#[test]
fn one_application_goes_up_and_down_by_itself() {
    let tree = Tree::new();
    let _node = ready(&tree, 5);
    let folder = |vsn: &str| tree.root().join(format!("lib/processquest-{vsn}"));
    let (newer, older) = (folder("1.1.0"), folder("1.0.0"));
    let up = done(
        &tree,
        &["upgrade-app", "processquest", newer.to_str().unwrap()],
    );
    assert!(up.contains("1.1.0, up from 1.0.0"), "{up}");
    assert_eq!(versions(&tree, "pq_player"), ["1.1.0"]);
    runs(&tree, "1.0.0", "permanent");
    let apps = told(&tree, &["apps"]);
    assert!(apps.contains("processquest  1.1.0"), "{apps}");
    let wrong = [
        "downgrade-app",
        "processquest",
        "0.9.0",
        older.to_str().unwrap(),
    ];
    let said = refused(&tree, &wrong, 3);
    assert!(said.contains("failed to find processquest-0.9.0"), "{said}");
    done(
        &tree,
        &[
            "downgrade-app",
            "processquest",
            "1.0.0",
            older.to_str().unwrap(),
        ],
    );
    assert_eq!(versions(&tree, "pq_player"), ["1.0.0"]);
}
