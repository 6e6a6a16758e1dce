//! Between a WebSocket and telnet: carries frames to the door and its text back, until one of them ends.
//!
//! ```text
//!              ┌ the door closes ─► what it has said ─► close ─► the client's close ─► end
//!   carry ─────┼ the client closes, or is lost ─► end
//!              ├ a frame too long, or none at all ─► close ─► end
//!              └ silent for a minute, or reads nothing for half of one ─► end
//! ```
//! The codes of a close are those of RFC 6455, 7.4.1, and of IANA's registry of them:
//!
//! | code | when |
//! |------|------|
//! | 1000 | all is said: the player has quit, a crawler has its answer |
//! | 1001 | the node or its game stops; or the client has gone without a word |
//! | 1002 | what came is no frame |
//! | 1007 | a text frame, or the reason of a close, is not UTF-8 |
//! | 1008 | an operator's kick, a ban, a limit; a client that does not read |
//! | 1009 | a message is longer than 16 KiB |
//! | 1011 | the session has failed, or none could be started |
//! | 1013 | the game is full or locked: later there may be a place |
//!
//! 1003 is never sent: both kinds of frames mean something in both subprotocols (`speech`).
//!
//! It holds one frame for the client and one of it. While the client does not read, nothing is taken from the door, where
//! its outbox grows and drops it in the end; while its process does not read, nothing is taken from the client.

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

/// How often a client is asked whether it is still there (RFC 6455, 5.5.2); as often as telnet's is. One that has said
/// nothing at all between two questions has gone without a word.
const PING: Duration = Duration::from_secs(30);

/// How long a client may take to read a frame: the door's own patience.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take to agree to the end. A browser does so at once.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest reason of a close: a control frame has at most 125 bytes, and two are the code (RFC 6455, 5.5).
const REASON_MAX: usize = 123;

/// How it ended.
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

/// Carries until the end, and says it.
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
        // Its close is answered by itself.
        End::ByClient => return drop(timeout(CLOSE_TIMEOUT, drain(&mut socket)).await),
        End::Stalled | End::Lost => return,
    };
    // Who does not take it in time has heard enough.
    let _ = timeout(CLOSE_TIMEOUT, close(&mut socket, code, &reason)).await;
}

/// The code and the reason for a client whose connection the door has ended. A door that has not said why has failed.
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

/// Reads and forgets until the client has closed too.
async fn drain(socket: &mut WebSocket) {
    while let Some(Ok(_)) = socket.recv().await {}
}

/// What there is to do next.
enum Next {
    /// So many bytes of the door have come; none at its end.
    FromDoor(usize),
    /// So many have gone to it.
    ToDoor(usize),
    /// Something of the client.
    FromClient(Option<Result<Message, axum::Error>>),
    /// It is time to ask whether it is still there.
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
        // Others have their turn, however many frames there are.
        consume_budget().await;
        buffer.clear();
        let next = tokio::select! {
            read = reader.read_buf(&mut buffer) => Next::FromDoor(read.unwrap_or(0)),
            // A door that takes no more has still something to say.
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
            // Who is not listened to cannot be heard.
            Next::Ask if is_heard || !for_door.is_empty() => {
                is_heard = false;
                send(socket, Message::Ping(Bytes::new())).await?;
            }
            Next::Ask => return Err(End::Silent),
        }
    }
}

/// What the client sends, when it has not sent too much before.
async fn receive(socket: &mut WebSocket, budget: &Budget) -> Option<Result<Message, axum::Error>> {
    budget.clear().await;
    socket.recv().await
}

/// What came, when it means something.
fn frame_of(message: Option<Result<Message, axum::Error>>) -> Result<Option<Frame>, End> {
    match message {
        Some(Ok(Message::Binary(bytes))) => Ok(Some(Frame::Binary(bytes))),
        Some(Ok(Message::Text(text))) => Ok(Some(Frame::Text(text))),
        // A ping is answered by itself.
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_))) | None => Err(End::ByClient),
        Some(Err(error)) => Err(of_error(error)),
    }
}

/// Why nothing more can be read.
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
