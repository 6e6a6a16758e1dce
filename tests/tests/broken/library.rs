//! Libraries that are missing, damaged, or that no node may load: they are refused before anything changes.

use std::fs;

use pq_tests::running::Draft;

use crate::broken::stage::Stage;

/// The library of the game in release 1.1.1.
const LIBRARY: &str = "lib/processquest-1.1.1/priv/processquest.so";

/// The bytes with `to` in place of every `from`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    assert!(
        !places.is_empty(),
        "{:?} is not there",
        String::from_utf8_lossy(from)
    );
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// A package whose author built such a library: all checksums are right.
fn built_with(change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut draft = Draft::broken();
    draft.library = change(&draft.library);
    draft.package()
}

/// Changes the library that was unpacked.
fn spoilt(stage: &Stage, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let file = stage.file(LIBRARY);
    let bytes = change(fs::read(&file).unwrap());
    fs::write(&file, bytes).unwrap();
}

#[test]
fn a_library_that_was_damaged_in_the_tree_is_known_by_its_checksum() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let good = Draft::broken().package();
    let damaged: (i32, &[&str]) = (10, &[LIBRARY, "SHA-256"]);
    let halve = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    stage.breaks(&good, |stage| spoilt(stage, halve), damaged);
    let touch = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    stage.breaks(&good, |stage| spoilt(stage, touch), damaged);
    let other = |stage: &Stage| {
        let running = stage.tree.library("processquest");
        fs::copy(running, stage.file(LIBRARY)).unwrap();
    };
    stage.breaks(&good, other, damaged);
    stage.breaks(
        &good,
        |stage| fs::remove_file(stage.file(LIBRARY)).unwrap(),
        (3, &[LIBRARY]),
    );
    stage.installs_the_good_one();
}

#[test]
fn a_library_that_may_not_be_loaded_is_refused_with_the_reason() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let refused = |stage: &mut Stage, package: &[u8], words: &[&str]| {
        let words = [&[LIBRARY], words].concat();
        stage.breaks(package, |_| (), (3, &words));
    };
    let other_abi = built_with(|bytes| replaced(bytes, b"{abi,1886453762}", b"{abi,1886453763}"));
    refused(&mut stage, &other_abi, &["ABI stamp 0x70710003"]);
    // Renames an import that every library has and none needs to one that is forbidden.
    let (asked, forbidden) = (
        b"_ITM_registerTMCloneTable\0",
        b"__cxa_thread_atexit_impl\0\0",
    );
    let forbidden = built_with(|bytes| replaced(bytes, asked, forbidden));
    refused(&mut stage, &forbidden, &["`__cxa_thread_atexit_impl`"]);
    let half = built_with(|bytes| bytes[..bytes.len() / 2].to_vec());
    refused(&mut stage, &half, &["is it whole?"]);
    let no_library = built_with(|_| b"#!/bin/sh\n".to_vec());
    refused(&mut stage, &no_library, &["not with an ELF header"]);
    stage.installs_the_good_one();
}
