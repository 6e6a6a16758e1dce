//! The code server: the libraries of a node, and the current version of each module.
//!
//! Every call between modules asks for a current version: that takes no lock and reads a table that is never written,
//! only replaced. All other operations take the lock of the books for a short time. Loading has a lock of its own, so
//! that no other operation waits for a disk.
//!
//! Callers are the runtime (current versions, the epoch) and the release handler (everything else).

mod books;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use foldhash::HashMap;
use pq_abi::Module;
use pq_abi::raw::LibraryTable;

use crate::error::{ChangeError, FailedStep, LoadError};
use crate::library::{Library, LibraryId, LoadedModule, Origin};
use crate::loader;
use crate::verify::{self, Candidate, Wanted};
use crate::versions::{Change, Versions};
use books::{AllVersions, Books, Entry, from_file, linked};

pub use books::LIBRARIES_MAX;

/// The code server of a node: its libraries, and the current and old version of each module.
pub struct CodeServer {
    /// The current version of each name; replaced as a whole.
    current: ArcSwap<HashMap<&'static str, Module>>,
    epoch: AtomicU64,
    books: Mutex<Books>,
    loading: Mutex<()>,
}

impl Default for CodeServer {
    fn default() -> CodeServer {
        CodeServer::new()
    }
}

impl CodeServer {
    /// Makes a server without libraries.
    pub fn new() -> CodeServer {
        CodeServer {
            current: ArcSwap::default(),
            epoch: AtomicU64::new(fresh_epoch()),
            books: Mutex::default(),
            loading: Mutex::default(),
        }
    }

    // ---- current versions ----

    /// The version that calls by name (`Module:Function(…)`) reach.
    pub fn current(&self, module: &str) -> Option<Module> {
        self.current.load().get(module).copied()
    }

    /// Whether calls by name reach exactly this version.
    pub fn is_current(&self, module: Module) -> bool {
        self.current(module.name()) == Some(module)
    }

    /// A number that changes at each change of any current module, after the change is visible. No two states of any
    /// servers in one process of the operating system have the same number. So code that all of them share may cache
    /// results under it ([`pq_abi::raw::HostTable::epoch`]). Never 0.
    pub fn epoch(&self) -> &AtomicU64 {
        &self.epoch
    }

    /// The version that was current before and is not purged.
    pub fn old(&self, module: &str) -> Option<Module> {
        self.versions(module)?.old.map(|version| version.module)
    }

    /// The origin of the current version (`code:which/1`).
    pub fn which(&self, module: &str) -> Option<Origin> {
        let current = self.versions(module)?.current?;
        let books = self.books();
        books
            .library(current.library)
            .map(|entry| entry.library.origin.clone())
    }

    /// All modules, sorted by name (`code:all_loaded/0`).
    pub fn loaded(&self) -> Vec<LoadedModule> {
        let books = self.books();
        let lines = books.versions.iter();
        lines
            .map(|(name, versions)| LoadedModule {
                name,
                current: versions.current,
                old: versions.old,
            })
            .collect()
    }

    // ---- libraries ----

