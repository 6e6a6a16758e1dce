//! Unpacks a package below a directory of ours. The archive decides neither the place nor the kind of a file: an unknown path,
//! kind or size ends the unpacking.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;
use pq_files::Refused;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::PackageError;
use super::bounds::{Bounds, Budgeted};
use super::path::{self, Kind};
use super::refusal::Refusal;
use super::trust::{Author, Head, Trust};
use crate::checksums::{self, Checksums, Sha256Hex, hex};
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

/// The place for the files of a package.
pub(super) enum Sink<'a> {
    /// A directory; every file is synced.
    Folder(&'a Path),
    /// Memory, by the paths of the files.
    Memory(&'a mut BTreeMap<String, Vec<u8>>),
}

/// A package that was read to its end.
pub(super) struct Whole {
    pub(super) files: Files,
    pub(super) head: Head,
    pub(super) author: Author,
}

/// Reads a package: its size, its signature if the keys ask for one, and then each file, which is compared with the signed
/// checksums. No file goes to the sink before the signature is judged.
pub(super) fn read(
    package: &Path,
    sink: Sink<'_>,
    bounds: &Bounds,
    trust: &Trust,
) -> Result<Whole, PackageError> {
    let (file, bytes) = open(package).map_err(|error| not_opened(package, &error))?;
    let refused = |refusal| PackageError::Refused {
        file: package.to_path_buf(),
        refusal,
    };
    let bytes_max = bounds.total_bytes_max;
    if bytes > bytes_max {
        return Err(refused(Refusal::TooMuch { bytes_max }));
    }
    let unpacked = GzDecoder::new(BufReader::new(file));
    let unpacked = Budgeted::new(unpacked, bounds.budget(bytes));
    let reading = Reading {
        sink,
        bounds,
        trust,
        seen: BTreeMap::new(),
        entries: 0,
        files: Files::new(),
        head: Head::default(),
        judged: None,
    };
    unpack(unpacked, reading).map_err(|stop| match stop {
        Stop::Write(error) => PackageError::Write(error),
        Stop::Refused(refusal) => refused(refusal),
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
fn unpack(unpacked: Unpacked, mut reading: Reading<'_>) -> Result<Whole, Stop> {
    let mut archive = Archive::new(unpacked);
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        reading.entry(entry.map_err(unreadable)?)?;
    }
    nothing_behind(archive.into_inner()).map_err(unreadable)?;
    reading.judge()?;
    let author = reading.trust.without_keys(&reading.head);
    let judged = reading.judged.map(|judged| judged.author);
    Ok(Whole {
        files: reading.files,
        author: author.or(judged).unwrap_or(Author::Unsigned),
        head: reading.head,
    })
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
    sink: Sink<'a>,
    bounds: &'a Bounds,
    trust: &'a Trust,
    seen: BTreeMap<String, Kind>,
    entries: usize,
    files: Files,
    head: Head,
    /// The author, from the first file on that is not of the head.
    judged: Option<Judged>,
}

/// The author of a package, and the checksums that he has signed.
struct Judged {
    author: Author,
    signed: Option<Checksums>,
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

    /// The checksums and their signature are kept in memory as well: they are judged before the other files.
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
        if path::is_head(path) {
            let mut held = Vec::new();
            copy(entry, bytes, &mut held, Path::new(path))?;
            self.put(path, &mut held.as_slice(), bytes)?;
            self.head.add(path, held);
            return Ok(());
        }
        self.judge()?;
        self.put(path, entry, bytes)?;
        Ok(self.is_signed(path)?)
    }

    fn put(&mut self, path: &str, from: &mut impl io::Read, bytes: u64) -> Result<(), Stop> {
        let sum = match &mut self.sink {
            Sink::Folder(into) => {
                let place = into.join(path);
                let folder = place.parent().unwrap_or(into);
                fs::create_dir_all(folder).map_err(failed("make", folder))?;
                let mut file = File::create_new(&place).map_err(failed("write", &place))?;
                let sum = copy(from, bytes, &mut file, &place)?;
                file.sync_all().map_err(failed("write", &place))?;
                sum
            }
            Sink::Memory(files) => {
                let mut held = Vec::new();
                let sum = copy(from, bytes, &mut held, Path::new(path))?;
                files.insert(path.to_string(), held);
                sum
            }
        };
        self.files.insert(path.to_string(), sum);
        Ok(())
    }

    /// Judges the signature once, with the head as it has been read so far.
    fn judge(&mut self) -> Result<(), Refusal> {
        if self.judged.is_none() {
            let author = self.trust.judge(&self.head)?;
            let signed = match author {
                Author::Proven(_) => Some(self.head.checksums()?),
                _ => None,
            };
            self.judged = Some(Judged { author, signed });
        }
        Ok(())
    }

    /// Compares a file with the signed checksums, if there are some.
    fn is_signed(&self, path: &str) -> Result<(), Refusal> {
        let signed = self
            .judged
            .as_ref()
            .and_then(|judged| judged.signed.as_ref());
        signed.map_or(Ok(()), |sums| {
            super::check::line_fits(
                sums.0.get(path),
                &self.files[path],
                path,
                checksums::FILE_NAME,
            )
        })
    }
}

/// Copies this number of bytes. A source that ends before is an error.
fn copy(
    from: &mut impl io::Read,
    bytes: u64,
    to: &mut impl io::Write,
    place: &Path,
) -> Result<Sha256Hex, Stop> {
    let mut left = bytes;
    let mut sum = Sha256::new();
    let mut buffer = [0; BUFFER_BYTES];
    while left > 0 {
        let count = from.read(&mut buffer).map_err(unreadable)?;
        if count == 0 {
            return Err(Refusal::Garbled("it ends within a file".to_string()).into());
        }
        sum.update(&buffer[..count]);
        to.write_all(&buffer[..count])
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
