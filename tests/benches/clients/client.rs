//! One client: joins under a name of its own, agrees to its stats, and reads its story with a clock in hand.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;

/// Addresses that clients come from: one has some 28 000 ports (`ip_local_port_range`), of which clients that
/// have gone hold theirs for a minute.
const SOURCES: u64 = 8;

/// What a client reads at once: its longest piece is a hero's stats, some 150 bytes.
const BUFFER: usize = 512;

/// How long a fight takes at a socket's pace (`pq_events::killed`): from its first line to its last.
const FIGHT_MS: f64 = 1_600.0;

/// Takes messages (`IAC DO GMCP`) and wants all about its hero.
const FOLLOWS: &[u8] = b"\xff\xfd\xc9\xff\xfa\xc9Core.Supports.Set [\"Char 1\"]\xff\xf0";

/// What all clients have in common.
pub(crate) struct Hall {
    pub(crate) address: SocketAddr,
    pub(crate) deviations: Arc<Deviations>,
    pub(crate) news: mpsc::Sender<News>,
    /// How many clients, the first ones, have a program that follows its hero.
    pub(crate) gmcp: u64,
}

/// What a client tells.
pub(crate) enum News {
    /// Its hero fights.
    Joined,
    /// It was dropped, or could not come in, and why.
    Gone(String),
}

/// How far lines were from when they were due, in milliseconds.
#[derive(Default)]
pub(crate) struct Deviations(Mutex<Vec<f64>>);

impl Deviations {
    fn note(&self, ms: f64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ms);
    }

    /// Forgets what was noted.
    pub(crate) fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// All of them, the earliest first.
    pub(crate) fn sorted_ms(&self) -> Vec<f64> {
        let mut all = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// Plays until the node closes the connection, which it never should.
pub(crate) async fn play(number: u64, hall: Arc<Hall>) {
    let end = match connect(number, hall.address).await {
        Ok(stream) => converse(stream, number, &hall).await,
        Err(error) => Err(error),
    };
    let why = end
        .err()
        .map_or("closed by the node".to_string(), |error| error.to_string());
    // Whoever listens may have measured enough.
    let _ = hall
        .news
        .send(News::Gone(format!("client {number}: {why}")))
        .await;
}

async fn connect(number: u64, address: SocketAddr) -> io::Result<TcpStream> {
    let source = Ipv4Addr::new(127, 0, 0, 2 + (number % SOURCES) as u8);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source, 0)))?;
    socket.connect(address).await
}

async fn converse(stream: TcpStream, number: u64, hall: &Hall) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    let (mut line, mut story) = (Vec::new(), Story::default());
    if number < hall.gmcp {
        stream.write_all(FOLLOWS).await?;
    }
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        match story.read(&line, Instant::now()) {
            Todo::Nothing => (),
            Todo::GiveName => {
                stream
                    .write_all(format!("client-{number}\n").as_bytes())
                    .await?
            }
            Todo::Agree => stream.write_all(b"y\n").await?,
            Todo::Tell => drop(hall.news.send(News::Joined).await),
            Todo::Note(ms) => hall.deviations.note(ms),
        }
    }
}

/// What follows from a line.
enum Todo {
    Nothing,
    GiveName,
    Agree,
    Tell,
    Note(f64),
}

/// Where a story is.
#[derive(Default)]
struct Story {
    has_begun: bool,
    fights_since: Option<Instant>,
}

impl Story {
    fn read(&mut self, line: &[u8], now: Instant) -> Todo {
        let says = |words: &str| {
            line.windows(words.len())
                .any(|part| part == words.as_bytes())
        };
        match () {
            () if says("character's name?") => Todo::GiveName,
            () if says("Do you agree to these?") => Todo::Agree,
            () if says("Executing") => self.fight(now),
            () if says("Obtained") => self.fights_since.take().map_or(Todo::Nothing, |since| {
                Todo::Note(now.duration_since(since).as_secs_f64() * 1e3 - FIGHT_MS)
            }),
            () => Todo::Nothing,
        }
    }

    /// A hero walks to its enemies before anybody watches it: its first fight is the first that is seen.
    fn fight(&mut self, now: Instant) -> Todo {
        self.fights_since = Some(now);
        match std::mem::replace(&mut self.has_begun, true) {
            false => Todo::Tell,
            true => Todo::Nothing,
        }
    }
}