    /// Verifies and loads a library; none of its modules becomes current. The bytes identify a library, not the path:
    /// bytes that are already loaded are not loaded again, so changing back and forth between two releases costs
    /// nothing, and different bytes under a known path are another library.
    ///
    /// # Errors
    /// Returns the first step of [`FailedStep`] that fails. The server is unchanged then.
    pub fn load_library<'a>(
        &self,
        path: &Path,
        wanted: impl Into<Wanted<'a>>,
    ) -> Result<LibraryId, LoadError> {
        let wanted = wanted.into();
        let _alone = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = verify::read(path, wanted.checksum)
            .and_then(|candidate| self.load_bytes(path, &candidate, &wanted));
        let fail = |step| LoadError {
            origin: Origin::File(path.to_path_buf()),
            step,
        };
        loaded
            .map_err(fail)
            .inspect_err(|error| tracing::warn!("failed to {error}"))
    }

    fn load_bytes(
        &self,
        path: &Path,
        candidate: &Candidate,
        wanted: &Wanted<'_>,
    ) -> Result<LibraryId, FailedStep> {
        if let Some(known) = self.books().with_checksum(candidate.checksum) {
            wanted.owned_by(&known.application, &known.vsn)?;
            return Ok(known.id);
        }
        let verified = verify::verify(&candidate.bytes, wanted)?;
        self.books().has_room()?;
        let loaded = loader::load(path, candidate, &verified)?;
        Ok(self
            .books()
            .add(from_file(path, candidate, &verified), loaded))
    }

    /// Adds a library that is linked into this program; none of its modules becomes current. A library that is already
    /// known keeps its number.
    ///
    /// # Errors
    /// Fails when its table and its manifest contradict each other, which is possible only for a table that was not
    /// made by the SDK's macro.
    pub fn link_library(&self, table: &'static LibraryTable) -> Result<LibraryId, LoadError> {
        let fail = |step| LoadError {
            origin: Origin::Linked,
            step,
        };
        let (manifest, loaded) = loader::link(table).map_err(fail)?;
        let mut books = self.books();
        match books.with_modules(&loaded.modules) {
            Some(known) => Ok(known),
            None => Ok(books.add(linked(manifest), loaded)),
        }
    }

    /// All libraries, in the order in which they were loaded.
    pub fn libraries(&self) -> Vec<Library> {
        self.books().libraries.iter().map(Entry::now).collect()
    }

    /// The library with this number.
    pub fn library(&self, id: LibraryId) -> Option<Library> {
        self.books().library(id).map(Entry::now)
    }

    /// A module of a library, whether or not it is current.
    ///
    /// # Errors
    /// Fails when there is no such library, or no such module in it.
    pub fn module(&self, library: LibraryId, module: &str) -> Result<Module, ChangeError> {
        self.books()
            .version(library, module)
            .map(|version| version.module)
    }

    // ---- exchange of code ----

    /// Makes one module of a library current; the current version becomes old. Returns the version that was old until
    /// then: calls cannot reach it any more, and the caller has to deal with processes that still run it.
    ///
    /// # Errors
    /// Fails when there is no such library, or no such module in it. Nothing has changed then.
    pub fn make_current(
        &self,
        library: LibraryId,
        module: &str,
    ) -> Result<Option<Module>, ChangeError> {
        self.change(&[Change::MakeCurrent(library, module)])
            .map(|mut displaced| displaced.pop())
    }

    /// Makes all modules of a library current at once. Returns the versions that were old until then.
    ///
    /// # Errors
    /// Fails when there is no such library.
    pub fn make_all_current(&self, library: LibraryId) -> Result<Vec<Module>, ChangeError> {
        let known = self
            .library(library)
            .ok_or(ChangeError::NoLibrary(library))?;
        let changes = known
            .modules
            .iter()
            .map(|module| Change::MakeCurrent(library, module.name()));
        self.change(&changes.collect::<Vec<_>>())
    }

    /// Makes the current version old, so that none is current (`code:delete/1`). Returns the version that was old until
    /// then.
    pub fn delete(&self, module: &str) -> Option<Module> {
        self.change(&[Change::Delete(module)]).ok()?.pop()
    }

    /// Drops the old version and returns it (`code:purge/1`).
    pub fn purge(&self, module: &str) -> Option<Module> {
        self.change(&[Change::Purge(module)]).ok()?.pop()
    }

    /// Makes all these changes at once: no reader sees a part of them. Returns the versions that are neither current
    /// nor old any more, in the order of the changes that dropped them.
    ///
    /// # Errors
    /// Fails when one of them is impossible. Then none is made.
    pub fn change(&self, changes: &[Change<'_>]) -> Result<Vec<Module>, ChangeError> {
        let mut books = self.books();
        let (versions, forgotten) = books.after(changes)?;
        books.versions = versions;
        self.publish(&books.versions);
        let in_use = |module: &Module| {
            books
                .versions
                .get(module.name())
                .is_some_and(|now| now.has(*module))
        };
        Ok(forgotten
            .into_iter()
            .filter(|module| !in_use(module))
            .collect())
    }

    /// Returns the modules as they would be after these changes, for the preparation of an exchange. Nothing changes.
    ///
    /// # Errors
    /// Fails when one of the changes is impossible.
    pub fn preview(&self, changes: &[Change<'_>]) -> Result<Preview, ChangeError> {
        let (versions, _) = self.books().after(changes)?;
        Ok(Preview {
            current: currents(&versions).collect(),
            epoch: AtomicU64::new(fresh_epoch()),
        })
    }

    /// Publishes the current versions to readers. The caller has the lock of the books, so two changes are published in
    /// the order in which they were made.
    ///
    /// INVARIANT: the table first, then the epoch (`who_sees_a_new_epoch_sees_its_table`). A reader with the old epoch
    /// asks again when it sees the new one. In the opposite order, a reader could keep an old answer under the new
    /// epoch.
    fn publish(&self, versions: &AllVersions) {
        let next: HashMap<&'static str, Module> = currents(versions).collect();
        if **self.current.load() != next {
            self.current.store(Arc::new(next));
            self.epoch.store(fresh_epoch(), Ordering::Release);
        }
    }

    fn versions(&self, module: &str) -> Option<Versions> {
        self.books().versions.get(module).copied()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // No code panics between two writes to the books, so the books of a panicked thread are consistent.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The current version of each module.
fn currents(versions: &AllVersions) -> impl Iterator<Item = (&'static str, Module)> {
    versions
        .iter()
        .filter_map(|(name, versions)| Some((*name, versions.current?.module)))
}

/// The modules as they would be after changes; made by [`CodeServer::preview`].
pub struct Preview {
    current: HashMap<&'static str, Module>,
    /// An epoch that no server has, because results cached under it hold only for these modules.
    epoch: AtomicU64,
}

impl pq_abi::Modules for Preview {
    fn current(&self, name: &str) -> Option<Module> {
        self.current.get(name).copied()
    }

    fn epoch(&self) -> &AtomicU64 {
        &self.epoch
    }
}

/// A number that no server in this process of the operating system has had.
fn fresh_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl pq_abi::Modules for CodeServer {
    fn current(&self, name: &str) -> Option<Module> {
        CodeServer::current(self, name)
    }

    fn epoch(&self) -> &AtomicU64 {
        CodeServer::epoch(self)
    }

    fn at(&self, address: u64) -> Option<Module> {
        let libraries = self.libraries().into_iter();
        let mut modules = libraries.flat_map(|library| library.modules);
        modules.find(|module| module.address() == address)
    }
}
