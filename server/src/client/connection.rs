//! One request to a node, and the events that answer the request.
//!
//! A command that fails to connect knows that nothing has happened. A command that loses the connection before the
//! answer is complete does not know the result, and reports "unknown" instead of "failed".

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use pq_protocol::frame::{self, ANSWER_MAX, EVENT_MAX, PREFIX};
use pq_protocol::request::Shutdown;
use pq_protocol::socket::SocketFolder;
use pq_protocol::{Asked, Event, Exit, Failure, PROTOCOL, Progress, Request};

use crate::system::holder;

/// The limit of the node's silence: a node sends a sign of life every 2 s.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(10);

/// The limit for a stop: the node itself allows 10 s for the operation in progress and 60 s for the rest.
const STOP_MAX: Duration = Duration::from_secs(90);

/// The limit for a process that has locked the tree and does not listen yet. Booting and restarting take 0.1 s, and
/// several seconds on a machine with ten times its load. A node that stops closes its socket first, so commands wait
/// here until that node has ended.
const STARTING_MAX: Duration = Duration::from_secs(20);

/// The limit for the end of `pq stop --now`, before `stop` uses signals.
const END_MAX: Duration = Duration::from_secs(2);

/// The interval between attempts to connect.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Sends the request to the node of this tree and returns the JSON answer; `note` receives the progress.
///
/// # Errors
/// Errors of the node; [`Exit::Unreachable`] or [`Exit::NotPermitted`] if the node has received no request;
/// [`Exit::Unknown`] if no complete answer arrived.
pub(crate) fn ask(
    root: &Path,
    request: &Request,
    mut note: impl FnMut(&Progress),
) -> Result<String, Failure> {
    let deadline = Instant::now() + STOP_MAX;
    loop {
        match ask_once(root, request, &mut note) {
            // The node was about to restart: it closed its socket and had not read the request.
            Err(Lost::Unheard(_))
                if is_stop(request)
                    && !is_end(request)
                    && holder(root).is_some()
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(LOOK_AGAIN);
            }
            Err(Lost::Unheard(failure) | Lost::Heard(failure)) => return Err(failure),
            Ok(answer) => return Ok(answer),
        }
    }
}

/// The reason for a missing answer.
enum Lost {
    /// The connection was closed without a sign that the node had read the request: a stop may be sent again.
    Unheard(Failure),
    /// All other failures, after which the node may have carried out the request.
    Heard(Failure),
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Lost {
        Lost::Heard(failure)
    }
}

fn is_stop(request: &Request) -> bool {
    matches!(
        request,
        Request::Stop { .. } | Request::Shutdown(Shutdown::Now { .. })
    )
}

/// Whether the request is `pq stop --now`.
fn is_end(request: &Request) -> bool {
    matches!(request, Request::Stop { now: true, .. })
}

fn ask_once(
    root: &Path,
    request: &Request,
    note: &mut impl FnMut(&Progress),
) -> Result<String, Lost> {
    let limit = if is_end(request) {
        END_MAX
    } else {
        STARTING_MAX
    };
    let mut stream = connect(root, limit).map_err(|error| unreachable(root, &error))?;
    let lost = |error: io::Error| unknown(&error);
    let patience = match is_stop(request) {
        _ if is_end(request) => END_MAX,
        true => STOP_MAX,
        false => SILENCE_MAX,
    };
    stream.set_read_timeout(Some(patience)).map_err(lost)?;
    stream.set_write_timeout(Some(SILENCE_MAX)).map_err(lost)?;
    let asked = Asked {
        version: PROTOCOL,
        request,
    };
    // A node that refuses the connection has already sent the reason and closed its side.
    let sent = stream.write_all(&frame::encode(&asked));
    let mut answer = String::new();
    let mut is_heard = false;
    loop {
        let event = event(&mut stream);
        is_heard |= event.is_ok();
        match event {
            Ok(Event::Waiting) => (),
            Ok(Event::Progress(progress)) => note(&progress),
            Ok(Event::Part { text }) if answer.len() + text.len() <= ANSWER_MAX => {
                answer.push_str(&text);
            }
            Ok(Event::Part { .. }) => return Err(unknown(&too_long()).into()),
            Ok(Event::Done) => return Ok(finish(request, stream, answer)?),
            Ok(Event::Failed(failure)) => return Err(failure.into()),
            Err(error) => {
                let is_unheard = is_closed(error.kind()) && !is_heard;
                let failure = unknown(&sent.err().unwrap_or(error));
                return Err(match is_unheard {
                    true => Lost::Unheard(failure),
                    false => Lost::Heard(failure),
                });
            }
        }
    }
}

