//! `pq avatars export`: a saved avatar as a file. The command reads the store itself, so a node may run.

use std::path::PathBuf;

use clap::Args;
use pq_protocol::{Exit, Failure};
use pq_saves::{Readable, export, word};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::command::Typed;
use super::super::store::tell;
use super::{Which, found};
use crate::client::{At, Show, printable};
use crate::saves;

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    which: Which,
    /// The file to be written, which does not exist yet [default: NAME.json, or row-N.json for a name with other characters
    /// than letters and digits]
    #[arg(value_name = "FILE")]
    target: Option<PathBuf>,
    #[command(flatten)]
    at: At,
}

/// The answer to `avatars export`.
#[derive(Serialize, Debug, JsonSchema)]
pub(in crate::commands) struct Written {
    file: PathBuf,
    name: String,
    /// The number of the row in the store.
    row: u64,
    state: String,
    bytes: u64,
}

impl Typed for ExportArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let found = found(&self.at.root, &self.which.name)?;
        let row = self.which.choose(found, "export")?;
        let file = self.target.clone().unwrap_or_else(|| {
            let is_plain = row.name.chars().all(|c| c.is_ascii_alphanumeric());
            match is_plain && !row.name.is_empty() {
                true => format!("{}.json", row.name).into(),
                false => format!("row-{}.json", row.id).into(),
            }
        });
        let text = export(&row, Readable::Yes);
        saves::write_new(&file, text.as_bytes()).map_err(|why| {
            let name = printable(&row.name);
            Failure::new(Exit::Refused, format!("failed to export {name}: {why}"))
        })?;
        let written = Written {
            file,
            name: row.name,
            row: row.id,
            state: word(row.state).to_string(),
            bytes: text.len() as u64,
        };
        tell(&self.at, &written)
    }
}

impl Show for Written {
    fn show(&self) -> String {
        let (name, file) = (printable(&self.name), self.file.display());
        let (state, row, bytes) = (&self.state, self.row, self.bytes);
        format!("{file}: {name}, {state}, row {row}, {bytes} bytes")
    }
}
