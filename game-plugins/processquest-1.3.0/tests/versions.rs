//! Version 1.3.0 against the versions before it.

#![allow(clippy::unwrap_used)]

use pq_sdk::pq_abi::host::linked_library;
use processquest_1_3_0::LIBRARY;

#[test]
fn only_the_enemies_have_changed() {
    let modules = linked_library(&LIBRARY).unwrap();
    let before = linked_library(&processquest_1_1_0::LIBRARY).unwrap();
    let versions = |modules: &[pq_sdk::pq_abi::host::Module]| -> Vec<(String, String)> {
        let pair = |module: &pq_sdk::pq_abi::host::Module| {
            (module.name().to_string(), module.vsn().to_string())
        };
        modules.iter().map(pair).collect()
    };
    let (before, now) = (versions(&before), versions(&modules));
    let changed: Vec<_> = now.iter().filter(|pair| !before.contains(pair)).collect();
    assert_eq!(changed, [&("pq_enemy".to_string(), "1.3.0".to_string())]);
    assert_eq!(before.len(), now.len());
}

#[test]
fn the_sources_are_those_of_a_library() {
    pq_testing::sources::check(env!("CARGO_MANIFEST_DIR"));
}
