//! Timers of processes (`erlang:start_timer/3`, `erlang:cancel_timer/1`).

use crate::actor::Do;
use crate::house::House;

fn timer(ms: u64, text: &str) -> Do {
    Do::Timer(ms, text.to_string())
}

#[test]
fn timers_fire_in_the_order_of_their_time_and_then_of_their_start() {
    let mut house = House::new();
    let script = vec![
        timer(50, "c"),
        timer(10, "a"),
        timer(50, "d"),
        timer(20, "b"),
        timer(0, "first"),
    ];
    house.actor("a", script);
    house.sim.run_ms(100);
    let expected = ["first", "a", "b", "c", "d"].map(|text| format!("a info \"{text}\""));
    assert_eq!(house.lines(), expected);
}

#[test]
fn a_timer_fires_at_its_time_and_not_before() {
    for ms in [1, 2, 999, 4_095, 4_096, 4_097, 8_192, 100_000, 40_000_000] {
        let mut house = House::new();
        house.actor("a", vec![Do::Later(ms, vec![Do::NoteTime])]);
        house.sim.run_ms(ms - 1);
        assert_eq!(house.lines(), Vec::<String>::new(), "{ms} ms");
        house.sim.run_ms(1);
        assert_eq!(house.lines(), [format!("a at {ms}")]);
    }
}

#[test]
fn a_cancelled_timer_never_fires() {
    let mut house = House::new();
    let a = house.actor(
        "a",
        vec![timer(10, "cancelled"), Do::Cancel, timer(20, "stays")],
    );
    house.sim.run_ms(15);
    house.tell(a, vec![timer(5, "cancelled just in time")]);
    house.sim.run_ms(4);
    house.tell(a, vec![Do::Cancel]);
    house.sim.run_ms(100);
    assert_eq!(
        house.lines(),
        ["a cancelled: true", "a cancelled: true", "a info \"stays\""]
    );
}

#[test]
fn cancelling_a_timer_that_has_fired_says_so() {
    let mut house = House::new();
    let a = house.actor("a", vec![timer(10, "fires")]);
    house.sim.run_ms(10);
    // The next timer takes the place of the old one; the old name must not cancel it.
    house.actor("b", vec![timer(10, "of another")]);
    house.tell(a, vec![Do::Cancel]);
    house.sim.run_ms(10);
    assert_eq!(
        house.lines(),
        [
            "a info \"fires\"",
            "a cancelled: false",
            "b info \"of another\""
        ]
    );
}

#[test]
fn a_timer_beyond_all_time_is_no_error() {
    let mut house = House::new();
    house.sim.run_ms(10);
    let a = house.actor("a", vec![timer(u64::MAX, "never"), timer(10, "soon")]);
    house.sim.run_ms(1_000_000);
    assert_eq!(house.lines(), ["a info \"soon\""]);
    assert!(house.is_alive(a));
}
