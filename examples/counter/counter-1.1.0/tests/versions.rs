//! Version 1.1.0 against 1.0.0: states go up and down, and a server counts on while it is upgraded.

use counter_1_0_0::counter_server as v1_0_0;
use counter_1_1_0::LIBRARY;
use counter_1_1_0::counter_server::Call;
use pq_testing::{Node, generated, there_and_back};

#[test]
fn a_state_that_went_up_and_down_is_the_same() {
    let states = generated::<v1_0_0::CounterServer>(1).take(1_000);
    there_and_back(&LIBRARY, "counter_server", "1.0.0", states);
}

#[test]
fn the_number_of_additions_waits_beside_the_older_version() {
    let mut node = Node::new(1);
    node.load(&counter_1_0_0::LIBRARY);
    let server = node.start("counter_server", &());
    assert_eq!(node.call::<u64>(server, &Call::Add(5)), 5);
    node.upgrade(&LIBRARY).expect("every state converts");
    assert_eq!(node.call::<u64>(server, &Call::Add(2)), 7);
    node.downgrade(&counter_1_0_0::LIBRARY).expect("every state converts");
    assert_eq!(node.call::<u64>(server, &Call::Add(1)), 8);
    node.upgrade(&LIBRARY).expect("every state converts");
    assert_eq!(node.call::<u64>(server, &Call::Additions), 1);
}

#[test]
fn the_sources_are_those_of_a_library() {
    pq_testing::sources::check(env!("CARGO_MANIFEST_DIR"));
}
