//! A common heap: a library allocates memory from the program's heap, so each of them may free memory of the other.

use std::collections::BTreeSet;
use std::path::Path;

use object::{Object, ObjectSymbol};
use pq_tests::running::{Tree, program};

/// The functions with which C programs allocate and free memory.
const OF_A_HEAP: [&str; 6] = [
    "aligned_alloc",
    "calloc",
    "free",
    "malloc",
    "posix_memalign",
    "realloc",
];

/// The functions of a heap that this file defines (`has`) or imports.
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
