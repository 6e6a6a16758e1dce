//! Unpacks a package below a directory of ours. The archive decides neither the place nor the kind of a file: an unknown path,
//! kind or size ends the unpacking.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::bufread::GzDecoder;
use pq_files::Refused;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::PackageError;
use super::bounds::{Bounds, Budgeted};
use super::path::{self, Kind};
use super::refusal::Refusal;
use crate::checksums::{Sha256Hex, hex};
use pq_files::durable::{WriteError, failed};

/// The checksums of all files of a package, by path.
pub(super) type Files = BTreeMap<String, Sha256Hex>;

/// The reason why unpacking ended early.
enum Stop {
    Refused(Refusal),
    Write(WriteError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

impl From<WriteError> for Stop {
    fn from(error: WriteError) -> Stop {
        Stop::Write(error)
    }
}

/// Writes the files of a package below `into`; every file is synced on return.
pub(super) fn read(package: &Path, into: &Path, bounds: &Bounds) -> Result<Files, PackageError> {
    let (file, bytes) = open(package).map_err(|error| not_opened(package, &error))?;
    let unpacked = GzDecoder::new(BufReader::new(file));
    let unpacked = Budgeted::new(unpacked, bounds.budget(bytes));
    unpack(unpacked, into, bounds).map_err(|stop| match stop {
        Stop::Write(error) => PackageError::Write(error),
        Stop::Refused(refusal) => PackageError::Refused {
            file: package.to_path_buf(),
            refusal,
        },
    })
}

fn open(package: &Path) -> io::Result<(File, u64)> {
    let file = pq_files::open(package)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

fn not_opened(package: &Path, error: &io::Error) -> PackageError {
    let file = package.to_path_buf();
    match Refused::of(error) {
        Some(refused) => PackageError::NoFile {
            file,
            refused: refused.clone(),
        },
        None => PackageError::Open {
            file,
            kind: error.kind(),
        },
    }
}

type Unpacked = Budgeted<GzDecoder<BufReader<File>>>;

/// Entries are read raw: extensions that change the name or size of another entry have no effect.
fn unpack(unpacked: Unpacked, into: &Path, bounds: &Bounds) -> Result<Files, Stop> {
    let mut archive = Archive::new(unpacked);
    let mut reading = Reading {
        into,
        bounds,
        seen: BTreeMap::new(),
        entries: 0,
        files: Files::new(),
    };
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        reading.entry(entry.map_err(unreadable)?)?;
    }
    nothing_behind(archive.into_inner()).map_err(unreadable)?;
    Ok(reading.files)
}

/// A refusal passes through the reader unchanged. Other errors may quote the archive.
fn unreadable(error: io::Error) -> Stop {
    let ours = error.get_ref().and_then(|inner| inner.downcast_ref());
    let quoted = || Refusal::Garbled(error.to_string().escape_debug().to_string());
    Stop::Refused(ours.cloned().unwrap_or_else(quoted))
}

/// After the blocks of zeros at its end, the archive has to end: only there does gzip compare its checksum.
fn nothing_behind(mut unpacked: Unpacked) -> io::Result<()> {
    let mut buffer = [0; BUFFER_BYTES];
    loop {
        let count = unpacked.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        if buffer[..count].iter().any(|byte| *byte != 0) {
            return Err(io::Error::other(Refusal::Behind));
        }
    }
    match unpacked.into_inner().into_inner().fill_buf()?.is_empty() {
        true => Ok(()),
        false => Err(io::Error::other(Refusal::Behind)),
    }
}

/// The size of the buffer for reading, hashing and writing: more than a page, and small enough for the stack.
const BUFFER_BYTES: usize = 16 << 10;

struct Reading<'a> {
    into: &'a Path,
    bounds: &'a Bounds,
    seen: BTreeMap<String, Kind>,
    entries: usize,
    files: Files,
}

impl Reading<'_> {
    fn entry(&mut self, mut entry: Entry<'_, Unpacked>) -> Result<(), Stop> {
        self.entries += 1;
        if self.entries > self.bounds.entries_max {
            return Err(Refusal::TooMany(self.bounds.entries_max).into());
        }
        let bytes = entry.header().path_bytes().into_owned();
        let shown = || String::from_utf8_lossy(&bytes).escape_debug().to_string();
        let kind = kind(entry.header().entry_type()).map_err(|kind| Refusal::Kind {
            path: shown(),
            kind,
        })?;
        let path = path::plain(&bytes, kind).ok_or_else(|| Refusal::Path(shown()))?;
        self.note(path, kind)?;
        match kind {
            Kind::Folder => Ok(()),
            Kind::File => self.file(path, &mut entry),
        }
    }

    /// Every path may occur once, and no file may be a parent of another entry.
    fn note(&mut self, path: &str, kind: Kind) -> Result<(), Refusal> {
        let parts = path.match_indices('/').map(|(at, _)| &path[..at]);
        for above in parts {
            self.note_one(above, Kind::Folder)?;
        }
        self.note_one(path, kind)
    }

    fn note_one(&mut self, path: &str, kind: Kind) -> Result<(), Refusal> {
        match (self.seen.insert(path.to_string(), kind), kind) {
            (None, _) | (Some(Kind::Folder), Kind::Folder) => Ok(()),
            _ => Err(Refusal::Twice(path.to_string())),
        }
    }

    fn file(&mut self, path: &str, entry: &mut Entry<'_, Unpacked>) -> Result<(), Stop> {
        let (bytes, bytes_max) = (entry.size(), self.bounds.file_bytes_max(path));
        if bytes > bytes_max {
            let path = path.to_string();
            return Err(Stop::Refused(Refusal::FileTooLarge {
                path,
                bytes,
                bytes_max,
            }));
        }
        let place = self.into.join(path);
        let folder = place.parent().unwrap_or(self.into);
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let mut file = File::create_new(&place).map_err(failed("write", &place))?;
        let sum = copy(entry, &mut file, &place)?;
        file.sync_all().map_err(failed("write", &place))?;
        self.files.insert(path.to_string(), sum);
        Ok(())
    }
}

/// An entry that ends before its stated size is an error.
fn copy(entry: &mut Entry<'_, Unpacked>, file: &mut File, place: &Path) -> Result<Sha256Hex, Stop> {
    let mut left = entry.size();
    let mut sum = Sha256::new();
    let mut buffer = [0; BUFFER_BYTES];
    while left > 0 {
        let count = entry.read(&mut buffer).map_err(unreadable)?;
        if count == 0 {
            return Err(Refusal::Garbled("it ends within a file".to_string()).into());
        }
        sum.update(&buffer[..count]);
        file.write_all(&buffer[..count])
            .map_err(failed("write", place))?;
        left = left.saturating_sub(count as u64);
    }
    Ok(hex(&sum.finalize()))
}

/// The kind of a permitted entry, or a description of a forbidden one.
fn kind(found: EntryType) -> Result<Kind, &'static str> {
    match found {
        EntryType::Regular => Ok(Kind::File),
        EntryType::Directory => Ok(Kind::Folder),
        EntryType::Symlink => Err("a symbolic link"),
        EntryType::Link => Err("a hard link"),
        EntryType::Char | EntryType::Block => Err("a device"),
        EntryType::Fifo => Err("a pipe"),
        EntryType::GNUSparse => Err("a sparse file"),
        EntryType::GNULongName
        | EntryType::GNULongLink
        | EntryType::XHeader
        | EntryType::XGlobalHeader => Err("an extension of the format"),
        _ => Err("of an unknown kind"),
    }
}

#[cfg(test)]
mod tests;
