//! The signature of an unpacked release: what is loaded is what was signed.
//!
//! ```text
//!   keys ─► signature in releases/Vsn/signed ─► signed checksums ─┬► .rel and .app files
//!                                                                 └► checksum of a library ─► `server/code`, which hashes
//!                                                                    the bytes that it loads
//! ```
//! A boot goes on where the keys or the calendar have changed since the release was unpacked: no date stops a node. An install asks
//! for more ([`Standing::is_trusted`]). Settings and a relup may be replaced in the tree (`pq install-file`), so they are left out.

use std::io;
use std::path::{Path, PathBuf};

use pq_signing::{Date, Keys, SIGNATURE_NAME, SignatureError, Signed};

use super::{BootApp, BootError, Code, ReleaseTree};
use crate::checksums::{self, Checksums, Sha256Hex, sha256};
use crate::consult::text_of;
use crate::file_error::FileError;
use crate::layout;
use crate::rel::Rel;

/// What the keys of a tree say about a release in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The tree trusts no key.
    Unjudged,
    /// The tree trusts keys, and the release came without a signature: it was built here, or unpacked before.
    Unsigned,
    /// The files are those that a trusted key has signed.
    Proven(Signed),
    /// The key is not trusted, or the keys cannot be used; the reason.
    Doubted(String),
}

impl Standing {
    /// A sentence for the log, where there is something to say.
    pub(super) fn remark(&self, vsn: &str) -> Option<String> {
        match self {
            Standing::Unjudged => None,
            Standing::Unsigned => Some(format!(
                "release {vsn} is unsigned, and this tree trusts keys"
            )),
            Standing::Proven(signed) => {
                let ended = signed.ended.as_ref()?;
                Some(format!(
                    "release {vsn} is signed with key {}, which was trusted until {ended}",
                    signed.key
                ))
            }
            Standing::Doubted(why) => Some(format!("release {vsn} is not trusted: {why}")),
        }
    }

