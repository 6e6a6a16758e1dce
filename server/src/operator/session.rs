//! One connection of an operator: credentials, one request and its answer.
//!
//! ```text
//!   accepted ─► user? ─► request (bounded, in time) ─► work on a thread of its own ─► answer ─► closed
//!                └ not permitted: failed 9  └ unreadable: failed 2   └ meanwhile: progress, signs of life
//! ```
//! A started operation is always completed, also if the operator disconnects.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use pq_protocol::frame::{self, PREFIX, REQUEST_MAX};
use pq_protocol::request::Shutdown;
use pq_protocol::{Asked, Event, Exit, Failure, Named, PROTOCOL, Progress, Request, Who};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, interval_at, timeout};

use super::following::follow_one;
use super::viewing::view;
use crate::commands::{self, Ended, Operator};
use crate::end_at_once::end_at_once;
use crate::running::{PendingStop, Plan, RunningNode, Wish};

/// The limit for receiving a request. The command sends its request in one piece.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The limit for sending a part of the answer: a pager may stop reading for this time.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// The interval between signs of life to a waiting operator, who gives up after several missing signs
/// (`client::connection`).
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// The interval between progress events: a person cannot follow a faster display.
const HOW_FAR: Duration = Duration::from_millis(200);

/// The capacity of the progress queue for a slow operator. Further progress is dropped: only the newest counts, and
/// the answer does not use this queue.
const PROGRESS_MAX: usize = 64;

/// The names of the two orderly stops in the history; only the shutdown is announced to players.
const STOP: &str = "stop";
const SHUTDOWN: &str = "shutdown";

/// A connection of an operator.
pub(super) struct Session {
    pub(super) stream: UnixStream,
    /// Whether the operator has disconnected.
    pub(super) is_lost: bool,
}

/// Serves one connection until its end. When `closing` is `true`, the node stops, and connections without a request
/// are closed, and those of viewers.
pub(crate) async fn run(
    stream: UnixStream,
    node: Arc<RunningNode>,
    permit: OwnedSemaphorePermit,
    mut closing: watch::Receiver<bool>,
) {
    let mut session = Session {
        stream,
        is_lost: false,
    };
    let asked = tokio::select! {
        asked = session.asked() => asked,
        _ = closing.wait_for(|closing| *closing) => return,
    };
    match asked {
        Ok((_, Request::Events {})) => return view(session, node, permit, closing).await,
        Ok((who, request @ (Request::Trace { .. } | Request::Watch { .. }))) => {
            drop(permit);
            return follow_one(session, node, (who, request), closing).await;
        }
        Ok((who, request)) => session.serve(node, who, request).await,
        Err(failure) => session.tell(&Event::Failed(failure)).await,
    }
    drop(permit);
}

impl Session {
    async fn asked(&mut self) -> Result<(Who, Request), Failure> {
        let who = self.whose()?;
        let request = timeout(REQUEST_TIMEOUT, self.request()).await;
        let late = |_| {
            usage(format!(
                "no complete request arrived within {REQUEST_TIMEOUT:?}"
            ))
        };
        Ok((who, request.map_err(late)??))
    }

    fn whose(&self) -> Result<Who, Failure> {
        let refuse = |why| Failure::new(Exit::NotPermitted, format!("failed to ask: {why}"));
        let who = peer(&self.stream).map_err(|error| refuse(error.to_string()))?;
        let owner = rustix::process::geteuid().as_raw();
        match who.may_operate(owner) {
            true => Ok(who),
            false => {
                sockserv::seldom!(warn, %who, "refused: only the node's own user and root may operate this node");
                Err(refuse(format!(
                    "{who} may not operate this node; only user {owner} and root may"
                )))
            }
        }
    }

    async fn request(&mut self) -> Result<Request, Failure> {
        let mut prefix = [0; PREFIX];
        self.fill(&mut prefix).await?;
        let length =
            frame::length(prefix, REQUEST_MAX).map_err(|error| usage(error.to_string()))?;
        parse(&self.body(length).await?)
    }

    /// Reads `length` bytes. The buffer grows as bytes arrive, so announcing 1 MiB costs the node no memory.
    async fn body(&mut self, length: usize) -> Result<BytesMut, Failure> {
        let mut body = BytesMut::new();
        while body.len() < length {
            let rest = length - body.len();
            let read = self.stream.read_buf(&mut (&mut body).limit(rest)).await;
            if read.map_err(|error| usage(error.to_string()))? == 0 {
                return Err(usage(format!("the request ends {rest} bytes too early")));
            }
        }
        Ok(body)
    }

    async fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Failure> {
        let read = self.stream.read_exact(buffer).await;
        read.map(|_| ()).map_err(|error| usage(error.to_string()))
    }

