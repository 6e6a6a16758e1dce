//! The books of a code server: the list of libraries, and the versions of every module.
//!
//! This module contains only bookkeeping under one lock; `server` holds the lock and publishes changes.

use std::collections::BTreeMap;
use std::path::Path;

use pq_abi::Module;
use pq_abi::memory::MemoryTable;

use crate::checksum::Checksum;
use crate::error::{ChangeError, FailedStep};
use crate::library::{Library, LibraryId, Origin};
use crate::loader::Loaded;
use crate::manifest::Manifest;
use crate::verify::{Candidate, Verified};
use crate::versions::{Change, Version, Versions};

/// The largest number of libraries that a server loads. Each keeps 170 to 270 KiB forever, measured with libraries of
/// this kind, and its sealed copy of half a megabyte. So 200 libraries take about 150 MiB, and are enough for a year of
/// weekly releases of three applications.
pub const LIBRARIES_MAX: u32 = 200;

/// The versions of all modules by name.
pub(super) type AllVersions = BTreeMap<&'static str, Versions>;

#[derive(Default)]
pub(super) struct Books {
    pub(super) libraries: Vec<Entry>,
    pub(super) versions: AllVersions,
}

pub(super) struct Entry {
    pub(super) library: Library,
    memory: Option<&'static MemoryTable>,
}

impl Books {
    pub(super) fn add(
        &mut self,
        library: Library,
        Loaded { modules, memory }: Loaded,
    ) -> LibraryId {
        let id = LibraryId(self.libraries.len() as u32);
        let library = Library {
            id,
            modules,
            ..library
        };
        tracing::info!(%id, application = library.application, vsn = library.vsn, origin = %library.origin, "library");
        self.libraries.push(Entry { library, memory });
        id
    }

    pub(super) fn has_room(&self) -> Result<(), FailedStep> {
        let loaded = self
            .libraries
            .iter()
            .filter(|entry| entry.library.checksum.is_some())
            .count();
        match loaded < LIBRARIES_MAX as usize {
            true => Ok(()),
            false => Err(FailedStep::Budget {
                what: "libraries",
                max: LIBRARIES_MAX,
            }),
        }
    }

    pub(super) fn library(&self, id: LibraryId) -> Option<&Entry> {
        self.libraries.get(id.0 as usize)
    }

    pub(super) fn with_checksum(&self, checksum: Checksum) -> Option<&Library> {
        self.find(|library| library.checksum == Some(checksum))
    }

    pub(super) fn with_modules(&self, modules: &[Module]) -> Option<LibraryId> {
        self.find(|library| library.modules == modules)
            .map(|library| library.id)
    }

    fn find(&self, is_it: impl Fn(&Library) -> bool) -> Option<&Library> {
        let mut libraries = self.libraries.iter().map(|entry| &entry.library);
        libraries.find(|library| is_it(library))
    }

    pub(super) fn version(&self, library: LibraryId, name: &str) -> Result<Version, ChangeError> {
        let entry = self
            .library(library)
            .ok_or(ChangeError::NoLibrary(library))?;
        let modules = &entry.library.modules;
        match modules.iter().find(|module| module.name() == name) {
            Some(module) => Ok(Version {
                module: *module,
                library,
            }),
            None => Err(ChangeError::NoModule {
                library,
                module: name.to_string(),
                held: names(modules),
            }),
        }
    }

    /// The versions after these changes, and the versions that they would drop.
    pub(super) fn after(
        &self,
        changes: &[Change<'_>],
    ) -> Result<(AllVersions, Vec<Module>), ChangeError> {
        let (mut versions, mut forgotten) = (self.versions.clone(), Vec::new());
        for change in changes {
            let displaced = match *change {
                Change::MakeCurrent(library, name) => {
                    let version = self.version(library, name)?;
                    versions
                        .entry(version.module.name())
                        .or_default()
                        .make_current(version)
                }
                Change::Delete(name) => versions.get_mut(name).and_then(Versions::delete),
                Change::Purge(name) => versions.get_mut(name).and_then(Versions::purge),
            };
            forgotten.extend(displaced.map(|version| version.module));
        }
        versions.retain(|_, versions| !versions.is_gone());
        Ok((versions, forgotten))
    }
}

impl Entry {
    pub(super) fn now(&self) -> Library {
        let allocated_bytes = self.memory.map_or(0, MemoryTable::allocated);
        Library {
            allocated_bytes,
            ..self.library.clone()
        }
    }
}

pub(super) fn from_file(path: &Path, candidate: &Candidate, verified: &Verified) -> Library {
    Library {
        origin: Origin::File(path.to_path_buf()),
        checksum: Some(candidate.checksum),
        mapped_bytes: verified.image.mapped_bytes(),
        ..linked(verified.manifest.clone())
    }
}

pub(super) fn linked(manifest: Manifest) -> Library {
    Library {
        id: LibraryId(0),
        application: manifest.application,
        vsn: manifest.vsn,
        origin: Origin::Linked,
        checksum: None,
        modules: Vec::new(),
        entries: manifest.modules,
        mapped_bytes: 0,
        allocated_bytes: 0,
    }
}

fn names(modules: &[Module]) -> String {
    let quoted = modules.iter().map(|module| format!("`{}`", module.name()));
    quoted.collect::<Vec<_>>().join(", ")
}
