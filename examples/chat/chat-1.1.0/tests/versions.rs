//! Version 1.1.0 against 1.0.0: states of the topic go up and down.

use chat_1_0_0::chat_topic as v1_0_0;
use chat_1_1_0::LIBRARY;
use pq_testing::{generated, there_and_back};

#[test]
fn a_topic_that_went_up_and_down_is_the_same() {
    let states = generated::<v1_0_0::Topic>(1).take(1_000);
    there_and_back(&LIBRARY, "chat_topic", "1.0.0", states);
}

#[test]
fn the_sources_are_those_of_a_library() {
    pq_testing::sources::check(env!("CARGO_MANIFEST_DIR"));
}
