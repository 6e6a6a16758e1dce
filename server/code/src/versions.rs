//! The current and the old version of one module, and their changes in an exchange of code.
//!
//! ```text
//!             make current B          make current C           purge
//!   ─ , ─  ─►  A , ─  ─────►  B , A  ───────────►  C , B  ─────────►  C , ─      (current, old)
//!                                    A is dropped            B is dropped
//! ```
//!
//! Pure bookkeeping; `server` stores it and publishes changes.

use pq_abi::Module;

use crate::library::LibraryId;

/// One version of a module, and its library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    /// The loaded module, which callers can run.
    pub module: Module,
    /// The library that contains the module.
    pub library: LibraryId,
}

/// One step of an exchange of code; see [`crate::CodeServer::change`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    /// The module of that library becomes current, and the current one old (`code:load_file/1`).
    MakeCurrent(LibraryId, &'a str),
    /// The current version becomes old, and none is current (`code:delete/1`).
    Delete(&'a str),
    /// The old version is dropped (`code:purge/1`; this operation does not look at processes that run it).
    Purge(&'a str),
}

/// The versions of one module.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Versions {
    pub(crate) current: Option<Version>,
    pub(crate) old: Option<Version>,
}

impl Versions {
    /// Returns the version that is neither current nor old any more.
    pub(crate) fn make_current(&mut self, next: Version) -> Option<Version> {
        if self.is_current(next.module) {
            return None;
        }
        let old_before = self.old.filter(|old| old.module != next.module);
        let displaced = self.current.and(old_before);
        self.old = self.current.or(old_before);
        self.current = Some(next);
        displaced
    }

    /// Returns the version that is neither current nor old any more.
    pub(crate) fn delete(&mut self) -> Option<Version> {
        let current = self.current.take()?;
        self.old.replace(current)
    }

    /// Returns the version that is neither current nor old any more.
    pub(crate) fn purge(&mut self) -> Option<Version> {
        self.old.take()
    }

    pub(crate) fn is_current(&self, module: Module) -> bool {
        self.current.is_some_and(|current| current.module == module)
    }

    pub(crate) fn has(&self, module: Module) -> bool {
        self.is_current(module) || self.old.is_some_and(|old| old.module == module)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.current.is_none() && self.old.is_none()
    }
}
