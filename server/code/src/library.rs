//! Libraries and modules in the view of an operator: plain data, copied from the tables of `server`.

use std::fmt;
use std::path::PathBuf;

use pq_abi::Module;

use crate::checksum::Checksum;
use crate::manifest::ModuleEntry;
use crate::versions::Version;

/// The number of a library of one server; it is never used again for another library.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LibraryId(pub(crate) u32);

impl fmt::Display for LibraryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The origin of a library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A file, which the server has loaded.
    File(PathBuf),
    /// The program itself, into which the library is linked.
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

/// A loaded or linked library, as [`CodeServer::libraries`](crate::CodeServer::libraries) lists it.
#[derive(Clone, Debug)]
pub struct Library {
    /// The number that the server has given it.
    pub id: LibraryId,
    /// The application to which it belongs.
    pub application: String,
    /// The version of that application.
    pub vsn: String,
    /// The file, or the program.
    pub origin: Origin,
    /// The checksum of its file; `None` when it is linked into the program.
    pub checksum: Option<Checksum>,
    /// Its modules, in the order of its manifest.
    pub modules: Vec<Module>,
    /// The entries of its manifest, in the same order as the modules.
    pub entries: Vec<ModuleEntry>,
    /// The size of its mapping in bytes, in whole pages; 0 when it is linked into the program.
    pub mapped_bytes: u64,
    /// Bytes that its code has allocated and not freed; 0 when it is linked, because they count for the program.
    pub allocated_bytes: u64,
}

/// The current and old version of one module, as [`CodeServer::loaded`](crate::CodeServer::loaded) lists them.
#[derive(Clone, Copy, Debug)]
pub struct LoadedModule {
    /// The name of the module.
    pub name: &'static str,
    /// The version that calls by name reach; `None` after it was deleted.
    pub current: Option<Version>,
    /// The version that was current before; `None` when there was none or it is purged.
    pub old: Option<Version>,
}
