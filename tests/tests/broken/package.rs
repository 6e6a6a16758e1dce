//! Malformed packages: nothing is unpacked, and the tree stays unchanged.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use pq_tests::running::{BROKEN, Draft};
use tar::{Archive, Builder, EntryType, Header};

use crate::broken::stage::Stage;

type Entry = (String, EntryType, Vec<u8>);

fn entries(package: &[u8]) -> Vec<Entry> {
    let mut archive = Archive::new(GzDecoder::new(package));
    let read = |entry: std::io::Result<tar::Entry<'_, GzDecoder<&[u8]>>>| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (path, EntryType::Regular, bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// An archive of these entries, with any paths.
fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (path, kind, bytes) in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append(&header, bytes.as_slice()).unwrap();
    }
    gzip(&archive.into_inner().unwrap())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut gzip = GzEncoder::new(bytes, Compression::fast());
    gzip.read_to_end(&mut packed).unwrap();
    packed
}

/// The good package with another entry in front.
fn with(path: &str, kind: EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut all = entries(&Draft::broken().package());
    all.insert(0, (path.to_string(), kind, bytes.to_vec()));
    archive(&all)
}

/// Every file below `releases` and `lib`, except the tested package.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["releases", "lib", ".office"] {
        let all = walkdir::WalkDir::new(root.join(folder)).into_iter();
        for entry in all.flatten().filter(|entry| entry.file_type().is_file()) {
            let path = entry.path().display().to_string();
            let is_ours = !path.contains(BROKEN) && !path.ends_with("history.jsonl");
            is_ours.then(|| files.insert(path, fs::read(entry.path()).unwrap()));
        }
    }
    files
}

/// Checks that this package is not unpacked and leaves nothing behind.
fn is_not_unpacked(stage: &mut Stage, package: &[u8], (code, words): (i32, &[&str])) {
    stage.tree.offers(package);
    let before = files(stage.tree.root());
    stage.refuses(&["unpack", BROKEN], code, words);
    assert!(files(stage.tree.root()) == before, "{words:?} left a trace");
}

#[test]
fn a_package_that_reaches_beyond_its_tree_is_refused() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let outside = stage.tree.root().join("../escaped");
    for path in ["../escaped", "/tmp/../escaped", "lib/../../escaped"] {
        let package = with(path, EntryType::Regular, b"x");
        is_not_unpacked(&mut stage, &package, (3, &[BROKEN, path]));
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Fifo] {
        let package = with("lib/processquest-1.1.1/priv/x", kind, b"");
        is_not_unpacked(&mut stage, &package, (3, &[BROKEN, "priv/x"]));
    }
    assert!(!outside.exists());
    stage.installs_the_good_one();
}

#[test]
fn a_package_that_was_damaged_or_swells_is_refused() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let good = Draft::broken().package();
    is_not_unpacked(&mut stage, &good[..good.len() / 2], (3, &[BROKEN]));
    is_not_unpacked(&mut stage, b"", (3, &[BROKEN]));
    let mut damaged = entries(&good);
    let library = damaged
        .iter_mut()
        .find(|(path, ..)| path.ends_with("processquest.so"));
    library.unwrap().2[4_000] ^= 1;
    is_not_unpacked(
        &mut stage,
        &archive(&damaged),
        (10, &[BROKEN, "processquest.so"]),
    );
    let path = "lib/processquest-1.1.1/priv/bomb".to_string();
    let bomb = archive(&[(path, EntryType::Regular, vec![0; 64 << 20])]);
    is_not_unpacked(&mut stage, &bomb, (3, &[BROKEN, "too much"]));
    stage.installs_the_good_one();
}
