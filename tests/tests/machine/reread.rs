//! `SIGHUP`: settings and bans that take effect while the node runs, mistakes that change nothing, and a terminal that is gone.

use std::process::Command;

use pq_tests::manager::ServiceManager;
use pq_tests::needs::{Need, has};
use pq_tests::running::{PATIENCE, Player, Running, Signal, Tree, poll, pq, program};

/// A node whose manager tells when the files have been read again.
struct Rig {
    tree: Tree,
    manager: ServiceManager,
    node: Running,
}

impl Rig {
    fn new() -> Rig {
        let (tree, manager) = (Tree::new(), ServiceManager::new());
        let node = Running::start(manager.starts(&mut pq(tree.start()), 60_000));
        manager.until("READY=1");
        node.listens(PATIENCE);
        Rig {
            tree,
            manager,
            node,
        }
    }

    /// Has the node read its files again.
    fn rereads(&self) {
        self.node.signal(Signal::HUP);
        self.manager.until("RELOADING=1");
        self.manager.until("READY=1");
    }

    /// Writes the settings of the release, with these for `kernel`.
    fn configures(&self, sockserv: &str, kernel: &str) {
        self.tree.configures("1.0.0", sockserv);
        let file = self.tree.root().join("releases/1.0.0/sys.config");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(
            file,
            text.replacen('[', &format!("[{{kernel, [{kernel}]}},"), 1),
        )
        .unwrap();
    }

    fn count(&self, text: &str) -> usize {
        self.node.log().matches(text).count()
    }
}

#[test]
fn limits_and_bans_take_effect_and_a_port_waits_for_the_next_start() {
    let rig = Rig::new();
    let ann = Player::enter(&rig.node, "Ann");
    rig.configures("{limits, [{clients, 1}]}, {web, [{port, 0}]}", "");
    let bans = rig.tree.root().join("releases/bans.json");
    let ban = r#"[{"whom": "192.0.2.7", "since": "2026-01-01T00:00:00Z", "until": null, "who": "ann", "text": null}]"#;
    std::fs::write(&bans, ban).unwrap();
    rig.rereads();
    rig.node
        .logged("SIGHUP: limits of sockserv is [{clients,1}] now");
    rig.node.logged(
        "SIGHUP: web of sockserv has changed and takes effect at the next start of the node",
    );
    assert!(rig.tree.does(&["bans"]).contains("192.0.2.7"));
    let mut refused = Player::connect(&rig.node);
    refused.sees("The game is full.");
    drop(ann);
    rig.tree.configures("1.0.0", "{keepalive_ms, 5000}");
    rig.rereads();
    rig.node
        .logged("SIGHUP: limits of sockserv has its default now");
    rig.node
        .logged("SIGHUP: keepalive_ms of sockserv is 5000 now");
    assert_eq!(rig.node.errors(), [""; 0]);
}

#[test]
fn a_mistake_in_one_file_changes_nothing() {
    let rig = Rig::new();
    rig.tree.does(&["ban", "192.0.2.1"]);
    let bans = rig.tree.root().join("releases/bans.json");
    let text = std::fs::read_to_string(&bans).unwrap();
    std::fs::write(&bans, text.replace("192.0.2.1", "192.0.2.2")).unwrap();
    for (settings, complaint) in [
        (
            "{limits, [{clients, none}]}, {keepalive_ms, 5000}",
            "a number from 1 to",
        ),
        ("{keepalive_ms, 5000}, {", "sys.config:"),
    ] {
        rig.tree.configures("1.0.0", settings);
        rig.rereads();
        let is_told = || {
            let log = rig.node.log();
            let told = log.lines().any(|line| {
                line.contains(complaint)
                    && line.ends_with("; the settings and bans stay as they were")
            });
            told.then_some(())
        };
        assert!(rig.node.poll(PATIENCE, is_told).is_some(), "{complaint}");
    }
    assert!(rig.tree.does(&["bans"]).contains("192.0.2.1"));
    std::fs::write(&bans, "[").unwrap();
    rig.tree.configures("1.0.0", "{keepalive_ms, 5000}");
    rig.rereads();
    rig.node.logged("releases/bans.json: ");
    assert_eq!(rig.count("is 5000 now"), 0);
}

#[test]
fn the_level_of_the_log_changes_while_the_node_runs() {
    let rig = Rig::new();
    rig.configures("{opening, probe}", "{logger_level, error}");
    rig.rereads();
    rig.configures("{opening, quiet}", "{logger_level, error}");
    rig.rereads();
    assert_eq!(rig.count("SIGHUP: opening"), 0);
    rig.configures("{opening, probe}", "{logger_level, debug}");
    rig.rereads();
    rig.node
        .logged("SIGHUP: logger_level of kernel is debug now");
    drop(Player::enter(&rig.node, "Ann"));
    rig.node.logged(" DEBUG ");
}

#[test]
fn a_node_ends_in_order_with_its_terminal() {
    if !has(&[Need::Script]) {
        return;
    }
    let tree = Tree::new();
    let root = tree.root().display();
    // A parent that ignores SIGHUP, as `nohup` does, would hand that down.
    let node = program().display();
    let line = format!("exec env --default-signal=HUP {node} start --port 0 --root {root}");
    let mut terminal =
        Running::start(Command::new("script").args(["--quiet", "--command", &line, "/dev/null"]));
    let runs = || {
        tree.operate(&["status"])
            .out
            .contains("1.0.0")
            .then_some(())
    };
    assert!(poll(PATIENCE, runs).is_some(), "{}", terminal.out());
    terminal.signal(Signal::KILL);
    terminal.end();
    let stopped = || {
        let past = tree.answer(&["history"]).to_string();
        past.contains("SIGHUP from ").then_some(past)
    };
    let past = poll(PATIENCE, stopped).expect("the node goes on without its terminal");
    assert!(past.contains("\"operation\":\"stop\""), "{past}");
}
