//! Where systools finds files. A test answers from memory, an author's build from folders.

use std::io;
use std::path::{Path, PathBuf};

use crate::boot::BuiltIn;
use crate::layout;

/// The files of a make.
pub trait Lookup {
    /// The bytes of a file.
    ///
    /// # Errors
    /// As the operating system answers; `NotFound` for a file that is not there.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;

    /// The `.app` files of an application, of whatever version, in the order in which they are tried.
    fn app_files(&self, name: &str) -> Vec<PathBuf>;
}

/// Applications in the `lib` folders of release trees, and those that are part of the node.
///
/// A part of the node changes only with the node, so each has an appup that says so for every version.
#[derive(Debug, Clone, Default)]
pub struct ReleaseFolders {
    roots: Vec<PathBuf>,
    built_in: Vec<BuiltIn>,
}

/// Where the files of a part of the node would be. No such folder exists: it is for messages.
const NODE: &str = "pq";

/// Any version is reached by a node that starts again.
const APPUP_OF_NODE: &str = "[{<<\".*\">>, [restart_new_emulator]}]";

impl ReleaseFolders {
    /// The trees at these roots, tried in this order, and what nodes bring along; of one name there may be several versions.
    pub fn new(roots: Vec<PathBuf>, built_in: Vec<BuiltIn>) -> ReleaseFolders {
        ReleaseFolders { roots, built_in }
    }

    fn of_node(&self, file: &Path) -> Option<String> {
        for own in &self.built_in {
            let app = layout::app_file(Path::new(NODE), &own.name, &own.vsn);
            if file == app {
                return Some(own.app_text.clone());
            }
            if file == app.with_extension("appup") {
                return Some(format!(
                    "{{\"{}\", {APPUP_OF_NODE}, {APPUP_OF_NODE}}}.",
                    own.vsn
                ));
            }
        }
        None
    }
}

impl Lookup for ReleaseFolders {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        match self.of_node(file) {
            Some(text) => Ok(text.into_bytes()),
            None => std::fs::read(file),
        }
    }

    fn app_files(&self, name: &str) -> Vec<PathBuf> {
        if !layout::is_plain(name) {
            return Vec::new();
        }
        let own = self.built_in.iter().filter(|own| own.name == name);
        let own = own.map(|own| layout::app_file(Path::new(NODE), name, &own.vsn));
        let in_trees = self
            .roots
            .iter()
            .flat_map(|root| app_files_in(&root.join("lib"), name));
        own.chain(in_trees).collect()
    }
}

/// `lib/Name-*/ebin/Name.app`, in the order of the names. A folder that cannot be listed holds none.
fn app_files_in(lib: &Path, name: &str) -> Vec<PathBuf> {
    let prefix = format!("{name}-");
    let entries = std::fs::read_dir(lib).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
    let mut files: Vec<PathBuf> = folders
        .map(|entry| entry.path().join(layout::app_name(name)))
        .collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_found_in_every_tree_and_in_the_node() {
        let folder = tempfile::tempdir().unwrap();
        let root = |name: &str| folder.path().join(name);
        for (tree, lib) in [
            ("one", "a-2"),
            ("one", "a-1"),
            ("two", "a-3"),
            ("two", "a_b-1"),
            ("two", "a-empty"),
        ] {
            let ebin = root(tree).join("lib").join(lib).join("ebin");
            std::fs::create_dir_all(&ebin).unwrap();
            if lib != "a-empty" {
                std::fs::write(ebin.join("a.app"), lib).unwrap();
            }
        }
        let kernel = BuiltIn {
            name: "kernel".into(),
            vsn: "1.0.0".into(),
            app_text: "text".into(),
        };
        let folders =
            ReleaseFolders::new(vec![root("one"), root("two"), root("three")], vec![kernel]);
        let read: Vec<_> = folders
            .app_files("a")
            .iter()
            .map(|file| folders.read(file).unwrap())
            .collect();
        assert_eq!(read, [b"a-1", b"a-2", b"a-3"]);
        let [kernel] = &folders.app_files("kernel")[..] else {
            panic!("one kernel")
        };
        assert_eq!(folders.read(kernel).unwrap(), b"text");
        let appup =
            String::from_utf8(folders.read(&kernel.with_extension("appup")).unwrap()).unwrap();
        assert!(appup.contains("restart_new_emulator"));
        assert!(folders.app_files("../a").is_empty());
    }
}