    /// Refuses the install of a release whose key is not trusted.
    pub(crate) fn is_trusted(&self, vsn: &str) -> Result<(), BootError> {
        match self {
            Standing::Doubted(why) => Err(BootError::Doubted {
                vsn: vsn.to_string(),
                why: why.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl ReleaseTree {
    /// Compares the files of a release that a node reads and loads with the signed checksums.
    pub(crate) fn standing(&self, rel: &Rel, apps: &[BootApp]) -> Result<Standing, BootError> {
        let keys = match Keys::read(self.root()) {
            Ok(keys) if !keys.judges() => return Ok(Standing::Unjudged),
            Ok(keys) => keys,
            Err(error) => return Ok(Standing::Doubted(format!("failed to {error}"))),
        };
        let folder = self.root().join(layout::signed_name(&rel.vsn));
        let Some(sums) = self.bytes_there(&folder.join(checksums::FILE_NAME))? else {
            return Ok(Standing::Unsigned);
        };
        let signature = self.bytes_there(&folder.join(SIGNATURE_NAME))?;
        let signature =
            String::from_utf8_lossy(signature.as_deref().unwrap_or_default()).into_owned();
        let signed = match keys.judge(&sums, &signature, &Date::today()) {
            Ok(signed) => signed,
            Err(why @ (SignatureError::Unknown(_) | SignatureError::Revoked(..))) => {
                return Ok(Standing::Doubted(why.to_string()));
            }
            Err(why) => return Err(refused(rel, why)),
        };
        let is_for = signed.is_for(&rel.name, &rel.vsn);
        is_for.map_err(|why| refused(rel, why))?;
        let list = Signature::read(folder.join(checksums::FILE_NAME), &sums)?;
        list.has_release(rel)?;
        apps.iter().try_for_each(|app| list.has_app(app))?;
        Ok(Standing::Proven(signed))
    }

    fn bytes_there(&self, file: &Path) -> Result<Option<Vec<u8>>, FileError> {
        match pq_files::read_inside(self.root(), file, pq_files::TEXT_BYTES_MAX) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::read(file, &error)),
        }
    }
}

/// Compares a library that is loaded apart from its release with the signed checksums of all releases of the tree that list it.
/// A library that none lists is right: releases that were built in the tree are unsigned.
///
/// # Errors
/// When a release lists the library with another checksum.
pub fn is_as_signed(
    root: &Path,
    application: &str,
    vsn: &str,
    sum: &Sha256Hex,
) -> Result<(), FileError> {
    let library = layout::library_name(application);
    let path = format!("{}/{library}", layout::lib_name(application, vsn));
    let lists = signatures(root);
    let mut listing = lists.iter().filter(|list| list.sums.0.contains_key(&path));
    listing.try_for_each(|list| list.has(&path, &root.join(&path), sum))
}

/// The signed checksums of all releases of a tree. Lists without a signature of a trusted key prove nothing.
fn signatures(root: &Path) -> Vec<Signature> {
    let keys = Keys::read(root).unwrap_or_default();
    let releases = std::fs::read_dir(layout::releases(root))
        .into_iter()
        .flatten()
        .flatten();
    let signature = |release: std::fs::DirEntry| {
        let vsn = release.file_name().into_string().ok()?;
        let folder = root.join(layout::signed_name(&vsn));
        let read =
            |name| pq_files::read_inside(root, &folder.join(name), pq_files::TEXT_BYTES_MAX).ok();
        let (sums, signature) = (read(checksums::FILE_NAME)?, read(SIGNATURE_NAME)?);
        let judged = keys.judge(&sums, &String::from_utf8_lossy(&signature), &Date::today());
        judged.ok()?;
        Signature::read(folder.join(checksums::FILE_NAME), &sums).ok()
    };
    releases.filter_map(signature).collect()
}

fn refused(rel: &Rel, why: SignatureError) -> BootError {
    BootError::Signature {
        vsn: rel.vsn.clone(),
        why,
    }
}

/// The checksums of a package, whose signature is right.
struct Signature {
    file: PathBuf,
    sums: Checksums,
}

impl Signature {
    fn read(file: PathBuf, bytes: &[u8]) -> Result<Signature, FileError> {
        let sums = Checksums::parse(&file, &text_of(&file, bytes)?)?;
        Ok(Signature { file, sums })
    }

    fn has_release(&self, rel: &Rel) -> Result<(), FileError> {
        let path = format!(
            "{}/{}",
            layout::release_name(&rel.vsn),
            layout::rel_name(&rel.name)
        );
        self.has(&path, &rel.file, &sum_of(&rel.file)?)
    }

    fn has_app(&self, app: &BootApp) -> Result<(), FileError> {
        let (name, file) = (app.app.name.as_str(), &app.app.file);
        let folder = layout::lib_name(name, &app.app.vsn);
        if app.code != Code::BuiltIn {
            let path = format!("{folder}/{}", layout::app_name(name));
            self.has(&path, file, &sum_of(file)?)?;
        }
        match &app.code {
            Code::Library { path, sha256 } => self.has(
                &format!("{folder}/{}", layout::library_name(name)),
                path,
                sha256,
            ),
            Code::BuiltIn | Code::None => Ok(()),
        }
    }

    fn has(&self, path: &str, file: &Path, sum: &Sha256Hex) -> Result<(), FileError> {
        match self.sums.0.get(path) {
            Some(signed) if signed == sum => Ok(()),
            _ => Err(FileError::Changed {
                file: file.to_path_buf(),
                how: "its SHA-256 is not the signed one in",
                sums: self.file.clone(),
            }),
        }
    }
}

fn sum_of(file: &Path) -> Result<Sha256Hex, FileError> {
    let bytes = pq_files::read(file, pq_files::TEXT_BYTES_MAX);
    bytes
        .map(|bytes| sha256(&bytes))
        .map_err(|error| FileError::read(file, &error))
}
