//! `pq avatars import`: an avatar from a file that `export` has written, into the running node or the store of a stopped one.

use std::path::{Path, PathBuf};

use clap::Args;
use pq_protocol::{Exit, Failure, Named, Request};
use pq_saves::{BadExport, EXPORT_BYTES_MAX, Exported, Import, Imported};
use pq_store::Database;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::absolute::absolute;
use super::super::command::{Typed, Words, request};
use super::super::kinds::{AtDoor, Said};
use super::super::store::{failed, tell};
use super::{not_done, saves_of, stopped};
use crate::client::{At, Show, printable};
use crate::noun::noun;
use crate::running::RunningNode;
use crate::saves::{self, Removed};

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// A file that `export` has written
    #[arg(value_name = "FILE", value_parser = absolute())]
    file: PathBuf,
    /// Replace an avatar of this name that is set aside; it is kept in data/removed
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    at: At,
}

/// The request to import an avatar into the running node.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct ImportAvatar {
    /// The game's word for avatars, for the history.
    noun: String,
    name: String,
    file: PathBuf,
    replace: bool,
}

/// The answer to `avatars import`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "import_avatar")]
pub(crate) struct IsImported {
    name: String,
    /// `playing`, `resting` or `set aside`.
    state: String,
    /// The reason, for an avatar that is set aside.
    why: Option<String>,
    /// The files of the rows that it has replaced.
    kept: Vec<PathBuf>,
    /// Whether a node runs.
    node_runs: bool,
}

impl Typed for ImportArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let exported = read(&self.file)?;
        let name = exported.row.name.clone();
        let Some(_lock) = stopped(&self.at.root, "import")? else {
            let import = ImportAvatar {
                noun: noun().many.clone(),
                name,
                file: self.file.clone(),
                replace: self.replace,
            };
            let request = request(&import)?;
            return self.at.show::<IsImported>(&import.typed(), &request);
        };
        let imported = self.put_into_store(exported)?;
        tell(&self.at, &imported)
    }
}

impl ImportArgs {
    /// Imports into the store of a node that does not run.
    fn put_into_store(&self, exported: Exported) -> Result<IsImported, Failure> {
        let root = &self.at.root;
        let name = exported.row.name.clone();
        let release = saves::Release::permanent(root).map_err(|why| {
            let sentence = format!("failed to import {}: {why:#}", printable(&name));
            Failure::new(Exit::Refused, sentence)
        })?;
        let removed = Removed::of(root);
        let import = Import {
            exported,
            replace: self.replace,
            keep: &|row| removed.keep(row),
        };
        let mut store = Database::open(&saves::file(root)).map_err(failed)?;
        let imported = release.with(|stopped| stopped.import(&mut store, import));
        let imported = imported.map_err(|why| not_done("import", &name, &why))?;
        Ok(IsImported::of(name, imported, removed.files(), false))
    }
}

impl Words for ImportAvatar {
    const NAME: &'static str = "import_avatar";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = IsImported;

    fn typed(&self) -> String {
        let file = self.file.display();
        format!("{} import {file}", self.noun)
    }
}

impl AtDoor for ImportAvatar {
    fn whom(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<IsImported, Failure> {
        let exported = read(&self.file)?;
        let name = exported.row.name.clone();
        let saves = saves_of(node, "import", &name)?;
        if node.avatar(&name).is_some() {
            let sentence = format!("failed to import {name}: a process has this name");
            return Err(Failure::new(Exit::Refused, sentence));
        }
        let removed = Removed::of(node.booted().root());
        let import = Import {
            exported,
            replace: self.replace,
            keep: &|row| removed.keep(row),
        };
        let imported = saves.import(import, &saves::versions_of(node.booted()));
        let imported = imported.map_err(|why| not_done("import", &name, &why))?;
        Ok(IsImported::of(name, imported, removed.files(), true))
    }
}

/// Reads a file from outside.
fn read(file: &Path) -> Result<Exported, Failure> {
    let failed = |exit, why: &str| {
        let sentence = format!("failed to import {}: {why}", file.display());
        Failure::new(exit, sentence)
    };
    let bytes = pq_files::read(file, EXPORT_BYTES_MAX as u64);
    let bytes = bytes.map_err(|error| failed(Exit::Refused, &error.to_string()))?;
    Exported::read(&bytes).map_err(|error| {
        let exit = match error {
            BadExport::Checksum => Exit::Checksum,
            _ => Exit::Refused,
        };
        failed(exit, &error.to_string())
    })
}

impl IsImported {
    fn of(name: String, imported: Imported, kept: Vec<PathBuf>, node_runs: bool) -> IsImported {
        let (state, why) = match imported {
            Imported::Plays => ("playing", None),
            Imported::Rests => ("resting", None),
            Imported::IsSetAside(why) => ("set aside", Some(why)),
        };
        IsImported {
            name,
            state: state.to_string(),
            why,
            kept,
            node_runs,
        }
    }
}

impl Show for IsImported {
    fn show(&self) -> String {
        let name = printable(&self.name);
        let is = match (&self.why, self.node_runs) {
            (Some(why), _) => format!("{name} is saved and set aside: {}", printable(why)),
            (None, true) => format!("{name} is imported and {}", self.state),
            (None, false) => format!("{name} is saved; the next start of the node opens it"),
        };
        is + &super::kept(&self.kept)
    }
}
