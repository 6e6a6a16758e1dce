//! One heap: what a library takes from the system's is taken from the program's, so that either may give it back.

use std::collections::BTreeSet;
use std::path::Path;

use object::{Object, ObjectSymbol};
use pq_tests::running::{Tree, program};

/// The names under which C programs take memory and give it back.
const OF_A_HEAP: [&str; 6] = [
    "aligned_alloc",
    "calloc",
    "free",
    "malloc",
    "posix_memalign",
    "realloc",
];

/// Of the names of a heap those that this file has, or wants, at run time.
fn heap_of(file: &Path, has: bool) -> BTreeSet<&'static str> {
    let bytes = std::fs::read(file).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let symbols = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() == has);
    let names: BTreeSet<String> = symbols
        .filter_map(|symbol| Some(symbol.name().ok()?.to_string()))
        .collect();
    OF_A_HEAP
        .into_iter()
        .filter(|name| names.contains(*name))
        .collect()
}

#[test]
fn the_program_has_the_heap_that_its_libraries_ask_for() {
    let offered = heap_of(program(), true);
    assert_eq!(offered, BTreeSet::from(OF_A_HEAP));
    let tree = Tree::new();
    let wanted = heap_of(&tree.library("processquest"), false);
    assert!(
        wanted.contains("malloc") && wanted.is_subset(&offered),
        "{wanted:?}"
    );
}
