//! The row that a command is for: by the name of the avatar, and by its number where several rows have the name.

use clap::Args;
use pq_protocol::{Exit, Failure};
use pq_saves::word;
use pq_store::{Row, State};
use serde::{Deserialize, Serialize};

use crate::client::printable;
use crate::noun::noun;

#[derive(Args, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Which {
    /// The name of the avatar
    pub(super) name: String,
    /// The number of the row, if several rows have the name
    #[arg(long, value_name = "N")]
    row: Option<u64>,
}

impl Which {
    /// The row among those with the name. Rows that have ended count only without others. `what` is the operation, for the
    /// error.
    pub(super) fn choose(&self, found: Vec<Row>, what: &str) -> Result<Row, Failure> {
        let mut rows = found;
        if let Some(number) = self.row {
            rows.retain(|row| row.id == number);
        } else if rows.iter().any(|row| row.state != State::Ended) {
            rows.retain(|row| row.state != State::Ended);
        }
        match &rows[..] {
            [] => Err(self.refused(what, &self.nobody())),
            [_] => Ok(rows.remove(0)),
            several => {
                let rows = several.iter();
                let rows = rows.map(|row| format!("{} ({})", row.id, word(row.state)));
                let rows: Vec<String> = rows.collect();
                let why = format!(
                    "rows {} have this name; --row chooses one",
                    rows.join(" and ")
                );
                Err(self.refused(what, &why))
            }
        }
    }

    fn nobody(&self) -> String {
        let one = &noun().one;
        match self.row {
            Some(number) => format!("no saved {one} with this name has row {number}"),
            None => format!("no saved {one} has this name"),
        }
    }

    /// The failure of an operation that has changed nothing.
    pub(super) fn refused(&self, what: &str, why: &str) -> Failure {
        let sentence = format!("failed to {what} {}: {why}", printable(&self.name));
        Failure::new(Exit::Refused, sentence)
    }
}
