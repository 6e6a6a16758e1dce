//! The gateway between a WebSocket and telnet: passes frames to the door and the door's text back, until one side ends.
//!
//! ```text
//!              ┌ the door closes ─► the rest of its text ─► close ─► the client's close ─► end
//!   carry ─────┼ the client closes, or is lost ─► end      ┐ a client that can come back (`resume`)
//!              ├ silent for 60 s, or reads nothing for 30 s┘ is waited for ─► carry │ in vain ─► end
//!              ├ it comes back on another connection ─► carry
//!              └ a frame too long, or no valid frame ─► close ─► end
//! ```
//! The codes of a close are those of RFC 6455, 7.4.1, and of IANA's registry:
//!
//! | code | when |
//! |------|------|
//! | 1000 | the dialogue is over: the player has quit, a crawler has its answer |
//! | 1001 | the node or its game stops; or the client has gone without a close |
//! | 1002 | the input is no valid frame |
//! | 1007 | a text frame, or the reason of a close, is not UTF-8 |
//! | 1008 | an operator's kick, a ban, a limit; a client that does not read; the session goes on elsewhere, or cannot be resumed |
//! | 1009 | a message is longer than 16 KiB |
//! | 1011 | the session has failed, or none could be started |
//! | 1013 | the game is full or locked; a later attempt may succeed |
//!
//! 1003 is never sent: both kinds of frames have a meaning in both subprotocols (`speech`).
//!
//! The gateway holds one frame in each direction, and the last frames for a client that can come back. While the client does
//! not read, no bytes are taken from the door: the client's outbox grows there until the door drops the client. While the process
//! does not read, no frames are received.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tungstenite::error::ProtocolError;

use super::resume::{BROKEN, LEFT, Place, Returned};
use super::speech::{Frame, Speech};
use super::{MESSAGE_MAX, PIPE};
use crate::admission::budget::{Budget, Work};
use crate::session::ending::{Cause, Ending, EndingCell};

/// The interval of pings (RFC 6455, 5.5.2), equal to telnet's keepalive. A client that sends nothing between two pings has
/// gone without a close.
const PING: Duration = Duration::from_secs(30);

/// The time limit for a client to read a frame; equal to the limit of a telnet client.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The time limit for the client's close frame. A browser answers at once.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum length of a close reason, in bytes: a control frame has at most 125, and two are the code (RFC 6455, 5.5).
const REASON_MAX: usize = 123;

/// The cause of the end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum End {
    #[error("the server has closed the connection")]
    ByDoor,
    #[error("closed by the client")]
    ByClient,
    #[error("the client has left the page")]
    Left,
    #[error("that is no frame of a WebSocket")]
    NoFrame,
    #[error("that is not UTF-8")]
    NoText,
    #[error("a message is longer than {MESSAGE_MAX} bytes")]
    TooLong,
    #[error("nothing was heard of the client")]
    Silent,
    #[error("the client reads nothing")]
    Stalled,
    #[error("connection lost")]
    Lost,
    #[error("this session goes on elsewhere")]
    Elsewhere,
    #[error("this session is over")]
    NoSession,
}

impl End {
    /// The time for which a session waits for its client after this end.
    fn wait(self) -> Option<Duration> {
        match self {
            End::Left => Some(LEFT),
            End::Silent | End::Stalled | End::Lost => Some(BROKEN),
            _ => None,
        }
    }
}

/// The gateway of one client.
pub(super) struct Gateway {
    pub(super) speech: Speech,
    pub(super) budget: Arc<Budget>,
    /// The reason of the door for the end.
    pub(super) ending: EndingCell,
    /// The place to which the client comes back; `None` for a client that does not.
    pub(super) place: Option<Place>,
    /// The number of frames that the client has sent.
    pub(super) taken: u64,
}

/// The gateway's end of the pipe to the door.
struct Pipe {
    reader: ReadHalf<DuplexStream>,
    writer: WriteHalf<DuplexStream>,
    /// The bytes that were read last.
    read: BytesMut,
    /// The bytes that wait for the door.
    for_door: Bytes,
}

/// An event of the pipe.
enum Piped {
    /// So many bytes of the door have been read; 0 at its end.
    Read(usize),
    /// Bytes have been written to the door.
    Wrote,
}

/// The reason why one connection of a session carries nothing more.
enum Over {
    /// It has ended, for this reason.
    Ended(End),
    /// The client has another one.
    Returned(Returned),
}

impl From<End> for Over {
    fn from(end: End) -> Over {
        Over::Ended(end)
    }
}

