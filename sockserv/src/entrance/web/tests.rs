//! Tests of a gateway over pipes and a virtual clock. The browser's end writes frames by hand (RFC 6455, 5.2); the test is
//! the door's end.

use std::sync::Mutex;

use axum::serve::Listener;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use super::*;
use crate::admission::budget::{BYTES_PER_LINE, Budget, COMMANDS_PER_LINE};
use crate::admission::flood::{FLOOD, flood};
use crate::admission::metered::Metered;
use crate::admission::refused::Refusal;
use crate::session::ending::Cause;
use crate::settings::Settings;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A listener that accepts one client.
struct One(Option<Metered<DuplexStream>>);

impl Listener for One {
    type Io = Metered<DuplexStream>;
    type Addr = ();

    async fn accept(&mut self) -> (Metered<DuplexStream>, ()) {
        match self.0.take() {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The browser's end of a gateway.
struct Browser(DuplexStream);

/// The route to one gateway, over any number of connections: the first begins the session, others come back to it.
struct Site {
    router: Router,
    budget: Arc<Budget>,
}

impl Site {
    /// A site, and the door's end of its gateway. The gateway's door reports the reason of its close.
    fn new(dialect: Dialect, ending: EndingCell, may_resume: bool) -> (Site, DuplexStream) {
        let (near, far) = duplex(PIPE);
        let near = Arc::new(Mutex::new(Some(near)));
        let budget = Arc::new(Budget::new(Settings::default().current()));
        let (resumes, of_session) = (Arc::new(Resumes::default()), budget.clone());
        let enter = move |upgrade: WebSocketUpgrade| async move {
            let begins = near.lock().unwrap().take();
            let wish = upgrade
                .requested_protocols()
                .find_map(|name| Wish::read(name.as_bytes()));
            let gateway = Gateway {
                speech: Speech::new(dialect, ""),
                budget: of_session,
                ending,
                place: may_resume.then(|| resumes.place()).flatten(),
                taken: 0,
            };
            limited(upgrade).on_upgrade(|socket| async move {
                match (begins, wish) {
                    (Some(near), _) => gateway.run(socket, near).await,
                    (None, Some(wish)) => {
                        if let Err(socket) = resumes.hand(&wish, socket) {
                            gateway::refuse(*socket).await;
                        }
                    }
                    (None, None) => panic!("one session for each site"),
                }
            })
        };
        let router = Router::new().route("/ws", get(enter));
        (Site { router, budget }, far)
    }

    /// Connects with these subprotocols.
    async fn connect(&self, protocols: &str) -> Browser {
        let (client, server) = duplex(1024);
        let server = Metered::new(server, self.budget.clone());
        let router = self.router.clone();
        tokio::spawn(async { axum::serve(One(Some(server)), router).await });
        let mut browser = Browser(client);
        browser.shake_hands(protocols).await;
        browser
    }
}

impl Browser {
    /// Starts a gateway; returns the browser's end and the door's end.
    async fn open(dialect: Dialect) -> (Browser, DuplexStream) {
        Browser::told(dialect, EndingCell::default()).await
    }

    /// Starts a gateway whose door reports the reason of its close.
    async fn told(dialect: Dialect, ending: EndingCell) -> (Browser, DuplexStream) {
        let (site, door) = Site::new(dialect, ending, false);
        (site.connect("").await, door)
    }

    async fn shake_hands(&mut self, protocols: &str) {
        let ask = format!(
            "GET /ws HTTP/1.1\r\nHost: pq\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocols}\r\n"
        );
        self.0.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(self.0.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "));
    }

    /// Sends a frame with a mask of zero.
    async fn send(&mut self, kind: u8, data: &[u8]) {
        let mut frame = vec![0x80 | kind];
        match u8::try_from(data.len()) {
            Ok(len @ ..126) => frame.push(0x80 | len),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(data);
        self.0.write_all(&frame).await.unwrap();
    }

    /// Receives a frame; `None` at the end of the connection.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = self.0.read_u8().await.ok()? & 0x0f;
        let len = match self.0.read_u8().await.ok()? {
            126 => self.0.read_u16().await.ok()?,
            len => u16::from(len),
        };
        let mut data = vec![0; usize::from(len)];
        self.0.read_exact(&mut data).await.ok()?;
        Some((kind, data))
    }

    /// Receives a close frame; returns its code and its reason.
    async fn closed(&mut self) -> (u16, String) {
        let (kind, data) = self.frame().await.unwrap();
        assert_eq!(kind, CLOSE, "{data:?}");
        let reason = String::from_utf8(data[2..].to_vec()).unwrap();
        (u16::from_be_bytes([data[0], data[1]]), reason)
    }
}

/// All bytes at the door's end, until it is closed.
async fn rest(door: &mut DuplexStream) -> Vec<u8> {
    let mut rest = Vec::new();
    door.read_to_end(&mut rest).await.unwrap();
    rest
}

#[tokio::test(start_paused = true)]
async fn text_goes_both_ways_and_the_door_has_the_last_word() {
    let ending = EndingCell::default();
    let (mut browser, mut door) = Browser::told(Dialect::Terminal, ending.clone()).await;
    door.write_all(b"Your name?\r\n").await.unwrap();
    assert_eq!(
        browser.frame().await,
        Some((BINARY, b"Your name?\r\n".to_vec()))
    );
    browser.send(BINARY, b"Ann\r\n").await;
    let mut line = [0; 5];
    door.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"Ann\r\n");
    door.write_all(b"Bye.\r\n").await.unwrap();
    ending.tell(Cause::Done, "Goodbye.");
    door.shutdown().await.unwrap();
    assert_eq!(browser.frame().await, Some((BINARY, b"Bye.\r\n".to_vec())));
    let reason = "the server has closed the connection".to_string();
    assert_eq!(browser.closed().await, (1000, reason));
    browser.send(CLOSE, &1000_u16.to_be_bytes()).await;
    assert_eq!(browser.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_is_answered_and_the_door_hears_of_it() {
    let (mut browser, mut door) = Browser::open(Dialect::Terminal).await;
    browser.send(CLOSE, &1001_u16.to_be_bytes()).await;
    assert_eq!(browser.closed().await.0, 1001);
    assert_eq!(rest(&mut door).await, b"");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_without_a_word_is_found_out_in_a_minute() {
    let (mut browser, mut door) = Browser::open(Dialect::Terminal).await;
    let began = Instant::now();
    assert_eq!(rest(&mut door).await, b"");
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(browser.frame().await, Some((PING, Vec::new())));
    assert_eq!(browser.closed().await.0, 1001);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_may_be_silent_for_hours() {
    let (mut browser, mut door) = Browser::open(Dialect::Terminal).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3 * 3600) {
        assert_eq!(browser.frame().await, Some((PING, Vec::new())));
        browser.send(PONG, b"").await;
    }
    browser.send(TEXT, b"still here").await;
    let mut line = [0; 12];
    door.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"still here\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_ends_alone_and_in_time() {
    let (_browser, mut door) = Browser::open(Dialect::Terminal).await;
    let began = Instant::now();
    // These are more bytes than all pipes hold; the write fails when the gateway has gone.
    while door.write_all(&[b'x'; 1024]).await.is_ok() {}
    assert!(
        began.elapsed() <= Duration::from_secs(35),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_door_that_takes_nothing_holds_up_no_text() {
    let (mut browser, mut door) = Browser::open(Dialect::Terminal).await;
    let typed = [b'x'; 1000];
    // One frame fills the pipe, the next waits in the gateway, and the others at the client.
    for _ in 0..6 {
        browser.send(BINARY, &typed).await;
    }
    sleep(Duration::from_secs(300)).await;
    door.write_all(b"Wait.\r\n").await.unwrap();
    while let Some((kind, data)) = browser.frame().await {
        if kind == BINARY {
            assert_eq!(data, b"Wait.\r\n");
            break;
        }
    }
    let mut all = [0; 6000];
    door.read_exact(&mut all).await.unwrap();
    assert!(all.iter().all(|byte| *byte == b'x'));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_too_long_is_the_last() {
    let (mut browser, mut door) = Browser::open(Dialect::Gmcp).await;
    let long = vec![b'x'; MESSAGE_MAX + 1];
    // The length in the head is enough for the refusal: the gateway does not wait for the rest.
    let mut head = vec![0x82, 0x80 | 126];
    head.extend(u16::try_from(long.len()).unwrap().to_be_bytes());
    browser.0.write_all(&head).await.unwrap();
    browser.0.write_all(&[0; 4]).await.unwrap();
    let (code, reason) = browser.closed().await;
    assert_eq!(code, 1009);
    assert!(reason.contains("longer than 16384 bytes"), "{reason}");
    assert_eq!(rest(&mut door).await, b"");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_frame_ends_the_connection() {
    for (odd, code) in [
        // No mask; a reserved bit; an unknown opcode; a ping in fragments; a continuation without a beginning.
        (&b"\x82\x05hello"[..], 1002),
        (b"\xf2\x80\0\0\0\0", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (b"\x80\x80\0\0\0\0", 1002),
        // No UTF-8: in one fragment, in two, and in an incomplete character.
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x01\x81\0\0\0\0a\x80\x81\0\0\0\0\xff", 1007),
        (b"\x81\x82\0\0\0\0\xe5\x8b", 1007),
    ] {
        for dialect in Dialect::ALL {
            let (mut browser, mut door) = Browser::open(dialect).await;
            browser.0.write_all(odd).await.unwrap();
            assert_eq!(browser.closed().await.0, code, "{odd:?}");
            assert_eq!(rest(&mut door).await, b"", "{odd:?}");
        }
    }
}

/// The code and the reason that a client gets when the door has ended its connection.
async fn closed_because(ending: EndingCell) -> (u16, String) {
    let (mut browser, mut door) = Browser::told(Dialect::Terminal, ending).await;
    door.shutdown().await.unwrap();
    browser.closed().await
}

#[tokio::test(start_paused = true)]
async fn each_cause_of_an_end_has_its_code() {
    for (cause, code, reason) in [
        (Cause::Done, 1000, "the server has closed the connection"),
        (Cause::Stops, 1001, "the server stops"),
        (Cause::Refused, 1008, "Enough."),
        (Cause::Fails, 1011, "the server has failed"),
        (Cause::Busy, 1013, "Enough."),
    ] {
        let ending = EndingCell::default();
        ending.tell(cause, "Enough.");
        ending.tell(Cause::Done, "too late");
        let expected = (code, reason.to_string());
        assert_eq!(closed_because(ending).await, expected, "{cause:?}");
    }
    let failed = (1011, "the server has failed".to_string());
    assert_eq!(closed_because(EndingCell::default()).await, failed);
    let ending = EndingCell::default();
    ending.refuse(&Refusal::NoProcess);
    assert_eq!(closed_because(ending).await, failed);
    for (refusal, code) in [
        (Refusal::Full, 1013),
        (Refusal::Locked, 1013),
        (Refusal::Address { until: None }, 1008),
        (Refusal::PerAddress(8), 1008),
        (Refusal::Arrivals, 1008),
        (Refusal::Slow, 1008),
    ] {
        let ending = EndingCell::default();
        ending.refuse(&refusal);
        assert_eq!(closed_because(ending).await, (code, refusal.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reason_that_is_too_long_is_cut_between_two_characters() {
    let ending = EndingCell::default();
    ending.tell(Cause::Refused, &"勇".repeat(100));
    assert_eq!(closed_because(ending).await, (1008, "勇".repeat(41)));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_frames_is_taken_at_the_pace_of_lines_and_its_sender_is_kept() {
    let lines = Settings::default().limits.lines;
    let lines = lines.burst + lines.per_second * FLOOD.as_secs() as u32;
    let [commands, bytes] = [COMMANDS_PER_LINE, BYTES_PER_LINE].map(|each| (lines * each) as usize);
    // A fragment without payload reaches no reader of messages: it costs its own six bytes.
    for (first, piece, allowed) in [
        (&b""[..], &b"\x89\x80\0\0\0\0"[..], commands * 6),
        (b"", b"\x8a\x80\0\0\0\0", commands * 6),
        (b"", b"\x82\x81\0\0\0\0x", commands * 7),
        (b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0", bytes),
    ] {
        let (Browser(client), mut door) = Browser::open(Dialect::Terminal).await;
        tokio::spawn(
            async move { while door.read(&mut [0; 1_024]).await.is_ok_and(|len| len > 0) {} },
        );
        let (mut reader, mut writer) = tokio::io::split(client);
        let pongs = tokio::spawn(async move {
            while reader.read(&mut [0; 1_024]).await.is_ok_and(|len| len > 0) {}
        });
        writer.write_all(first).await.unwrap();
        let taken = flood(&mut writer, &piece.repeat(100)).await;
        assert!(!pongs.is_finished(), "{piece:?} ends it");
        assert!(
            taken <= allowed + 16 * 1_024,
            "{piece:?}: {taken} bytes of {allowed}"
        );
        assert!(taken >= allowed / 2, "{piece:?}: only {taken} of {allowed}");
    }
}

/// The header of a client that comes back.
fn comes_back(ticket: &str, heard: u64) -> String {
    format!("Sec-WebSocket-Protocol: resume.{ticket}.{heard}\r\n")
}

impl Browser {
    /// Receives `PQ.Resume`; returns the ticket, the number, and the number of taken frames.
    async fn greeted(&mut self) -> (String, u64, u64) {
        let (kind, data) = self.frame().await.unwrap();
        let text = String::from_utf8(data).unwrap();
        assert_eq!(kind, TEXT, "{text}");
        let body = text.strip_prefix("PQ.Resume ").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let number = |key: &str| body[key].as_u64().unwrap();
        let ticket = body["ticket"].as_str().unwrap().to_string();
        (ticket, number("number"), number("taken"))
    }

    /// Receives this text as a binary frame.
    async fn reads(&mut self, text: &str) {
        let frame = (BINARY, text.as_bytes().to_vec());
        assert_eq!(self.frame().await, Some(frame));
    }
}

async fn says(door: &mut DuplexStream, text: &str) {
    door.write_all(text.as_bytes()).await.unwrap();
    // The gateway reads each text alone.
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_connection_broke_hears_all_that_it_has_missed_once() {
    let (site, mut door) = Site::new(Dialect::Gmcp, EndingCell::default(), true);
    let mut browser = site.connect("").await;
    let (ticket, number, taken) = browser.greeted().await;
    assert_eq!((number, taken), (0, 0));
    says(&mut door, "one\r\n").await;
    browser.reads("one\r\n").await;
    browser.send(BINARY, b"hello\n").await;
    let mut line = [0; 7];
    door.read_exact(&mut line).await.unwrap();
    says(&mut door, "two\r\n").await;
    // The second text is on its way when the connection breaks.
    drop(browser);
    sleep(Duration::from_secs(1)).await;
    says(&mut door, "three\r\n").await;
    let mut browser = site.connect(&comes_back(&ticket, 1)).await;
    assert_eq!(browser.greeted().await, (ticket.clone(), 1, 1));
    browser.reads("two\r\n").await;
    browser.reads("three\r\n").await;
    says(&mut door, "four\r\n").await;
    browser.reads("four\r\n").await;
    browser.send(BINARY, b"again\n").await;
    door.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"again\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_client_comes_back_before_the_gateway_knows_that_it_was_away() {
    let (site, mut door) = Site::new(Dialect::Gmcp, EndingCell::default(), true);
    let mut first = site.connect("").await;
    let (ticket, ..) = first.greeted().await;
    says(&mut door, "one\r\n").await;
    let mut second = site.connect(&comes_back(&ticket, 0)).await;
    second.greeted().await;
    second.reads("one\r\n").await;
    first.reads("one\r\n").await;
    let elsewhere = (1008, "this session goes on elsewhere".to_string());
    assert_eq!(first.closed().await, elsewhere);
    says(&mut door, "two\r\n").await;
    second.reads("two\r\n").await;
    let mut stranger = site.connect(&comes_back(&"0".repeat(32), 0)).await;
    let over = (1008, "this session is over".to_string());
    assert_eq!(stranger.closed().await, over);
}

#[tokio::test(start_paused = true)]
async fn a_session_waits_for_two_minutes_and_for_a_page_that_has_gone_for_20_s() {
    for (closes, waits) in [(false, 120), (true, 20)] {
        let (site, mut door) = Site::new(Dialect::Gmcp, EndingCell::default(), true);
        let mut browser = site.connect("").await;
        let (ticket, ..) = browser.greeted().await;
        if closes {
            browser.send(CLOSE, &1001_u16.to_be_bytes()).await;
        }
        let began = Instant::now();
        drop(browser);
        assert_eq!(rest(&mut door).await, b"");
        assert_eq!(began.elapsed().as_secs(), waits);
        let mut late = site.connect(&comes_back(&ticket, 0)).await;
        assert_eq!(late.closed().await.0, 1008);
    }
    // A player who has quit is not waited for.
    let (site, mut door) = Site::new(Dialect::Gmcp, EndingCell::default(), true);
    let mut browser = site.connect("").await;
    browser.greeted().await;
    browser.send(CLOSE, &1000_u16.to_be_bytes()).await;
    let began = Instant::now();
    assert_eq!(rest(&mut door).await, b"");
    assert_eq!(began.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_for_a_client_has_a_bound_and_then_the_door_waits() {
    let (site, mut door) = Site::new(Dialect::Gmcp, EndingCell::default(), true);
    let mut browser = site.connect("").await;
    let (ticket, ..) = browser.greeted().await;
    drop(browser);
    let line = [b"x".repeat(98), b"\r\n".to_vec()].concat();
    let mut wrote = 0;
    while timeout(Duration::from_secs(1), door.write_all(&line))
        .await
        .is_ok()
    {
        wrote += line.len();
    }
    assert!(
        (2 * resume::KEPT_MAX..=2 * resume::KEPT_MAX + 3 * PIPE).contains(&wrote),
        "{wrote}"
    );
    let mut browser = site.connect(&comes_back(&ticket, 0)).await;
    assert_eq!(browser.greeted().await.1, 0);
    let mut read = 0;
    while read < wrote {
        let (_, data) = browser.frame().await.unwrap();
        assert!(data.iter().all(|byte| b"x\r\n".contains(byte)));
        read += data.len();
    }
}
