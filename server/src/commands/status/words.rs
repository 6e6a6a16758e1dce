//! The words of players in the status of a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::counted;
use crate::running::RunningNode;
use crate::words::Counts;

/// Counts since the start of the node, and the number of words.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(super) struct WordsStatus {
    /// The number of rows with words.
    rows: u64,
    /// Words that were right.
    right: u64,
    /// Words that were wrong.
    wrong: u64,
    /// Words that were not compared, because too many for the name or from the address were wrong.
    limited: u64,
    /// Words that avatars have got.
    kept: u64,
    /// Words that found the queue full.
    refused: u64,
    /// Tokens that browsers have got in place of words.
    tokens: u64,
    /// Words that were hashed, to be kept or compared.
    hashed: u64,
}

impl WordsStatus {
    pub(super) fn of(node: &RunningNode) -> Option<WordsStatus> {
        let counted = node.booted().words().counts().map(Counts::read)?;
        Some(WordsStatus {
            rows: node.saves()?.words() as u64,
            right: counted.right,
            wrong: counted.wrong,
            limited: counted.limited,
            kept: counted.kept,
            refused: counted.refused,
            tokens: counted.tokens,
            hashed: pq_login::hashes(),
        })
    }

    /// The line of the status; `None` when there is nothing to say.
    pub(super) fn show(&self) -> Option<String> {
        let is_used = self.rows + self.right + self.wrong + self.limited + self.refused > 0;
        is_used.then(|| {
            let refused = match self.limited + self.refused {
                0 => String::new(),
                count => format!(", {count} refused"),
            };
            format!(
                "{}, {} right, {} wrong{refused}",
                counted(self.rows, "word", "words"),
                self.right,
                self.wrong
            )
        })
    }
}
