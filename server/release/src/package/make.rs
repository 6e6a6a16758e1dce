//! Packs a release of a tree.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use pq_signing::SIGNATURE_NAME;
use tar::{Builder, EntryType, Header};

use super::PackageError;
use super::bounds::Bounds;
use super::path::{self, Kind, packed_rel};
use super::refusal::Refusal;
use crate::boot::ReleaseTree;
use crate::checksums::{self, Checksums, sha256};
use crate::file_error::FileError;
use crate::layout;
use crate::owner;
use crate::rel::{Rel, RelApp};
use crate::sys_config;
use pq_files::durable;

/// The modification time of every file in a package, in seconds since 1970: the beginning of 1980, the earliest date that every
/// archive format can store. With it, two packages of one tree have the same bytes.
const MTIME_S: u64 = 315_532_800;

/// All users may read the unpacked files, and their owner may write them.
const MODE: u32 = 0o644;

/// One file to pack.
struct Added {
    /// The path within the package.
    name: String,
    file: PathBuf,
    /// The checksum from the build of the application.
    sum: Option<String>,
}

/// Writes the release of this version as `folder/Name-Vsn.tar.gz` and returns the path (`systools:make_tar/2`). The release is
/// read and checked first; equal trees make equal bytes.
///
/// # Errors
/// When the release could not boot, when its `relup` is malformed or belongs to another release, when a file differs from its
/// checksum, when a package with it would not be accepted, and when the operating system fails.
pub fn make_tar(tree: &ReleaseTree, vsn: &str, folder: &Path) -> Result<PathBuf, PackageError> {
    let rel = tree.rel(vsn)?;
    tree.relup(vsn).map_err(|source| add("relup", source))?;
    let libs = tree.libs(vsn).map_err(crate::boot::BootError::File)?;
    tree.check(&rel, &libs)?;
    let mut added = release_files(tree, &rel)?;
    for entry in tree.foreign_to_the_node(&rel) {
        let name = layout::lib_name(entry.name.as_str(), &entry.vsn);
        let folder = tree.lib_folder(entry, &libs)?;
        is_owned(&folder, entry)?;
        added.extend(lib_files(&name, &folder)?);
    }
    for lib in tree.converters(vsn) {
        let converter = tree.converter(lib.name, &lib.vsn);
        converter.map_err(|error| PackageError::Converter {
            lib: format!("{}-{}", lib.name, lib.vsn),
            error,
        })?;
        if rel
            .application(lib.name.as_str())
            .is_none_or(|own| own.vsn != lib.vsn)
        {
            added.extend(lib_files(&lib.folder, &tree.root().join(&lib.folder))?);
        }
    }
    let bytes = pack(&added)?;
    let place = folder.join(layout::package_name(&rel.name, &rel.vsn));
    durable::write(&place, &bytes)?;
    Ok(place)
}

/// A library of an application has to belong to this version of the application.
fn is_owned(folder: &Path, entry: &RelApp) -> Result<(), PackageError> {
    let (name, vsn) = (entry.name.as_str(), &entry.vsn);
    let file = folder.join(layout::library_name(name));
    let bytes = match pq_files::read(&file, pq_code::LIBRARY_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(add(name, FileError::read(&file, &error))),
    };
    owner::check(&bytes, name, vsn).map_err(|owner| PackageError::OtherOwner { file, owner })
}

fn add(name: &str, source: FileError) -> PackageError {
    let name = name.to_string();
    PackageError::Add { name, source }
}

fn release_files(tree: &ReleaseTree, rel: &Rel) -> Result<Vec<Added>, PackageError> {
    let (folder, name) = (
        layout::release(tree.root(), &rel.vsn),
        layout::rel_name(&rel.name),
    );
    let placed = |name: &str| Added {
        name: format!("{}/{name}", layout::release_name(&rel.vsn)),
        file: folder.join(name),
        sum: None,
    };
    let packed = Added {
        name: packed_rel(&rel.name),
        ..placed(&name)
    };
    let others = ["relup", layout::BUILD_NAME, layout::SBOM_NAME].map(placed);
    let others = others.into_iter().filter(|added| added.file.exists());
    let configs = sys_config::check(&folder).map_err(crate::boot::BootError::File)?;
    let configs = configs.iter().map(|name| placed(&name.to_string_lossy()));
    let own = [packed, placed(&name)].into_iter();
    Ok(own.chain(others).chain(configs).collect())
}

