//! Tests of the output of a port: without a socket, and mostly without a clock.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use super::*;
use crate::session::told::Waiting;
use crate::settings::Settings;
use crate::wire::endpoint::Event;
use crate::wire::mccp::Turn;
use crate::wire::option::{COMPRESS2, EOR, GMCP, TTYPE};
use crate::wire::outbox::OUTBOX_MAX;
use crate::wire::telnet::Verb;

/// A port whose opening has no probe.
fn quiet() -> Port {
    let settings = Settings {
        opening: Opening::Quiet,
        ..Settings::default()
    };
    Port::new(settings.current())
}

fn bytes(bytes: &[u8]) -> Option<Output> {
    Some(Output::Bytes(Bytes::copy_from_slice(bytes)))
}

fn says(port: &Port, verb: Verb, option: u8) {
    port.hear(&Event::Negotiation { verb, option }, 3);
}

#[test]
fn the_probe_comes_before_anything_that_is_written() {
    let port = Port::new(Settings::default().current());
    port.write(b"Hello.\n").unwrap();
    assert_eq!(port.output_now(), bytes(b"\xff\xfd\x18Hello.\r\n"));
}

#[test]
fn a_prompt_is_marked_when_it_was_written_and_nothing_follows() {
    let port = quiet();
    says(&port, Verb::Do, EOR);
    says(&port, Verb::Wont, TTYPE);
    port.output_now();
    port.write(b"Your ").unwrap();
    port.write(b"name: ").unwrap();
    assert_eq!(port.output_now(), bytes(b"Your name: "));
    assert_eq!(port.output_now(), bytes(b"\xff\xef"));
    assert_eq!(port.output_now(), None);
    port.write(b"> ").unwrap();
    assert_eq!(port.output_now(), bytes(b"> "));
    port.write(b"Executing a Pig...\n").unwrap();
    assert_eq!(port.output_now(), bytes(b"Executing a Pig...\r\n"));
    assert_eq!(port.output_now(), None);
}

#[test]
fn a_client_that_speaks_no_telnet_is_not_kept_awake() {
    let port = quiet();
    port.keep_alive();
    assert_eq!(port.output_now(), None);
    says(&port, Verb::Wont, TTYPE);
    port.output_now();
    port.keep_alive();
    assert_eq!(port.output_now(), bytes(b"\xff\xf1"));
}

#[test]
fn what_was_written_before_the_close_comes_before_the_end() {
    let port = quiet();
    port.write(b"Bye.\n").unwrap();
    port.close();
    port.write(b"too late\n").unwrap();
    assert_eq!(port.output_now(), bytes(b"Bye.\r\n"));
    assert_eq!(port.output_now(), Some(Output::Closed));
}

/// A port whose client has agreed to GMCP.
fn with_gmcp() -> Port {
    let port = quiet();
    says(&port, Verb::Do, GMCP);
    port.output_now();
    port
}

#[test]
fn a_program_is_told_why_the_connection_is_closed() {
    let goodbye = |why: &str| Message::goodbye(why).wire();
    let port = with_gmcp();
    port.write(b"Bye.\n").unwrap();
    port.close();
    port.close();
    let told = [b"Bye.\r\n".as_slice(), &goodbye("Goodbye.")].concat();
    assert_eq!(port.output_now(), bytes(&told));
    assert_eq!(port.output_now(), Some(Output::Closed));
    for (why, line) in [("Too slow.", "Too slow.\r\n"), ("", "")] {
        let port = with_gmcp();
        port.dismiss(why);
        let why = if why.is_empty() { "Goodbye." } else { why };
        let told = [line.as_bytes(), &goodbye(why)].concat();
        assert_eq!(port.output_now(), bytes(&told));
        assert_eq!(port.output_now(), Some(Output::Dismissed));
    }
}