    /// Waits until the operator has left: it sends nothing after the request.
    pub(super) async fn left(&mut self) {
        let mut byte = [0];
        // Whatever comes, also an error, is the end of the connection.
        let _ = self.stream.read(&mut byte).await;
    }

    /// Sends an event. After the first failed write, no further event is sent.
    pub(super) async fn tell(&mut self, event: &Event) {
        if self.is_lost {
            return;
        }
        let written = timeout(WRITE_TIMEOUT, self.stream.write_all(&frame::encode(event))).await;
        self.is_lost = !matches!(written, Ok(Ok(())));
    }

    /// Dispatches the request by its kind.
    async fn serve(mut self, node: Arc<RunningNode>, who: Who, request: Request) {
        match request {
            Request::Question(asked) => {
                let work = move |node: &RunningNode| commands::answer(asked, node);
                self.answer(node, work).await;
            }
            Request::Door(asked) => {
                let work = move |node: &RunningNode| commands::do_at_door(asked, node, &who);
                self.answer(node, work).await;
            }
            Request::Release { request, message } => {
                self.release(node, who, request, message).await;
            }
            Request::Stop { message, now: true } => self.end(node, who, message),
            Request::Stop { message, .. } => self.stop(node, STOP, who, message).await,
            Request::Shutdown(shutdown) => self.shut_down(node, who, shutdown).await,
            // Viewers are served by `run`.
            Request::Events {} | Request::Trace { .. } | Request::Watch { .. } => (),
        }
    }

    async fn answer(
        &mut self,
        node: Arc<RunningNode>,
        work: impl FnOnce(&RunningNode) -> Result<String, Failure> + Send + 'static,
    ) {
        let (_, silent) = mpsc::channel(1);
        let answer = self.work(&node, silent, work).await;
        self.finish(answer.and_then(|answer| answer)).await;
    }

    async fn release(
        &mut self,
        node: Arc<RunningNode>,
        who: Who,
        asked: Named,
        message: Option<String>,
    ) {
        let (hear, heard) = mpsc::channel(PROGRESS_MAX);
        let operator = Operator { who, message, hear };
        let work = move |node: &RunningNode| commands::do_on_releases(asked, node, operator);
        let ended = self.work(&node, heard, work).await;
        let Ended { answer, restart } = ended.unwrap_or_else(Ended::from);
        if let Some(restart) = restart {
            // If the node is already ending for another reason, that end decides about a restart.
            node.wish(Wish::Restart(restart));
        }
        self.finish(answer).await;
    }