impl Gateway {
    /// Passes frames until the end, and sends the client the reason.
    pub(super) async fn run(mut self, mut socket: WebSocket, pipe: DuplexStream) {
        let mut pipe = Pipe::new(pipe);
        let mut heard = 0;
        loop {
            let over = match self.greet(&mut socket, heard).await {
                Ok(()) => self.carry(&mut socket, &mut pipe).await,
                Err(end) => Over::Ended(end),
            };
            let (end, returned) = match over {
                Over::Returned(returned) => (End::Elsewhere, Some(returned)),
                Over::Ended(end) => (end, None),
            };
            let parting = part(socket, end, self.ending.clone());
            let wait = self.place.as_ref().and_then(|_| end.wait());
            let returned = match (returned, wait) {
                (None, None) => {
                    // The door learns of the end before the client has read the reason.
                    drop(pipe);
                    return parting.await;
                }
                (None, Some(limit)) => {
                    tokio::spawn(parting);
                    self.wait(limit, &mut pipe).await
                }
                (returned, _) => {
                    tokio::spawn(parting);
                    returned
                }
            };
            let Some(returned) = returned else { return };
            (socket, heard) = (returned.socket, returned.heard);
        }
    }

    /// Sends a client that can come back its ticket, and the frames that it has missed.
    async fn greet(&self, socket: &mut WebSocket, heard: u64) -> Result<(), End> {
        match &self.place {
            Some(place) => send_all(socket, place.greeting(heard, self.taken)).await,
            None => Ok(()),
        }
    }

    /// Passes frames as long as this connection does.
    async fn carry(&mut self, socket: &mut WebSocket, pipe: &mut Pipe) -> Over {
        let mut pings = interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_heard = true;
        loop {
            // Other tasks get a turn, even during a flood of frames.
            consume_budget().await;
            let is_idle = pipe.for_door.is_empty();
            let next = tokio::select! {
                piped = pipe.next(true) => Next::Piped(piped),
                message = receive(socket, &self.budget), if is_idle => Next::FromClient(message),
                returned = returned(&mut self.place) => return Over::Returned(returned),
                _ = pings.tick() => Next::Ask,
            };
            let is_silent = matches!(next, Next::Ask) && !is_heard && is_idle;
            is_heard = match next {
                Next::FromClient(_) => true,
                Next::Ask => false,
                Next::Piped(_) => is_heard,
            };
            let passed = match is_silent {
                true => Err(End::Silent),
                false => self.pass(next, socket, pipe).await,
            };
            if let Err(end) = passed {
                return end.into();
            }
        }
    }

    async fn pass(
        &mut self,
        next: Next,
        socket: &mut WebSocket,
        pipe: &mut Pipe,
    ) -> Result<(), End> {
        match next {
            Next::Piped(Piped::Read(0)) => {
                send_all(socket, self.speech.finish()).await?;
                Err(End::ByDoor)
            }
            Next::Piped(Piped::Read(_)) => {
                send_all(socket, self.hear(pipe)).await?;
                self.place.iter_mut().for_each(|place| place.sent.trim());
                Ok(())
            }
            Next::Piped(Piped::Wrote) => Ok(()),
            Next::FromClient(message) => {
                let frame = frame_of(message)?;
                self.budget
                    .charge(Work::Command(frame.as_ref().map_or(0, Frame::len)));
                if let Some(frame) = frame {
                    self.taken += 1;
                    pipe.for_door = self.speech.say(frame).into();
                }
                Ok(())
            }
            Next::Ask => send(socket, Message::Ping(Bytes::new())).await,
        }
    }

    /// Translates the bytes of the door, and keeps the frames for a client that comes back.
    fn hear(&mut self, pipe: &mut Pipe) -> Vec<Frame> {
        let told = self.speech.hear(&pipe.read);
        pipe.reply(told.reply);
        if let Some(place) = &mut self.place {
            let frames = told.frames.iter().cloned();
            frames.for_each(|frame| place.sent.push(frame));
        }
        told.frames
    }

    /// Waits for a client that may come back. Meanwhile the session goes on, as far as the frames are kept.
    async fn wait(&mut self, limit: Duration, pipe: &mut Pipe) -> Option<Returned> {
        let mut over = pin!(sleep(limit));
        loop {
            consume_budget().await;
            let place = self.place.as_mut()?;
            let has_room = place.sent.has_room();
            let piped = tokio::select! {
                returned = place.returns.recv() => return returned,
                piped = pipe.next(has_room) => piped,
                () = over.as_mut() => return None,
            };
            match piped {
                Piped::Read(0) => return None,
                Piped::Read(_) => drop(self.hear(pipe)),
                Piped::Wrote => (),
            }
        }
    }
}

impl Pipe {
    fn new(pipe: DuplexStream) -> Pipe {
        let (reader, writer) = split(pipe);
        Pipe {
            reader,
            writer,
            read: BytesMut::with_capacity(PIPE),
            for_door: Bytes::new(),
        }
    }

    /// The next event; a caller that drops this future loses nothing. A door that accepts no more input may still have output.
    async fn next(&mut self, may_read: bool) -> Piped {
        self.read.clear();
        tokio::select! {
            read = self.reader.read_buf(&mut self.read), if may_read => Piped::Read(read.unwrap_or(0)),
            wrote = self.writer.write(&self.for_door), if !self.for_door.is_empty() => {
                let len = wrote.unwrap_or(self.for_door.len());
                self.for_door.advance(len);
                Piped::Wrote
            }
            else => pending().await,
        }
    }

