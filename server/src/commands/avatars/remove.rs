//! `pq avatars remove`: ends an avatar that plays, or removes the row of one that does not.

use std::path::PathBuf;

use clap::Args;
use pq_protocol::{Failure, Named, Request};
use pq_saves::word;
use pq_store::{Database, Row, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::command::{Typed, Words, request};
use super::super::end_avatar;
use super::super::kinds::{AtDoor, Said};
use super::super::store::{failed, tell};
use super::{Which, durable_names, not_done, saves_of, stopped};
use crate::client::{At, Show, printable};
use crate::noun::noun;
use crate::running::RunningNode;
use crate::saves::{self, Removed};

#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    at: At,
}

/// The request to remove an avatar of the running node.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct RemoveAvatar {
    /// The game's word for avatars, for the history.
    noun: String,
    #[serde(flatten)]
    which: Which,
}

/// The answer to `avatars remove`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "remove_avatar")]
pub(crate) struct IsRemoved {
    name: String,
    /// `playing`, `resting` or `set aside`: the state before.
    was: String,
    /// Whether its processes have ended, as by `end-avatar`; otherwise only a row was removed.
    ended: bool,
    /// The file with the removed row.
    kept: Vec<PathBuf>,
}

impl Typed for RemoveArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let Some(_lock) = stopped(&self.at.root, "remove")? else {
            let remove = RemoveAvatar {
                noun: noun().many.clone(),
                which: self.which.clone(),
            };
            let request = request(&remove)?;
            return self.at.show::<IsRemoved>(&remove.typed(), &request);
        };
        let removed = self.take_from_store()?;
        tell(&self.at, &removed)
    }
}

impl RemoveArgs {
    /// Removes from the store of a node that does not run.
    fn take_from_store(&self) -> Result<IsRemoved, Failure> {
        let (root, which) = (&self.at.root, &self.which);
        let mut store = Database::open(&saves::file(root)).map_err(failed)?;
        let found = pq_saves::find(&mut store, &durable_names(root), &which.name);
        let row = which.row(found.map_err(failed)?)?;
        let removed = Removed::of(root);
        let done = pq_saves::remove(&mut store, &row, &|row| removed.keep(row));
        done.map_err(|why| not_done("remove", &which.name, &why))?;
        Ok(IsRemoved::row(row, removed.files()))
    }
}

impl Which {
    /// The row to be removed: its name is exactly the given one.
    fn row(&self, found: Vec<Row>) -> Result<Row, Failure> {
        let row = self.choose(found, "remove")?;
        match &row.name {
            name if *name != self.name => {
                let why = format!("its name is written {name:?}");
                Err(self.refused("remove", &why))
            }
            _ if row.state == State::Ended => Err(self.refused("remove", "it has ended already")),
            _ => Ok(row),
        }
    }
}

impl Words for RemoveAvatar {
    const NAME: &'static str = "remove_avatar";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = IsRemoved;

    fn typed(&self) -> String {
        format!("{} remove {}", self.noun, self.which.name)
    }
}

impl AtDoor for RemoveAvatar {
    fn whom(&self) -> Option<&str> {
        Some(&self.which.name)
    }

    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<IsRemoved, Failure> {
        let (which, name) = (&self.which, &self.which.name);
        let saves = saves_of(node, "remove", name)?;
        let found = saves.find(name).map_err(failed)?;
        let is_young = found.is_empty() && node.avatar(name).is_some();
        let row = match is_young {
            true => None,
            false => Some(which.row(found)?),
        };
        let Some(row) = row.filter(|row| row.state != State::Playing) else {
            end_avatar::end(node, name, "")?;
            return Ok(IsRemoved {
                name: name.clone(),
                was: word(State::Playing).to_string(),
                ended: true,
                kept: Vec::new(),
            });
        };
        let removed = Removed::of(node.booted().root());
        let done = saves.remove(&row, &|row| removed.keep(row));
        done.map_err(|why| not_done("remove", name, &why))?;
        Ok(IsRemoved::row(row, removed.files()))
    }
}

impl IsRemoved {
    fn row(row: Row, kept: Vec<PathBuf>) -> IsRemoved {
        IsRemoved {
            name: row.name,
            was: word(row.state).to_string(),
            ended: false,
            kept,
        }
    }
}

impl Show for IsRemoved {
    fn show(&self) -> String {
        let (name, was) = (printable(&self.name), &self.was);
        match self.ended {
            true => format!("{name} was {was} and has ended"),
            false => format!("{name} was {was} and is removed{}", super::kept(&self.kept)),
        }
    }
}