    /// Runs blocking work on a thread of its own and sends its progress.
    async fn work<R: Send + 'static>(
        &mut self,
        node: &Arc<RunningNode>,
        mut heard: mpsc::Receiver<Progress>,
        work: impl FnOnce(&RunningNode) -> R + Send + 'static,
    ) -> Result<R, Failure> {
        let asked = node.clone();
        let mut work = tokio::task::spawn_blocking(move || work(&asked));
        let mut signs = interval_at(Instant::now() + SIGN_OF_LIFE, SIGN_OF_LIFE);
        let mut looks = interval_at(Instant::now() + HOW_FAR, HOW_FAR);
        let hears = !heard.is_closed();
        let done = loop {
            tokio::select! {
                biased;
                Some(progress) = heard.recv() => self.tell(&Event::Progress(progress)).await,
                done = &mut work => break done,
                _ = signs.tick() => self.tell(&Event::Waiting).await,
                _ = looks.tick(), if hears => {
                    if let Some(progress) = node.releases().progress() {
                        self.tell(&Event::Progress(progress)).await;
                    }
                }
            }
        };
        done.map_err(|_| {
            let sentence =
                "failed to answer: internal error of the node; the node's log has the details";
            Failure::new(Exit::Internal, sentence)
        })
    }

    async fn finish(&mut self, answer: Result<String, Failure>) {
        match answer {
            Ok(text) => self.tell_all(&text).await,
            Err(failure) => self.tell(&Event::Failed(failure.bounded())).await,
        }
    }

    async fn tell_all(&mut self, text: &str) {
        self.tell_parts(text).await;
        self.tell(&Event::Done).await;
    }

    /// Sends a text in parts.
    pub(super) async fn tell_parts(&mut self, text: &str) {
        for part in frame::parts(text) {
            let text = part.to_string();
            self.tell(&Event::Part { text }).await;
        }
    }

    /// Stops the node with an announcement, plans a shutdown or cancels the plan.
    async fn shut_down(mut self, node: Arc<RunningNode>, who: Who, shutdown: Shutdown) {
        let line = |text: Option<String>| text.map(|text| commands::line(&text)).transpose();
        let answer = match shutdown {
            Shutdown::Now { text } => match line(text) {
                Ok(text) => return self.stop(node, SHUTDOWN, who, text).await,
                Err(failure) => Err(failure),
            },
            Shutdown::Plan { after_ms, text } => line(text).map(|text| {
                let after = Duration::from_millis(after_ms);
                node.shutdown().plan(Plan { who, after, text })
            }),
            Shutdown::Cancel => node.shutdown().cancel(),
        };
        let answer = answer.and_then(|planned| commands::json(&planned));
        self.finish(answer).await;
    }

    /// Ends the node without an orderly stop, also during an operation.
    fn end(self, node: Arc<RunningNode>, who: Who, message: Option<String>) {
        let history = node.history().clone();
        let pending = PendingStop {
            stream: self.stream.into_std().ok(),
            operation: "stop --now",
            vsn: node.releases().running().vsn,
            who,
            message,
            asked: Instant::now().into_std(),
        };
        end_at_once(move || {
            pending.note(&history, &Ok(()));
            pending.say(Ok(()));
            tracing::warn!("an operator ends the node without an orderly stop");
        })
    }

    /// Passes the connection to the node's stop, which answers when everything has stopped.
    async fn stop(
        mut self,
        node: Arc<RunningNode>,
        operation: &'static str,
        who: Who,
        message: Option<String>,
    ) {
        let (hear, mut heard) = mpsc::channel(1);
        let taken = match node.turn().take_for_end(operation, &who, hear) {
            Ok(taken) => taken,
            Err(failure) => return self.tell(&Event::Failed(failure)).await,
        };
        tracing::info!(%who, "an operator stops the node");
        if operation == SHUTDOWN {
            // A shutdown that is refused is not announced.
            node.shutdown().announce_now(message.as_deref());
        }
        node.turn().note(Progress::step("stopping"));
        if let Ok(progress) = heard.try_recv() {
            self.tell(&Event::Progress(progress)).await;
        }
        let pending = self.stream.into_std().map(|stream| PendingStop {
            stream: Some(stream),
            operation,
            vsn: node.releases().running().vsn,
            who,
            message,
            asked: Instant::now().into_std(),
        });
        taken.for_ever();
        if !pending.is_ok_and(|pending| node.wish(Wish::Stop(pending))) {
            // The node is already ending for another reason, and the connection ends with it.
            tracing::info!("the node is stopping already");
        }
    }
}

/// The operator at the other end of a connection, as the kernel reports it (`SO_PEERCRED`, `unix(7)`).
fn peer(stream: &UnixStream) -> io::Result<Who> {
    let credentials = stream.peer_cred()?;
    Ok(Who::of(credentials.uid(), credentials.pid()))
}

fn parse(body: &[u8]) -> Result<Request, Failure> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let unreadable = |error: serde_json::Error| usage(error.to_string());
    let Version { version } = serde_json::from_slice(body).map_err(unreadable)?;
    if version != PROTOCOL {
        let sentence = format!(
            "failed to ask: this node uses version {PROTOCOL} of the operators' protocol, and the request has version \
             {version}; use the `pq` program that runs the node"
        );
        return Err(Failure::new(Exit::Refused, sentence));
    }
    let asked: Asked<Request> = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(asked.request)
}

fn usage(why: String) -> Failure {
    Failure::new(Exit::Usage, format!("failed to read the request: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> (Exit, String) {
        let failure = parse(body.as_bytes()).unwrap_err();
        (failure.exit, failure.sentence)
    }

    #[test]
    fn a_request_is_read_in_its_version_only() {
        let status = parse(br#"{"version":1,"request":{"question":"status"}}"#);
        assert!(matches!(status, Ok(Request::Question(asked)) if asked.name() == "status"));
        let (exit, sentence) = refusal(r#"{"version":2,"request":{"dance":[]}}"#);
        assert_eq!(exit, Exit::Refused);
        assert!(sentence.contains("the request has version 2"), "{sentence}");
    }

    #[test]
    fn garbage_is_refused_with_what_was_wrong() {
        for body in [
            "",
            "{",
            "null",
            "[]",
            r#"{"version":1,"request":{"dance":[]}}"#,
        ] {
            let (exit, sentence) = refusal(body);
            assert_eq!(exit, Exit::Usage, "{body}");
            assert!(
                sentence.starts_with("failed to read the request: "),
                "{sentence}"
            );
        }
        let deep = format!(r#"{{"version":1,"request":{}"#, "[".repeat(100_000));
        assert_eq!(refusal(&deep).0, Exit::Usage);
    }
}