#[test]
fn a_goodbye_that_has_no_room_costs_nothing_that_was_said() {
    let port = with_gmcp();
    port.write(&[b'x'; OUTBOX_MAX]).unwrap();
    port.close();
    assert_eq!(port.output_now(), bytes(&[b'x'; OUTBOX_MAX]));
    assert_eq!(port.output_now(), Some(Output::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_program_says_that_its_player_is_there() {
    let port = with_gmcp();
    assert_eq!(port.about().awake, None);
    let bytes = b"Core.KeepAlive".to_vec();
    port.hear(
        &Event::Subnegotiation {
            option: GMCP,
            bytes,
        },
        20,
    );
    sleep(Duration::from_secs(7)).await;
    says(&port, Verb::Wont, TTYPE);
    assert_eq!(port.about().awake, Some(Duration::from_secs(7)));
}

#[test]
fn what_follows_the_announcement_is_compressed_until_the_client_wants_it_no_longer() {
    let port = quiet().compressing();
    port.write(b"plain ").unwrap();
    says(&port, Verb::Do, COMPRESS2);
    port.write(b"packed").unwrap();
    says(&port, Verb::Dont, COMPRESS2);
    port.write(b"plain again").unwrap();
    // The other offers are sent before the compression begins.
    let Some(Output::Bytes(begun)) = port.output_now() else {
        panic!("there is something to write");
    };
    assert!(begun.starts_with(b"plain \xff\xfb\x56"), "{begun:?}");
    assert!(begun.ends_with(b"\xff\xfa\x56\xff\xf0"), "{begun:?}");
    assert_eq!(port.output_now(), Some(Output::Turn(Turn::Begin)));
    assert_eq!(port.output_now(), bytes(b"packed\xff\xfc\x56"));
    assert_eq!(port.output_now(), Some(Output::Turn(Turn::End)));
    assert_eq!(port.output_now(), bytes(b"plain again"));
}

#[test]
fn a_client_that_asks_for_compression_for_ever_is_answered_some_times() {
    let port = quiet().compressing();
    for _ in 0..1_000 {
        says(&port, Verb::Do, COMPRESS2);
        says(&port, Verb::Dont, COMPRESS2);
    }
    let turns = std::iter::from_fn(|| port.output_now());
    let turns = turns.filter(|output| matches!(output, Output::Turn(_)));
    assert!(turns.count() <= 2 * usize::from(crate::wire::negotiation::ANSWERS_MAX));
}

#[test]
fn bytes_count_as_they_are_before_they_are_compressed() {
    let port = quiet().compressing();
    says(&port, Verb::Do, COMPRESS2);
    while port.output_now().is_some() {}
    port.write(&vec![b'x'; OUTBOX_MAX]).unwrap();
    assert_eq!(port.write(b"x"), Err(Overflow));
}

#[test]
fn why_a_connection_ends_is_told_once() {
    let told = |end: &dyn Fn(&Port)| {
        let ending = EndingCell::default();
        let port = quiet().telling(ending.clone());
        end(&port);
        port.close();
        ending.told().unwrap().cause
    };
    let after = |reason: Reason| told(&|port| port.close_after(&reason));
    assert_eq!(told(&|_| {}), Cause::Done);
    assert_eq!(told(&|port| port.tell_status()), Cause::Done);
    assert_eq!(told(&|port| port.dismiss("Enough.")), Cause::Refused);
    assert_eq!(told(&|port| port.dismiss("")), Cause::Refused);
    let flood = [b'x'; OUTBOX_MAX + 1];
    let overflows = |port: &Port| assert_eq!(port.write(&flood), Err(Overflow));
    assert_eq!(told(&overflows), Cause::Refused);
    assert_eq!(after(Reason::Normal), Cause::Done);
    assert_eq!(after(Reason::Shutdown), Cause::Stops);
    for reason in [
        Reason::Killed,
        Reason::Timeout,
        Reason::tagged("panic", "x"),
    ] {
        assert_eq!(after(reason), Cause::Fails);
    }
}

#[test]
fn an_overflow_is_told_once_and_ends_the_output() {
    let port = quiet();
    port.write(&vec![b'x'; OUTBOX_MAX]).unwrap();
    assert_eq!(port.write(b"x"), Err(Overflow));
    assert_eq!(port.write(b"x"), Ok(()));
    port.close();
    assert_eq!(port.output_now(), Some(Output::Overflown));
}

/// A port whose texts wait for the returned register, without its first bytes.
fn held() -> (Arc<Port>, Arc<Told>) {
    let (port, told) = (Arc::new(quiet()), Arc::<Told>::default());
    told.hold(|| ());
    told.begin(Pid::from_raw(9), &port);
    (port, told)
}

fn release_all(told: &Told) {
    told.take().into_iter().for_each(Waiting::release);
}

#[test]
fn a_text_waits_until_it_is_released_and_later_ones_behind_it() {
    let (port, told) = held();
    port.write(b"Obtained Bacon.\n").unwrap();
    let waiting = told.take();
    port.write(b"Sold Bacon.\n").unwrap();
    assert_eq!(port.output_now(), None);
    waiting.into_iter().for_each(Waiting::release);
    assert_eq!(port.output_now(), bytes(b"Obtained Bacon.\r\n"));
    assert_eq!(port.output_now(), None);
    release_all(&told);
    assert_eq!(port.output_now(), bytes(b"Sold Bacon.\r\n"));
    assert_eq!(told.take().len(), 0);
}

#[test]
fn telnet_keeps_its_place_behind_a_text_that_waits_and_keepalives_do_not_wait() {
    let (port, told) = held();
    says(&port, Verb::Wont, TTYPE);
    port.output_now();
    port.write(b"Obtained Bacon.\n").unwrap();
    port.announce("The node stops.").unwrap();
    port.keep_alive();
    assert_eq!(port.output_now(), bytes(b"\xff\xf1"));
    release_all(&told);
    assert_eq!(
        port.output_now(),
        bytes(b"Obtained Bacon.\r\nThe node stops.\r\n")
    );
    port.announce("At once.").unwrap();
    assert_eq!(port.output_now(), bytes(b"At once.\r\n"));
}

#[test]
fn a_port_closes_behind_the_text_that_waits() {
    let (port, told) = held();
    port.write(b"Bye.\n").unwrap();
    port.close();
    assert_eq!(port.output_now(), None);
    release_all(&told);
    assert_eq!(port.output_now(), bytes(b"Bye.\r\n"));
    assert_eq!(port.output_now(), Some(Output::Closed));
}

#[test]
fn compression_begins_where_it_was_announced_among_texts_that_wait() {
    let port = Port::new(Settings::default().current()).compressing();
    let (port, told) = (Arc::new(port), Arc::<Told>::default());
    told.hold(|| ());
    told.begin(Pid::from_raw(9), &port);
    port.output_now();
    port.write(b"one\n").unwrap();
    says(&port, Verb::Do, COMPRESS2);
    port.write(b"two\n").unwrap();
    assert_eq!(port.output_now(), None);
    release_all(&told);
    let Some(Output::Bytes(before)) = port.output_now() else {
        panic!("bytes before the compression");
    };
    assert!(before.starts_with(b"one\r\n") && before.ends_with(b"\xff\xfa\x56\xff\xf0"));
    assert_eq!(port.output_now(), Some(Output::Turn(Turn::Begin)));
    assert_eq!(port.output_now(), bytes(b"two\r\n"));
}

#[test]
fn texts_above_the_limit_are_left_out_and_a_client_that_reads_stays() {
    let (port, told) = held();
    for _ in 0..3 {
        port.write(&[b'x'; OUTBOX_MAX - 1_000]).unwrap();
    }
    assert_eq!(port.output_now(), None);
    release_all(&told);
    let Some(Output::Bytes(told_now)) = port.output_now() else {
        panic!("the released output");
    };
    let left_out = b"More happened than could be kept for you";
    let is_said = told_now.windows(left_out.len()).filter(|it| it == left_out);
    assert_eq!(is_said.count(), 1);
    assert!(told_now.len() < OUTBOX_MAX);
    port.write(b"On.\n").unwrap();
    release_all(&told);
    assert_eq!(port.output_now(), bytes(b"On.\r\n"));
}

#[test]
fn a_client_that_reads_nothing_of_what_was_released_overflows() {
    let (port, told) = held();
    for _ in 0..3 {
        port.write(&[b'x'; OUTBOX_MAX - 1_000]).unwrap();
        release_all(&told);
    }
    assert_eq!(port.output_now(), Some(Output::Overflown));
}

#[test]
fn a_client_reads_once_that_the_world_waits_and_once_that_it_goes_on() {
    let (port, told) = held();
    told.tell(true);
    assert_eq!(port.output_now(), None);
    port.write(b"Obtained Bacon.\n").unwrap();
    told.tell(true);
    told.tell(true);
    let Some(Output::Bytes(line)) = port.output_now() else {
        panic!("a line");
    };
    assert!(line.starts_with(b"[The world waits") && line.ends_with(b"\r\n"));
    told.tell(false);
    told.tell(false);
    assert_eq!(port.output_now(), bytes(b"[The world goes on.]\r\n"));
    release_all(&told);
    assert_eq!(port.output_now(), bytes(b"Obtained Bacon.\r\n"));
}

#[test]
fn a_session_is_reported_once_until_somebody_takes_its_output() {
    let counted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (port, told, counts) = (Arc::new(quiet()), Arc::<Told>::default(), counted.clone());
    told.hold(move || {
        counts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    told.begin(Pid::from_raw(9), &port);
    for _ in 0..3 {
        port.write(b"on\n").unwrap();
    }
    let first = told.take();
    port.write(b"and on\n").unwrap();
    assert_eq!((first.len(), told.take().len()), (1, 1));
    assert_eq!(counted.load(std::sync::atomic::Ordering::Relaxed), 2);
    told.release_all();
    assert_eq!(port.output_now(), bytes(b"on\r\non\r\non\r\nand on\r\n"));
    port.write(b"free\n").unwrap();
    assert_eq!(port.output_now(), bytes(b"free\r\n"));
}