/// The files in the application's checksums, and the checksums.
fn lib_files(name: &str, folder: &Path) -> Result<Vec<Added>, PackageError> {
    let own = folder.join(checksums::FILE_NAME);
    let sums = Checksums::read(&own).map_err(|source| add(checksums::FILE_NAME, source))?;
    let file = |(path, sum): (String, String)| Added {
        name: format!("{name}/{path}"),
        file: folder.join(&path),
        sum: Some(sum),
    };
    let mut files: Vec<Added> = sums.0.into_iter().map(file).collect();
    files.push(Added {
        name: format!("{name}/{}", checksums::FILE_NAME),
        file: own,
        sum: None,
    });
    Ok(files)
}

/// Reads the files, which are held in memory: their checksums come first in a package.
fn pack(added: &[Added]) -> Result<Vec<u8>, PackageError> {
    let mut files = BTreeMap::new();
    for added in added {
        files.insert(added.name.clone(), bytes_of(added)?);
    }
    let sum = |(name, bytes): (&String, &Vec<u8>)| (name.clone(), sha256(bytes));
    let sums = Checksums(files.iter().map(sum).collect());
    write(sums.to_text().as_bytes(), None, &files)
}

/// Packs these files. The checksums and their signature come first, so that they are judged before any other file is read.
pub(super) fn write(
    sums: &[u8],
    signature: Option<&str>,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<u8>, PackageError> {
    let gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    let mut archive = Builder::new(gzip);
    append(&mut archive, checksums::FILE_NAME, sums)?;
    if let Some(signature) = signature {
        append(&mut archive, SIGNATURE_NAME, signature.as_bytes())?;
    }
    for (name, bytes) in files {
        append(&mut archive, name, bytes)?;
    }
    let packed = archive.into_inner().and_then(|gzip| gzip.finish());
    packed.map_err(|error| unwritable("the end", &error))
}

fn bytes_of(added: &Added) -> Result<Vec<u8>, PackageError> {
    let bytes = pq_files::read(&added.file, Bounds::OF_A_PACKAGE.priv_bytes_max)
        .map_err(|error| add(&added.name, FileError::read(&added.file, &error)))?;
    match &added.sum {
        Some(sum) if *sum != sha256(&bytes) => Err(PackageError::Changed {
            file: added.file.clone(),
        }),
        _ => Ok(bytes),
    }
}

fn append(archive: &mut Builder<impl Write>, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
    acceptable(name, bytes.len() as u64).map_err(|refusal| PackageError::Unacceptable {
        name: name.to_string(),
        refusal,
    })?;
    let written =
        header(name, bytes.len() as u64).and_then(|header| archive.append(&header, bytes));
    written.map_err(|error| unwritable(name, &error))
}

/// Checks the file as `read` would.
fn acceptable(name: &str, bytes: u64) -> Result<(), Refusal> {
    let bytes_max = Bounds::OF_A_PACKAGE.file_bytes_max(name);
    if path::plain(name.as_bytes(), Kind::File).is_none() {
        return Err(Refusal::Path(name.to_string()));
    }
    match bytes > bytes_max {
        true => Err(Refusal::FileTooLarge {
            path: name.to_string(),
            bytes,
            bytes_max,
        }),
        false => Ok(()),
    }
}

/// The ids of owner and group are zero and have no names, so they do not depend on the user.
fn header(name: &str, bytes: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_path(name)?;
    header.set_mode(MODE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(MTIME_S);
    header.set_size(bytes);
    header.set_cksum();
    Ok(header)
}

fn unwritable(name: &str, error: &io::Error) -> PackageError {
    PackageError::Unacceptable {
        name: name.to_string(),
        refusal: Refusal::Garbled(error.to_string()),
    }
}
