//! Release trees for tests: each is a fresh copy of the tree that `pq demo` makes.
//!
//! A node locks its tree, and certain tests damage theirs, so no two tests share a tree.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{Disk, Running, Signal, once, pq};

/// The files of a release tree (2 MB), with paths relative to its root.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// A release tree, which is removed when the value is dropped, or together with its disk.
pub struct Tree {
    _folder: Option<TempDir>,
    root: PathBuf,
}

impl Tree {
    /// A tree with release 1.0.0, as `pq demo` makes it.
    pub fn new() -> Tree {
        Tree::named("rel")
    }

    /// Does the same as [`Tree::new`] at a path that ends in `name`.
    pub fn named(name: &str) -> Tree {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        let mut tree = Tree::below(folder.path(), name);
        tree._folder = Some(folder);
        tree
    }

    /// Does the same as [`Tree::new`] on a small disk.
    pub fn on(disk: &Disk) -> Tree {
        Tree::below(disk.folder(), "rel")
    }

    /// A copy of the tree in this directory.
    pub fn copied(from: &Path) -> Tree {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let mut files = Files::new();
        read_all(from, Path::new(""), &mut files);
        let mut tree = Tree::with(&files, folder.path().join("rel"));
        tree._folder = Some(folder);
        tree
    }

    fn below(folder: &Path, name: &str) -> Tree {
        Tree::with(release(), folder.join(name))
    }

    fn with(files: &Files, root: PathBuf) -> Tree {
        for (path, bytes) in files {
            let file = root.join(path);
            let parent = file.parent().expect("the file is below the root");
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&file, bytes))
                .expect("there is room for two megabytes");
        }
        Tree {
            _folder: None,
            root,
        }
    }

    /// The root directory of the tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Adds these settings of `sockserv` to the `sys.config` of release `vsn`.
    pub fn configures(&self, vsn: &str, settings: &str) {
        let file = self.root.join(format!("releases/{vsn}/sys.config"));
        let came_with = match vsn {
            "1.0.0" => include_str!("../../../releases/1.0.0/sys.config"),
            _ => include_str!("../../../releases/1.1.0/sys.config"),
        };
        let text = came_with.replace("{port, 8082},", &format!("{{port, 8082}}, {settings},"));
        std::fs::write(file, text).expect("the release has a folder");
    }

    /// A tree with release 1.0.0 and these limits on connections.
    pub fn with_limits(limits: &str) -> Tree {
        let tree = Tree::new();
        tree.configures("1.0.0", &format!("{{limits, [{limits}]}}"));
        tree
    }

    /// The library file of an application in the tree.
    pub fn library(&self, application: &str) -> PathBuf {
        let folder = format!("lib/{application}-1.0.0/priv/{application}.so");
        self.root.join(folder)
    }

    /// The arguments that start a node on the tree at a free port.
    pub fn start(&self) -> Vec<OsString> {
        let mut args = ["start", "--port", "0", "--root"]
            .map(OsString::from)
            .to_vec();
        args.push(self.root.clone().into());
        args
    }
}

impl Default for Tree {
    fn default() -> Tree {
        Tree::new()
    }
}

/// The files of release 1.0.0 and the package of release 1.1.0, built at the first call in a run.
fn release() -> &'static Files {
    static RELEASE: OnceLock<Files> = OnceLock::new();
    RELEASE.get_or_init(|| {
        let folder = once("release", lay_out);
        let mut files = Files::new();
        read_all(&folder, Path::new(""), &mut files);
        files
    })
}

fn lay_out(folder: &Path) {
    let mut demo = Running::demo(folder, &[]);
    demo.is_ready();
    demo.signal(Signal::TERM);
    assert!(demo.end().success(), "the demo does not end well");
    // The history of the demo does not belong to the tests.
    let past = folder.join("releases/history.jsonl");
    std::fs::remove_file(past).expect("the demo has written down its boot");
    // Neither do its saves.
    std::fs::remove_dir_all(folder.join("data")).expect("the demo has a store");
}

/// Copies a directory with its content, except the directories `target` of cargo.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the target can be made");
    for entry in std::fs::read_dir(from).expect("the folder can be listed") {
        let entry = entry.expect("the folder does not change meanwhile");
        let to = to.join(entry.file_name());
        match entry.file_type().expect("the entry exists").is_dir() {
            true if entry.file_name() == "target" => (),
            true => copy_folder(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).expect("the file can be copied")),
        }
    }
}

fn read_all(root: &Path, below: &Path, files: &mut Files) {
    let entries = std::fs::read_dir(root.join(below)).expect("the demo has laid it out");
    for entry in entries {
        let entry = entry.expect("the folder does not change meanwhile");
        let path = below.join(entry.file_name());
        match entry.file_type().expect("the entry exists").is_dir() {
            true => read_all(root, &path, files),
            false => files.push((
                path,
                std::fs::read(entry.path()).expect("the entry is a regular file"),
            )),
        }
    }
}
