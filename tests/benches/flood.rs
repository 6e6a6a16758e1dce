//! The effect of a hostile address on other clients: the delay of the answer to a line while the full share of
//! connections of that address floods the node, for each kind of flood and without one.
//!
//! ```text
//!   cargo bench -p pq-tests --bench flood -- [seconds N] [connections N] [players N]
//!
//!   this process: players of 127.0.0.1, one thread ─┬─ loopback ─► pq start
//!                 floods of 127.0.1.N, one each ────┘
//! ```
//! Both ends are on one machine, so the figures include the processor time of the flooding threads.

#[path = "shared/machine.rs"]
mod machine;
#[path = "shared/table.rs"]
#[allow(dead_code, reason = "this bench has no large figures")]
mod table;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use pq_tests::running::{AGREE, PATIENCE, PROMPT, RawClient, Running, Tree};
use tokio::net::TcpSocket;

use table::{Goal, row};

/// The pause between two lines of a player: longer than the interval at which the node delays lines.
const PAUSE: Duration = Duration::from_millis(200);

/// Each kind of flood: its name, its port, the bytes sent once, and the bytes sent repeatedly.
const FLOODS: [(&str, Port, &[u8], &[u8]); 8] = [
    ("options", Port::Telnet, b"", b"\xff\xfb\x63\xff\xfe\x63"),
    ("AYT", Port::Telnet, b"", b"\xff\xf6"),
    ("NOP", Port::Telnet, b"", b"\xff\xf1"),
    (
        "Core.Ping",
        Port::Telnet,
        b"\xff\xfd\xc9",
        b"\xff\xfa\xc9Core.Ping\xff\xf0",
    ),
    ("lines", Port::Telnet, b"", b"\n"),
    ("bytes", Port::Telnet, b"", b"x"),
    ("pings", Port::Page, UPGRADE, b"\x89\x80\0\0\0\0"),
    ("fragments", Port::Page, FRAGMENTS, b"\x00\x80\0\0\0\0"),
];

const UPGRADE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: pq\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const FRAGMENTS: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: pq\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x01\x80\0\0\0\0";

#[derive(Clone, Copy)]
enum Port {
    Telnet,
    Page,
}

/// The arguments of the command line.
struct Plan {
    seconds: u64,
    connections: usize,
    players: usize,
}

fn plan() -> Result<Plan, String> {
    let mut plan = Plan {
        seconds: 10,
        connections: 8,
        players: 20,
    };
    // Cargo passes `--bench` to every bench.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next().and_then(|value| value.parse().ok());
        let value: usize = value.ok_or_else(|| format!("{word} needs a number"))?;
        match word.as_str() {
            "seconds" => plan.seconds = value as u64,
            "connections" => plan.connections = value,
            "players" => plan.players = value,
            _ => return Err(format!("{word} is not an argument of this bench")),
        }
    }
    Ok(plan)
}

fn connect(from: &str, to: SocketAddr) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(
            from.parse().map_err(std::io::Error::other)?,
            0,
        ))?;
        socket.connect(to).await?.into_std()
    })?;
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A player whose hero plays on the flooded node.
struct Player(RawClient);

impl Player {
    fn enter(node: &Running, name: &str) -> Player {
        let stream = connect("127.0.0.1", node.address()).expect("a player comes in");
        let mut player = Player(RawClient::over(stream));
        player.sees(PROMPT);
        player.says(name);
        player.sees(AGREE);
        player.says("y");
        player.sees("Executing a ");
        player
    }

    fn says(&mut self, line: &str) {
        self.0.send(format!("{line}\n"));
    }

    fn sees(&mut self, text: &str) {
        self.0.until(text.as_bytes());
        self.0.unread.clear();
    }

    /// Measures the delay of the answer to a line.
    fn asks(&mut self, number: usize) -> Duration {
        // A unique text distinguishes the answer from the output of the hero.
        let line = format!("line {number}");
        let begin = Instant::now();
        self.says(&line);
        self.sees(&format!("Unexpected input: {line}\r\n"));
        begin.elapsed()
    }
}

