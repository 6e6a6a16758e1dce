//! Operators' text that floods the atom table with new names: known names still work, and a release can be unpacked and
//! installed.

use pq_tests::running::Tree;

use crate::operator::typed::{done, node_with_heroes, refused, told, typed};

/// The number of names that fit in one argument of a command, of the 65 536 that text from outside may make.
const NAMES: usize = 18_000;

const NO_ROOM: &str = "text from outside has made 65536 new names already";

/// Arguments with new names.
fn flood(round: usize) -> String {
    let names: Vec<_> = (0..NAMES)
        .map(|name| format!("n{:x}", round * NAMES + name))
        .collect();
    format!("[[{}]]", names.join(","))
}

#[test]
fn names_from_operators_keep_no_release_away() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 1);
    let calls: Vec<_> = (0..4)
        .map(|round| typed(&tree, &["call", "pq_stats", "roll", &flood(round)]))
        .collect();
    assert!(!calls[0].err.contains(NO_ROOM), "{calls:?}");
    assert!(calls[3].err.contains(NO_ROOM), "{:?}", calls[3]);
    for args in [
        &["call", "regis", "whereis_name", "[unheard_of]"][..],
        &["sys", "get-state", "{unheard_of,\"Ann\"}"],
    ] {
        let typed = typed(&tree, args);
        assert!(typed.err.contains(NO_ROOM), "{typed:?}");
    }
    let folder = tree.root().join("lib");
    let args = ["upgrade-app", "unheard_of", folder.to_str().unwrap()];
    let said = refused(&tree, &args, 3);
    assert!(
        said.contains("no application of the node has this name"),
        "{said}"
    );
    // A known name still works.
    told(&tree, &["sys", "get-state", "{events,\"bot-0\"}"]);
    done(&tree, &["unpack", "processquest-1.1.0"]);
    done(&tree, &["install", "1.1.0"]);
}
