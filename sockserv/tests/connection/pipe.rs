//! Tests over a pipe in memory with a paused clock: time limits and capacities.

use std::time::Duration;

use sockserv::session::port::LINES_MAX;
use sockserv::wire::line::LINE_MAX;
use sockserv::wire::outbox::OUTBOX_MAX;
use sockserv::{End, Opening, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

use crate::rig::{Heard, Rig, read_all, read_bytes, read_text};

/// The capacity of a pipe that holds a whole dialogue.
const WIDE: usize = 1 << 20;

#[tokio::test(start_paused = true)]
async fn lines_reach_the_owner_in_order_and_its_words_the_client() {
    let (mut client, server) = duplex(WIDE);
    let mut rig = Rig::serve(server);
    rig.say("What's your character's name?\n");
    read_text(&mut client, "What's your character's name?\r\n").await;
    client.write_all(b"An").await.unwrap();
    client.write_all("n\r\nZoë\ny\r".as_bytes()).await.unwrap();
    assert_eq!(
        [rig.line().await, rig.line().await, rig.line().await],
        ["Ann", "Zoë", "y"]
    );
    rig.say("Bye.\n");
    rig.port.close();
    assert_eq!(read_all(&mut client).await, "Bye.\r\n");
    drop(client);
    assert_eq!(rig.end().await, (End::ByOwner, vec![]));
}

#[tokio::test(start_paused = true)]
async fn telnet_commands_are_answered_here_and_never_reach_the_owner() {
    let (mut client, server) = duplex(WIDE);
    let mut rig = Rig::serve(server);
    let will_naws_do_echo_sub_ayt =
        b"\xff\xfb\x1fA\xff\xfd\x01n\xff\xfa\x1f\0\x50\0\x18\xff\xf0n\xff\xf6\r\n";
    client.write_all(will_naws_do_echo_sub_ayt).await.unwrap();
    assert_eq!(rig.line().await, "Ann");
    let offers = b"\xff\xfd\x18\xff\xfb\x19\xff\xfb\x2a\xff\xfb\x46\xff\xfb\xc9";
    let expected = [b"\xff\xfd\x1f", &offers[..], b"\xff\xfb\x01[yes]\r\n"].concat();
    let mut reply = vec![0; expected.len()];
    client.read_exact(&mut reply).await.unwrap();
    assert_eq!(reply, expected);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_sent_the_probe_then_text_and_then_the_mark_of_its_prompt() {
    let (mut client, server) = duplex(WIDE);
    let rig = Rig::serve_with(server, Settings::default());
    rig.say("Name: ");
    read_bytes(&mut client, b"\xff\xfd\x18Name: ").await;
    // `WONT TTYPE`, `DONT EOR`: the waiting prompt is marked when the kind of the mark is known.
    client.write_all(b"\xff\xfc\x18").await.unwrap();
    read_bytes(
        &mut client,
        b"\xff\xfb\x19\xff\xfd\x1f\xff\xfb\x2a\xff\xfb\x46\xff\xfb\xc9",
    )
    .await;
    client.write_all(b"\xff\xfe\x19").await.unwrap();
    read_bytes(&mut client, b"\xff\xf9").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_of_telnet_is_kept_awake_after_so_much_silence_of_ours() {
    let (mut client, server) = duplex(WIDE);
    let settings = Settings {
        opening: Opening::Quiet,
        keepalive: Some(Duration::from_secs(7)),
        ..Settings::default()
    };
    let rig = Rig::serve_with(server, settings);
    // A client that has not sent a telnet command gets no keepalive.
    sleep(Duration::from_secs(60)).await;
    client.write_all(b"\xff\xf1").await.unwrap();
    read_bytes(&mut client, b"\xff\xfd\x18").await;
    let mut rest = [0; 15];
    client.read_exact(&mut rest).await.unwrap();
    let start = Instant::now();
    for turn in 1..=3 {
        read_bytes(&mut client, b"\xff\xf1").await;
        assert_eq!(start.elapsed().as_secs(), 7 * turn);
    }
    sleep(Duration::from_secs(5)).await;
    rig.say("tick\n");
    read_bytes(&mut client, b"tick\r\n\xff\xf1").await;
    assert_eq!(start.elapsed().as_secs(), 21 + 5 + 7);
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_none_keeps_nobody_awake() {
    let (mut client, server) = duplex(WIDE);
    let settings = Settings {
        keepalive: None,
        ..Settings::default()
    };
    let rig = Rig::serve_with(server, settings);
    client.write_all(b"\xff\xf1").await.unwrap();
    sleep(Duration::from_secs(10_000)).await;
    rig.port.close();
    let told = read_all(&mut client).await;
    // The probe and the offers have three bytes each; none of them is UTF-8.
    assert_eq!(told.chars().count(), 18, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_too_long_is_answered_and_left_out() {
    let (mut client, server) = duplex(WIDE);
    let mut rig = Rig::serve(server);
    client
        .write_all(format!("{}\nAnn\n", "x".repeat(10 * LINE_MAX)).as_bytes())
        .await
        .unwrap();
    assert_eq!(rig.line().await, "Ann");
    read_text(
        &mut client,
        "That line is too long: at most 1024 bytes.\r\n",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_half_closes_still_gets_what_its_owner_has_to_say() {
    let (mut client, server) = duplex(WIDE);
    let mut rig = Rig::serve(server);
    client.write_all(b"Ann\nquit\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rig.closed().await, "closed by the client");
    rig.say("Said after the end of input.\n");
    rig.port.close();
    assert_eq!(
        read_all(&mut client).await,
        "Said after the end of input.\r\n"
    );
    assert_eq!(rig.end().await, (End::ByClient, vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_forgets_to_close_does_not_keep_the_connection() {
    let (mut client, server) = duplex(WIDE);
    let mut rig = Rig::serve(server);
    let start = Instant::now();
    client.shutdown().await.unwrap();
    rig.closed().await;
    assert_eq!(rig.end().await.0, End::ByClient);
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_dropped_after_half_a_minute() {
    let (_client, server) = duplex(16);
    let mut rig = Rig::serve(server);
    let start = Instant::now();
    let chatter = rig.port.clone();
    tokio::spawn(async move {
        // Messages about an avatar continue, and must not extend the deadline.
        while chatter.write(b"Executing a Pig...\n").is_ok() {
            sleep(Duration::from_millis(800)).await;
        }
    });
    assert_eq!(rig.closed().await, "the client reads nothing");
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(rig.end().await, (End::Stalled, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_a_little_now_and_then_is_kept() {
    let (mut client, server) = duplex(16);
    let rig = Rig::serve(server);
    rig.say(&"x".repeat(160));
    for _ in 0..10 {
        sleep(Duration::from_secs(20)).await;
        read_text(&mut client, &"x".repeat(16)).await;
    }
    rig.port.close();
    assert_eq!(read_all(&mut client).await, "");
    assert_eq!(rig.end().await.0, End::ByOwner);
}

#[tokio::test(start_paused = true)]
async fn a_client_with_a_full_outbox_is_dropped_at_once() {
    let (client, server) = duplex(16);
    let mut rig = Rig::serve(server);
    let start = Instant::now();
    rig.say("the first is being written when the rest comes");
    tokio::task::yield_now().await;
    rig.say(&"x".repeat(OUTBOX_MAX));
    rig.port.write(b"x").unwrap_err();
    assert_eq!(rig.closed().await, "the client reads too slowly");
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(rig.end().await, (End::Overflown, vec![]));
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_lines_waits_outside_until_the_owner_keeps_up() {
    let (mut client, server) = duplex(WIDE);
    let mut rig = Rig::serve(server);
    client
        .write_all("x\n".repeat(10_000).as_bytes())
        .await
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.lines_kept(), LINES_MAX);
    rig.say("still here\n");
    read_text(&mut client, "still here\r\n").await;
    rig.port.line_done();
    rig.port.line_done();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.lines_kept(), 2);
    for _ in 0..LINES_MAX {
        rig.port.line_done();
    }
    for _ in 0..10_000 - LINES_MAX - 2 {
        assert_eq!(rig.line().await, "x");
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_client_that_is_closed_by_its_owner_ends() {
    let (mut client, server) = duplex(WIDE);
    let rig = Rig::serve(server);
    client
        .write_all("x\n".repeat(100).as_bytes())
        .await
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    rig.port.close();
    assert_eq!(read_all(&mut client).await, "");
    let (end, heard) = rig.end().await;
    assert_eq!((end, heard.len()), (End::ByOwner, LINES_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_hangs_up_is_not_waited_for() {
    let (mut client, server) = duplex(WIDE);
    let rig = Rig::serve(server);
    let start = Instant::now();
    rig.port.close();
    assert_eq!(read_all(&mut client).await, "");
    assert_eq!(rig.end().await.0, End::ByOwner);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_line_at_the_end_of_input_is_no_line() {
    let (mut client, server) = duplex(WIDE);
    let mut rig = Rig::serve(server);
    client.write_all(b"Ann\nqui").await.unwrap();
    drop(client);
    assert_eq!(rig.heard().await, Heard::Line("Ann".to_string()));
    assert_eq!(
        rig.heard().await,
        Heard::Closed("closed by the client".to_string())
    );
}
