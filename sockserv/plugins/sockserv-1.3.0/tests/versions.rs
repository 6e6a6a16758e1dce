//! Version 1.3.0 against the versions before it.

#[test]
fn the_sources_are_those_of_a_library() {
    pq_testing::sources::check(env!("CARGO_MANIFEST_DIR"));
}
