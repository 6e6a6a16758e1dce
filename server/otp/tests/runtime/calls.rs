//! Calls between modules within one callback: how deep they may nest, and what a failure is for the caller.

use pq_otp::Term;

use crate::actor::Do;
use crate::house::House;

/// What an actor notes that calls this function of the well.
fn call(house: &mut House, function: &str) -> String {
    let a = house.actor("a", vec![Do::Well(function.to_string())]);
    house.exit(a, "kill");
    house.lines().concat()
}

#[test]
fn calls_between_modules_nest_a_hundred_deep_and_no_deeper() {
    assert_eq!(call(&mut House::new(), "deep"), "a 100");
}

#[test]
fn a_function_that_panics_is_a_failure_that_its_caller_can_outlive() {
    let line = call(&mut House::new(), "dry");
    assert!(
        line.starts_with("a failed: {panic,\"no water, at ") && line.contains("fixture.rs:"),
        "{line}"
    );
}

#[test]
fn a_function_that_is_not_there_is_undefined() {
    assert_eq!(
        call(&mut House::new(), "nothing"),
        "a failed: {undef,\"function nothing\"}"
    );
}

#[test]
fn a_module_reads_the_environment_of_applications() {
    let mut house = House::new();
    assert_eq!(call(&mut house, "setting"), "a undefined");
    house
        .sim
        .node()
        .set_env("fixture", "depth", Term::from(12_i64));
    assert_eq!(call(&mut house, "setting"), "a 12");
}
