//! Measures the memory of idle clients: a test program of its own, because it measures the whole process.
#![allow(clippy::unwrap_used)]
#![allow(
    dead_code,
    reason = "the rig is that of `connection`, and all of it is used there"
)]

#[path = "connection/rig.rs"]
mod rig;

use rig::{Rig, read_text};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// The resident memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn an_idle_client_costs_less_than_ten_kilobytes() {
    /// The number of clients: enough that the pages of the allocator do not count.
    const CLIENTS: usize = 4_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let before = resident();
    let mut clients = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let (mut client, mut rig) = Rig::connect(&listener).await;
        rig.say("What's your character's name?\n");
        read_text(&mut client, "What's your character's name?\r\n").await;
        client.write_all(b"Ann\n").await.unwrap();
        rig.line().await;
        clients.push((client, rig));
    }
    let each = resident().saturating_sub(before) / CLIENTS;
    println!("{each} bytes per client, both ends and the rig included");
    assert!(each < 10 * 1024, "{each} bytes per client");
}
