//! The node does not know the game that it is shown with: what it has to know of one, a release says in its settings.

use super::tree::{Fault, File};

/// The modules of Process Quest and of its conversation, and what only that game calls its avatars.
const WORDS: [&str; 14] = [
    "processquest",
    "pq_player",
    "pq_sup",
    "pq_events",
    "pq_market",
    "pq_enemy",
    "pq_quest",
    "pq_stats",
    "sockserv_serv",
    "sockserv_sup",
    "sockserv_trans",
    "sockserv_pq_events",
    "hero",
    "Hero",
];

/// Lines of the node that name the game; comments too, tests not.
pub(crate) fn named(file: &File) -> Vec<Fault> {
    let is_node = ["server/", "sockserv/src/"]
        .iter()
        .any(|room| file.path.starts_with(room));
    let is_test = file.path.contains("/tests") || file.path.contains("/benches/");
    if !is_node || is_test || !file.is_rust() {
        return Vec::new();
    }
    let tests = file.text.rfind("\n#[cfg(test)]\n");
    let text = &file.text[..tests.unwrap_or(file.text.len())];
    let lines = (1..).zip(text.lines());
    lines
        .filter_map(|(line, text)| {
            let word = WORDS.iter().find(|word| text.contains(**word))?;
            let wanted = format!(
                "the node knows no `{word}`: say `avatar`, or let the release say it in `game`"
            );
            Some(file.fault(line, wanted))
        })
        .collect()
}
