//! Calls between modules within one callback: how deep they may nest, and what a failure is for the caller.

use pq_otp::application::Settings;
use pq_otp::inquiry::{Answered, Inquiry};
use pq_otp::{Modules, Term};

use crate::actor::Do;
use crate::house::{House, encode};

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
fn too_deep_a_call_is_one_error_for_a_process_and_for_a_question_to_a_module() {
    let mut house = House::new();
    let in_process = call(&mut house, "bottom");
    let inquiry = Inquiry::new(house.modules.clone(), Settings::new());
    let well = house.modules.current("well").unwrap();
    let Answered::Result(answer) = inquiry.call(well, "bottom", &encode(&(1,))) else {
        panic!("it answers why");
    };
    let in_inquiry = pq_term::msgpack::from_msgpack(&answer).unwrap();
    assert_eq!(
        in_inquiry.to_string(),
        "\"{system_limit,\\\"calls between modules nest too deep\\\"}\""
    );
    assert_eq!(in_process, format!("a {in_inquiry}"));
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
