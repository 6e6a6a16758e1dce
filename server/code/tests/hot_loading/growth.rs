//! Libraries that were built before an addition to the ABI, or after one that this node does not know.

use pq_abi::ABI_STAMP;
use pq_abi::raw::LibraryTable;
use pq_abi::{Direction, Failure, Module, OldVsn, Verdict};

use super::calls::Request;
use super::fixture::Variant;
use super::host::{TestHost, ask, counter};
use super::patch;
use super::support::{Node, V1};

/// A library, and the place at which it states the sizes of its tables.
pub(crate) struct Tables<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Tables<'_> {
    pub(crate) fn of(variant: &Variant) -> Tables<'_> {
        let (bytes, size) = (variant.bytes(), size_of::<LibraryTable>() as u64);
        let claims = [ABI_STAMP.to_le_bytes(), size.to_le_bytes()].concat();
        Tables {
            bytes,
            place: patch::place_of(bytes, &claims),
        }
    }

    /// The library with these sizes for its library table and for its module tables.
    pub(crate) fn with(&self, size: u64, module_size: u64) -> Vec<u8> {
        let patched = patch::written_at(self.bytes, self.place + 8, &size.to_le_bytes());
        let place = self.place + LibraryTable::LEAST;
        patch::written_at(&patched, place, &module_size.to_le_bytes())
    }
}

/// Checks that a process of the library runs, and that a state is exported and imported.
fn assert_it_plays(bytes: &[u8]) {
    let node = Node::new();
    let library = node.load("a.so", bytes);
    let module = node.module(library, "fix_counter");
    let mut state = counter(&node.code, module, 10);
    let add = |state: &mut _| ask(&node.code, state, &Request::Add(3));
    assert_eq!(add(&mut state), (Verdict::Wait, Some(3)));
    let mut host = TestHost::new(&node.code);
    let exported = state.export(&mut host).expect("a counter can be written");
    let mut again = module
        .import(&mut host, &exported)
        .expect("a counter can be read");
    assert_eq!(add(&mut again), (Verdict::Wait, Some(6)));
    assert_it_converts(&mut host, module);
    assert_eq!(node.version(library), "1.0.0");
}

/// Checks that the conversion to bytes and the conversion to a state have the same result.
fn assert_it_converts(host: &mut TestHost<'_>, module: Module) {
    let direction = Direction::Up;
    // `#{"count" => 7}`
    let older = b"\x81\xa5count\x07";
    let mut bytes_from = |vsn| module.code_change(host, OldVsn { direction, vsn }, older, &[]);
    let bytes = bytes_from("0.9").expect("version 0.9 converts");
    let unknown = bytes_from("0.8");
    assert!(matches!(unknown, Err(Failure::Undefined(_))), "{unknown:?}");
    let state = module.upgrade(host, "0.9", older, &[]);
    let state = state.expect("version 0.9 converts");
    assert_eq!(state.export(host), Ok(bytes));
    let unknown = module.upgrade(host, "0.8", older, &[]).err();
    assert!(
        matches!(unknown, Some(Failure::Undefined(_))),
        "{unknown:?}"
    );
}

#[test]
fn a_library_that_was_built_before_an_addition_plays() {
    // In such a library, other data is at the place of the addition.
    let before = Tables::of(&V1).with(LibraryTable::LEAST as u64, u64::MAX);
    assert_it_plays(&before);
}

#[test]
fn a_library_with_additions_that_this_node_does_not_know_plays() {
    let own = size_of::<LibraryTable>() as u64;
    assert_it_plays(&Tables::of(&V1).with(own + 64, 4_096));
}
