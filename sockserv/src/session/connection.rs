//! The loop of one client's task: passes lines to the owner, and the owner's output to the client, until one of them ends.
//!
//! ```text
//!            ┌ the client closes or half-closes ─► on_closed ─► what the owner still writes ─► end
//!   play ────┼ the owner closes ─► queued output ─► shutdown ─► what the client still sends is read ─► end
//!            ├ the door closes ─► queued output, at most 5 s ─► shutdown ─► on_closed ─► the same
//!            └ reset, too slow, overflow ─► on_closed ─► end
//! ```
//!
//! The loop works over every stream that reads and writes: a socket, a TLS stream, a pipe of a test. It does not know the
//! listener, nor the owner's process. The task of an idle client holds no buffer.

use std::future::{pending, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::admission::budget::Work;
use crate::admission::refused::Refusal;
use crate::admission::seldom::seldom;
use crate::session::foreign::{Foreign, Stranger};
use crate::session::port::{Output, Port};
use crate::wire::endpoint::{Endpoint, Event};
use crate::wire::gmcp::{Login, Wish};
use crate::wire::line::LINE_MAX;
use crate::wire::mccp::{Stream, Turn};

/// The number of bytes read at once: two lines of the usual greatest length. They lie on the stack during the read, so an
/// idle client holds none of them.
const READ_MAX: usize = 2 * LINE_MAX;

/// The time limit for a client to read at least one byte of its waiting output.
/// A mobile connection that changes networks comes back within seconds; Evennia and others use 30 s for their
/// keepalive.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The time limit for a client to read the reason after the door has closed its connection. A banned client that reads a
/// byte now and then must not stay, nor be listed, for a longer time.
const DISMISSED_MAX: Duration = Duration::from_secs(5);

/// The time limit for the owner to write to a client that has closed its side.
/// A session that quits may wait for its avatar to stop: 10 s, as long as an operator waits for one. 5 s more are for its
/// queued output.
const OWNER_TIMEOUT: Duration = Duration::from_secs(15);

/// The time during which the input of a client is still read after the last byte of output. A close with unread input
/// resets the connection, and the client would lose output that it has not read yet (RFC 1122, 4.2.2.13).
const LINGER: Duration = Duration::from_secs(1);

/// The maximum number of bytes read in that time: twice the kernel's initial buffer for a client that is not read. A
/// client that floods for a whole second is not worth more time.
const LINGER_MAX: usize = 256 * 1024;

/// The receiver of a client's input, inside the node.
pub trait Owner {
    /// Takes a line, without its end and without telnet commands; any bytes except `\n`, `\r` and `\0`. At most
    /// [`crate::session::port::LINES_MAX`] lines are passed before the first permit is returned with [`Port::line_done`].
    fn on_line(&mut self, line: &[u8]);

    /// Notes that the client has gone, or sends no more. Called once, after the last line; not called when the
    /// owner closed first. The owner may still write, and must call [`Port::close`] in the end.
    fn on_closed(&mut self, reason: &str);

    /// Takes the wish of the client's program to end a token.
    fn on_forget(&mut self, _token: Login) {}

    /// Notes that an input of the client was refused, and that the client was told so. Used for counters.
    fn on_refused(&mut self, _refusal: &Refusal) {}
}

/// The end of a connection, by its cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum End {
    /// The owner closed it.
    #[error("closed")]
    ByOwner,
    /// The client closed it, or its sending half.
    #[error("closed by the client")]
    ByClient,
    /// The door closed it: [`crate::Door::kick`], or a [`Refusal`].
    #[error("closed by the door")]
    ByDoor,
    /// The connection failed, for example by a reset.
    #[error("connection lost: {0}")]
    Lost(io::ErrorKind),
    /// The client read nothing for 30 s.
    #[error("the client reads nothing")]
    Stalled,
    /// More than [`crate::wire::outbox::OUTBOX_MAX`] bytes waited, unless settings say otherwise.
    #[error("the client reads too slowly")]
    Overflown,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        End::Lost(error.kind())
    }
}

