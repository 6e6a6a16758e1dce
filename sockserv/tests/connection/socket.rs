//! Tests over real sockets of this machine: the behaviour that only a kernel has.

use std::time::Duration;

use rustix::net::{SendFlags, send, sockopt};
use sockserv::End;
use sockserv::entrance::socket::prepare;
use sockserv::wire::outbox::OUTBOX_MAX;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::rig::{Rig, read_all, read_text};

/// The time limit of a step. No step takes 1 s, but a machine under load may be slow.
const PATIENCE: Duration = Duration::from_secs(20);

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn a_dialogue_is_the_same_over_a_socket() {
    let (mut client, mut rig) = Rig::connect(&listener().await).await;
    rig.say("What's your character's name?\n");
    read_text(&mut client, "What's your character's name?\r\n").await;
    client.write_all(b"Ann\r\n").await.unwrap();
    assert_eq!(rig.line().await, "Ann");
    drop(client);
    assert_eq!(rig.closed().await, "closed by the client");
    rig.port.close();
    assert_eq!(rig.end().await, (End::ByClient, vec![]));
}

#[tokio::test]
async fn a_reset_is_told_as_a_lost_connection() {
    let (client, mut rig) = Rig::connect(&listener().await).await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(rig.closed().await, "connection lost: connection reset");
}

#[tokio::test]
async fn a_synch_of_the_client_is_no_part_of_its_line() {
    let (mut client, mut rig) = Rig::connect(&listener().await).await;
    client.write_all(b"An").await.unwrap();
    // `IAC IP IAC DM`, with the last byte urgent, as inetutils sends it when a player presses Ctrl-C.
    let synch = b"\xff\xf4\xff\xf2";
    assert_eq!(send(&client, synch, SendFlags::OOB).unwrap(), synch.len());
    client.write_all(b"n\r\n").await.unwrap();
    assert_eq!(rig.line().await, "Ann");
}

#[tokio::test]
async fn the_kernel_asks_a_silent_client_whether_it_is_there() {
    let listener = listener().await;
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    let stream = accepted.unwrap().0;
    prepare(&stream).unwrap();
    assert!(sockopt::socket_keepalive(&stream).unwrap());
    assert_eq!(
        sockopt::tcp_keepidle(&stream).unwrap(),
        Duration::from_secs(60)
    );
    assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 120_000);
    drop(client);
}

#[tokio::test]
async fn the_last_words_arrive_although_the_client_goes_on_talking() {
    let (mut client, mut rig) = Rig::connect(&listener().await).await;
    client.write_all(b"quit\n").await.unwrap();
    assert_eq!(rig.line().await, "quit");
    client
        .write_all("never read\n".repeat(5_000).as_bytes())
        .await
        .unwrap();
    rig.say(&"last words\n".repeat(1_000));
    rig.port.close();
    let words = timeout(PATIENCE, read_all(&mut client)).await.unwrap();
    assert_eq!(words, "last words\r\n".repeat(1_000));
}

#[tokio::test]
async fn a_client_that_stops_reading_is_dropped_and_its_neighbour_plays_on() {
    let listener = listener().await;
    let (_slow, mut slow_rig) = Rig::connect(&listener).await;
    let (mut quick, quick_rig) = Rig::connect(&listener).await;
    let mut written = 0;
    while slow_rig.port.write(&[b'x'; 4096]).is_ok() {
        written += 4096;
        quick_rig.say("tick\n");
        read_text(&mut quick, "tick\r\n").await;
        assert!(
            written < 64 << 20,
            "the outbox of a client that reads nothing never fills"
        );
    }
    assert!(written >= OUTBOX_MAX);
    let reason = timeout(PATIENCE, slow_rig.closed()).await.unwrap();
    assert_eq!(reason, "the client reads too slowly");
    quick_rig.say("tock\n");
    read_text(&mut quick, "tock\r\n").await;
}
