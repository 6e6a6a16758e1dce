//! Everything that is found out about a library before anything of it runs.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use pq_abi::ABI_STAMP;

use crate::checksum::Checksum;
use crate::elf::{Elf, Image};
use crate::error::{FailedStep, LoadError};
use crate::library::Origin;
use crate::manifest::Manifest;

/// How large a library may be. The game's has half a megabyte; a hundred times that is a mistake, and each
/// loaded one stays in memory for ever.
const LIBRARY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A file that was read once; what is checked is what is loaded.
pub(crate) struct Candidate {
    pub(crate) bytes: Vec<u8>,
    pub(crate) checksum: Checksum,
}

/// A library that may be loaded.
pub(crate) struct Verified {
    pub(crate) manifest: Manifest,
    pub(crate) image: Image,
}

/// What the library at `path` says of itself, after all checks that need no loading.
///
/// # Errors
/// As [`crate::CodeServer::load_library`], up to the step that loads.
pub fn inspect(path: &Path, expected: Option<Checksum>) -> Result<Manifest, LoadError> {
    let verified = read(path, expected).and_then(|candidate| verify(&candidate.bytes));
    let fail = |step| LoadError {
        origin: Origin::File(path.to_path_buf()),
        step,
    };
    verified.map(|verified| verified.manifest).map_err(fail)
}

/// Reads the file and compares its checksum.
pub(crate) fn read(path: &Path, expected: Option<Checksum>) -> Result<Candidate, FailedStep> {
    let bytes = read_bytes(path)?;
    let found = Checksum::of(&bytes);
    match expected {
        Some(expected) if expected != found => Err(FailedStep::Checksum { found, expected }),
        _ => Ok(Candidate {
            bytes,
            checksum: found,
        }),
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, FailedStep> {
    // Asked before opening: to open a pipe is to wait for whoever writes to it.
    if !fs::metadata(path).map_err(FailedStep::Read)?.is_file() {
        return Err(FailedStep::NotAFile);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(FailedStep::Read)?;
    file.take(LIBRARY_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(FailedStep::Read)?;
    match bytes.len() as u64 > LIBRARY_BYTES_MAX {
        true => Err(FailedStep::TooLarge {
            max_bytes: LIBRARY_BYTES_MAX,
        }),
        false => Ok(bytes),
    }
}

/// Form, manifest, stamp, lint.
pub(crate) fn verify(bytes: &[u8]) -> Result<Verified, FailedStep> {
    let elf = Elf::parse(bytes)?;
    let manifest = Manifest::read(elf.manifest()?)?;
    if manifest.abi != ABI_STAMP {
        return Err(FailedStep::Abi {
            found: manifest.abi,
        });
    }
    elf.lint()?;
    Ok(Verified {
        manifest,
        image: elf.image()?,
    })
}
