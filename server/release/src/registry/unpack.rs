//! Unpacks a package to a release of the tree.
//!
//! The steps: judge the signature, unpack in the work directory, check, compare with the tree, note in the journal, move the directories to their
//! places one by one, and list the release. The last step makes it unpacked. The package stays where it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pq_files::durable;
use pq_signing::SIGNATURE_NAME;

use super::{RegistryError, ReleaseRegistry, same};
use crate::boot::ReleaseTree;
use crate::checksums;
use crate::file_error::FileError;
use crate::layout;
use crate::package::{self, Age, Author, Staged, Trust};
use crate::rel::Rel;
use crate::releases::{Release, Releases, Status};
use crate::sequence::Sequence;

/// A release that was unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The version of the release.
    pub vsn: String,
    /// What the tree knows of its author.
    pub author: Author,
}

impl ReleaseRegistry {
    /// Unpacks a package (`release_handler:unpack_release/1`). `Name-Vsn` is the package `releases/Name-Vsn.tar.gz` of the tree; a
    /// name with a `/` or the ending `.tar.gz` is the path of a file. A tree that trusts keys unpacks only packages that one of them
    /// has signed, and none that is older than the newest.
    ///
    /// A release for another node can be unpacked; it is refused when it is to boot on this node.
    ///
    /// # Errors
    /// The fault of the package; `{existing_release,Vsn}`; an application of this version exists with other bytes; errors of
    /// the operating system. After an error the tree is unchanged.
    pub fn unpack(&mut self, package: &str) -> Result<Unpacked, RegistryError> {
        self.unpack_aged(package, Age::Newer)
    }

    /// The same, also for a package that is older than the newest.
    ///
    /// # Errors
    /// As [`ReleaseRegistry::unpack`].
    pub fn unpack_older(&mut self, package: &str) -> Result<Unpacked, RegistryError> {
        self.unpack_aged(package, Age::Any)
    }

    fn unpack_aged(&mut self, package: &str, age: Age) -> Result<Unpacked, RegistryError> {
        let file = package_file(self.root(), package)?;
        self.atomically(|registry| registry.unpack_file(&file, age))
    }

    fn unpack_file(&mut self, file: &Path, age: Age) -> Result<Unpacked, RegistryError> {
        let staging = self.work_folder().staging();
        let mut sequence = Sequence::read(&layout::signed_file(self.root()))?;
        let trust = Trust::of(self.root(), sequence.clone(), age)?;
        let Staged { rel, author, sum } =
            package::unpack(file, &staging, self.tree.runtime(), &trust)?;
        self.is_new(&rel.vsn)?;
        let folders = self.missing(&rel, &staging)?;
        self.work_folder().note(&folders)?;
        for folder in &folders {
            durable::put_folder(&staging.join(folder), &self.root().join(folder))?;
        }
        self.complete(&rel.vsn, &staging)?;
        let releases = self.with(Release::of(&rel, Status::Unpacked));
        match &author {
            Author::Proven(signed) => {
                sequence.note(&signed.comment, sum);
                self.keep_with(releases, &sequence)?;
            }
            _ => self.keep(releases)?,
        }
        Ok(Unpacked {
            vsn: rel.vsn,
            author,
        })
    }

    /// Adds the checksums and the signature to a directory of the release that existed without them.
    fn complete(&self, vsn: &str, staging: &Path) -> Result<(), RegistryError> {
        let signed = layout::signed_name(vsn);
        for name in [
            format!("{}/{}", layout::release_name(vsn), checksums::FILE_NAME),
            format!("{signed}/{}", checksums::FILE_NAME),
            format!("{signed}/{SIGNATURE_NAME}"),
        ] {
            let (new, place) = (staging.join(&name), self.root().join(&name));
            if place.exists() || !new.exists() {
                continue;
            }
            let bytes = pq_files::read(&new, pq_files::TEXT_BYTES_MAX)
                .map_err(|error| FileError::read(&new, &error))?;
            durable::write(&place, &bytes)?;
        }
        Ok(())
    }

    /// Lists the releases, together with the numbers of signed packages: both are on the disk before either is in place.
    fn keep_with(&mut self, releases: Releases, sequence: &Sequence) -> Result<(), RegistryError> {
        let file = layout::signed_file(self.root());
        let numbers = self.work_folder().prepare(&file, &sequence.to_text())?;
        let list = layout::releases_file(self.root());
        let list = self.work_folder().prepare(&list, &releases.to_text())?;
        numbers.put()?;
        self.releases = releases;
        Ok(list.put()?)
    }

    pub(super) fn is_new(&self, vsn: &str) -> Result<(), RegistryError> {
        match self.releases.find(vsn) {
            None => Ok(()),
            Some(release) => Err(RegistryError::ExistingRelease {
                vsn: vsn.to_string(),
                status: release.status,
            }),
        }
    }

    /// The list with one more release as the newest.
    pub(super) fn with(&self, release: Release) -> Releases {
        let known = self.releases.0.iter().cloned();
        Releases([release].into_iter().chain(known).collect())
    }

    /// The directories of the release that are missing in the tree. Existing directories have to be equal.
    fn missing(&self, rel: &Rel, staging: &Path) -> Result<Vec<String>, RegistryError> {
        let mut missing = Vec::new();
        let staged = ReleaseTree::open(staging, self.tree.runtime().clone());
        for folder in folders(&staged, rel) {
            let place = self.root().join(&folder);
            if !place.exists() {
                missing.push(folder);
            } else if let Some(file) = same::difference(&staging.join(&folder), &place)? {
                return Err(RegistryError::OtherBytes { folder, file });
            }
        }
        Ok(missing)
    }
}

/// The directories of a release and of the versions in between that its relup names, relative to the tree.
fn folders(staged: &ReleaseTree, rel: &Rel) -> BTreeSet<String> {
    let needs_files = staged.foreign_to_the_node(rel);
    let libs = needs_files.map(|entry| layout::lib_name(entry.name.as_str(), &entry.vsn));
    let converters = staged.converters(&rel.vsn).into_iter();
    let libs = libs.chain(converters.map(|lib| lib.folder));
    libs.chain([layout::release_name(&rel.vsn)]).collect()
}

fn package_file(root: &Path, package: &str) -> Result<PathBuf, RegistryError> {
    let is_path = package.contains('/') || package.ends_with(".tar.gz");
    match is_path {
        true => Ok(PathBuf::from(package)),
        false if layout::is_plain(package) => Ok(layout::package(root, package)),
        false => Err(crate::boot::BootError::NotPlain(package.to_string()).into()),
    }
}
