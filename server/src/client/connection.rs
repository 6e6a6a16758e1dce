//! One request to a node, and the events that answer it.
//!
//! Whoever cannot connect knows that nothing has happened. Whoever loses the connection before the answer was
//! complete does not know, and says so: that is never the same as "failed".

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use pq_protocol::frame::{self, ANSWER_MAX, EVENT_MAX, PREFIX};
use pq_protocol::request::Shutdown;
use pq_protocol::socket::SocketFolder;
use pq_protocol::{Asked, Event, Exit, Failure, PROTOCOL, Progress, Request};

use crate::system::holder;

/// How long a node may be silent: it gives a sign of life every two seconds.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How long a node may take to stop: its own limits are 10 s for an operation in progress and 60 s for the rest.
const STOP_MAX: Duration = Duration::from_secs(90);

/// How long a node may have the tree before it listens: it boots in a tenth of a second, and does so again after a
/// restart; on a machine with ten times the work that it can do, in some seconds. One that stops has closed its socket
/// first, and whoever asks it anything waits as long as that takes.
const STARTING_MAX: Duration = Duration::from_secs(20);

/// How long a node has to end as it is, before that is tried in another way (`stop`).
const END_MAX: Duration = Duration::from_secs(2);

/// How often to look whether it listens now.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Asks the node of this tree; `note` hears how far it is. Returns the answer, which is JSON.
///
/// # Errors
/// Those of the node; and [`Exit::Unreachable`], [`Exit::NotPermitted`] when nothing was asked, or
/// [`Exit::Unknown`] when no whole answer came.
pub(crate) fn ask(
    root: &Path,
    request: &Request,
    mut note: impl FnMut(&Progress),
) -> Result<String, Failure> {
    let deadline = Instant::now() + STOP_MAX;
    loop {
        match ask_once(root, request, &mut note) {
            // It was about to start again, and has closed its socket before it has read anything.
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

/// Why there is no answer.
enum Lost {
    /// The connection was closed, and no sign has come that the node had read anything: a stop may be asked for again.
    Unheard(Failure),
    /// Anything else.
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

/// It is to end as it is.
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
    // A node that turns us away has closed its side already, and said why.
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

/// A node that has stopped closes the connection by ending: until then it is not gone.
fn finish(request: &Request, mut stream: UnixStream, answer: String) -> Result<String, Failure> {
    loop {
        match (is_stop(request), stream.read(&mut [0])) {
            (true, Err(error)) if error.kind() == ErrorKind::WouldBlock => {
                return Err(unknown(&error));
            }
            // This command was stopped meanwhile, and goes on (`signal(7)`).
            (true, Err(error)) if error.kind() == ErrorKind::Interrupted => (),
            _ => return Ok(answer),
        }
    }
}

/// Connects; as long as a process has the tree and does not listen, in a moment.
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

fn nobody_listens(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::ConnectionRefused
    )
}

fn knock(root: &Path) -> io::Result<UnixStream> {
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

fn unreachable(root: &Path, error: &io::Error) -> Failure {
    let holder = holder(root).filter(|_| nobody_listens(error));
    let root = root.display();
    let (exit, sentence) = match (error.kind(), holder) {
        (_, Some(process)) => (
            Exit::Unreachable,
            format!(
                "failed to reach the node on {root}: process {process} has the tree and does not listen; it is \
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
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "it says nothing any more".to_string(),
        _ => error.to_string(),
    };
    let sentence = format!(
        "failed to hear the node out: {why}; what was asked may have been done, `pq status` and `pq history` say more"
    );
    Failure::new(Exit::Unknown, sentence)
}
