//! Workspaces of one's own: an application from an empty directory to its second version, and a new version of an example.

use pq_tests::running::Running;

use crate::authors::desk::Desk;

/// Runs the commands that `pq new app` prints, up to the start of the node.
fn next_lines(said: &str) -> Vec<String> {
    let next = said
        .lines()
        .filter_map(|line| line.strip_prefix("next     "));
    next.map(str::to_string).collect()
}

#[test]
fn an_application_of_ones_own_is_made_tested_run_and_upgraded() {
    let desk = Desk::empty();
    let next = next_lines(&desk.does("pq new app lamp"));
    assert_eq!(next[0], "cargo test");
    desk.cargo(&["test"]);
    let (build, start) = next[1].split_once(" && ").unwrap();
    desk.does(build);
    let node = Running::start(&mut desk.command(start));
    node.logged("application started application=\"lamp\"");
    let add = |desk: &Desk| desk.does(&next[2].replace('\'', ""));
    assert_eq!(add(&desk), "5\n");

    let next = next_lines(&desk.does(&next[3]));
    assert_eq!(next, ["cargo test -p lamp-1_1_0", "pq release 1.1.0"]);
    desk.cargo(&["test", "-p", "lamp-1_1_0"]);
    // A tree that trusts a key refuses packages that are not signed.
    desk.does("pq key new author");
    desk.does("pq key trust author.pub --root rel");
    let said = desk.does("pq release 1.1.0 --root rel --key author");
    assert!(said.contains("written     lamp-1.1.0/lamp.appup"), "{said}");
    let next = said
        .lines()
        .last()
        .unwrap()
        .strip_prefix("next        ")
        .unwrap();
    for line in next.split(" && ") {
        desk.does(line);
    }
    assert_eq!(add(&desk), "10\n", "the state was kept");
    desk.does("pq install 1.0.0 --root rel");
    assert_eq!(add(&desk), "15\n");
    desk.does("pq stop --root rel");
}

/// Nothing outside of the new directories changes except the list of members.
#[test]
fn a_scaffold_refuses_what_it_would_overwrite_or_does_not_know() {
    let desk = Desk::of_example("chat");
    desk.fails(
        "pq new 1.2.0 --module chat_tropic",
        &["chat_tropic", "`--new chat_tropic` makes a new module"],
    );
    desk.fails(
        "pq new 1.2.0 --new chat_topic",
        &["chat has it already", "`--module chat_topic`"],
    );
    desk.fails("pq new 1.1 shop", &["shop", "has chat"]);
    desk.fails("pq new one", &["numbers with points"]);
    desk.fails("pq new app lamp", &["the directory has", "an empty one"]);
    desk.does("pq new 1.2.0 --module chat_topic");
    desk.fails(
        "pq new 1.2.0 --module chat_topic --from 1.1.0",
        &["the file exists, and nothing is overwritten"],
    );
    let members = desk.read("Cargo.toml");
    assert!(
        members.contains("[\"chat-1.0.0\", \"chat-1.1.0\", \"chat-1.2.0\"]"),
        "{members}"
    );
}

#[test]
fn the_answer_of_a_scaffold_as_json_lists_its_files() {
    let desk = Desk::of_example("counter");
    let said = desk.does("pq new 1.2.0 --module counter_server --new counter_log:functions --json");
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap();
    let files: Vec<&str> = answer["written"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["file"].as_str().unwrap())
        .collect();
    assert!(
        files.contains(&"counter-1.2.0/src/counter_log.rs"),
        "{files:?}"
    );
    assert!(files.contains(&"releases/1.2.0/counter.rel"), "{files:?}");
    assert_eq!(answer["next"][1], "pq release 1.2.0");
    desk.cargo(&["test", "-p", "counter-1_2_0"]);
}

/// One module of each kind, in the applications of the game.
#[test]
fn a_module_of_every_kind_builds_at_once_and_its_states_go_up_and_down() {
    let desk = Desk::of_project();
    let modules = [
        "processquest",
        "pq_supersup",
        "pq_events",
        "pq_player",
        "pq_enemy",
        "sockserv_serv",
        "sockserv_pq_events",
    ];
    let words: String = modules
        .iter()
        .map(|module| format!(" --module {module}"))
        .collect();
    desk.does(&format!("pq new 1.3.0{words}"));
    desk.cargo(&["test", "-p", "processquest-1_3_0", "-p", "sockserv-1_3_0"]);
}
