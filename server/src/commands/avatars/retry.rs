//! `pq avatars retry`: tries to open an avatar that is set aside, for example after a missing library is back.

use clap::Args;
use pq_protocol::{Failure, Named, Request};
use pq_saves::word;
use pq_store::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::command::{Typed, Words, request};
use super::super::kinds::{AtDoor, Said};
use super::super::store::failed;
use super::{Which, not_done, saves_of};
use crate::client::{At, Show, printable};
use crate::noun::noun;
use crate::running::RunningNode;
use crate::saves;

#[derive(Args, Debug)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct RetryAvatar {
    /// The game's word for avatars, for the history.
    noun: String,
    #[serde(flatten)]
    which: Which,
}

/// The answer to `avatars retry`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "retry_avatar")]
pub(crate) struct Plays {
    name: String,
}

impl Typed for RetryArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let retry = RetryAvatar {
            noun: noun().many.clone(),
            which: self.which.clone(),
        };
        self.at.show::<Plays>(&retry.typed(), &request(&retry)?)
    }
}

impl Words for RetryAvatar {
    const NAME: &'static str = "retry_avatar";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Plays;

    fn typed(&self) -> String {
        format!("{} retry {}", self.noun, self.which.name)
    }
}

impl AtDoor for RetryAvatar {
    fn whom(&self) -> Option<&str> {
        Some(&self.which.name)
    }

    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<Plays, Failure> {
        let (which, name) = (&self.which, &self.which.name);
        let saves = saves_of(node, "retry", name)?;
        let mut found = saves.find(name).map_err(failed)?;
        if found.iter().any(|row| row.state == State::SetAside) {
            found.retain(|row| row.state == State::SetAside);
        }
        let row = which.choose(found, "retry")?;
        if row.state != State::SetAside {
            let why = format!("it is not set aside, but {}", word(row.state));
            return Err(which.refused("retry", &why));
        }
        let done = saves.retry(&row, &saves::versions_of(node.booted()));
        done.map_err(|why| not_done("retry", name, &why))?;
        Ok(Plays { name: row.name })
    }
}

impl Show for Plays {
    fn show(&self) -> String {
        format!("{} plays again", printable(&self.name))
    }
}
