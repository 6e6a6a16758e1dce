//! Tests of the listeners over real sockets: access to the page, trusted and unknown proxies, refusals.
//!
//! The node has no sessions: an admitted client reads that the game cannot let it in now, and is closed. The tests of the
//! whole node measure the costs for a game (`tests/tests/door`).
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use pq_otp::{Config, Module, Modules, Sim};
use sockserv::{Ban, Door, Limits, Rate, Settings, Whom};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

/// The time limit for an answer. No answer takes 1 s, but a machine under load may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

const IN: &str = "The game cannot let you in now. Try again later.\r\n";
const LIAR: &str =
    "Your address may not speak for others: it is not among the proxies of this server.";
const WHOLE: &str = "GET / HTTP/1.1\r\nHost: pq\r\nConnection: close\r\n\r\n";
const HALF: &str = "GET / HTTP/1.1\r\nHost: pq\r\n";

struct NoModules(AtomicU64);

impl Modules for NoModules {
    fn current(&self, _name: &str) -> Option<Module> {
        None
    }

    fn epoch(&self) -> &AtomicU64 {
        &self.0
    }
}

/// An open door, and the thread that runs it.
struct Listening {
    runtime: Runtime,
    door: Door,
    page: SocketAddr,
}

impl Listening {
    fn with(settings: Settings) -> Listening {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let node = Sim::new(Config::new(Arc::new(NoModules(AtomicU64::new(0)))));
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (door, page) = runtime.block_on(async {
            let door = Door::open(node.node().clone(), anywhere, settings);
            let door = door.await.unwrap();
            let page = door.listen_web(anywhere).await.unwrap();
            (door, page)
        });
        Listening {
            runtime,
            door,
            page,
        }
    }

    fn connect(&self, from: &str, to: SocketAddr) -> TcpStream {
        let stream = self.runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket
                .bind(SocketAddr::new(from.parse().unwrap(), 0))
                .unwrap();
            socket.connect(to).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Connects to the page from this address, and sends a request.
    fn browser(&self, from: &str, request: &str) -> TcpStream {
        let mut browser = self.connect(from, self.page);
        browser.write_all(request.as_bytes()).unwrap();
        browser
    }

    /// The page's answer to a request from this address.
    fn loads(&self, from: &str) -> String {
        rest(self.browser(from, WHOLE))
    }

    /// The answer of the listener for telnet to these first bytes.
    fn says(&self, from: &str, bytes: &[u8]) -> String {
        let mut client = self.connect(from, self.door.address());
        client.write_all(bytes).unwrap();
        let told = rest(client);
        self.runtime.block_on(self.door.empty(PATIENCE));
        told
    }

    fn refused(&self, word: &str) -> u64 {
        let mut counts = self.door.refused();
        counts.find(|(known, _)| *known == word).unwrap().1
    }
}

/// All bytes until an orderly end, without the probe.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(bytes.strip_prefix(b"\xff\xfd\x18").unwrap_or(&bytes)).into_owned()
}

fn limits() -> Limits {
    Limits {
        per_address: 1,
        exempt: Vec::new(),
        ..Limits::default()
    }
}

/// Listeners that admit one client and one browser from each address, and trust a proxy at 127.0.0.9.
fn strict() -> Listening {
    Listening::with(Settings {
        limits: limits(),
        proxies: vec!["127.0.0.9/32".parse().unwrap()],
        ..Settings::default()
    })
}

/// A proxy's header of version 1 for a client from this address.
fn header(from: &str) -> Vec<u8> {
    format!("PROXY TCP4 {from} 127.0.0.9 4711 8082\r\n").into_bytes()
}

