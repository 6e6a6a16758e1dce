//! The loop of one client's task: lines go to the owner, its output to the client, until one of them ends.
//!
//! ```text
//!            ┌ the client closes or half-closes ─► on_closed ─► what the owner still writes ─► end
//!   play ────┼ the owner closes ─► queued output ─► shutdown ─► what the client still sends is read ─► end
//!            ├ the door closes ─► queued output, a moment ─► shutdown ─► on_closed ─► the same
//!            └ reset, too slow, overflow ─► on_closed ─► end
//! ```
//!
//! It works over anything that reads and writes: a socket, a TLS stream, a pipe of a test. Who listens,
//! and which process becomes the owner, is not known here. While a client is idle the task holds no buffer.

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
use crate::wire::line::LINE_MAX;
use crate::wire::mccp::{Stream, Turn};

/// How many bytes are read at once: two lines of the usual greatest length. They lie on the stack while the
/// socket is asked, so an idle client costs none of them.
const READ_MAX: usize = 2 * LINE_MAX;

/// How long a client may take to read anything of what waits for it.
/// A mobile connection that changes networks comes back within seconds; half a minute is what Evennia and
/// others use for their keepalive.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to read why the door closes. Somebody who is banned and reads a byte now and then is not to
/// stay, nor to be listed, for as long as it likes.
const DISMISSED_MAX: Duration = Duration::from_secs(5);

/// How long the owner may go on writing to a client that has closed its side.
/// A session that quits may wait for its avatar to stop: ten seconds are what an operator gives one, too. Five more
/// are for what it has queued.
const OWNER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a client is listened to after the last byte was sent to it. Closing a socket with unread input
/// resets the connection, and the client would lose what it has not read yet (RFC 1122, 4.2.2.13).
const LINGER: Duration = Duration::from_secs(1);

/// And how much of it is heard: twice what the kernel keeps of a client that is not read, at first. One that floods for a
/// whole second is worth no more of the time of others.
const LINGER_MAX: usize = 256 * 1024;

/// Who gets what a client sends: the way into the node.
pub trait Owner {
    /// A line, without its end and without telnet commands; any bytes but `\n`, `\r` and `\0`. At most
    /// [`crate::session::port::LINES_MAX`] are handed over before the first is given back with [`Port::line_done`].
    fn on_line(&mut self, line: &[u8]);

    /// The client has gone, or sends nothing more. Called once, after the last line, and not at all when the
    /// owner closed first. The owner may still write; it must [`Port::close`] in the end.
    fn on_closed(&mut self, reason: &str);

    /// The client has been told that something of it is not taken. Whoever counts that does it here.
    fn on_refused(&mut self, _refusal: &Refusal) {}
}

/// How a connection ended.
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
    /// It broke.
    #[error("connection lost: {0}")]
    Lost(io::ErrorKind),
    /// The client read nothing for half a minute.
    #[error("the client reads nothing")]
    Stalled,
    /// The client read too little: [`crate::wire::outbox::OUTBOX_MAX`].
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
            // Past the deadline, or when the client does not want it, what is left is lost with reason.
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

/// Waits until the door has closed, and the client has had its time to read why.
async fn overdue(port: &Port) {
    port.dismissed().await;
    sleep(DISMISSED_MAX).await;
}

/// Hands over lines until no more come.
async fn read_all(
    reader: &mut (impl AsyncRead + Unpin),
    port: &Port,
    owner: &mut impl Owner,
) -> End {
    let mut endpoint = Endpoint::default();
    let mut stranger = Stranger::default();
    loop {
        let chunk = match read(reader).await {
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

/// Tells a client that it is wrong here, or what it has come for, and waits for the end of the connection, which the
/// writing half sees.
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

/// Does what an event asks for, which came in so many bytes.
async fn take(event: Event, len: usize, port: &Port, owner: &mut impl Owner) {
    let work = match event {
        Event::Line(_) => Work::Line(len),
        _ => Work::Command(len),
    };
    if let Some(hurry) = port.pay(work).await {
        owner.on_refused(&hurry);
    }
    port.hear(&event, len);
    match event {
        Event::Line(line) => {
            port.line_permit().await;
            owner.on_line(&line);
        }
        Event::LineTooLong => owner.on_refused(&port.tell(Refusal::LineLength(port.line_max()))),
        Event::Command(_) | Event::Negotiation { .. } | Event::Subnegotiation { .. } => {}
    }
}

/// What has come, at most [`READ_MAX`] bytes; empty at the end of input.
async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    poll_fn(|cx| {
        let mut space = [MaybeUninit::uninit(); READ_MAX];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *reader).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
    })
    .await
}

/// Writes what the owner writes until the port is closed.
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

/// Writes these bytes, compressed where the client has agreed to that, unless too many wait behind them.
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

/// Waits for something to do, and keeps the connection awake meanwhile.
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

/// Writes these bytes, as long as the client takes some now and then.
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

/// Tells the client that all is said; one that has gone meanwhile need not be told.
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

/// Reads and forgets until the client closes too.
pub(crate) async fn linger(reader: &mut (impl AsyncRead + Unpin)) {
    let (deadline, mut left) = (Instant::now() + LINGER, LINGER_MAX);
    while let Ok(Ok(chunk)) = timeout_at(deadline, read(reader)).await {
        left = left.saturating_sub(chunk.len());
        if chunk.is_empty() || left == 0 {
            return;
        }
    }
}
