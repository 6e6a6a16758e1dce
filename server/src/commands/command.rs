//! What every command of operators has: words that are typed and sent, and an answer that is shown.
//!
//! ```text
//!   To<Kick> ─ typed ─► Kick ─ named ─► {"door": {"kick": …}} ─► the node ─► Kicked ─ show ─► text
//! ```
//! What becomes of the words at the node is told in [`super::kinds`].

use std::fmt::Debug;

use clap::{Args, ValueEnum};
use pq_protocol::{Failure, Named, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{At, Show};

/// The longest message for the history: three lines of a terminal.
const MESSAGE_MAX: usize = 240;

/// A command as it is typed.
pub(crate) trait Typed {
    /// Which node it is for.
    fn at(&self) -> &At;

    /// Does it.
    fn run(&self) -> Result<(), Failure>;
}

/// The words of a command as they travel, and what comes back.
pub(crate) trait Words: Serialize + DeserializeOwned {
    /// Its name on the wire; on the command line a `_` of it is a `-`.
    const NAME: &'static str;

    /// The kind of request that it is; one about releases has a message besides ([`Noted`]).
    const KIND: fn(Named) -> Request = Request::Question;

    /// What the node answers.
    type Answer: Serialize + DeserializeOwned + Show;

    /// The command as it was typed, without options and texts: for messages and the history.
    fn typed(&self) -> String {
        word::<Self>()
    }
}

/// The name of a command on the command line.
pub(crate) fn word<W: Words>() -> String {
    W::NAME.replace('_', "-")
}

/// The request that these words are.
pub(crate) fn request<W: Words>(words: &W) -> Result<Request, Failure> {
    Named::of(W::NAME, words).map(W::KIND)
}

/// A command whose words are sent as they were typed.
#[derive(Args, Debug)]
pub(crate) struct To<W: Args> {
    #[command(flatten)]
    words: W,
    #[command(flatten)]
    at: At,
}

impl<W: Words + Args> Typed for To<W> {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let typed = self.words.typed();
        self.at.show::<W::Answer>(&typed, &request(&self.words)?)
    }
}

/// The same of a command about releases: with what is entered into the history.
#[derive(Args, Debug)]
pub(crate) struct Noted<W: Args> {
    #[command(flatten)]
    words: W,
    #[command(flatten)]
    note: Note,
}

/// What is entered into the history, and at which node.
#[derive(Args, Debug)]
pub(crate) struct Note {
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT", value_parser = message)]
    pub(crate) message: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}

impl<W: Words + Args> Typed for Noted<W> {
    fn at(&self) -> &At {
        &self.note.at
    }

    fn run(&self) -> Result<(), Failure> {
        self.note.show(&self.words)
    }
}

impl Note {
    /// Asks for an operation on releases, and shows its answer.
    pub(crate) fn show<W: Words>(&self, words: &W) -> Result<(), Failure> {
        self.at.tell::<W::Answer>(&self.ask(words)?)
    }

    /// Asks for an operation on releases; the answer's text.
    pub(crate) fn ask<W: Words>(&self, words: &W) -> Result<String, Failure> {
        let request = Request::Release {
            request: Named::of(W::NAME, words)?,
            message: self.message.clone(),
        };
        self.at.ask(&words.typed(), &request)
    }
}

/// Begin or end.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Switch {
    /// Begin.
    On,
    /// End.
    Off,
}

impl Switch {
    /// Whether it begins.
    pub(crate) fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// A message that fits a line of the history.
pub(crate) fn message(text: &str) -> Result<String, String> {
    match text.chars().count() <= MESSAGE_MAX {
        true => Ok(text.to_string()),
        false => Err(format!(
            "a message has at most {MESSAGE_MAX} characters: it is for one line of the history"
        )),
    }
}