#[test]
fn an_address_has_the_connections_of_its_browsers_and_half_a_request_five_seconds() {
    let listening = strict();
    let begin = Instant::now();
    let halves: Vec<TcpStream> = (0..6)
        .map(|_| listening.browser("127.0.0.1", HALF))
        .collect();
    let told = listening.loads("127.0.0.1");
    assert!(
        told.starts_with("HTTP/1.1 429 Too Many Requests\r\n"),
        "{told}"
    );
    assert!(told.ends_with("Too many connections come from your address: at most 6.\n"));
    assert!(
        listening
            .loads("127.0.0.2")
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    for half in halves {
        let told = rest(half);
        assert!(
            told.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{told}"
        );
        assert!(
            told.ends_with("Your request was not whole within 5s.\n"),
            "{told}"
        );
    }
    assert!(begin.elapsed() >= Duration::from_secs(5));
    assert_eq!(
        (
            listening.refused("per_address"),
            listening.refused("request")
        ),
        (1, 6)
    );
    let whom = Whom::Net("127.0.0.2/32".parse().unwrap());
    listening.door.set_bans(vec![Ban { whom, until: None }]);
    let told = listening.loads("127.0.0.2");
    assert!(told.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{told}");
    assert!(told.ends_with("Your address is banned.\n"), "{told}");
}

#[test]
fn a_thousand_half_requests_of_an_exempt_network_keep_nobody_from_the_page() {
    raise_descriptor_limit();
    let listening = Listening::with(Settings::default());
    let places = listening.door.shares().visits;
    let halves: Vec<TcpStream> = (0..places + 100)
        .map(|_| listening.browser("127.0.0.1", HALF))
        .collect();
    for _ in 0..20 {
        let told = listening.loads("127.0.0.1");
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
    }
    // Their slots were given to other visits, or their 5 s were over.
    assert!(listening.refused("page_full") + listening.refused("request") >= 100);
    drop(halves);
}

#[test]
fn arrivals_at_the_page_are_counted_apart_from_those_that_play() {
    let listening = Listening::with(Settings {
        limits: Limits {
            arrivals: Rate::new(1, 1),
            ..limits()
        },
        ..Settings::default()
    });
    for _ in 0..6 {
        assert!(
            listening
                .loads("127.0.0.1")
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
    }
    assert_eq!(listening.says("127.0.0.1", b""), IN);
}

#[test]
fn the_client_behind_a_proxy_is_judged_and_not_the_proxy() {
    let listening = strict();
    let whom = Whom::Net("192.0.2.8/32".parse().unwrap());
    listening.door.set_bans(vec![Ban { whom, until: None }]);
    assert_eq!(listening.says("127.0.0.9", &header("192.0.2.7")), IN);
    assert_eq!(
        listening.says("127.0.0.9", &header("192.0.2.8")),
        "Your address is banned.\r\n"
    );
    let v2 = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &[192, 0, 2, 8, 127, 0, 0, 9, 0, 80, 0, 81],
    ];
    assert_eq!(
        listening.says("127.0.0.9", &v2.concat()),
        "Your address is banned.\r\n"
    );
    assert_eq!(listening.says("127.0.0.9", b"PROXY UNKNOWN\r\n"), IN);
    // One place for the proxy itself, and one for the client behind it.
    let asks = |header: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: pq\r\nConnection: close\r\n{header}\r\n");
        rest(listening.browser("127.0.0.9", &request))
    };
    assert!(asks("").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(asks("X-Forwarded-For: 192.0.2.7\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
    for banned in [
        "X-Forwarded-For: 192.0.2.8\r\n",
        "Forwarded: for=192.0.2.8\r\n",
    ] {
        let told = asks(banned);
        assert!(told.ends_with("Your address is banned.\n"), "{told}");
    }
    let told = asks("Forwarded: for=unknown\r\n");
    assert!(told.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{told}");
}

#[test]
fn a_header_from_elsewhere_and_a_proxy_without_one_are_refused_with_a_sentence() {
    let listening = strict();
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    for lie in [&header("192.0.2.7")[..], v2] {
        let told = listening.says("127.0.0.1", lie);
        // Without a session the client may have been told that there is none, before its bytes were read.
        assert!(
            told.ends_with(&format!("{LIAR}\r\n")) || told == IN,
            "{told}"
        );
    }
    let told = listening.says("127.0.0.9", b"Ann\n");
    assert!(
        told.starts_with("Your proxy does not say for whom it speaks: "),
        "{told}"
    );
    let request = format!("{HALF}X-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n");
    let told = rest(listening.browser("127.0.0.1", &request));
    assert!(told.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{told}");
    assert!(told.ends_with(&format!("{LIAR}\n")), "{told}");
    assert_eq!(listening.refused("unnamed"), 1);
    assert!(listening.refused("no_proxy") >= 1);
}

fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}
