//! Installs and saves: rows of older and newer versions come back in the version that runs.

use pq_tests::running::{PATIENCE, Running, Tree, copy_folder, poll};

use crate::saves::saved::{
    came_back, has_saved, is_saved_since, is_set_aside, kill, now_ms, number, row, state, stop,
    suspend,
};

const BOTS: [&str; 4] = ["bot-0", "bot-1", "bot-2", "bot-3"];

fn runs(tree: &Tree, vsn: &str) {
    assert_eq!(tree.answer(&["status"])["release"]["vsn"], vsn);
    let names = tree.does(&["names", "bot-"]);
    for bot in BOTS {
        let lines: Vec<&str> = names
            .lines()
            .filter(|line| line.contains(bot) && line.contains("pq_player"))
            .collect();
        assert!(
            matches!(lines[..], [line] if line.trim_end().ends_with(vsn)),
            "{bot}: {names}"
        );
    }
}

/// The parts of a state that both versions have.
fn common(state: &str) -> [u64; 4] {
    ["exp", "lvl", "money", "lvlexp"].map(|field| number(state, field))
}

#[test]
fn a_kill_right_after_an_install_leaves_everybody_once_in_either_release() {
    let tree = Tree::new();
    tree.configures("1.0.0", "{save, [{sweep_ms, 1000}]}");
    let node = Running::node_with(&tree, &["--heroes", "4", "--pace", "20"]);
    has_saved(&tree, &BOTS);
    suspend(&tree, &BOTS);
    let suspended_ms = now_ms();
    let before = BOTS.map(|name| state(&tree, name));
    for name in BOTS {
        is_saved_since(&tree, name, suspended_ms);
    }
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    kill(node);
    let node = Running::node_with(&tree, &["--release", "1.1.0"]);
    came_back(&node, "4 heroes");
    runs(&tree, "1.1.0");
    for (name, old) in BOTS.iter().zip(&before) {
        let new = state(&tree, name);
        assert!(
            new.contains("quest =>") && !old.contains("quest =>"),
            "{new}"
        );
        assert_eq!(common(&new), common(old));
    }
    let above = BOTS.map(|name| state(&tree, name));
    stop(node);
    assert!(
        row(&tree, "bot-0").unwrap()["versions"]
            .as_str()
            .unwrap()
            .contains("pq_player-1.1.0")
    );
    // The permanent release is the older one: its states come from the newer ones, and the quest lies beside them.
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "4 heroes");
    runs(&tree, "1.0.0");
    for (name, new) in BOTS.iter().zip(&above) {
        let old = state(&tree, name);
        assert!(!old.contains("quest =>"), "{old}");
        assert_eq!(common(&old), common(new));
    }
    stop(node);
    let node = Running::node_with(&tree, &["--release", "1.1.0"]);
    runs(&tree, "1.1.0");
    assert_eq!(BOTS.map(|name| state(&tree, name)), above);
    stop(node);
    // A release that no hero needs any more goes.
    let node = Running::node_with(&tree, &[]);
    stop(node);
    let _node = Running::node_with(&tree, &[]);
    tree.does(&["remove", "1.1.0"]);
}

#[test]
fn rows_of_a_version_that_is_missing_are_set_aside_until_it_is_there() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "4", "--pace", "20"]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    stop(node);
    let (newer, away) = (
        tree.root().join("lib/processquest-1.1.0"),
        tree.root().join("lib/away"),
    );
    std::fs::rename(&newer, &away).unwrap();
    let node = Running::node_with(&tree, &[]);
    node.wrote("4 could not be opened and are set aside");
    is_set_aside(&tree, &BOTS);
    let aside = tree.answer(&["heroes", "--set-aside"]);
    let why = aside["rows"][0]["why"].as_str().unwrap();
    assert!(why.contains("pq_player-1.1.0"), "{why}");
    assert_eq!(tree.answer(&["status"])["saves"]["set_aside"], 4);
    let said = tree.refuses(&["heroes", "retry", "bot-0"], 3);
    assert!(said.contains("pq_player-1.1.0"), "{said}");
    std::fs::rename(&away, &newer).unwrap();
    // The library is back: one hero comes back now, the others at the next start.
    let said = tree.does(&["heroes", "retry", "bot-0"]);
    assert!(said.contains("bot-0 plays again"), "{said}");
    has_saved(&tree, &["bot-0"]);
    assert!(!state(&tree, "bot-0").contains("quest =>"));
    let is_rewritten = || {
        let row = row(&tree, "bot-0")?;
        row["versions"]
            .as_str()?
            .contains("pq_player-1.0.0")
            .then_some(())
    };
    assert!(poll(PATIENCE, is_rewritten).is_some());
    // The release that the others need stays.
    let said = tree.refuses(&["remove", "1.1.0"], 3);
    let words = "3 heroes are saved with processquest-1.1.0, which no other release has; --force";
    assert!(said.contains(words), "{said}");
    copy_folder(&newer, &away);
    tree.does(&["remove", "1.1.0", "--force"]);
    assert!(!newer.exists());
    stop(node);
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "1 hero");
    assert!(
        node.out().contains("3 could not be opened"),
        "{}",
        node.out()
    );
    stop(node);
    std::fs::rename(&away, &newer).unwrap();
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "4 heroes");
    runs(&tree, "1.0.0");
    has_saved(&tree, &BOTS);
    stop(node);
}
