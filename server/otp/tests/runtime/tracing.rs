//! Traces of processes: steps in their order, several tracers, and their ends.

use std::sync::{Arc, Mutex};

use pq_otp::sys::SysMessage;
use pq_otp::trace::{Content, Message, Step, Tracer};
use pq_otp::{Envelope, Pid, Reason};

use crate::actor::Do;
use crate::fixture::Signal;
use crate::rig::{Rig, payload};
use crate::system::sys;

/// A tracer that keeps the steps as lines, until it has as many as it wants.
struct Kept {
    lines: Mutex<Vec<String>>,
    wants: usize,
}

impl Tracer for Kept {
    fn take(&self, step: &Step<'_>) -> bool {
        let mut lines = self.lines.lock().unwrap();
        lines.push(line(step));
        lines.len() < self.wants
    }
}

fn line(step: &Step<'_>) -> String {
    let message = |message: &Message<'_>| {
        let content = match message.content {
            Content::Message(_) => message.content.to_string(),
            _ => format!("({})", message.content),
        };
        format!("{} {content}", message.kind)
    };
    match step {
        Step::Received {
            message: it,
            waiting,
        } => format!("received {}, {waiting}", message(it)),
        Step::Sent(it) => format!("sent {} to {}", message(it), it.peer),
        Step::Timer { ms, message } => format!("timer {ms} {}", Content::Message(message)),
        Step::Did { effect, .. } => (*effect).to_string(),
        // The duration is that of the machine.
        Step::Handled { callback, .. } => (*callback).to_string(),
        Step::State { from, to } => format!("{from} -> {to}"),
        Step::Exit(reason) => format!("exit {reason}"),
    }
}

fn traced(rig: &mut Rig, pid: Pid, wants: usize) -> Arc<Kept> {
    let lines = Mutex::default();
    let kept = Arc::new(Kept { lines, wants });
    assert_eq!(sys(rig, pid, SysMessage::Install(kept.clone())), "ok");
    kept
}

impl Kept {
    fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

#[test]
fn a_state_machine_is_traced_through_its_events_timers_and_states() {
    let mut rig = Rig::new();
    let light = rig.begin("light", "light", &(0_u64,)).unwrap();
    let kept = traced(&mut rig, light, 100);
    rig.deliver(light, Envelope::Event(payload(&Signal::FlashFor(250))));
    rig.deliver(light, Envelope::Event(payload(&Signal::Change)));
    rig.sim.run_ms(250);
    let expected = [
        "received event #{\"FlashFor\" => 250}, 1",
        "timer 250 \"Change\"",
        "handle_event",
        "\"Red\" -> \"Green\"",
        "received event \"Change\", 0",
        "handle_event",
        "\"Green\" -> \"Red\"",
        "received event \"Change\", 0",
        "handle_event",
        "\"Red\" -> \"Green\"",
    ];
    assert_eq!(kept.take_lines(), expected);
}

#[test]
fn an_actor_is_traced_through_its_messages_to_its_end() {
    let mut rig = Rig::new();
    let other = rig.actor("other", vec![]);
    let actor = rig.actor("actor", vec![]);
    let kept = traced(&mut rig, actor, 100);
    rig.tell(actor, vec![Do::Monitor(other)]);
    rig.exit(actor, "enough");
    let lines = kept.take_lines();
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(kinds[0], "received", "{lines:?}");
    assert!(kinds.contains(&"monitor"), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "exit enough");
}

#[test]
fn a_tracer_is_removed_by_its_wish_and_by_a_message_and_leaves_nothing() {
    let mut rig = Rig::new();
    let light = rig.begin("light", "light", &(0_u64,)).unwrap();
    let (first, second) = (traced(&mut rig, light, 1), traced(&mut rig, light, 100));
    let change = || Envelope::Event(payload(&Signal::Change));
    rig.deliver(light, change());
    rig.sim.settle();
    assert_eq!(first.take_lines().len(), 1);
    assert_eq!(second.take_lines().len(), 3);
    assert!(sys(&mut rig, light, SysMessage::GetStatus).contains("{install,true}"));
    sys(&mut rig, light, SysMessage::Remove(second.clone()));
    rig.deliver(light, change());
    rig.sim.settle();
    assert_eq!(
        (first.take_lines().len(), second.take_lines().len()),
        (0, 0)
    );
    assert!(!sys(&mut rig, light, SysMessage::GetStatus).contains("install"));
    let last = traced(&mut rig, light, 1);
    rig.sim.exit(light, Reason::Kill);
    assert_eq!(last.take_lines(), ["exit killed"]);
}

/// Events for a manager without handlers are not delivered, unless somebody sees them.
#[test]
fn the_events_of_a_manager_without_handlers_are_seen() {
    let mut rig = Rig::new();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    let kept = traced(&mut rig, bell, 100);
    rig.deliver(bell, Envelope::Event(payload(&"ding")));
    rig.sim.settle();
    assert_eq!(
        kept.take_lines(),
        ["received event \"ding\", 0", "handle_event"]
    );
}
