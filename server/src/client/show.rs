//! Answers as text: warnings about incomplete answers, and listings as tables.

use pq_protocol::answer::{Missing, Rows};

use super::table::{counted, table};

/// An answer of the node that can be shown as text.
pub(crate) trait Show {
    /// The answer as text.
    fn show(&self) -> String;

    /// A sentence about missing parts of the answer; `None` if the answer is complete.
    fn missing(&self) -> Option<String> {
        None
    }
}

impl<R: Row> Show for Rows<R> {
    fn show(&self) -> String {
        let mut text = table(&R::heading(), R::cells(&self.rows));
        if self.more > 0 {
            text += &format!("\n… and {} more", self.more);
        }
        if let Some(note) = &self.note {
            text += &format!("\n{note}");
        }
        text
    }

    fn missing(&self) -> Option<String> {
        let missing = self.missing.iter().map(|missing| {
            let Missing {
                shard,
                processes,
                why,
            } = missing;
            let processes = counted(*processes, "process", "processes");
            format!("shard {shard} with {processes} does not answer ({why})")
        });
        let missing: Vec<String> = missing.collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

/// One row of a listing, and its columns.
pub(crate) trait Row: Sized {
    /// The headings of the columns.
    const HEADING: &[&'static str];

    /// The headings with the game's own word for an avatar.
    fn heading() -> Vec<&'static str> {
        Self::HEADING.to_vec()
    }

    /// The cells of all rows, in the order of the headings.
    fn cells(rows: &[Self]) -> Vec<Vec<String>>;
}
