//! Thousands of players who connect, play for some time, quit, and connect again with the same name. Each checks every
//! line.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pq_tests::running::{plain_text, poll};
use pq_tests::story::{Version, begins_a_deed};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::era::Era;

/// The number of source addresses of the players. An address has about 28 000 ports (`ip_local_port_range`), and a
/// closed connection occupies its port for a minute.
const SOURCES: u64 = 8;

/// The deadline for the next line of output. A hero is silent for at most the duration of a fight, 1 600 ms; 30 s also
/// cover a node in its two-hundredth upgrade on a machine that builds something else.
const SILENCE: Duration = Duration::from_secs(30);

/// The number of actions that a hero begins until no line from before is left.
const SETTLED: u64 = 3;

/// The number of players that connect per second at the start.
const RATE: u64 = 500;

/// The shared data of all players.
pub(crate) struct Crowd {
    pub(crate) era: Era,
    address: SocketAddr,
    seed: u64,
    /// The longest time that a player stays before it quits and connects again.
    stay: Duration,
    /// True while no player may quit.
    pub(crate) stays: AtomicBool,
    /// The experience of each hero according to its output; 0 while it does not play.
    pub(crate) told: Vec<AtomicU64>,
    /// The number of actions whose first line each player has read. A player that leaves reads no more output from
    /// before, so [`SETTLED`] is added for it.
    deeds: Vec<AtomicU64>,
    pub(crate) lines: AtomicU64,
    pub(crate) joined: AtomicU64,
    faults: Mutex<Vec<String>>,
}

impl Crowd {
    /// Makes `count` players for the node at this address.
    pub(crate) fn new(count: u64, address: SocketAddr, stay: Duration, seed: u64) -> Arc<Crowd> {
        Arc::new(Crowd {
            era: Era::of(Version::Old),
            address,
            seed,
            stay,
            stays: AtomicBool::new(true),
            told: (0..count).map(|_| AtomicU64::new(0)).collect(),
            deeds: (0..count).map(|_| AtomicU64::new(0)).collect(),
            lines: AtomicU64::new(0),
            joined: AtomicU64::new(0),
            faults: Mutex::default(),
        })
    }

    /// The number of players whose heroes play at this moment.
    pub(crate) fn playing(&self) -> u64 {
        let plays = |told: &&AtomicU64| told.load(Ordering::Relaxed) > 0;
        self.told.iter().filter(plays).count() as u64
    }

    /// Waits until all output from before this call was read. The first action that a player reads of may have waited
    /// to be sent; a later one was begun after this call. Returns early after a fault.
    pub(crate) fn settle(&self) {
        let read = |deeds: &AtomicU64| deeds.load(Ordering::Relaxed);
        let before: Vec<u64> = self.deeds.iter().map(read).collect();
        let settled = poll(SILENCE * 2, || {
            let mut all = self.deeds.iter().zip(&before);
            let is_over = all.all(|(now, before)| read(now) >= before + SETTLED);
            (is_over || !self.faults().is_empty()).then_some(())
        });
        assert!(settled.is_some(), "a player gets no output");
    }

    /// The faults that players have found so far.
    pub(crate) fn faults(&self) -> Vec<String> {
        let faults = self.faults.lock();
        faults.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fault(&self, fault: String) {
        let faults = self.faults.lock();
        faults.unwrap_or_else(PoisonError::into_inner).push(fault);
    }
}

/// The name of a player's hero.
pub(crate) fn name(number: usize) -> String {
    format!("client-{number}")
}

/// Runs all players forever. They connect one after the other.
pub(crate) async fn play(crowd: Arc<Crowd>) {
    let begin = Instant::now();
    for number in 0..crowd.told.len() {
        let due = begin + Duration::from_secs(1) * number as u32 / RATE as u32;
        let crowd = crowd.clone();
        tokio::spawn(async move {
            sleep_until(due).await;
            let mut dice = SplitMix64::seed_from_u64(crowd.seed ^ number as u64);
            loop {
                if let Err(fault) = visit(&crowd, number, &mut dice).await {
                    crowd.told[number].store(0, Ordering::Relaxed);
                    return crowd.fault(format!("{}: {fault}", name(number)));
                }
            }
        });
    }
}

/// Connects, plays and quits. Each unexpected event is an error.
async fn visit(crowd: &Crowd, number: usize, dice: &mut SplitMix64) -> Result<(), String> {
    let stay = crowd.stay.mul_f64(dice.next_u64() as f64 / u64::MAX as f64);
    let until = Instant::now() + stay;
    let said = |error: io::Error| error.to_string();
    let stream = connect(number, crowd.address).await.map_err(said)?;
    let mut stream = BufReader::with_capacity(512, stream);
    let (mut story, mut mark) = crowd.era.story();
    let mut line = Vec::new();
    loop {
        let plays = story.tale().is_some();
        let leaves = plays && !crowd.stays.load(Ordering::Relaxed);
        let next = stream.read_until(b'\n', &mut line);
        let read = match leaves {
            // A partly read line stays in `line` when the time is over.
            true => match timeout_at(until, next).await {
                Ok(read) => read,
                Err(_) => break,
            },
            false => timeout(SILENCE, next)
                .await
                .map_err(|_| format!("no output came for {SILENCE:?}"))?,
        };
        if read.map_err(said)? == 0 {
            return Err(format!(
                "the connection was closed after {} lines",
                story.lines()
            ));
        }
        crowd.era.catch_up(&mut story, &mut mark);
        let text = plain_text(&line);
        let text = text.strip_suffix("\r\n").unwrap_or(&text);
        story.read(text)?;
        crowd.lines.fetch_add(1, Ordering::Relaxed);
        if let Some(answer) = answer(text, number) {
            stream.write_all(answer.as_bytes()).await.map_err(said)?;
        }
        note(crowd, number, plays, story.tale().map(|tale| tale.exp));
        crowd.deeds[number].fetch_add(u64::from(begins_a_deed(text)), Ordering::Relaxed);
        line.clear();
    }
    crowd.told[number].store(0, Ordering::Relaxed);
    crowd.deeds[number].fetch_add(SETTLED, Ordering::Relaxed);
    quit(stream).await
}

async fn connect(number: usize, address: SocketAddr) -> io::Result<TcpStream> {
    let source = Ipv4Addr::new(127, 0, 0, 2 + (number as u64 % SOURCES) as u8);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source, 0)))?;
    socket.connect(address).await
}

/// The input that answers this line, if it is a question.
fn answer(text: &str, number: usize) -> Option<String> {
    match text {
        "What's your character's name?" => Some(format!("{}\n", name(number))),
        "Do you agree to these? y/n" => Some("y\n".to_string()),
        _ => None,
    }
}

fn note(crowd: &Crowd, number: usize, played: bool, exp: Option<u64>) {
    if let Some(exp) = exp {
        crowd.told[number].store(exp, Ordering::Relaxed);
        crowd
            .joined
            .fetch_add(u64::from(!played), Ordering::Relaxed);
    }
}

/// Sends `quit`. The connection ends after the end of the hero, so its name is free then.
async fn quit(mut stream: BufReader<TcpStream>) -> Result<(), String> {
    let mut rest = Vec::new();
    let end = async {
        stream.write_all(b"quit\n").await?;
        while stream.read_until(b'\n', &mut rest).await? > 0 {}
        Ok(())
    };
    let end: Result<io::Result<()>, _> = timeout(SILENCE, end).await;
    let end = end.map_err(|_| "the node does not close the connection after `quit`".to_string())?;
    end.map_err(|error| format!("while it quits: {error}"))
}
