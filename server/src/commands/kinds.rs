//! The kinds of requests that a node knows, and the steps of each kind.
//!
//! ```text
//!   question ─► answer                                                    at any time
//!   door     ─► text and name judged ─► carry_out ─► history              at any time
//!   release  ─► turn ─► carry_out ─► players' programs ─► history         one at a time
//! ```
//! The code runs on threads that may block.

use std::time::{Duration, Instant};

use pq_otp::RequestError;
use pq_otp::upgrade::Live;
use pq_protocol::frame::ANSWER_MAX;
use pq_protocol::history::Deed;
use pq_protocol::{Exit, Failure, Named, Progress, Who};
use pq_release::handler::ReleaseHandler;
use serde::Serialize;
use sockserv::wire::gmcp::Phase;
use tokio::sync::mpsc;

use super::command::Words;
use crate::feed::recordings;
use crate::restart::Restart;
use crate::running::{Outcome, RunningNode};

/// The limit for the saved avatars to come back before an install: a million take some ten seconds.
const BACK_TIMEOUT: Duration = Duration::from_secs(60);

/// The limit of a text for players, in characters: three lines of a terminal, as in the history.
const TEXT_MAX: usize = 240;

/// A request that the node answers at any time without any change that others can see.
pub(crate) trait Question: Words {
    /// Computes the answer without any change.
    fn answer(self, node: &RunningNode) -> Result<Self::Answer, Failure>;
}

/// An action on players, which the node carries out at any time.
pub(crate) trait AtDoor: Words {
    /// The text of the request, for players or for the history.
    fn text(&self) -> Option<&str> {
        None
    }

    /// The name or address that the action is for; `None` if it is for all players.
    fn whom(&self) -> Option<&str> {
        None
    }

    /// Carries out the action.
    fn carry_out(self, node: &RunningNode, said: Said<'_>) -> Result<Self::Answer, Failure>;
}

/// The operator and the text of an action on players.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    /// The operator who requested the action.
    pub(crate) who: &'a Who,
    /// The text of the request: one line without control characters.
    pub(crate) text: Option<&'a str>,
}

/// An operation on releases; the node carries out one at a time.
pub(crate) trait OnReleases: Words {
    /// The version of the release, if the request names one.
    fn vsn(&self) -> Option<&str>;

    /// Whether the operation puts other code, and so another environment, into force.
    fn installs(&self) -> bool {
        false
    }

    /// The text of the history's entry after success or failure; `None` for an operation without changes.
    fn entry(&self, _is_done: bool) -> Option<String> {
        Some(self.typed())
    }

    /// Examines what the release handler does not know, before the operation.
    ///
    /// # Errors
    /// The refusal.
    fn judge(&self, _node: &RunningNode, _handler: &ReleaseHandler) -> Result<(), Failure> {
        Ok(())
    }

    /// Carries out the operation.
    fn carry_out(&self, handler: &mut ReleaseHandler, driver: &mut Live) -> Outcome;
}

/// The operator of an operation on releases, with a message and a receiver for the progress.
pub(crate) struct Operator {
    pub(crate) who: Who,
    /// The message for the history.
    pub(crate) message: Option<String>,
    /// Receives the progress of the operation.
    pub(crate) hear: mpsc::Sender<Progress>,
}

/// The outcome of an operation on releases: its answer, and the further fate of the node.
pub(crate) struct Ended {
    pub(crate) answer: Result<String, Failure>,
    pub(crate) restart: Option<Restart>,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended {
            answer: Err(failure),
            restart: None,
        }
    }
}

/// Decodes a question, answers it and encodes the answer.
pub(crate) fn answer<Q: Question>(asked: Named, node: &RunningNode) -> Result<String, Failure> {
    json(asked.read::<Q>()?.answer(node)?)
}

/// Carries out an action on players and enters it into the history.
pub(crate) fn at_door<D: AtDoor>(
    asked: Named,
    node: &RunningNode,
    who: &Who,
) -> Result<String, Failure> {
    let request: D = asked.read()?;
    if let Some(whom) = request.whom() {
        clean("a name", whom)?;
    }
    let (operation, text) = (request.typed(), request.text().map(line).transpose()?);
    tracing::info!(%who, request = %operation, "request of an operator");
    let began = Instant::now();
    let text = text.as_deref();
    let done = request.carry_out(node, Said { who, text });
    let (exit, result) = Failure::ending(done.as_ref().err());
    let deed = Deed {
        from: Some(node.releases().running().vsn),
        took_ms: began.elapsed().as_millis() as u64,
        message: text.map(str::to_string),
        ..Deed::of(operation, exit, result)
    };
    node.history().note(who, deed);
    done.and_then(json)
}

