//! The parts of every operators' command: options, the request, and an answer that is shown.
//!
//! ```text
//!   To<Kick> ─ typed ─► Kick ─ named ─► {"door": {"kick": …}} ─► the node ─► Kicked ─ show ─► text
//! ```
//! [`super::kinds`] defines the action at the node.

use std::fmt::Debug;

use clap::{Args, ValueEnum};
use pq_protocol::{Exit, Failure, Named, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{At, Show};

/// The limit of a message for the history, in characters: three lines of a terminal.
const MESSAGE_MAX: usize = 240;

/// A command with its options, as the command line has parsed it.
pub(crate) trait Typed {
    /// The node of the command, and the format of the answer.
    fn at(&self) -> &At;

    /// Sends the request and shows the answer.
    fn run(&self) -> Result<(), Failure>;

    /// Whether the answer of a command with this failure has already been written, such as the part that has arrived.
    fn has_answered(&self, failure: &Failure) -> bool {
        failure.exit == Exit::Partial
    }
}

/// The request of a command as it is sent to the node, with the type of its answer.
pub(crate) trait Words: Serialize + DeserializeOwned {
    /// The name in the request; the command line has `-` in place of each `_`.
    const NAME: &'static str;

    /// The kind of the request; an operation on releases ([`Noted`]) has a message as well.
    const KIND: fn(Named) -> Request = Request::Question;

    /// The type of the node's answer.
    type Answer: Serialize + DeserializeOwned + Show;

    /// The command as typed, without options and texts, for messages and the history.
    fn typed(&self) -> String {
        word::<Self>()
    }
}

/// The name of a command on the command line.
pub(crate) fn word<W: Words>() -> String {
    W::NAME.replace('_', "-")
}

/// Wraps the words of a command into a request.
pub(crate) fn request<W: Words>(words: &W) -> Result<Request, Failure> {
    Named::of(W::NAME, words).map(W::KIND)
}

/// A command whose options are the fields of its request.
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

/// A command on releases, with a message for the history.
#[derive(Args, Debug)]
pub(crate) struct Noted<W: Args> {
    #[command(flatten)]
    words: W,
    #[command(flatten)]
    note: Note,
}

/// The options of a command on releases: the message for the history, and the node.
#[derive(Args, Debug)]
pub(crate) struct Note {
    /// The reason for the operation, for the history
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
    /// Requests an operation on releases and shows the answer.
    pub(crate) fn show<W: Words>(&self, words: &W) -> Result<(), Failure> {
        self.at.tell::<W::Answer>(&self.ask(words)?)
    }

    /// Requests an operation on releases and returns the answer as JSON text.
    pub(crate) fn ask<W: Words>(&self, words: &W) -> Result<String, Failure> {
        let request = Request::Release {
            request: Named::of(W::NAME, words)?,
            message: self.message.clone(),
        };
        self.at.ask(&words.typed(), &request)
    }
}

/// A switch with two positions.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Switch {
    /// Switch the state on
    On,
    /// Switch the state off
    Off,
}

impl Switch {
    /// Whether the switch is on.
    pub(crate) fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// Checks the length of a message for the history.
pub(crate) fn message(text: &str) -> Result<String, String> {
    match text.chars().count() <= MESSAGE_MAX {
        true => Ok(text.to_string()),
        false => Err(format!(
            "a message for the history has at most {MESSAGE_MAX} characters"
        )),
    }
}
