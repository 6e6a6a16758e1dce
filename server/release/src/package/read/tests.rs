//! Limits, with smaller numbers than those of a package. `tests/registry/hostile.rs` tests all other refusals.

use super::*;

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, Header};

const SMALL: Bounds = Bounds {
    entries_max: 3,
    priv_bytes_max: 2_000,
    text_bytes_max: 1_000,
    total_bytes_max: 20_000,
    ratio_max: 10,
    ratio_free_bytes: 4_096,
};

/// A package with these files; their bytes are incompressible noise or compressible zeros.
fn read_package(files: &[(&str, Vec<u8>)], bounds: &Bounds) -> Result<Files, PackageError> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_size(bytes.len() as u64);
        archive
            .append_data(&mut header, path, bytes.as_slice())
            .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("p.tar.gz");
    fs::write(&package, archive.into_inner().unwrap().finish().unwrap()).unwrap();
    let into = folder.path().join("into");
    read(&package, Sink::Folder(&into), bounds, &Trust::default()).map(|read| read.files)
}

/// The bytes of a xorshift generator.
fn noise(count: usize) -> Vec<u8> {
    let next = |state: &u64| {
        let mut next = *state;
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        Some(next)
    };
    let states = std::iter::successors(Some(0x9e37_79b9_7f4a_7c15), next);
    states.map(|state| state as u8).take(count).collect()
}

fn refusal(files: &[(&str, Vec<u8>)], bounds: &Bounds) -> Refusal {
    match read_package(files, bounds).unwrap_err() {
        PackageError::Refused { refusal, .. } => refusal,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_within_the_bounds_is_unpacked_with_its_checksums() {
    let files = [
        ("lib/a-1/priv/a.so", noise(2_000)),
        ("lib/a-1/ebin/a.app", noise(1_000)),
        ("releases/a.rel", noise(10)),
    ];
    let found = read_package(&files, &SMALL).unwrap();
    let expected = files.map(|(path, bytes)| (path.to_string(), crate::checksums::sha256(&bytes)));
    assert_eq!(found, Files::from(expected));
}

#[test]
fn each_bound_ends_the_reading() {
    let four: Vec<_> = ["lib/a-1/a", "lib/a-1/b", "lib/a-1/c", "lib/a-1/d"]
        .map(|path| (path, noise(1)))
        .into();
    assert_eq!(refusal(&four, &SMALL), Refusal::TooMany(3));
    for (path, bytes_max) in [("lib/a-1/priv/a.so", 2_000), ("releases/a.rel", 1_000)] {
        let bytes = bytes_max + 1;
        let files = [(path, noise(bytes as usize))];
        let path = path.to_string();
        let expected = Refusal::FileTooLarge {
            path,
            bytes,
            bytes_max,
        };
        assert_eq!(refusal(&files, &SMALL), expected);
    }
}

#[test]
fn a_package_becomes_neither_too_large_nor_too_much_larger() {
    let wide = Bounds {
        priv_bytes_max: u64::MAX,
        ..SMALL
    };
    let too_much = |bytes_max| Refusal::TooMuch { bytes_max };
    let large = [("lib/a-1/priv/a.so", noise(30_000))];
    assert_eq!(refusal(&large, &wide), too_much(20_000));
    let bomb = [("lib/a-1/priv/a.so", vec![0; 10_000])];
    assert_eq!(refusal(&bomb, &wide), too_much(4_096));
}