/// Serves one client until its connection has ended.
pub async fn run(stream: impl AsyncRead + AsyncWrite, port: &Port, owner: &mut impl Owner) -> End {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut writing = pin!(write_all(&mut writer, port));
    let end = tokio::select! {
        end = &mut writing => end,
        end = read_all(&mut reader, port, owner) => end,
        () = overdue(port) => End::ByDoor,
    };
    match end {
        End::ByOwner => {
            port.hear_out();
            linger(&mut reader).await;
        }
        End::ByDoor => {
            owner.on_closed(&end.to_string());
            port.hear_out();
            linger(&mut reader).await;
        }
        End::ByClient => {
            owner.on_closed(&end.to_string());
            // After the deadline, or when the client does not read, the remaining output is useless.
            let _ = timeout(OWNER_TIMEOUT, writing).await;
        }
        End::Lost(_) => owner.on_closed(&end.to_string()),
        End::Stalled | End::Overflown => {
            seldom!(info, "client dropped: {end}");
            owner.on_closed(&end.to_string());
        }
    }
    end
}

/// Waits until the door has closed the connection, and the client has had its time to read the reason.
async fn overdue(port: &Port) {
    port.dismissed().await;
    sleep(DISMISSED_MAX).await;
}

/// Passes lines to the owner until the input ends.
async fn read_all(
    reader: &mut (impl AsyncRead + Unpin),
    port: &Port,
    owner: &mut impl Owner,
) -> End {
    let mut endpoint = Endpoint::default();
    let mut stranger = Stranger::default();
    loop {
        let read = tokio::select! {
            read = read(reader) => read,
            answer = port.answer() => {
                take(Event::Line(answer), 0, port, owner).await;
                continue;
            }
        };
        let chunk = match read {
            Ok(chunk) if chunk.is_empty() => return End::ByClient,
            Ok(chunk) => chunk,
            Err(error) => return error.into(),
        };
        if let Some(foreign) = stranger.bytes(&chunk) {
            return send_away(port, owner, &foreign).await;
        }
        endpoint.set_line_max(port.line_max());
        let mut rest = &chunk[..];
        while let Some(event) = endpoint.next(&mut rest) {
            if let Some(foreign) = stranger.event(&event) {
                return send_away(port, owner, &foreign).await;
            }
            take(event, endpoint.taken(), port, owner).await;
        }
        port.typed(endpoint.unfinished());
    }
}

/// Tells a client of another protocol the refusal, or a crawler the status, and waits for the end of the connection,
/// which the writing half sees.
async fn send_away(port: &Port, owner: &mut impl Owner, foreign: &Foreign) -> End {
    match foreign {
        Foreign::Wrong(refusal) => {
            owner.on_refused(refusal);
            port.dismiss(&refusal.to_string());
        }
        Foreign::Crawler => port.tell_status(),
    }
    pending().await
}

/// Handles an event that came in `len` bytes.
async fn take(event: Event, len: usize, port: &Port, owner: &mut impl Owner) {
    let work = match event {
        Event::Line(_) => Work::Line(len),
        _ => Work::Command(len),
    };
    if let Some(hurry) = port.pay(work).await {
        owner.on_refused(&hurry);
    }
    let is_sealed = port.is_sealed();
    match port.hear(&event, len) {
        Some(Wish::LogIn(login)) => return log_in(login, port, owner).await,
        Some(Wish::Forget(token)) => return owner.on_forget(token),
        None => {}
    }
    match event {
        Event::Line(line) => {
            port.will_answer(None);
            port.line_permit().await;
            let line = match is_sealed {
                true => port.seal(line),
                false => line,
            };
            owner.on_line(&line);
        }
        Event::LineTooLong => owner.on_refused(&port.tell(Refusal::LineLength(port.line_max()))),
        Event::Command(_) | Event::Negotiation { .. } | Event::Subnegotiation { .. } => {}
    }
}

