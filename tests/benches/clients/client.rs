//! One client: it joins with a name of its own, agrees to its stats, and measures the times of the lines that it reads.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;

/// The number of source addresses of the clients. An address has about 28 000 ports (`ip_local_port_range`), and a
/// closed connection occupies its port for a minute.
const SOURCES: u64 = 8;

/// The size of a client's reads: the longest text is the stats of a hero with about 150 bytes.
const BUFFER: usize = 512;

/// The duration of a fight at the pace of a socket (`pq_events::killed`), from its first line to its last.
const FIGHT_MS: f64 = 1_600.0;

/// Accepts messages (`IAC DO GMCP`) and requests all about its hero.
const FOLLOWS: &[u8] = b"\xff\xfd\xc9\xff\xfa\xc9Core.Supports.Set [\"Char 1\"]\xff\xf0";

/// The shared data of all clients.
pub(crate) struct Hall {
    pub(crate) address: SocketAddr,
    pub(crate) deviations: Arc<Deviations>,
    pub(crate) news: mpsc::Sender<News>,
    /// The number of clients, from the first on, with a program that follows their hero.
    pub(crate) gmcp: u64,
}

/// The news of a client.
pub(crate) enum News {
    /// The hero of the client fights.
    Joined,
    /// The client was disconnected or could not connect; the reason.
    Gone(String),
}

/// The lateness of lines in milliseconds; negative for early lines.
#[derive(Default)]
pub(crate) struct Deviations(Mutex<Vec<f64>>);

impl Deviations {
    fn note(&self, ms: f64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ms);
    }

    /// Removes all recorded values.
    pub(crate) fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// All values in ascending order.
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

/// Plays until the node closes the connection, which is a failure.
pub(crate) async fn play(number: u64, hall: Arc<Hall>) {
    let end = match connect(number, hall.address).await {
        Ok(stream) => converse(stream, number, &hall).await,
        Err(error) => Err(error),
    };
    let why = end
        .err()
        .map_or("closed by the node".to_string(), |error| error.to_string());
    // The receiver may have measured enough and be closed.
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

/// The consequence of a line.
enum Todo {
    Nothing,
    GiveName,
    Agree,
    Tell,
    Note(f64),
}

/// The state of a client's conversation.
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

    /// A hero walks to its enemies before its client sees any output, so its first fight is the first event that the
    /// client sees.
    fn fight(&mut self, now: Instant) -> Todo {
        self.fights_since = Some(now);
        match std::mem::replace(&mut self.has_begun, true) {
            false => Todo::Tell,
            true => Todo::Nothing,
        }
    }
}
