//! Calls between modules within one callback: the greatest depth, and failures as the caller sees them.

use pq_otp::application::Settings;
use pq_otp::inquiry::{Answered, Inquiry};
use pq_otp::{Modules, Term};

use crate::actor::Do;
use crate::rig::{Rig, encode};

/// The line of an actor that calls this function of the module `well`.
fn call(rig: &mut Rig, function: &str) -> String {
    let a = rig.actor("a", vec![Do::Well(function.to_string())]);
    rig.exit(a, "kill");
    rig.lines().concat()
}

#[test]
fn calls_between_modules_nest_a_hundred_deep_and_no_deeper() {
    assert_eq!(call(&mut Rig::new(), "deep"), "a 100");
}

#[test]
fn too_deep_a_call_is_one_error_for_a_process_and_for_a_question_to_a_module() {
    let mut rig = Rig::new();
    let in_process = call(&mut rig, "bottom");
    let inquiry = Inquiry::new(rig.modules.clone(), Settings::new());
    let well = rig.modules.current("well").unwrap();
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
    let line = call(&mut Rig::new(), "dry");
    assert!(
        line.starts_with("a failed: {panic,\"no water, at ") && line.contains("fixture.rs:"),
        "{line}"
    );
}

#[test]
fn a_function_that_is_not_there_is_undefined() {
    assert_eq!(
        call(&mut Rig::new(), "nothing"),
        "a failed: {undef,\"function nothing\"}"
    );
}

#[test]
fn a_module_reads_the_environment_of_applications() {
    let mut rig = Rig::new();
    assert_eq!(call(&mut rig, "setting"), "a undefined");
    rig.sim
        .node()
        .set_env("fixture", "depth", Term::from(12_i64));
    assert_eq!(call(&mut rig, "setting"), "a 12");
}
