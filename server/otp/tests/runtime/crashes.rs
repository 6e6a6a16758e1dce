//! A callback that panics ends its own process, and has done nothing.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use crate::actor::Do;
use crate::house::{House, say};

#[test]
fn a_panic_ends_one_process_with_message_and_place_and_undoes_what_was_asked_for() {
    let mut house = House::new();
    let other = house.actor("other", vec![]);
    let a = house.actor("a", vec![]);
    house.actor("w", vec![Do::Monitor(a)]);
    let wishes = vec![
        Do::Send(other, "never sent".to_string()),
        Do::Timer(10, "never fires".to_string()),
        Do::Link(other),
        Do::Start(vec![say("never born")]),
        Do::Panic("this is the message".to_string()),
    ];
    house.tell(a, wishes);
    house.sim.run_ms(1_000);
    let lines = house.lines();
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    let place = line
        .strip_prefix("w down a: {panic,\"this is the message, at ")
        .unwrap()
        .strip_suffix("\"}")
        .unwrap();
    let (file, at) = place.split_once(':').unwrap();
    assert!(file.ends_with("runtime/actor.rs"), "{place}");
    assert!(
        at.split(':')
            .all(|number| number.parse::<u32>().is_ok_and(|number| number > 0)),
        "{place}"
    );
    assert!(house.is_alive(other) && !house.is_alive(a));
    assert_eq!(house.sim.processes().len(), 2);
}

#[test]
fn a_panic_leaves_the_timers_that_ran_before_alone_and_they_reach_nobody() {
    let mut house = House::new();
    let a = house.actor("a", vec![Do::Timer(10, "for the dead".to_string())]);
    house.tell(a, vec![Do::Panic("now".to_string())]);
    let b = house.actor("b", vec![]);
    assert_eq!(
        (a.index(), b.index()),
        (0, 0),
        "it has the slot of the dead"
    );
    house.sim.run_ms(1_000);
    assert_eq!(house.lines(), Vec::<String>::new());
}

#[test]
fn the_log_says_who_ended_in_which_callback_and_why() {
    let log = Log::default();
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    tracing::subscriber::with_default(log.clone(), || {
        house.tell(a, vec![Do::Panic("for the log".to_string())])
    });
    let text = log.text.lock().unwrap().clone();
    for part in [
        &a.to_string(),
        "module=\"actor\"",
        "callback=Cast",
        "for the log, at ",
        "actor.rs:",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

/// Keeps log lines as text.
#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) text: Arc<Mutex<String>>,
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Line(&mut self.text.lock().unwrap()));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Line<'a>(&'a mut String);

impl tracing::field::Visit for Line<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}
