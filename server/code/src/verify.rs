//! All checks of a library before any of its code runs.

use std::path::Path;

use pq_abi::ABI_STAMP;
use pq_files::Refused;

use crate::checksum::Checksum;
use crate::elf::{Elf, Image};
use crate::error::{FailedStep, LoadError};
use crate::library::Origin;
use crate::manifest::Manifest;

/// The largest size of a library in bytes. The game's library has half a megabyte; one a hundred times as large is a
/// mistake, and each loaded library stays in memory forever.
pub const LIBRARY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Requirements on a library; the default has none.
#[derive(Clone, Copy, Default, Debug)]
pub struct Wanted<'a> {
    /// The checksum of its bytes.
    pub checksum: Option<Checksum>,
    /// The application and version to which it has to belong.
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
    /// Compares the manifest with the place of the library. A release, its directory and its checksums may all be
    /// changed together, but the manifest was written when the library was compiled.
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

/// A file that was read once, so that the checked bytes are the loaded bytes.
pub(crate) struct Candidate {
    pub(crate) bytes: Vec<u8>,
    pub(crate) checksum: Checksum,
}

/// A library that passed all checks and may be loaded.
pub(crate) struct Verified {
    pub(crate) manifest: Manifest,
    pub(crate) image: Image,
}

/// Reads the manifest of the library at `path` after all checks that need no loading.
///
/// # Errors
/// Returns the errors of [`crate::CodeServer::load_library`] up to the step that loads.
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

/// Reads the manifest of a library, even if this node may not load the library.
///
/// # Errors
/// Fails when the bytes are no library for this machine, or have no readable manifest.
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

/// Checks form, manifest, owner, ABI stamp and lint, in this order.
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
