//! A package in memory, for the commands that show, compare and sign packages. Nothing of it is unpacked or loaded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pq_code::{Manifest, manifest_of};
use pq_signing::Keys;

use super::bounds::Bounds;
use super::check::line_fits;
use super::path;
use super::read::{self, Sink, Whole};
use super::trust::{Author, Head, Trust};
use super::{PackageError, Refusal};
use crate::checksums::{self, Checksums, sha256};
use crate::consult::text_of;
use crate::file_error::FileError;
use crate::layout;
use crate::rel::{Rel, RelApp};
use crate::relup::Relup;

/// The files of a package, which are those of its checksums.
pub struct Contents {
    package: PathBuf,
    pub(super) head: Head,
    /// The files by their paths, without the checksums of the package and their signature.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// The checksums of the files.
    pub sums: Checksums,
    /// The author, as far as the keys prove him.
    pub author: Author,
    /// The description of the release.
    pub rel: Rel,
}

impl Contents {
    /// Reads a package and compares it with its checksums; keys, if there are some, judge its signature.
    ///
    /// # Errors
    /// With the first reason to refuse the package. A fault that only unpacking finds is none here.
    pub fn read(package: &Path, keys: Keys) -> Result<Contents, PackageError> {
        let mut files = BTreeMap::new();
        let sink = Sink::Memory(&mut files);
        let Whole { head, author, .. } =
            read::read(package, sink, &Bounds::OF_A_PACKAGE, &Trust::of_keys(keys))?;
        let refused = |refusal| PackageError::Refused {
            file: package.to_path_buf(),
            refusal,
        };
        files.retain(|path, _| !path::is_head(path));
        let sums = head.checksums().map_err(refused)?;
        agree(&sums, &files).map_err(refused)?;
        let rel = rel(&files).map_err(|error| content(package, &error))?;
        let rel = rel.ok_or(Refusal::NoRel).map_err(refused)?;
        Ok(Contents {
            package: package.to_path_buf(),
            head,
            files,
            sums,
            author,
            rel,
        })
    }

    /// The text of the signature; `None` for an unsigned package.
    pub fn signature(&self) -> Option<&str> {
        self.head.signature.as_deref()
    }

    /// The bytes of a file.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The bytes of a file in the directory of the release.
    pub fn of_release(&self, name: &str) -> Option<&[u8]> {
        self.file(&format!("{}/{name}", layout::release_name(&self.rel.vsn)))
    }

    /// The ways from and to other releases.
    ///
    /// # Errors
    /// When the relup is malformed.
    pub fn relup(&self) -> Result<Option<Relup>, PackageError> {
        let parse = |bytes| {
            let file = Path::new("relup");
            Relup::parse_of(file, &text_of(file, bytes)?, &self.rel.vsn)
        };
        let relup = self.of_release("relup").map(parse).transpose();
        relup.map_err(|error| self.fault(&error))
    }

    /// The error of the package about one of its files.
    pub(super) fn fault(&self, error: &FileError) -> PackageError {
        content(&self.package, error)
    }

    /// The manifest of an application's library; `None` without a library, and for bytes that are none.
    pub fn manifest(&self, entry: &RelApp) -> Option<Manifest> {
        let name = entry.name.as_str();
        let library = format!(
            "{}/{}",
            layout::lib_name(name, &entry.vsn),
            layout::library_name(name)
        );
        manifest_of(self.file(&library)?).ok()
    }
}

/// The checksums list exactly the files.
fn agree(sums: &Checksums, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Refusal> {
    let own = checksums::FILE_NAME;
    for (path, bytes) in files {
        line_fits(sums.0.get(path), &sha256(bytes), path, own)?;
    }
    match sums.0.keys().find(|path| !files.contains_key(*path)) {
        None => Ok(()),
        Some(path) => Err(Refusal::Missing {
            path: path.clone(),
            asked_by: format!("`{own}`"),
        }),
    }
}

/// The description of the release: the only `.rel` file in `releases`.
fn rel(files: &BTreeMap<String, Vec<u8>>) -> Result<Option<Rel>, FileError> {
    let is_rel = |path: &str| path.starts_with("releases/") && path.matches('/').count() == 1;
    let found = files.iter().find(|(path, _)| is_rel(path));
    let read = |(path, bytes): (&String, &Vec<u8>)| {
        Rel::parse(Path::new(path), &text_of(Path::new(path), bytes)?)
    };
    found.map(read).transpose()
}

fn content(package: &Path, error: &FileError) -> PackageError {
    PackageError::Content {
        file: package.to_path_buf(),
        sentence: error.to_string(),
        term: error.to_term(),
    }
}
