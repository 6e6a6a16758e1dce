//! The source of files for systools: tests use memory, builds use directories.

use std::io;
use std::path::{Path, PathBuf};

use crate::boot::BuiltIn;
use crate::layout;

/// The source of the files of a make.
pub trait Lookup {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// The error of the operating system; `NotFound` for a missing file.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;

    /// The `.app` files of an application in all versions, in the order in which they are tried.
    fn app_files(&self, name: &str) -> Vec<PathBuf>;
}

/// Applications in directories, and those that are part of the node.
///
/// A directory may be a release tree or its `lib`, the directory of one application or its `ebin`, or contain the directories
/// of applications in the form of a project. An application's directory is called `Name` or `Name-Vsn`, and its files are in
/// `ebin` there or directly in it:
///
/// ```text
///   folder/a.app          folder/a-1/a.app        folder/lib/a-1/a.app
///   folder/ebin/a.app     folder/a-1/ebin/a.app   folder/lib/a-1/ebin/a.app
/// ```
///
/// Applications of the node change only with the node, so each has an appup that restarts the node for every version.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    paths: Vec<PathBuf>,
    built_in: Vec<BuiltIn>,
}

/// The directory in messages about the files of an application of the node. No such directory exists.
const NODE: &str = "pq";

/// Every version is reached by a restart with another node.
const APPUP_OF_NODE: &str = "[{<<\".*\">>, [restart_new_emulator]}]";

impl Folders {
    /// Searches these directories in order, then the applications of the node; several versions of one application are
    /// possible.
    pub fn new(paths: Vec<PathBuf>, built_in: Vec<BuiltIn>) -> Folders {
        Folders { paths, built_in }
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

impl Lookup for Folders {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        match self.of_node(file) {
            Some(text) => Ok(text.into_bytes()),
            None => pq_files::read(file, pq_files::TEXT_BYTES_MAX),
        }
    }

    fn app_files(&self, name: &str) -> Vec<PathBuf> {
        if !layout::is_plain(name) {
            return Vec::new();
        }
        let own = self.built_in.iter().filter(|own| own.name == name);
        let own = own.map(|own| layout::app_file(Path::new(NODE), name, &own.vsn));
        let in_folders = self.paths.iter().flat_map(|path| app_files_in(path, name));
        in_folders.chain(own).collect()
    }
}

/// The `.app` files of an application in this directory.
fn app_files_in(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut homes = vec![folder.to_path_buf()];
    homes.extend(homes_in(folder, name));
    homes.extend(homes_in(&folder.join("lib"), name));
    let places = [format!("{name}.app"), layout::app_name(name)];
    let files = homes
        .iter()
        .flat_map(|home| places.iter().map(|place| home.join(place)));
    files.filter(|file| file.is_file()).collect()
}

/// The directories called `Name` or `Name-Vsn`, ordered by name. An unreadable directory has none.
fn homes_in(folder: &Path, name: &str) -> Vec<PathBuf> {
    let is_home = |entry: &std::fs::DirEntry| {
        let entry = entry.file_name();
        let rest = entry.to_str().and_then(|entry| entry.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut homes: Vec<PathBuf> = entries.filter(is_home).map(|entry| entry.path()).collect();
    homes.sort();
    homes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of this list that a search for `a` in the directory `p` finds.
    fn found(files: &[&str]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let file = root.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "text").unwrap();
        }
        let found = Folders::new(vec![root.path().join("p")], Vec::new()).app_files("a");
        let below = |file: &PathBuf| {
            file.strip_prefix(root.path())
                .unwrap()
                .display()
                .to_string()
        };
        found.iter().map(below).collect()
    }

    #[test]
    fn a_folder_may_be_a_tree_an_application_its_ebin_or_sources() {
        for file in [
            "p/a.app",
            "p/ebin/a.app",
            "p/a/a.app",
            "p/a-1.0/a.app",
            "p/a/ebin/a.app",
            "p/a-1.0/ebin/a.app",
            "p/lib/a-1.0/ebin/a.app",
        ] {
            assert_eq!(found(&[file]), [file]);
        }
    }

    #[test]
    fn of_one_name_all_versions_are_found_and_nothing_of_another() {
        let files = [
            "p/a-2/ebin/a.app",
            "p/a-1/a.app",
            "p/a_b-1/ebin/a.app",
            "p/ab/a.app",
            "p/a-3/b.app",
            "q/a.app",
        ];
        assert_eq!(found(&files), ["p/a-1/a.app", "p/a-2/ebin/a.app"]);
        assert!(Folders::default().app_files("../a").is_empty());
    }

    #[test]
    fn what_an_author_gives_comes_before_what_the_node_has() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kernel.app"), "given").unwrap();
        let kernel = BuiltIn {
            name: "kernel".into(),
            vsn: "1.0.0".into(),
            app_text: "text".into(),
        };
        let folders = Folders::new(vec![folder.path().to_path_buf()], vec![kernel]);
        let [given, own] = &folders.app_files("kernel")[..] else {
            panic!("two kernels")
        };
        assert_eq!(folders.read(given).unwrap(), b"given");
        assert_eq!(folders.read(own).unwrap(), b"text");
        let appup = String::from_utf8(folders.read(&own.with_extension("appup")).unwrap()).unwrap();
        assert!(appup.contains("restart_new_emulator"));
    }
}