/// Passes the name in a login on as a line. The word answers the next sealed question; an open one is answered by no word, which
/// asks for a name again.
async fn log_in(login: Login, port: &Port, owner: &mut impl Owner) {
    if port.is_sealed() {
        port.hear(&Event::Line(Vec::new()), 0);
        port.line_permit().await;
        owner.on_line(b"");
    }
    port.will_answer(Some(login.word));
    port.line_permit().await;
    owner.on_line(login.name.as_bytes());
}

/// Reads at most [`READ_MAX`] bytes; empty at the end of input.
async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    poll_fn(|cx| {
        let mut space = [MaybeUninit::uninit(); READ_MAX];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *reader).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
    })
    .await
}

/// Writes the owner's output until the port is closed.
async fn write_all(writer: &mut (impl AsyncWrite + Unpin), port: &Port) -> End {
    let mut compressed = None;
    loop {
        let written = match next_output(port).await {
            Output::Bytes(bytes) => send(writer, port, &mut compressed, bytes).await,
            Output::Turn(Turn::Begin) => {
                tracing::debug!("compression begins");
                compressed = Some(Stream::default());
                Ok(())
            }
            Output::Turn(Turn::End) => finish(writer, &mut compressed).await,
            Output::Overflown => Err(End::Overflown),
            Output::Closed => Err(shutdown(writer, &mut compressed, End::ByOwner).await),
            Output::Dismissed => Err(shutdown(writer, &mut compressed, End::ByDoor).await),
        };
        if let Err(end) = written {
            return end;
        }
    }
}

/// Writes these bytes, compressed where the client has agreed to compression. Stops when the outbox overflows.
async fn send(
    writer: &mut (impl AsyncWrite + Unpin),
    port: &Port,
    compressed: &mut Option<Stream>,
    bytes: Bytes,
) -> Result<(), End> {
    let wire = match compressed {
        Some(stream) => stream.pack(&bytes).into(),
        None => bytes,
    };
    tokio::select! {
        written = write(writer, wire) => written,
        () = port.overflown() => Err(End::Overflown),
    }
}

/// Ends the compressed stream, if there is one.
async fn finish(
    writer: &mut (impl AsyncWrite + Unpin),
    compressed: &mut Option<Stream>,
) -> Result<(), End> {
    match compressed.take() {
        Some(stream) => write(writer, stream.finish().into()).await,
        None => Ok(()),
    }
}

/// Waits for the next output, and sends keepalives meanwhile.
async fn next_output(port: &Port) -> Output {
    let Some(limit) = port.keepalive() else {
        return port.output().await;
    };
    loop {
        match timeout(limit, port.output()).await {
            Ok(output) => return output,
            Err(_) => port.keep_alive(),
        }
    }
}

/// Writes these bytes. Fails when the client reads none of them for [`WRITE_TIMEOUT`].
async fn write(writer: &mut (impl AsyncWrite + Unpin), mut bytes: Bytes) -> Result<(), End> {
    while bytes.has_remaining() {
        match timeout(WRITE_TIMEOUT, writer.write_buf(&mut bytes)).await {
            Ok(Ok(0)) => return Err(End::Lost(io::ErrorKind::WriteZero)),
            Ok(Ok(_)) => (),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(End::Stalled),
        }
    }
    Ok(())
}

/// Shuts down the sending half. An error means that the client has gone already, and is ignored.
async fn shutdown(
    writer: &mut (impl AsyncWrite + Unpin),
    compressed: &mut Option<Stream>,
    end: End,
) -> End {
    if let Err(lost) = finish(writer, compressed).await {
        return lost;
    }
    match timeout(WRITE_TIMEOUT, writer.shutdown()).await {
        Ok(_) => end,
        Err(_) => End::Stalled,
    }
}

/// Reads and drops the input until the client closes, too.
pub(crate) async fn linger(reader: &mut (impl AsyncRead + Unpin)) {
    let (deadline, mut left) = (Instant::now() + LINGER, LINGER_MAX);
    while let Ok(Ok(chunk)) = timeout_at(deadline, read(reader)).await {
        left = left.saturating_sub(chunk.len());
        if chunk.is_empty() || left == 0 {
            return;
        }
    }
}
