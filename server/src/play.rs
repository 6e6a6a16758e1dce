//! `pq play`: a plain client of the game, for people without one.
//!
//! ```text
//!   keyboard (a thread) ─► lines ─► conversation ─► telnet ─► the server
//!   screen (a thread)   ◄─ text  ◄─      │       ◄─ telnet ◄─ connection
//!                                        └─► terminal: echo off and on, its size
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`address`] | where to play, as people write it |
//! | [`connection`] | its addresses, tried one after another |
//! | [`conversation`], [`outgoing`] | the loop, over anything that reads and writes; what waits to be sent |
//! | [`keyboard`], [`screen`] | the two threads, because reading and writing them may wait for ever |
//! | [`terminal`] | what the terminal can do, its size, and its echo |
//!
//! What is said to a server and what it says is known to `sockserv::wire::peer`; of the game nothing is known here.

pub(crate) mod address;
mod connection;
mod conversation;
mod keyboard;
mod outgoing;
mod screen;
mod terminal;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use address::Address;
use conversation::{Console, End, converse};
use pq_protocol::Exit;
use sockserv::Peer;
use terminal::{Echo, Reader};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{cli, streams};

/// What shells add to the number of a signal that ended a program.
const BY_SIGNAL: u8 = 128;

/// Why nobody plays, or no longer.
#[derive(thiserror::Error, Debug)]
enum PlayError {
    #[error("failed to prepare: {0}")]
    Prepare(io::Error),
    #[error("failed to find {0}: {1}")]
    Find(Address, io::Error),
    #[error(
        "failed to connect to {0}: {1}; does a node run there? `pq demo` and `pq start` start one"
    )]
    Connect(Address, io::Error),
    #[error("failed to go on: the connection to {0} is lost: {1}")]
    Lost(Address, io::Error),
}

impl PlayError {
    fn exit(&self) -> Exit {
        match self {
            PlayError::Prepare(_) => Exit::Internal,
            PlayError::Find(..) | PlayError::Connect(..) => Exit::Unreachable,
            PlayError::Lost(..) => Exit::Unknown,
        }
    }
}

/// How it ended, if nothing went wrong.
enum Ended {
    Conversation(End),
    /// By a signal of this number. The echo is on again.
    Signal(u8),
}

/// `pq play`. A server that closes the connection is the usual end, with exit code 0.
pub(crate) fn play(options: &cli::Play) -> ExitCode {
    match run(options) {
        Ok(Ended::Conversation(end)) => {
            if end == End::ByServer && io::stdout().is_terminal() {
                say("pq: the server has closed the connection\n");
            }
            Exit::Done.into()
        }
        Ok(Ended::Signal(number)) => {
            // The prompt of the shell is not to stand behind half a line.
            if io::stdout().is_terminal() {
                say("\n");
            }
            ExitCode::from(BY_SIGNAL + number)
        }
        Err(error) => {
            say(&format!("pq: {error}\n"));
            error.exit().into()
        }
    }
}

fn say(text: &str) {
    streams::aside(text);
}

fn run(options: &cli::Play) -> Result<Ended, PlayError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(PlayError::Prepare)?;
    let ended = runtime.block_on(until_a_signal(options));
    // A server of names may still be waited for, on a thread of its own: by nobody any more.
    runtime.shutdown_background();
    ended
}

/// Whatever a visit waits for, a signal ends it: what it held is dropped, and the echo comes back.
async fn until_a_signal(options: &cli::Play) -> Result<Ended, PlayError> {
    let listen = |kind| signal(kind).map_err(PlayError::Prepare);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let resized = listen(SignalKind::window_change())?;
    let kind = tokio::select! {
        end = visit(options, resized) => return end.map(Ended::Conversation),
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hangup.recv() => SignalKind::hangup(),
    };
    let number = u8::try_from(kind.as_raw_value()).expect("these three are 1, 2 and 15");
    Ok(Ended::Signal(number))
}

async fn visit(options: &cli::Play, resized: Signal) -> Result<End, PlayError> {
    let stream = connection::connect(&options.address).await?;
    let reader = match options.screen_reader {
        true => Reader::Screen,
        false => Reader::Eyes,
    };
    let ended = play_over(stream, reader, resized).await;
    ended.map_err(|error| PlayError::Lost(options.address.clone(), error))
}

/// Plays over a connection that is open: a socket, or whatever lies around one.
async fn play_over(
    stream: impl AsyncRead + AsyncWrite,
    reader: Reader,
    resized: Signal,
) -> io::Result<End> {
    let peer = Peer::new(terminal::profile(reader));
    let (screen, written) = screen::open()?;
    let console = Console {
        lines: keyboard::open()?,
        screen,
        sizes: terminal::sizes(resized),
        echo: Echo::of_stdin(),
    };
    let end = converse(stream, peer, console, streams::patience()).await?;
    // The last text may not have been written yet. Its sender is gone: the thread ends when it has.
    match tokio::time::timeout(streams::patience(), written).await {
        Ok(_) => Ok(end),
        Err(_) => Ok(End::ByReader),
    }
}
