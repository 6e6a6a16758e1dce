//! `pq play`: a simple client of the game for users without a telnet client.
//!
//! ```text
//!   keyboard (a thread) ─► lines ─► conversation ─► telnet ─► the server
//!   screen (a thread)   ◄─ text  ◄─      │       ◄─ telnet ◄─ connection
//!                                        └─► terminal: echo off and on, its size
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`address`] | the address of a node, as users type it |
//! | [`connection`] | the connection: addresses of a name are tried one after another |
//! | [`conversation`], [`outgoing`] | the main loop over any stream, and the bytes that wait to be sent |
//! | [`keyboard`], [`screen`] | the threads for stdin and stdout, which may block for ever |
//! | [`terminal`] | the terminal's abilities, size and echo |
//!
//! `sockserv::wire::peer` has the telnet protocol; this client knows nothing about the game.

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

/// The offset of exit codes after a signal, as in shells.
const BY_SIGNAL: u8 = 128;

/// The reason for a failed start or end of the client.
#[derive(thiserror::Error, Debug)]
enum PlayError {
    #[error("failed to prepare: {0}")]
    Prepare(io::Error),
    #[error("failed to find {0}: {1}")]
    Find(Address, io::Error),
    #[error("failed to connect to {0}: {1}; `pq demo` and `pq start` start a node")]
    Connect(Address, io::Error),
    #[error("failed to continue: the connection to {0} is lost: {1}")]
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

/// The end of a client without an error.
enum Ended {
    Conversation(End),
    /// A signal with this number has ended the client. The echo of the terminal is restored.
    Signal(u8),
}

/// Runs `pq play`. A closed connection is the usual end, with exit code 0.
pub(crate) fn play(options: &cli::Play) -> ExitCode {
    match run(options) {
        Ok(Ended::Conversation(end)) => {
            if end == End::ByServer && io::stdout().is_terminal() {
                say("pq: the server has closed the connection\n");
            }
            Exit::Done.into()
        }
        Ok(Ended::Signal(number)) => {
            // The shell's prompt must not follow half a line.
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
    // A name lookup may still run on a thread of its own; nothing waits for it.
    runtime.shutdown_background();
    ended
}

/// Plays until the end or a signal. A signal drops all resources, which restores the echo.
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

/// Plays over an open connection: a socket, or a stream on top of a socket.
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
    // The last text may still be unwritten. Its sender is dropped, so the thread ends when it has written all text.
    match tokio::time::timeout(streams::patience(), written).await {
        Ok(_) => Ok(end),
        Err(_) => Ok(End::ByReader),
    }
}