/// Sends without pause from one connection and drops the answers; adds the number of bytes that the node has taken to
/// `taken`.
fn floods(
    (from, to): (&str, SocketAddr),
    first: &'static [u8],
    piece: &[u8],
    is_over: &Arc<AtomicBool>,
    taken: &Arc<AtomicU64>,
) -> JoinHandle<()> {
    let (flood, is_over, taken) = (
        piece.repeat(8_192 / piece.len()),
        is_over.clone(),
        taken.clone(),
    );
    let stream = connect(from, to);
    spawn(move || {
        let Ok(mut stream) = stream else { return };
        let mut reads = stream
            .try_clone()
            .expect("the process has free descriptors");
        let reader = spawn(move || while reads.read(&mut [0; 4_096]).is_ok_and(|len| len > 0) {});
        let _ = stream.set_write_timeout(Some(Duration::from_millis(100)));
        let _ = stream.write_all(first);
        while !is_over.load(Ordering::Relaxed) {
            match stream.write(&flood) {
                Ok(len) => drop(taken.fetch_add(len as u64, Ordering::Relaxed)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => (),
                Err(_) => break,
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
        let _ = reader.join();
    })
}

/// The delays of the players' answers in milliseconds: median, 99th percentile, maximum.
fn measure(players: &mut [Player], seconds: u64) -> [f64; 3] {
    let (begin, mut took) = (Instant::now(), Vec::new());
    let mut number = 0;
    while begin.elapsed() < Duration::from_secs(seconds) {
        let turn = Instant::now();
        for player in &mut *players {
            number += 1;
            took.push(player.asks(number));
        }
        sleep(PAUSE.saturating_sub(turn.elapsed()));
    }
    took.sort_unstable();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1_000.0;
    [at(0.5), at(0.99), at(1.0)]
}

fn main() -> Result<(), String> {
    let plan = plan()?;
    println!("{}", machine::describe());
    let tree = Tree::with_limits(r#"{exempt, ["127.0.0.1/32"]}, {login_ms, infinity}"#);
    let node = Running::node_with(&tree, &["--web-port", "0"]);
    let page = page_of(&node);
    let names = (0..plan.players).map(|n| format!("Player{n}"));
    let mut players: Vec<Player> = names.map(|name| Player::enter(&node, &name)).collect();
    for quiet in [true, false] {
        let floods_now = if quiet { &FLOODS[..1] } else { &FLOODS[..] };
        for (name, port, first, piece) in floods_now {
            let to = match port {
                Port::Telnet => node.address(),
                Port::Page => page,
            };
            let (is_over, taken) = (
                Arc::new(AtomicBool::new(quiet)),
                Arc::new(AtomicU64::new(0)),
            );
            // Each flood has its own address, because connections of the last one may still be open: the node reads the
            // rest of their input at its own pace.
            let from = format!(
                "127.0.1.{}",
                1 + FLOODS
                    .iter()
                    .position(|(known, ..)| known == name)
                    .unwrap_or(0)
            );
            let connections = if quiet { 0 } else { plan.connections };
            let threads: Vec<_> = (0..connections)
                .map(|_| floods((from.as_str(), to), first, piece, &is_over, &taken))
                .collect();
            let [half, most, worst] = measure(&mut players, plan.seconds);
            is_over.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| drop(thread.join()));
            let name = if quiet { "without a flood" } else { name };
            let taken = taken.load(Ordering::Relaxed) as f64 / 1_024.0 / plan.seconds as f64;
            let what = format!("{connections} x {name}");
            row(
                format!("{what}: answers, 50 of 100"),
                half,
                "ms",
                Goal::None,
            );
            row(
                format!("{what}: answers, 99 of 100"),
                most,
                "ms",
                Goal::AtMost(5.0),
            );
            row(
                format!("{what}: answers, the worst"),
                worst,
                "ms",
                Goal::None,
            );
            // A flooding connection is delayed and not closed: ten empty lines a second are the least that a client may
            // send.
            let least = Goal::AtLeast(connections as f64 * 10.0 / 1_024.0);
            row(format!("{what}: taken"), taken, "KiB per second", least);
            // The pause lets the node accept the connections of the next flood, whose number per time is limited.
            sleep(Duration::from_secs(2));
        }
    }
    Ok(())
}

/// The address of the web page, which the node prints at its start.
fn page_of(node: &Running) -> SocketAddr {
    node.wrote("page at http://");
    node.wrote("/\n");
    let out = node.out();
    let rest = out.split_once("page at http://").map(|(_, rest)| rest);
    let address = rest
        .and_then(|rest| rest.split_once('/'))
        .map(|(address, _)| address.parse());
    address.and_then(Result::ok).expect("the node has a page")
}
