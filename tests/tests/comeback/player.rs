//! Players of release 1.2.0.

use pq_tests::running::{PATIENCE, Player, Running, Tree, poll};
use serde_json::Value;

/// The question for the word of a hero to be.
pub(crate) const CHOOSE: &str = "Choose a word, and you find";

/// The question for the word of a hero that is there.
pub(crate) const WHOSE: &str = "what is its word? (An empty line: another name.)";

/// A new player whose hero has a word.
pub(crate) fn with_word(node: &Running, name: &str, word: &str) -> Player {
    let mut player = chooses(node, name);
    types_twice(&mut player, word);
    player.sees("Your word is kept.");
    player
}

/// Types the word that is chosen.
pub(crate) fn types_twice(player: &mut Player, word: &str) {
    player.types(format!("{word}\n"));
    player.sees("Type the word once more.");
    player.sees("another word.)");
    player.types(format!("{word}\n"));
}

/// A new player who is asked for a word of its choice.
pub(crate) fn chooses(node: &Running, name: &str) -> Player {
    let mut player = Player::connect(node);
    player.gives(name);
    player.types("y\n");
    player.sees(CHOOSE);
    player.sees("none.)");
    player
}

/// A player who is asked for the word of this name.
pub(crate) fn asks(node: &Running, name: &str) -> Player {
    let mut player = Player::connect(node);
    player.types(format!("{name}\n"));
    player.sees("That name is taken.");
    player.sees(WHOSE);
    player
}

/// A player who has come back.
pub(crate) fn comes_back(node: &Running, name: &str, word: &str) -> Player {
    let mut player = asks(node, name);
    player.types(format!("{word}\n"));
    player.sees("Welcome back, ");
    player
}

/// The state of the row with this name: `playing`, `resting`, `set aside`, or empty.
pub(crate) fn state(tree: &Tree, name: &str) -> String {
    let answer = tree.answer(&["heroes"]);
    let rows = answer["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name);
    row.map_or(String::new(), |row| {
        row["state"].as_str().unwrap().to_string()
    })
}

/// Waits until the row with this name is in this state.
pub(crate) fn is_in_state(tree: &Tree, name: &str, expected: &str) {
    let mut last = String::new();
    let found = poll(PATIENCE, || {
        last = state(tree, name);
        (last == expected).then_some(())
    });
    assert!(found.is_some(), "{name} is {last:?} and not {expected:?}");
}

/// A figure of the words in the status.
pub(crate) fn counted(tree: &Tree, figure: &str) -> u64 {
    let status: Value = tree.answer(&["status"]);
    status["words"][figure].as_u64().unwrap()
}

/// The experience of a hero that plays.
pub(crate) fn experience(tree: &Tree, name: &str) -> u64 {
    let state = tree.state_of(name);
    let (_, rest) = state.split_once("exp => ").unwrap();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
