//! Questions about saved and living heroes.

use std::time::{SystemTime, UNIX_EPOCH};

use pq_tests::running::{PATIENCE, Running, Signal, Tree, poll};
use serde_json::Value;

/// The saved heroes, by the operator's command.
pub(crate) fn rows(tree: &Tree) -> Vec<Value> {
    let answer = tree.answer(&["heroes"]);
    answer["rows"].as_array().unwrap().clone()
}

/// The saved hero with this name.
pub(crate) fn row(tree: &Tree, name: &str) -> Option<Value> {
    let mut rows = rows(tree).into_iter();
    rows.find(|row| row["name"] == name)
}

/// The names of the saved heroes in this state, sorted.
pub(crate) fn names(tree: &Tree, state: &str) -> Vec<String> {
    let rows = rows(tree).into_iter().filter(|row| row["state"] == state);
    let mut names: Vec<String> = rows
        .map(|row| row["name"].as_str().unwrap().to_string())
        .collect();
    names.sort();
    names
}

/// Waits until exactly these heroes are saved and play.
pub(crate) fn has_saved(tree: &Tree, expected: &[&str]) {
    let mut last = Vec::new();
    let found = poll(PATIENCE, || {
        last = names(tree, "playing");
        (last == expected).then_some(())
    });
    assert!(found.is_some(), "{last:?} instead of {expected:?}");
}

/// Waits until exactly these heroes are set aside.
pub(crate) fn is_set_aside(tree: &Tree, expected: &[&str]) {
    let found = poll(PATIENCE, || {
        (names(tree, "set aside") == expected).then_some(())
    });
    assert!(found.is_some(), "{:?}", names(tree, "set aside"));
}

/// Checks that the node has said at its start how many heroes came back: `"1 hero"`, `"4 heroes"`.
pub(crate) fn came_back(node: &Running, how_many: &str) {
    node.wrote(&format!("{how_many} came back in "));
}

/// Checks the same for a number of heroes; without any there is nothing to wait for.
pub(crate) fn all_came_back(node: &Running, saved: usize) {
    match saved {
        0 => (),
        1 => came_back(node, "1 hero"),
        many => came_back(node, &format!("{many} heroes")),
    }
}

/// The system's clock, in milliseconds since 1970, as rows have it.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}

/// Waits until this hero is saved as it was at this time, or later.
pub(crate) fn is_saved_since(tree: &Tree, name: &str, since_ms: u64) {
    let later = || {
        let age_ms = row(tree, name)?["age_ms"].as_u64()?;
        (now_ms() - age_ms > since_ms).then_some(())
    };
    assert!(poll(PATIENCE, later).is_some(), "{name} is not saved");
}

/// Kills a node as a power cut would.
pub(crate) fn kill(mut node: Running) {
    node.signal(Signal::KILL);
    node.end();
}

/// Stops a node in order.
pub(crate) fn stop(mut node: Running) {
    node.signal(Signal::TERM);
    assert!(node.end().success());
}

/// The state of a hero, without pids, which a boot changes.
pub(crate) fn state(tree: &Tree, name: &str) -> String {
    let state = tree.state_of(name);
    let parts: Vec<&str> = state.split('<').collect();
    let rest = parts[1..]
        .iter()
        .map(|part| part.split_once('>').map_or(*part, |(_, rest)| rest));
    [parts[0]]
        .into_iter()
        .chain(rest)
        .collect::<Vec<_>>()
        .join("<>")
}

/// A number of the state of a hero.
pub(crate) fn number(state: &str, field: &str) -> u64 {
    let (_, rest) = state
        .split_once(&format!("{field} => "))
        .unwrap_or_else(|| panic!("no {field} in {state}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// Suspends heroes, so that their states stay.
pub(crate) fn suspend(tree: &Tree, names: &[&str]) {
    for name in names {
        tree.does(&["sys", "suspend", name]);
    }
}
