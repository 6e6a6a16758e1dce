//! Everything that is found out about a library before anything of it runs.

use std::path::Path;

use pq_abi::ABI_STAMP;
use pq_files::Refused;

use crate::checksum::Checksum;
use crate::elf::{Elf, Image};
use crate::error::{FailedStep, LoadError};
use crate::library::Origin;
use crate::manifest::Manifest;

/// How large a library may be. The game's has half a megabyte; a hundred times that is a mistake, and each
/// loaded one stays in memory for ever.
pub const LIBRARY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a library has to be; by default any is right.
#[derive(Clone, Copy, Default, Debug)]
pub struct Wanted<'a> {
    /// These very bytes.
    pub checksum: Option<Checksum>,
    /// The library of this application in this version.
    pub owner: Option<(&'a str, &'a str)>,
}

impl From<Option<Checksum>> for Wanted<'_> {
    fn from(checksum: Option<Checksum>) -> Self {
        Wanted {
            checksum,
            owner: None,
        }
    }
}

impl Wanted<'_> {
    /// A release, the folder in it and its checksums may all be changed together; what a library says of itself was
    /// written when it was compiled.
    pub(crate) fn owned_by(&self, application: &str, vsn: &str) -> Result<(), FailedStep> {
        match self.owner {
            Some(owner) if owner != (application, vsn) => Err(FailedStep::Owner {
                found: format!("{application} {vsn}"),
                wanted: format!("{} {}", owner.0, owner.1),
            }),
            _ => Ok(()),
        }
    }
}

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
pub fn inspect<'a>(path: &Path, wanted: impl Into<Wanted<'a>>) -> Result<Manifest, LoadError> {
    let wanted = wanted.into();
    let verified =
        read(path, wanted.checksum).and_then(|candidate| verify(&candidate.bytes, &wanted));
    let fail = |step| LoadError {
        origin: Origin::File(path.to_path_buf()),
        step,
    };
    verified.map(|verified| verified.manifest).map_err(fail)
}

/// What a library says of itself, whether or not this node may load it.
///
/// # Errors
/// When the bytes are no library of this machine, or have no manifest that can be read.
pub fn manifest_of(bytes: &[u8]) -> Result<Manifest, FailedStep> {
    Ok(Manifest::read(Elf::parse(bytes)?.manifest()?)?)
}

/// Reads the file and compares its checksum.
pub(crate) fn read(path: &Path, expected: Option<Checksum>) -> Result<Candidate, FailedStep> {
    let bytes =
        pq_files::read(path, LIBRARY_BYTES_MAX).map_err(|error| match Refused::of(&error) {
            Some(Refused::TooLarge(max_bytes)) => FailedStep::TooLarge {
                max_bytes: *max_bytes,
            },
            Some(_) => FailedStep::NotAFile,
            None => FailedStep::Read(error),
        })?;
    let found = Checksum::of(&bytes);
    match expected {
        Some(expected) if expected != found => Err(FailedStep::Checksum { found, expected }),
        _ => Ok(Candidate {
            bytes,
            checksum: found,
        }),
    }
}

/// Form, manifest, owner, stamp, lint.
pub(crate) fn verify(bytes: &[u8], wanted: &Wanted<'_>) -> Result<Verified, FailedStep> {
    let elf = Elf::parse(bytes)?;
    let manifest = Manifest::read(elf.manifest()?)?;
    wanted.owned_by(&manifest.application, &manifest.vsn)?;
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
