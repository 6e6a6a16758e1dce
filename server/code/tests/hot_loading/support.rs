//! The two versions of the fixture, and a server with a directory for files.

use std::fs;
use std::path::PathBuf;

use pq_abi::Module;
use pq_code::linking::AS_A_LIBRARY;
use pq_code::{CodeServer, LibraryId};
use tempfile::TempDir;

use super::fixture::{KEEPS_NOTHING, Variant};

/// The fixture in version 1.0.0.
pub(crate) static V1: Variant = Variant::new("v1", "1.0.0", KEEPS_NOTHING, AS_A_LIBRARY);
/// The fixture in version 1.1.0.
pub(crate) static V2: Variant = Variant::new("v2", "1.1.0", KEEPS_NOTHING, AS_A_LIBRARY);

/// A server, and a directory with library files.
pub(crate) struct Node {
    pub(crate) code: CodeServer,
    folder: TempDir,
}

impl Node {
    pub(crate) fn new() -> Node {
        Node {
            code: CodeServer::new(),
            folder: TempDir::new().expect("there is room for a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes these bytes to the file, in place of its content.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).expect("the folder can be written");
        self.path(name)
    }

    /// Writes a library file and loads it.
    pub(crate) fn load(&self, name: &str, bytes: &[u8]) -> LibraryId {
        let path = self.write(name, bytes);
        self.code
            .load_library(&path, None)
            .unwrap_or_else(|error| panic!("failed to {error}"))
    }

    /// A module of a loaded library.
    pub(crate) fn module(&self, library: LibraryId, name: &str) -> Module {
        self.code
            .module(library, name)
            .unwrap_or_else(|error| panic!("failed to {error}"))
    }

    /// The version of the code that the module of a library runs.
    pub(crate) fn version(&self, library: LibraryId) -> String {
        super::host::version(&self.code, self.module(library, "fix_words"))
    }
}
