//! Tests that a client takes no more of the node's time than its budget allows, with every kind of flood. The clock is
//! virtual, so the tests count the node's work and do not depend on the speed of the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};

use crate::admission::budget::{BYTES_PER_LINE, Budget, COMMANDS_PER_LINE};
use crate::admission::flood::{FLOOD, flood, turn};
use crate::admission::metered::Metered;
use crate::session::connection::{self, Owner};
use crate::session::port::Port;
use crate::settings::limits::{Limits, Rate};
use crate::settings::{Opening, Settings};

/// Bytes in transit between a client and the node when the flood ends.
const PIPE: usize = 4_096;

/// The number of bytes of commands, lines or neither that a client may send in that time.
fn allowed(piece: &[u8], per_line: u32) -> usize {
    let Limits { lines, .. } = Limits::default();
    let lines = lines.burst + lines.per_second * FLOOD.as_secs() as u32;
    (lines * per_line) as usize * piece.len()
}

/// An owner that finishes each line at once, and counts the lines.
struct Counting {
    port: Arc<Port>,
    lines: Arc<AtomicUsize>,
    is_closed: Arc<AtomicUsize>,
}

impl Owner for Counting {
    fn on_line(&mut self, _line: &[u8]) {
        self.lines.fetch_add(1, Ordering::Relaxed);
        self.port.line_done();
    }

    fn on_closed(&mut self, _reason: &str) {
        self.is_closed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client of the node: its end of the wire, the number of received lines, and the number of closes.
fn client(limits: Limits, pipe: usize) -> (DuplexStream, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let settings = settings.current();
    let budget = Arc::new(Budget::new(settings.clone()));
    let (client, server) = duplex(pipe);
    let wire = Metered::new(server, budget.clone());
    let port = Arc::new(Port::opening(settings, Opening::Quiet, budget));
    let [lines, is_closed] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let mut owner = Counting {
        port: port.clone(),
        lines: lines.clone(),
        is_closed: is_closed.clone(),
    };
    tokio::spawn(async move { connection::run(wire, &port, &mut owner).await });
    (client, lines, is_closed)
}

/// The number of bytes of a flood that the node takes. The client reads all answers.
async fn taken(piece: &[u8]) -> usize {
    let (client, _, is_closed) = client(Limits::default(), PIPE);
    let (mut reader, mut writer) = split(client);
    tokio::spawn(async move {
        let mut answer = [0; PIPE];
        while reader.read(&mut answer).await.is_ok_and(|len| len > 0) {}
    });
    let taken = flood(&mut writer, &piece.repeat(PIPE / piece.len())).await;
    assert_eq!(is_closed.load(Ordering::Relaxed), 0, "{piece:?} ends it");
    taken
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_any_kind_is_taken_at_the_pace_of_lines_and_its_sender_is_kept() {
    let long = [&[b'x'; 2_000][..], b"\n"].concat();
    for (piece, per_line) in [
        (&b"\xff\xf6"[..], COMMANDS_PER_LINE),
        (b"\xff\xf1", COMMANDS_PER_LINE),
        (b"\xff\xfb\x63", COMMANDS_PER_LINE),
        (b"\xff\xfd\x01\xff\xfe\x01", COMMANDS_PER_LINE / 2),
        (b"\xff\xfa\x1f\0\x50\0\x18\xff\xf0", COMMANDS_PER_LINE),
        (b"\xff\xfa\xc9Core.Ping\xff\xf0", COMMANDS_PER_LINE),
        (b"\n", 1),
        (b"hello\r\n", 1),
        (b"\0", BYTES_PER_LINE),
        (b"x", BYTES_PER_LINE),
        (b"\xff\xff", BYTES_PER_LINE / 2),
        (&long, 1),
    ] {
        let (taken, allowed) = (taken(piece).await, allowed(piece, per_line));
        let most = allowed + 3 * PIPE;
        assert!(taken <= most, "{piece:?}: {taken} bytes of {allowed}");
        // A long line pays for its bytes, which cost as much as two lines.
        let least = allowed.min(allowed * 1_024 / piece.len()) / 2;
        assert!(taken >= least, "{piece:?}: only {taken} of {allowed}");
    }
}

#[tokio::test(start_paused = true)]
async fn others_have_their_turn_however_much_a_client_may_send() {
    let limits = Limits {
        lines: Rate::new(1_000_000, 1_000_000),
        ..Limits::default()
    };
    const LINES: usize = 100_000;
    let (mut client, lines, _) = client(limits, LINES);
    client.write_all(&vec![b'\n'; LINES]).await.unwrap();
    let others = tokio::spawn(async move {
        let (mut most, mut before) = (0, 0);
        while before < LINES {
            turn().await;
            let now = lines.load(Ordering::Relaxed);
            most = most.max(now - before);
            before = now;
        }
        most
    });
    let most = others.await.unwrap();
    // The limit of tokio for one turn of a task.
    assert!(most <= 128, "{most} lines in one turn");
}
