//! `pq avatars reset-word`: gives an avatar a new word, for a player who has forgotten the old one or never had one.
//!
//! The node makes the word, keeps its hash, and shows the word to the operator once. The history has only the name.

use clap::Args;
use pq_login::Secret;
use pq_protocol::{Exit, Failure, Named, Request};
use pq_saves::word;
use pq_store::State;
use serde::{Deserialize, Serialize};

use super::super::command::{Typed, Words, request};
use super::super::kinds::{AtDoor, Said};
use super::super::store::failed;
use super::{Which, not_done, saves_of};
use crate::client::{At, Show, printable};
use crate::noun::noun;
use crate::running::RunningNode;

#[derive(Args, Debug)]
pub(crate) struct ResetWordArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct ResetWord {
    /// The game's word for avatars, for the history.
    noun: String,
    #[serde(flatten)]
    which: Which,
}

/// The answer to `avatars reset-word`.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "operation", rename = "reset_word")]
pub(crate) struct IsReset {
    name: String,
    /// The new word, which the node keeps as a hash only.
    word: String,
}

impl Typed for ResetWordArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let reset = ResetWord {
            noun: noun().many.clone(),
            which: self.which.clone(),
        };
        self.at.show::<IsReset>(&reset.typed(), &request(&reset)?)
    }
}

impl Words for ResetWord {
    const NAME: &'static str = "reset_word";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = IsReset;

    fn typed(&self) -> String {
        format!("{} reset-word {}", self.noun, self.which.name)
    }
}

impl AtDoor for ResetWord {
    fn whom(&self) -> Option<&str> {
        Some(&self.which.name)
    }

    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<IsReset, Failure> {
        const WHAT: &str = "reset the word of";
        let (which, name) = (&self.which, &self.which.name);
        let saves = saves_of(node, WHAT, name)?;
        let row = which.choose(saves.find(name).map_err(failed)?, WHAT)?;
        if matches!(row.state, State::Ended | State::SetAside) {
            let why = format!("it is {}", word(row.state));
            return Err(which.refused(WHAT, &why));
        }
        let new = Secret::random().and_then(|(new, shown)| Some((pq_login::hash(&new)?, shown)));
        let (hash, word) = new.ok_or_else(|| {
            let sentence = format!("failed to {WHAT} {name}: the system has no random numbers");
            Failure::new(Exit::Internal, sentence)
        })?;
        let done = saves.replace_word(&row, hash);
        done.map_err(|why| not_done(WHAT, name, &why))?;
        Ok(IsReset {
            name: row.name,
            word,
        })
    }
}

impl Show for IsReset {
    fn show(&self) -> String {
        let (name, word) = (printable(&self.name), &self.word);
        format!("the word of {name} is {word} from now on; it is not shown again")
    }
}
