//! Timers of processes (`erlang:start_timer/3`, `erlang:cancel_timer/1`).

use crate::actor::Do;
use crate::rig::Rig;

fn timer(ms: u64, text: &str) -> Do {
    Do::Timer(ms, text.to_string())
}

#[test]
fn timers_fire_in_the_order_of_their_time_and_then_of_their_start() {
    let mut rig = Rig::new();
    let script = vec![
        timer(50, "c"),
        timer(10, "a"),
        timer(50, "d"),
        timer(20, "b"),
        timer(0, "first"),
    ];
    rig.actor("a", script);
    rig.sim.run_ms(100);
    let expected = ["first", "a", "b", "c", "d"].map(|text| format!("a info \"{text}\""));
    assert_eq!(rig.lines(), expected);
}

#[test]
fn a_timer_fires_at_its_time_and_not_before() {
    for ms in [1, 2, 999, 4_095, 4_096, 4_097, 8_192, 100_000, 40_000_000] {
        let mut rig = Rig::new();
        rig.actor("a", vec![Do::Later(ms, vec![Do::NoteTime])]);
        rig.sim.run_ms(ms - 1);
        assert_eq!(rig.lines(), Vec::<String>::new(), "{ms} ms");
        rig.sim.run_ms(1);
        assert_eq!(rig.lines(), [format!("a at {ms}")]);
    }
}

#[test]
fn a_cancelled_timer_never_fires() {
    let mut rig = Rig::new();
    let a = rig.actor(
        "a",
        vec![timer(10, "cancelled"), Do::Cancel, timer(20, "stays")],
    );
    rig.sim.run_ms(15);
    rig.tell(a, vec![timer(5, "cancelled just in time")]);
    rig.sim.run_ms(4);
    rig.tell(a, vec![Do::Cancel]);
    rig.sim.run_ms(100);
    assert_eq!(
        rig.lines(),
        ["a cancelled: true", "a cancelled: true", "a info \"stays\""]
    );
}

#[test]
fn cancelling_a_timer_that_has_fired_says_so() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![timer(10, "fires")]);
    rig.sim.run_ms(10);
    // The next timer takes the entry of the old one; the old key must not cancel it.
    rig.actor("b", vec![timer(10, "of another")]);
    rig.tell(a, vec![Do::Cancel]);
    rig.sim.run_ms(10);
    assert_eq!(
        rig.lines(),
        [
            "a info \"fires\"",
            "a cancelled: false",
            "b info \"of another\""
        ]
    );
}

#[test]
fn a_timer_beyond_all_time_is_no_error() {
    let mut rig = Rig::new();
    rig.sim.run_ms(10);
    let a = rig.actor("a", vec![timer(u64::MAX, "never"), timer(10, "soon")]);
    rig.sim.run_ms(1_000_000);
    assert_eq!(rig.lines(), ["a info \"soon\""]);
    assert!(rig.is_alive(a));
}
