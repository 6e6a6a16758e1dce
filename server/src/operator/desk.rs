//! The desk: one place that knows the running node, and what each request becomes.
//!
//! Runs on threads that may wait. Reading is answered at any time; whatever changes the release, or ends the
//! node, takes the one [`Turn`].

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use pq_otp::Node;
use pq_protocol::Progress;
use pq_protocol::Who;
use pq_protocol::answer::Rows;
use pq_protocol::frame::ANSWER_MAX;
use pq_protocol::history::Deed;
use pq_protocol::{Exit, Failure};
use serde::Serialize;
use sockserv::Door;
use sockserv::wire::gmcp::Phase;
use tokio::sync::mpsc;

use super::ask;
use super::door;
use super::look;
use super::request::{DoorRequest, Question, ReleaseRequest};
use super::tree::Detail;
use crate::boot::Booted;
use crate::history::History;
use crate::restart::Restart;
use crate::running::bans::Bans;
use crate::running::shutdown::Shutdown;
use crate::running::turn::Turn;
use crate::running::upgrade_news::UpgradeNews;
use crate::running::{Outcome, Releases};

/// What requests are answered from.
pub(crate) struct Desk {
    pub(crate) booted: Arc<Booted>,
    /// When the node started.
    pub(crate) started: SystemTime,
    pub(crate) turn: Arc<Turn>,
    pub(crate) releases: Arc<Releases>,
    /// Where players come in, when the release has a door.
    pub(crate) door: Option<Arc<Door>>,
    /// Who may not come in there.
    pub(crate) bans: Bans,
    /// The end that is planned.
    pub(crate) shutdown: Shutdown,
    news: Arc<UpgradeNews>,
    history: Arc<History>,
}

impl Desk {
    /// The desk of a node that has just booted.
    pub(crate) fn open(
        booted: Arc<Booted>,
        releases: Arc<Releases>,
        door: Option<Arc<Door>>,
        history: Arc<History>,
    ) -> anyhow::Result<Desk> {
        let at_door = door.clone();
        let tell = move |bans| at_door.as_ref().map_or(0, |door| door.set_bans(bans));
        let bans = Bans::open(booted.root(), tell)?;
        let turn = Arc::new(Turn::default());
        let news = Arc::new(UpgradeNews::at(door.clone()));
        let (told, also) = (turn.clone(), news.clone());
        releases.listen(move |status, progress| {
            told.note(progress);
            also.hear(status);
        });
        Ok(Desk {
            history,
            bans,
            shutdown: Shutdown::default(),
            started: SystemTime::now(),
            booted,
            turn,
            releases,
            door,
            news,
        })
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        self.booted.node()
    }

    /// Enters an operation into the history.
    pub(crate) fn note(&self, who: &Who, deed: Deed) {
        self.history.note(who, deed);
    }

    /// Carries out a request about releases, when nobody else is at one. Returns its answer, and what is to become of
    /// the node then.
    pub(crate) fn release(
        &self,
        request: &ReleaseRequest,
        message: Option<String>,
        who: &Who,
        hear: mpsc::Sender<Progress>,
    ) -> (Result<String, Failure>, Option<Restart>) {
        let taken = match self.turn.take(&request.to_string(), who, hear) {
            Ok(taken) => taken,
            Err(failure) => return (Err(failure), None),
        };
        tracing::info!(%who, %request, "asked by an operator");
        let (began, from) = (Instant::now(), self.releases.running().vsn);
        let outcome = self.releases.carry_out(request);
        self.news.ended(match outcome.answer {
            Ok(_) => Phase::Commit,
            Err(_) => Phase::Rollback,
        });
        if outcome.answer.is_ok() && request.installs() {
            self.configure_door();
        }
        if let Some(operation) = request.entry(outcome.answer.is_ok()) {
            let deed = deed((operation, request), &outcome, message);
            let took_ms = began.elapsed().as_millis() as u64;
            let from = Some(from);
            self.note(
                who,
                Deed {
                    from,
                    took_ms,
                    ..deed
                },
            );
        }
        let why = match outcome.answer {
            Ok(_) => format!("`{request}` asks for it"),
            Err(_) => format!("`{request}` failed half-way"),
        };
        let restart = outcome.restart.map(|restart| restart.because(why));
        if restart.is_some() {
            taken.until_the_end();
        }
        (outcome.answer.and_then(json), restart)
    }

    /// The environment may be another one now.
    fn configure_door(&self) {
        let Some(door) = &self.door else { return };
        if let Err(error) = crate::door::configure(door, &self.booted, self.releases.clone()) {
            tracing::error!("{error:#}: the door keeps the settings that it had");
        }
    }

    /// Does something at the door, and enters it into the history.
    pub(crate) fn at_door(&self, request: &DoorRequest, who: &Who) -> Result<String, Failure> {
        let text = door::text(request)?;
        tracing::info!(%who, %request, "asked by an operator");
        let began = Instant::now();
        let done = door::carry_out(self, request, who, text.as_deref());
        let (exit, result) = ended(done.as_ref().err());
        let deed = Deed {
            operation: request.to_string(),
            from: Some(self.releases.running().vsn),
            to: None,
            result,
            exit,
            took_ms: began.elapsed().as_millis() as u64,
            pause_us: None,
            message: text,
        };
        self.note(who, deed);
        done.and_then(json)
    }

    /// The answer's JSON.
    pub(crate) fn answer(&self, question: &Question) -> Result<String, Failure> {
        match question {
            Question::Status => json(look::status(self)),
            Question::WhichReleases { status } => {
                json(Rows::of(self.releases.which(status.as_deref())))
            }
            Question::Apps => json(look::apps(self)?),
            Question::Who => json(door::who(self)?),
            Question::Bans => json(Rows::of(self.bans.list())),
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

/// What the history says of it, with what was odd; when it began, and from where, is the caller's to say.
fn deed(
    (operation, request): (String, &ReleaseRequest),
    outcome: &Outcome,
    message: Option<String>,
) -> Deed {
    let (exit, mut result) = ended(outcome.answer.as_ref().err());
    if exit != Exit::Done {
        tracing::warn!(%request, "{result}");
    }
    for noted in &outcome.noted {
        result.push_str(&format!("; {noted}"));
    }
    Deed {
        operation,
        from: None,
        to: outcome
            .to
            .clone()
            .or_else(|| request.vsn().map(str::to_string)),
        result,
        exit,
        took_ms: 0,
        pause_us: outcome.pause_us,
        message,
    }
}

/// How the history says that it ended.
fn ended(failure: Option<&Failure>) -> (Exit, String) {
    match failure {
        None => (Exit::Done, "done".to_string()),
        Some(failure) => (failure.exit, failure.sentence.clone()),
    }
}

/// An answer as it travels.
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
