//! Archives that no library would write: unpacked, changed, and packed again.

use std::fs;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use pq_release::checksums::{Checksums, sha256};
use tar::{Archive, Builder, EntryType, Header};

use crate::fixture::Fixture;

/// One entry of a forged archive.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: EntryType,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Entry {
    Entry {
        name: name.to_string(),
        kind: EntryType::Regular,
        bytes: bytes.into(),
    }
}

pub(crate) fn special(name: &str, kind: EntryType) -> Entry {
    Entry {
        kind,
        ..file(name, "")
    }
}

/// The entries of the correct package of 1.1.0.
pub(crate) fn good(fixture: &Fixture) -> Vec<Entry> {
    entries(&fs::read(fixture.package("1.1.0")).unwrap())
}

/// The entries of a package.
pub(crate) fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut archive = Archive::new(GzDecoder::new(bytes));
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry: tar::Entry<'_, GzDecoder<&[u8]>> = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        file(&name, bytes)
    };
    archive.entries().unwrap().map(entry).collect()
}

/// A header that no library would write: the name is stored unchecked.
pub(crate) fn header(entry: &Entry) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
    header.set_entry_type(entry.kind);
    if matches!(entry.kind, EntryType::Symlink | EntryType::Link) {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_mode(0o777);
    header.set_size(entry.bytes.len() as u64);
    header.set_cksum();
    header
}

pub(crate) fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for entry in entries {
        archive
            .append(&header(entry), entry.bytes.as_slice())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// The same entries with correct package checksums, so that later checks are reached.
pub(crate) fn sealed(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.retain(|entry| entry.name != "SHA256SUMS");
    let sum = |entry: &Entry| (entry.name.clone(), sha256(&entry.bytes));
    let sums = Checksums(entries.iter().map(sum).collect());
    entries.push(file("SHA256SUMS", sums.to_text()));
    entries
}

/// A change that adds one entry.
pub(crate) fn with(entry: Entry) -> impl Fn(Vec<Entry>) -> Vec<Entry> {
    move |mut entries| {
        entries.insert(0, entry.clone());
        sealed(entries)
    }
}

/// A change that replaces the text of one file, or removes the file.
pub(crate) fn altered(
    name: &'static str,
    change: impl Fn(&str) -> Option<String>,
) -> impl Fn(Vec<Entry>) -> Vec<Entry> {
    move |entries| {
        let alter = |entry: Entry| match entry.name == name {
            false => Some(entry),
            true => change(&String::from_utf8_lossy(&entry.bytes)).map(|text| file(name, text)),
        };
        sealed(entries.into_iter().filter_map(alter).collect())
    }
}
