//! The gateway between a WebSocket and telnet: passes frames to the door and the door's text back, until one side ends.
//!
//! ```text
//!              ┌ the door closes ─► the rest of its text ─► close ─► the client's close ─► end
//!   carry ─────┼ the client closes, or is lost ─► end
//!              ├ a frame too long, or no valid frame ─► close ─► end
//!              └ silent for 60 s, or reads nothing for 30 s ─► end
//! ```
//! The codes of a close are those of RFC 6455, 7.4.1, and of IANA's registry:
//!
//! | code | when |
//! |------|------|
//! | 1000 | the dialogue is over: the player has quit, a crawler has its answer |
//! | 1001 | the node or its game stops; or the client has gone without a close |
//! | 1002 | the input is no valid frame |
//! | 1007 | a text frame, or the reason of a close, is not UTF-8 |
//! | 1008 | an operator's kick, a ban, a limit; a client that does not read |
//! | 1009 | a message is longer than 16 KiB |
//! | 1011 | the session has failed, or none could be started |
//! | 1013 | the game is full or locked; a later attempt may succeed |
//!
//! 1003 is never sent: both kinds of frames have a meaning in both subprotocols (`speech`).
//!
//! The gateway holds one frame in each direction. While the client does not read, no bytes are taken from the door: the
//! client's outbox grows there until the door drops the client. While the process does not read, no frames are received.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, split};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tungstenite::error::ProtocolError;

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
}

/// Passes frames until the end, and sends the client the reason.
pub(super) async fn run(
    mut socket: WebSocket,
    pipe: DuplexStream,
    mut speech: Speech,
    budget: &Budget,
    ending: EndingCell,
) {
    let Err(end) = carry(&mut socket, pipe, &mut speech, budget).await;
    tracing::debug!(%end, "a browser's connection has ended");
    let (code, reason) = match end {
        End::ByDoor => told(ending.told()),
        End::NoFrame => (close_code::PROTOCOL, end.to_string()),
        End::NoText => (close_code::INVALID, end.to_string()),
        End::TooLong => (close_code::SIZE, end.to_string()),
        End::Silent => (close_code::AWAY, end.to_string()),
        // The WebSocket library answers the client's close frame.
        End::ByClient => return drop(timeout(CLOSE_TIMEOUT, drain(&mut socket)).await),
        End::Stalled | End::Lost => return,
    };
    // A client that does not read the close frame in time gets no further attempt.
    let _ = timeout(CLOSE_TIMEOUT, close(&mut socket, code, &reason)).await;
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
    /// So many bytes of the door have been read; 0 at its end.
    FromDoor(usize),
    /// So many bytes have been written to the door.
    ToDoor(usize),
    /// A message of the client, an error, or the end of its input.
    FromClient(Option<Result<Message, axum::Error>>),
    /// A ping is due.
    Ask,
}

async fn carry(
    socket: &mut WebSocket,
    pipe: DuplexStream,
    speech: &mut Speech,
    budget: &Budget,
) -> Result<Infallible, End> {
    let (mut reader, mut writer) = split(pipe);
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = BytesMut::with_capacity(PIPE);
    let mut for_door = Bytes::new();
    let mut is_heard = true;
    loop {
        // Other tasks get a turn, even during a flood of frames.
        consume_budget().await;
        buffer.clear();
        let next = tokio::select! {
            read = reader.read_buf(&mut buffer) => Next::FromDoor(read.unwrap_or(0)),
            // A door that accepts no more input may still have output.
            wrote = writer.write(&for_door), if !for_door.is_empty() => Next::ToDoor(wrote.unwrap_or(for_door.len())),
            message = receive(socket, budget), if for_door.is_empty() => Next::FromClient(message),
            _ = pings.tick() => Next::Ask,
        };
        match next {
            Next::FromDoor(0) => {
                send_all(socket, speech.finish()).await?;
                return Err(End::ByDoor);
            }
            Next::FromDoor(len) => {
                let told = speech.hear(&buffer[..len]);
                for_door = match for_door.is_empty() {
                    true => told.reply.into(),
                    false => [&for_door[..], &told.reply].concat().into(),
                };
                send_all(socket, told.frames).await?;
            }
            Next::ToDoor(len) => for_door.advance(len),
            Next::FromClient(message) => {
                is_heard = true;
                let frame = frame_of(message)?;
                budget.charge(Work::Command(frame.as_ref().map_or(0, Frame::len)));
                for_door = frame.map_or(Bytes::new(), |frame| speech.say(frame).into());
            }
            // While input for the door waits, the client is not read, so its silence means nothing.
            Next::Ask if is_heard || !for_door.is_empty() => {
                is_heard = false;
                send(socket, Message::Ping(Bytes::new())).await?;
            }
            Next::Ask => return Err(End::Silent),
        }
    }
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
