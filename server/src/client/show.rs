//! Answers as people read them: what an answer has to say of itself, and listings as tables.

use pq_protocol::answer::{Missing, Rows};

use super::table::table;

/// An answer that people can read.
pub(crate) trait Show {
    /// As text.
    fn show(&self) -> String;

    /// What is missing of it, as a sentence; nothing when it is whole.
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
            format!("shard {shard} with {processes} processes does not answer ({why})")
        });
        let missing: Vec<String> = missing.collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

/// A row of a listing.
pub(crate) trait Row: Sized {
    /// The headings of its columns.
    const HEADING: &[&'static str];

    /// The same in the words of the game.
    fn heading() -> Vec<&'static str> {
        Self::HEADING.to_vec()
    }

    /// The cells of all rows.
    fn cells(rows: &[Self]) -> Vec<Vec<String>>;
}
