//! A callback that panics ends its own process, and has done nothing.

use crate::actor::Do;
use crate::house::{House, say};
use crate::log;

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
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    let text = log::written_during(|| {
        house.tell(a, vec![Do::Panic("for the log".to_string())]);
    });
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
