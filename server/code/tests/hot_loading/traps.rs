//! The traps of the dynamic linker. In each of these tests, a plain `dlopen` of the file would run the wrong code or
//! none.

use std::fs;
use std::os::unix::fs::MetadataExt;

use pq_code::{Checksum, LIBRARIES_MAX};

use super::host::{counter, version};
use super::support::{Node, V1, V2};

#[test]
fn a_path_that_is_written_again_brings_the_new_code_and_leaves_the_old() {
    let node = Node::new();
    let one = node.load("a.so", V1.bytes());
    assert_eq!(node.version(one), "1.0.0");
    let two = node.load("a.so", V2.bytes());
    assert_eq!(
        (node.version(one), node.version(two)),
        ("1.0.0".into(), "1.1.0".into())
    );
}

#[test]
fn a_hard_link_to_a_loaded_file_brings_what_is_in_it_now() {
    let node = Node::new();
    let one = node.load("a.so", V1.bytes());
    fs::hard_link(node.path("a.so"), node.path("b.so")).expect("the folder can hold links");
    let two = node.load("b.so", V2.bytes());
    let inode = |name| fs::metadata(node.path(name)).expect("it was written").ino();
    assert_eq!(
        inode("a.so"),
        inode("b.so"),
        "both names are one file, or this tests nothing"
    );
    assert_eq!(
        (node.version(one), node.version(two)),
        ("1.0.0".into(), "1.1.0".into())
    );
}

#[test]
fn the_descriptor_of_a_library_stays_open_so_that_its_number_never_names_another() {
    let node = Node::new();
    let mut libraries = Vec::new();
    for (name, variant) in [("a.so", &V1), ("b.so", &V2)] {
        libraries.push(node.load(name, variant.bytes()));
        // A file that is opened and closed in between uses the lowest free descriptor number and frees it again.
        drop(fs::File::open(node.path(name)).expect("it was written"));
        let copy = format!(
            "memfd:pq-fixture-{}-{}",
            libraries_vsn(&node, name),
            checksum(variant.bytes())
        );
        assert!(
            open_descriptors()
                .iter()
                .any(|target| target.contains(&copy)),
            "{copy} is closed"
        );
    }
    assert_eq!(node.version(libraries[0]), "1.0.0");
    assert_eq!(node.version(libraries[1]), "1.1.0");
}

fn libraries_vsn(node: &Node, file: &str) -> String {
    let libraries = node.code.libraries();
    let found = libraries
        .iter()
        .find(|library| library.origin.to_string().ends_with(file));
    found.expect("it was loaded from that file").vsn.clone()
}

fn checksum(bytes: &[u8]) -> String {
    Checksum::of(bytes).short()
}

fn open_descriptors() -> Vec<String> {
    let links = fs::read_dir("/proc/self/fd")
        .expect("this is Linux")
        .flatten();
    links
        .filter_map(|link| fs::read_link(link.path()).ok())
        .map(|target| target.display().to_string())
        .collect()
}

#[test]
fn a_file_that_is_written_over_or_cut_off_while_its_code_runs_does_no_harm() {
    let node = Node::new();
    let library = node.load("a.so", V1.bytes());
    node.write("a.so", &vec![0; V1.bytes().len()]);
    assert_eq!(node.version(library), "1.0.0");
    node.write("a.so", b"");
    // Code and data that were not used before; with a mapped file they would be read from it now.
    drop(counter(
        &node.code,
        node.module(library, "fix_counter"),
        100_000,
    ));
    assert_eq!(node.version(library), "1.0.0");
}

#[test]
fn two_versions_stand_side_by_side_and_call_their_own_functions() {
    let node = Node::new();
    let (one, two) = (node.load("a.so", V1.bytes()), node.load("b.so", V2.bytes()));
    let (old, new) = (node.module(one, "fix_words"), node.module(two, "fix_words"));
    for _ in 0..3 {
        assert_eq!(version(&node.code, old), "1.0.0");
        assert_eq!(version(&node.code, new), "1.1.0");
    }
    assert_ne!(old.address(), new.address());
}

#[test]
fn two_servers_that_load_the_same_bytes_have_a_library_each() {
    let (a, b) = (Node::new(), Node::new());
    let (in_a, in_b) = (a.load("a.so", V1.bytes()), b.load("b.so", V1.bytes()));
    assert_ne!(
        a.module(in_a, "fix_words").address(),
        b.module(in_b, "fix_words").address()
    );
}

#[test]
fn bytes_that_are_loaded_already_are_not_loaded_again() {
    let node = Node::new();
    let first = node.load("a.so", V1.bytes());
    let other = node.load("b.so", V2.bytes());
    assert_eq!(node.load("c.so", V1.bytes()), first);
    assert_ne!(first, other);
    assert_eq!(node.code.libraries().len(), 2);
}

#[test]
fn a_server_loads_so_many_libraries_and_no_more() {
    let node = Node::new();
    let numbered = |number: u32| [V1.bytes(), &number.to_le_bytes()].concat();
    for number in 0..LIBRARIES_MAX {
        node.load("a.so", &numbered(number));
    }
    let path = node.write("a.so", &numbered(LIBRARIES_MAX));
    let refusal = node
        .code
        .load_library(&path, None)
        .expect_err("one too many")
        .to_string();
    assert!(
        refusal.contains("the limit of 200 libraries is reached"),
        "{refusal}"
    );
    assert_eq!(node.code.libraries().len(), LIBRARIES_MAX as usize);
    node.load("a.so", &numbered(0));
}
