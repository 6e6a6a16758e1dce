//! Ports: the owner receives the input, the sink receives the output, and each learns of the end of the other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Pid, PortSink, Reason};

use crate::actor::Do;
use crate::rig::Rig;

/// A socket that keeps the bytes written to it.
#[derive(Default)]
pub(crate) struct Sink {
    written: Mutex<Vec<String>>,
    handled: AtomicU32,
    closed: AtomicU32,
    /// The exit reasons of owners whose end closed the port.
    reasons: Mutex<Vec<Reason>>,
}

impl Sink {
    /// The output, the number of handled inputs, and the number of closings.
    fn seen(&self) -> (Vec<String>, u32, u32) {
        let written = self.written.lock().unwrap().clone();
        (
            written,
            self.handled.load(Ordering::Relaxed),
            self.closed.load(Ordering::Relaxed),
        )
    }
}

impl PortSink for Sink {
    fn write(&self, bytes: &[u8]) {
        self.written
            .lock()
            .unwrap()
            .push(String::from_utf8_lossy(bytes).into_owned());
    }

    fn close(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    fn close_after(&self, reason: &Reason) {
        self.reasons.lock().unwrap().push(reason.clone());
        self.close();
    }

    fn input_done(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }
}

/// Opens a port for this process.
fn open(rig: &mut Rig, owner: Pid) -> (u64, Arc<Sink>) {
    let sink = Arc::new(Sink::default());
    let port = rig.sim.node().open_port(sink.clone());
    rig.sim.node().own_port(port, owner);
    rig.sim.settle();
    (port, sink)
}

#[test]
fn input_reaches_the_owner_and_what_it_writes_the_sink() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let (port, sink) = open(&mut rig, a);
    for line in ["one", "two"] {
        rig.sim.node().port_input(port, a, line.as_bytes());
    }
    rig.sim.settle();
    assert_eq!(rig.lines(), ["a port says one", "a port says two"]);
    assert_eq!(
        sink.seen(),
        (vec!["one".to_string(), "two".to_string()], 2, 0)
    );
}

#[test]
fn a_port_that_its_owner_closes_takes_what_was_written_before_and_nothing_after() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let (port, sink) = open(&mut rig, a);
    for line in ["close", "late"] {
        rig.sim.node().port_input(port, a, line.as_bytes());
    }
    rig.sim.settle();
    let (written, _, closed) = sink.seen();
    assert_eq!((written, closed), (vec!["close".to_string()], 1));
    assert_eq!(*sink.reasons.lock().unwrap(), [], "it was its own wish");
    assert_eq!(rig.sim.node().port_count(), 0);
}

#[test]
fn a_port_closes_with_its_owner_however_that_ends() {
    let mut rig = Rig::new();
    for (script, is_orderly) in [
        (vec![Do::Panic("oh".to_string())], false),
        (vec![Do::Stop(pq_otp::Term::atom("normal"))], true),
    ] {
        let a = rig.actor("a", vec![]);
        let (_, sink) = open(&mut rig, a);
        rig.tell(a, script);
        assert_eq!(sink.seen().2, 1);
        let reasons = sink.reasons.lock().unwrap();
        let orderly: Vec<bool> = reasons.iter().map(Reason::is_orderly).collect();
        assert_eq!(orderly, [is_orderly], "{reasons:?}");
        let (_, late) = open(&mut rig, a);
        assert_eq!(late.seen().2, 1, "the owner is dead already");
    }
    assert_eq!(rig.sim.node().port_count(), 0);
}

/// A way to end a process that owns a port.
type End = fn(&mut Rig, Pid, u64);

#[test]
fn a_connection_is_dropped_when_neither_its_process_nor_the_client_wished_its_end() {
    let mut rig = Rig::new();
    let ends: [(End, u64); 5] = [
        (|rig, a, _| rig.sim.node().kill(a), 1),
        (
            |rig, a, _| rig.tell(a, vec![Do::Panic("oh".to_string())]),
            1,
        ),
        (
            |rig, a, _| rig.tell(a, vec![Do::Stop(pq_otp::Term::atom("normal"))]),
            0,
        ),
        (
            |rig, a, port| rig.sim.node().port_input(port, a, b"close"),
            0,
        ),
        (
            |rig, a, port| {
                rig.sim
                    .sys(a, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
                    .unwrap();
                rig.sim.node().port_closed(port, a, "reset");
                rig.sim.node().kill(a);
            },
            0,
        ),
    ];
    for (at, (end, dropped)) in ends.into_iter().enumerate() {
        let a = rig.actor("a", vec![]);
        let (port, sink) = open(&mut rig, a);
        let before = rig.sim.node().ports_dropped();
        end(&mut rig, a, port);
        rig.sim.settle();
        assert_eq!(sink.seen().2, 1, "{at}");
        assert_eq!(rig.sim.node().ports_dropped() - before, dropped, "{at}");
    }
}

#[test]
fn an_owner_hears_why_its_port_has_closed() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let (port, _) = open(&mut rig, a);
    rig.sim.node().port_closed(port, a, "reset");
    rig.sim.settle();
    assert_eq!(rig.lines(), ["a port closed: reset"]);
}

#[test]
fn input_is_never_dropped_and_said_to_be_handled_only_when_it_is() {
    let mut rig = Rig::with(|config| config.mailbox_max = 2);
    let a = rig.actor("a", vec![]);
    let (port, sink) = open(&mut rig, a);
    rig.sim
        .sys(a, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    for _ in 0..5 {
        rig.sim.node().port_input(port, a, b"x");
    }
    rig.sim.settle();
    // The sink limits the number of waiting inputs, not the mailbox.
    assert_eq!(sink.seen().1, 0);
    rig.sim
        .sys(a, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(sink.seen().1, 5);
}

#[test]
fn input_for_a_manager_is_handled_as_well() {
    let mut rig = Rig::new();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    let (port, sink) = open(&mut rig, bell);
    rig.sim.node().port_input(port, bell, b"x");
    rig.sim.settle();
    assert_eq!(sink.seen().1, 1);
}