/// Carries out an operation on releases once no other such operation runs.
pub(crate) fn on_releases<R: OnReleases>(
    asked: Named,
    node: &RunningNode,
    operator: Operator,
) -> Ended {
    let request: R = match asked.read() {
        Ok(request) => request,
        Err(failure) => return failure.into(),
    };
    let (typed, who) = (request.typed(), &operator.who);
    let taken = match node.turn().take(&typed, who, operator.hear) {
        Ok(taken) => taken,
        Err(failure) => return failure.into(),
    };
    tracing::info!(%who, request = %typed, "request of an operator");
    let (began, from) = (Instant::now(), node.releases().running().vsn);
    let judge = |handler: &_| {
        if request.installs() {
            all_are_back(node)?;
        }
        request.judge(node, handler)
    };
    let carry_out = |handler: &mut _, driver: &mut _| match judge(handler) {
        Ok(()) => request.carry_out(handler, driver),
        Err(refusal) => Outcome::failed(refusal),
    };
    let outcome = node.releases().carry_out(carry_out).asked_by(who);
    let recording = outcome.record.as_ref().and_then(|record| {
        tracing::info!(%who, request = %typed, "install: {record}");
        node.crowd().end_recording(node.booted(), record)
    });
    let is_done = outcome.answer.is_ok();
    node.news().ended(match is_done {
        true => Phase::Commit,
        false => Phase::Rollback,
    });
    if is_done && request.installs() {
        node.configure();
    }
    if let Some(operation) = request.entry(is_done) {
        let deed = Deed {
            from: Some(from),
            took_ms: began.elapsed().as_millis() as u64,
            message: operator.message,
            ..deed(operation, &request, &outcome)
        };
        let id = node.history().note(who, deed);
        if let (Some(id), Some(recording)) = (id, recording) {
            recordings::keep(node.booted().root(), id, &recording);
        }
    }
    // Viewers hear of the end when the entry of the history and the recording are there.
    if let Some(record) = &outcome.record {
        node.views().note_install(record);
    }
    let why = match is_done {
        true => format!("`{typed}` requires a restart"),
        false => format!("`{typed}` failed after the point of no return"),
    };
    let restart = outcome.restart.map(|restart| restart.because(why));
    if restart.is_some() {
        taken.until_the_end();
    }
    let answer = outcome.answer.and_then(json);
    Ended { answer, restart }
}

/// Waits until the boot has put all saved avatars back: it has chosen their conversions for the code that is in force.
fn all_are_back(node: &RunningNode) -> Result<(), Failure> {
    let deadline = Instant::now() + BACK_TIMEOUT;
    let are_back = node
        .saves()
        .is_none_or(|saves| saves.wait_for_boot(deadline));
    are_back.then_some(()).ok_or_else(|| {
        let seconds = BACK_TIMEOUT.as_secs();
        let why = format!("saved avatars have been coming back for more than {seconds} s; try again when all are back");
        Failure::new(Exit::Refused, why)
    })
}

/// The history's entry of an operation with its outcome. The caller adds the start and the reason.
fn deed(operation: String, request: &impl OnReleases, outcome: &Outcome) -> Deed {
    let (exit, mut result) = Failure::ending(outcome.answer.as_ref().err());
    if exit != Exit::Done {
        tracing::warn!(request = %request.typed(), "{result}");
    }
    let mut pause_us = None;
    if let Some(record) = &outcome.record {
        result = record.result();
        pause_us = record.failure.is_none().then_some(record.pause_us);
    }
    let to = outcome.to.clone();
    Deed {
        to: to.or_else(|| request.vsn().map(str::to_string)),
        author: outcome.author.clone(),
        pause_us,
        ..Deed::of(operation, exit, result)
    }
}

/// Checks a text for players: one line without control characters, short enough for the queue of any client and for
/// the history.
pub(crate) fn line(text: &str) -> Result<String, Failure> {
    clean("a text", text)
}

fn clean(what: &str, text: &str) -> Result<String, Failure> {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    match clean.chars().count() {
        1..=TEXT_MAX => Ok(clean),
        length => Err(Failure::new(
            Exit::Usage,
            format!(
                "failed to read the request: {what} has 1 to {TEXT_MAX} characters, without control \
                 characters, and this one has {length}"
            ),
        )),
    }
}

/// The exit code for a question's failure. A callback that fails has had no effect.
pub(crate) fn exit_of(error: &RequestError) -> Exit {
    match error {
        RequestError::Timeout(_) | RequestError::Stalled(_) => Exit::Unknown,
        RequestError::Exit(_) | RequestError::NoName(_) => Exit::Refused,
        RequestError::BadReply(_) => Exit::Internal,
    }
}

/// Encodes an answer as JSON.
pub(crate) fn json(answer: impl Serialize) -> Result<String, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_players_is_one_line_that_says_something() {
        assert_eq!(line("a\n\u{1b}[2Jb\u{9b}勇"), Ok("a[2Jb勇".to_string()));
        let longest = "x".repeat(TEXT_MAX);
        assert_eq!(line(&longest), Ok(longest));
        for odd in ["", "\n\u{7}", &"x".repeat(TEXT_MAX + 1)] {
            assert_eq!(line(odd).unwrap_err().exit, Exit::Usage, "{odd:?}");
            assert_eq!(
                clean("a name", odd).unwrap_err().exit,
                Exit::Usage,
                "{odd:?}"
            );
        }
    }
}
