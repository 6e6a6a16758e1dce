//! `pq store check`, `pq backup` and `pq restore`: the store of the tree as a file. All three read and write the file themselves,
//! so no node has to run; only `restore` needs that none runs.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use pq_protocol::{Exit, Failure};
use pq_store::StoreError;
use pq_term::printable_json;
use serde::Serialize;

use super::command::Typed;
use crate::client::{At, Show, counted, metered, say};
use crate::saves;
use crate::system::TreeLock;

/// The commands about the store.
#[derive(Subcommand, Debug)]
pub(crate) enum StoreArgs {
    /// Check the saves: list everything that is wrong with the file
    Check {
        #[command(flatten)]
        at: At,
    },
}

#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    /// The file to be written, which does not exist yet
    #[arg(value_name = "FILE")]
    target: PathBuf,
    #[command(flatten)]
    at: At,
}

#[derive(Args, Debug)]
pub(crate) struct RestoreArgs {
    /// A file that `backup` has written
    #[arg(value_name = "FILE")]
    from: PathBuf,
    #[command(flatten)]
    at: At,
}

/// The answer to `store check`.
#[derive(Serialize, Debug)]
struct Checked {
    file: PathBuf,
    findings: Vec<String>,
}

/// The answer to `backup`.
#[derive(Serialize, Debug)]
struct BackedUp {
    file: PathBuf,
    bytes: u64,
}

/// The answer to `restore`.
#[derive(Serialize, Debug)]
struct Restored {
    from: PathBuf,
    /// The place of the store before; `None` if there was none.
    before: Option<PathBuf>,
}

impl Typed for StoreArgs {
    fn at(&self) -> &At {
        let StoreArgs::Check { at } = self;
        at
    }

    fn run(&self) -> Result<(), Failure> {
        let file = saves::file(&self.at().root);
        let step = format!("checking {}", size_of(&file));
        let findings = metered("store check", &step, || pq_store::check(&file));
        let findings = findings.map_err(failed)?;
        let count = findings.len() as u64;
        tell(self.at(), &Checked { file, findings })?;
        match count {
            0 => Ok(()),
            count => {
                let things = counted(count, "thing is", "things are");
                let sentence = format!("{things} wrong with the saves");
                Err(Failure::new(Exit::Refused, sentence))
            }
        }
    }
}

impl Typed for BackupArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let store = saves::file(&self.at.root);
        let step = format!("copying {}", size_of(&store));
        let copied = metered("backup", &step, || pq_store::backup(&store, &self.target));
        copied.map_err(failed)?;
        let bytes = self.target.metadata().map_or(0, |found| found.len());
        let file = self.target.clone();
        tell(&self.at, &BackedUp { file, bytes })
    }
}

impl Typed for RestoreArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let _lock = TreeLock::take(&self.at.root).map_err(|error| {
            let sentence = format!("failed to restore the saves: {error:#}");
            Failure::new(Exit::Refused, sentence)
        })?;
        let store = saves::file(&self.at.root);
        let step = format!("checking and copying {}", size_of(&self.from));
        let before = metered("restore", &step, || pq_store::restore(&self.from, &store));
        let before = before.map_err(failed)?;
        let from = self.from.clone();
        tell(&self.at, &Restored { from, before })
    }
}

/// The size of a file for people.
fn size_of(file: &Path) -> String {
    let bytes = file.metadata().map_or(0, |found| found.len());
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// The failure of an operation on the store.
pub(super) fn failed(error: StoreError) -> Failure {
    let exit = match error {
        StoreError::Open { .. }
        | StoreError::InUse { .. }
        | StoreError::Exists { .. }
        | StoreError::Damaged { .. } => Exit::Refused,
        StoreError::Failed { .. } | StoreError::File(_) => Exit::Internal,
    };
    Failure::new(exit, format!("failed to {error}"))
}

/// Prints an answer as text or, with `--json`, as JSON.
pub(super) fn tell(at: &At, answer: &(impl Show + Serialize)) -> Result<(), Failure> {
    match at.json {
        true => say(&printable_json(&super::json(answer)?)),
        false => say(answer.show().trim_end()),
    }
    Ok(())
}

impl Show for Checked {
    fn show(&self) -> String {
        match self.findings.is_empty() {
            true => format!("{}: nothing is wrong", self.file.display()),
            false => self.findings.join("\n"),
        }
    }
}

impl Show for BackedUp {
    fn show(&self) -> String {
        format!(
            "{}: {} KiB",
            self.file.display(),
            self.bytes.div_ceil(1_024)
        )
    }
}

impl Show for Restored {
    fn show(&self) -> String {
        let before = match &self.before {
            Some(before) => format!("; the store before is kept as {}", before.display()),
            None => String::new(),
        };
        format!("the saves are those of {}{before}", self.from.display())
    }
}