/// Waits for the end of the node: a stopping node closes the connection when its process ends.
fn finish(request: &Request, mut stream: UnixStream, answer: String) -> Result<String, Failure> {
    loop {
        match (is_stop(request), stream.read(&mut [0])) {
            (true, Err(error)) if error.kind() == ErrorKind::WouldBlock => {
                return Err(unknown(&error));
            }
            // This command was suspended and continued (`signal(7)`).
            (true, Err(error)) if error.kind() == ErrorKind::Interrupted => (),
            _ => return Ok(answer),
        }
    }
}

/// Connects. While a process has the tree and does not listen, the function tries again until the limit.
fn connect(root: &Path, limit: Duration) -> io::Result<UnixStream> {
    let deadline = Instant::now() + limit;
    loop {
        match knock(root) {
            Err(error) if nobody_listens(&error) && holder(root).is_some() => {
                if Instant::now() >= deadline {
                    return Err(error);
                }
                std::thread::sleep(LOOK_AGAIN);
            }
            outcome => return outcome,
        }
    }
}

pub(super) fn nobody_listens(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::ConnectionRefused
    )
}

pub(super) fn knock(root: &Path) -> io::Result<UnixStream> {
    let folder = SocketFolder::open(root)?;
    UnixStream::connect(folder.address())
}

fn event(stream: &mut UnixStream) -> io::Result<Event> {
    let mut prefix = [0; PREFIX];
    stream.read_exact(&mut prefix)?;
    let length = frame::length(prefix, EVENT_MAX).map_err(io::Error::other)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

fn too_long() -> io::Error {
    io::Error::other("the answer does not end")
}

pub(super) fn unreachable(root: &Path, error: &io::Error) -> Failure {
    let holder = holder(root).filter(|_| nobody_listens(error));
    let root = root.display();
    let (exit, sentence) = match (error.kind(), holder) {
        (_, Some(process)) => (
            Exit::Unreachable,
            format!(
                "failed to reach the node on {root}: process {process} has the tree and does not listen; the process is \
                 starting or stopping"
            ),
        ),
        _ if nobody_listens(error) => (
            Exit::Unreachable,
            format!(
                "failed to reach a node: none runs on {root}; `pq start --root {root}` starts one"
            ),
        ),
        (ErrorKind::PermissionDenied, _) => (
            Exit::NotPermitted,
            format!(
                "failed to reach the node on {root}: only its own user and root may operate it"
            ),
        ),
        _ => (
            Exit::Unreachable,
            format!("failed to reach a node on {root}: {error}"),
        ),
    };
    Failure::new(exit, sentence)
}

fn is_closed(kind: ErrorKind) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(kind, UnexpectedEof | BrokenPipe | ConnectionReset)
}

fn unknown(error: &io::Error) -> Failure {
    let why = match error.kind() {
        kind if is_closed(kind) => "the connection was lost".to_string(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            "the node sends nothing any more".to_string()
        }
        _ => error.to_string(),
    };
    let sentence = format!(
        "failed to receive the whole answer: {why}; the node may have carried out the request, see `pq status` and `pq history`"
    );
    Failure::new(Exit::Unknown, sentence)
}