    /// Adds replies of telnet to the bytes for the door.
    fn reply(&mut self, reply: Vec<u8>) {
        self.for_door = match self.for_door.is_empty() {
            true => reply.into(),
            false => [&self.for_door[..], &reply].concat().into(),
        };
    }
}

/// Tells a client that its session cannot be resumed.
pub(super) async fn refuse(socket: WebSocket) {
    part(socket, End::NoSession, EndingCell::default()).await;
}

/// Sends the client the reason for the end of its connection.
async fn part(mut socket: WebSocket, end: End, ending: EndingCell) {
    tracing::debug!(%end, "a browser's connection has ended");
    let (code, reason) = match end {
        End::ByDoor => told(ending.told()),
        End::NoFrame => (close_code::PROTOCOL, end.to_string()),
        End::NoText => (close_code::INVALID, end.to_string()),
        End::TooLong => (close_code::SIZE, end.to_string()),
        End::Silent => (close_code::AWAY, end.to_string()),
        End::Elsewhere | End::NoSession => (close_code::POLICY, end.to_string()),
        // The WebSocket library answers the client's close frame.
        End::ByClient | End::Left => {
            return drop(timeout(CLOSE_TIMEOUT, drain(&mut socket)).await);
        }
        End::Stalled | End::Lost => return,
    };
    // A client that does not read the close frame in time gets no further attempt.
    let _ = timeout(CLOSE_TIMEOUT, close(&mut socket, code, &reason)).await;
}

/// Waits until the client comes back on another connection.
async fn returned(place: &mut Option<Place>) -> Returned {
    if let Some(place) = place
        && let Some(returned) = place.returns.recv().await
    {
        return returned;
    }
    pending().await
}

/// The code and the reason of a close that the door has caused. Without a reason the door has failed.
fn told(ending: Option<Ending>) -> (u16, String) {
    let Some(Ending { cause, words }) = ending else {
        return (close_code::ERROR, "the server has failed".to_string());
    };
    let code = match cause {
        Cause::Done => close_code::NORMAL,
        Cause::Stops => close_code::AWAY,
        Cause::Fails => close_code::ERROR,
        Cause::Refused => close_code::POLICY,
        Cause::Busy => close_code::AGAIN,
    };
    let reason = match cause {
        Cause::Done => End::ByDoor.to_string(),
        Cause::Stops => "the server stops".to_string(),
        Cause::Fails => "the server has failed".to_string(),
        Cause::Refused | Cause::Busy => words,
    };
    (code, reason)
}

async fn close(socket: &mut WebSocket, code: u16, reason: &str) {
    let mut ends = (0..=reason.len().min(REASON_MAX)).rev();
    let end = ends.find(|end| reason.is_char_boundary(*end));
    let frame = CloseFrame {
        code,
        reason: reason[..end.unwrap_or_default()].into(),
    };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        drain(socket).await;
    }
}

/// Reads and drops frames until the client has closed, too.
async fn drain(socket: &mut WebSocket) {
    while let Some(Ok(_)) = socket.recv().await {}
}

/// The next event of the gateway.
enum Next {
    Piped(Piped),
    /// A message of the client, an error, or the end of its input.
    FromClient(Option<Result<Message, axum::Error>>),
    /// A ping is due.
    Ask,
}

/// Receives a message of the client, when its budget allows reading.
async fn receive(socket: &mut WebSocket, budget: &Budget) -> Option<Result<Message, axum::Error>> {
    budget.clear().await;
    socket.recv().await
}

/// The frame in a message; `None` for a ping or a pong.
fn frame_of(message: Option<Result<Message, axum::Error>>) -> Result<Option<Frame>, End> {
    match message {
        Some(Ok(Message::Binary(bytes))) => Ok(Some(Frame::Binary(bytes))),
        Some(Ok(Message::Text(text))) => Ok(Some(Frame::Text(text))),
        // The WebSocket library answers a ping.
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(Some(frame)))) if frame.code == close_code::AWAY => Err(End::Left),
        Some(Ok(Message::Close(_))) | None => Err(End::ByClient),
        Some(Err(error)) => Err(of_error(error)),
    }
}

/// The cause of an end for an error of the WebSocket library.
fn of_error(error: axum::Error) -> End {
    use tungstenite::Error;

    let error = error.into_inner().downcast();
    match error.as_deref() {
        Ok(Error::Capacity(_)) => End::TooLong,
        Ok(Error::Utf8(_)) => End::NoText,
        Ok(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Lost,
        Ok(Error::Protocol(_)) => End::NoFrame,
        Ok(_) | Err(_) => End::Lost,
    }
}

async fn send_all(
    socket: &mut WebSocket,
    frames: impl IntoIterator<Item = Frame>,
) -> Result<(), End> {
    for frame in frames {
        let message = match frame {
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Text(text) => Message::Text(text),
        };
        send(socket, message).await?;
    }
    Ok(())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(WRITE_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Lost),
        Err(_) => Err(End::Stalled),
    }
}
