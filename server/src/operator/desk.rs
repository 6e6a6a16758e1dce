//! The desk: one place that knows the running node, and what each request becomes.
//!
//! Runs on threads that may wait. Reading is answered at any time; whatever changes the release, or ends the
//! node, takes the one [`Turn`].

use std::sync::Arc;
use std::time::SystemTime;

use pq_otp::Node;
use serde::Serialize;

use super::answer::Running;
use super::ask;
use super::clock::rfc3339;
use super::exit::{Exit, Failure};
use super::frame::ANSWER_MAX;
use super::history::{Deed, History};
use super::look;
use super::request::Question;
use super::tree::Detail;
use super::turn::Turn;
use super::who::Who;
use crate::boot::Booted;

/// What requests are answered from.
pub(crate) struct Desk {
    pub(crate) booted: Arc<Booted>,
    /// When the node started.
    pub(crate) started: SystemTime,
    pub(crate) turn: Turn,
    pub(crate) history: History,
}

impl Desk {
    /// The desk of a node that has just booted.
    pub(crate) fn new(booted: Arc<Booted>) -> Desk {
        Desk {
            history: History::of(booted.root()),
            booted,
            started: SystemTime::now(),
            turn: Turn::default(),
        }
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        self.booted.node()
    }

    /// Enters an operation into the history. That it cannot be written down does not undo it.
    pub(crate) fn note(&self, who: &Who, deed: Deed) {
        let operation = deed.operation.clone();
        if let Err(error) = self.history.append(who, deed) {
            tracing::error!(operation, %error, "failed to write releases/history.jsonl");
        }
    }

    /// The release that runs.
    pub(crate) fn running(&self) -> Running {
        let (name, vsn) = self.booted.release();
        Running {
            name: name.to_string(),
            vsn: vsn.to_string(),
            since: rfc3339(self.started),
        }
    }

    /// The answer's JSON.
    pub(crate) fn answer(&self, question: &Question) -> Result<String, Failure> {
        match question {
            Question::Status => json(look::status(self)),
            Question::Apps => json(look::apps(self)?),
            Question::Tree { all: true } => json(look::tree(self, Detail::All)?),
            Question::Tree { all: false } => json(look::tree(self, Detail::Summary)?),
            Question::Names { containing } => json(look::names(self, containing.as_deref())?),
            Question::Sys { process, message } => json(ask::sys(self, process, *message)?),
            Question::Call {
                module,
                function,
                args,
            } => json(ask::call(self, module, function, args)?),
        }
    }
}

fn json(answer: impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(&answer).map_err(|error| {
        Failure::new(
            Exit::Internal,
            format!("failed to write the answer: {error}"),
        )
    })?;
    match text.len() <= ANSWER_MAX {
        true => Ok(text),
        false => Err(Failure::new(
            Exit::Refused,
            format!(
                "failed to send the answer: it has {} bytes, where at most {ANSWER_MAX} are sent",
                text.len()
            ),
        )),
    }
}
