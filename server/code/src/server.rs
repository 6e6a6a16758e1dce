//! The code server: the libraries of a node, and which version of each module is current.
//!
//! Asking for the current version is on the path of every call between modules: it takes no lock and reads a
//! table that is never written, only replaced. Everything else takes the books' lock for a moment; loading has
//! a lock of its own, so that nobody waits for a disk.
//!
//! Called by the runtime (current versions, the epoch) and by the release handler (everything else).

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

/// The code server of a node.
pub struct CodeServer {
    /// Name to current version; replaced as a whole.
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
    /// A server that knows no library.
    pub fn new() -> CodeServer {
        CodeServer {
            current: ArcSwap::default(),
            epoch: AtomicU64::new(fresh_epoch()),
            books: Mutex::default(),
            loading: Mutex::default(),
        }
    }

    // ---- what is current ----

    /// The version that calls by name reach (`Module:Function(…)`).
    pub fn current(&self, module: &str) -> Option<Module> {
        self.current.load().get(module).copied()
    }

    /// `true` when calls by name reach this very version.
    pub fn is_current(&self, module: Module) -> bool {
        self.current(module.name()) == Some(module)
    }

    /// A number that changes at each change of any current module, after the change can be seen. No two
    /// states of any servers in one process of the operating system have the same, so that code which all of
    /// them share may keep what it found out under it ([`pq_abi::raw::HostTable::epoch`]). Never 0.
    pub fn epoch(&self) -> &AtomicU64 {
        &self.epoch
    }

    /// The version that was current before and is not purged.
    pub fn old(&self, module: &str) -> Option<Module> {
        self.versions(module)?.old.map(|version| version.module)
    }

    /// Where the current version came from (`code:which/1`).
    pub fn which(&self, module: &str) -> Option<Origin> {
        let current = self.versions(module)?.current?;
        let books = self.books();
        books
            .library(current.library)
            .map(|entry| entry.library.origin.clone())
    }

    /// All modules, by name (`code:all_loaded/0`).
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

    /// Verifies and loads a library; none of its modules becomes current. The bytes are what counts, not the
    /// path: bytes that are loaded already are not loaded again, so going back and forth between two releases
    /// costs nothing, and other bytes under a known path are another library.
    ///
    /// # Errors
    /// At the first of the steps of [`FailedStep`] that fails. The server is then as it was.
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
        let loaded = loader::load(candidate, &verified)?;
        Ok(self
            .books()
            .add(from_file(path, candidate, &verified), loaded))
    }

    /// Takes in a library that is linked into this program; none of its modules becomes current. One that is
    /// known already keeps its number.
    ///
    /// # Errors
    /// When its table and its manifest contradict each other, which only a table made by hand can do.
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

    /// All libraries, in the order in which they came.
    pub fn libraries(&self) -> Vec<Library> {
        self.books().libraries.iter().map(Entry::now).collect()
    }

    /// One library.
    pub fn library(&self, id: LibraryId) -> Option<Library> {
        self.books().library(id).map(Entry::now)
    }

    /// A module of a library, whether it is current or not.
    ///
    /// # Errors
    /// When there is no such library, or no such module in it.
    pub fn module(&self, library: LibraryId, module: &str) -> Result<Module, ChangeError> {
        self.books()
            .version(library, module)
            .map(|version| version.module)
    }

    // ---- exchange of code ----

    /// Makes one module of a library current; what was current becomes old. Returns the version that was old
    /// until then, if there was one: it cannot be reached any more, and what still runs it must be dealt with.
    ///
    /// # Errors
    /// When there is no such library, or no such module in it. Nothing has changed then.
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
    /// When there is no such library.
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

    /// The current version becomes old, and none is current (`code:delete/1`). Returns the version that was old
    /// until then.
    pub fn delete(&self, module: &str) -> Option<Module> {
        self.change(&[Change::Delete(module)]).ok()?.pop()
    }

    /// Forgets the old version and returns it (`code:purge/1`).
    pub fn purge(&self, module: &str) -> Option<Module> {
        self.change(&[Change::Purge(module)]).ok()?.pop()
    }

    /// Does all of these changes at once: nobody sees some of them without the others. Returns the versions that
    /// are neither current nor old any more, in the order of the changes that forgot them.
    ///
    /// # Errors
    /// When one of them cannot be done. Then none is.
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

    /// The modules as they would be after these changes, for whoever prepares them: nothing changes.
    ///
    /// # Errors
    /// When one of them cannot be done.
    pub fn preview(&self, changes: &[Change<'_>]) -> Result<Preview, ChangeError> {
        let (versions, _) = self.books().after(changes)?;
        Ok(Preview {
            current: currents(&versions).collect(),
            epoch: AtomicU64::new(fresh_epoch()),
        })
    }

    /// Shows the world what is current. The caller has the books' lock, so that two changes are shown in the
    /// order in which they were made.
    ///
    /// INVARIANT: the table first, then the epoch (`who_sees_a_new_epoch_sees_its_table`). Whoever still has the
    /// old epoch asks again when the new one arrives; the other way round an old answer would keep a new epoch.
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
        // Nothing panics between two writes to the books, so those of a panicked thread are whole.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The current version of each module.
fn currents(versions: &AllVersions) -> impl Iterator<Item = (&'static str, Module)> {
    versions
        .iter()
        .filter_map(|(name, versions)| Some((*name, versions.current?.module)))
}

/// The modules as changes would leave them ([`CodeServer::preview`]).
pub struct Preview {
    current: HashMap<&'static str, Module>,
    /// Nobody else's: what is found out under it is about these modules.
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

/// A number that no server of this process of the operating system has had.
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
