//! Libraries and modules as an operator sees them: plain data, copied out of the books of `server`.

use std::fmt;
use std::path::PathBuf;

use pq_abi::Module;

use crate::checksum::Checksum;
use crate::manifest::ModuleEntry;
use crate::versions::Version;

/// A library of one server; never used again for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LibraryId(pub(crate) u32);

impl fmt::Display for LibraryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Where a library came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// This very program.
    Linked,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => path.display().fmt(f),
            Origin::Linked => f.write_str("linked"),
        }
    }
}

/// A library, as an operator sees it.
#[derive(Clone, Debug)]
pub struct Library {
    /// Its number.
    pub id: LibraryId,
    /// The application it belongs to.
    pub application: String,
    /// That application's version.
    pub vsn: String,
    /// Where it came from.
    pub origin: Origin,
    /// Of its file; `None` when it is linked.
    pub checksum: Option<Checksum>,
    /// Its modules, in the order of its manifest.
    pub modules: Vec<Module>,
    /// What its manifest says of each of them, in the same order.
    pub entries: Vec<ModuleEntry>,
    /// Bytes of addresses that its mapping takes, in whole pages; 0 when it is linked.
    pub mapped_bytes: u64,
    /// Bytes that its code has allocated and not freed; 0 when it is linked, because those are the program's.
    pub allocated_bytes: u64,
}

/// The versions of a module, as an operator sees them.
#[derive(Clone, Copy, Debug)]
pub struct LoadedModule {
    /// Its name.
    pub name: &'static str,
    /// What calls by name reach; `None` after it was deleted.
    pub current: Option<Version>,
    /// What was current before and is not purged.
    pub old: Option<Version>,
}
