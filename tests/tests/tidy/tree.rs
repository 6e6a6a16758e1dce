//! The project's files, and the faults that the rules find in them.
//!
//! Everything that touches the disk for the rules is here, so that the rules are functions from
//! text to faults and can be shown text that is wrong.

use std::fmt;
use std::path::{Path, PathBuf};

/// Folders that are not the project's: git's own, and what cargo builds.
const NOT_OURS: [&str; 2] = [".git", "target"];

/// One text file.
pub(crate) struct File {
    /// From the root of the project, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// One line that breaks a rule.
#[derive(Debug)]
pub(crate) struct Fault {
    path: String,
    line: usize,
    wanted: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.wanted)
    }
}

impl File {
    /// A file that exists only for a test.
    pub(crate) fn sample(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Is it Rust source?
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The fault of `line` (from 1); `wanted` says what would be right.
    pub(crate) fn fault(&self, line: usize, wanted: impl Into<String>) -> Fault {
        Fault {
            path: self.path.clone(),
            line,
            wanted: wanted.into(),
        }
    }

    /// The fault of `line`, unless all is `well` there.
    pub(crate) fn unless(&self, well: bool, line: usize, wanted: &str) -> Option<Fault> {
        (!well).then(|| self.fault(line, wanted))
    }

    /// The first line (from 1) that is `wanted`; the first of the file if none is.
    pub(crate) fn line_where(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.text
            .lines()
            .position(wanted)
            .map_or(1, |index| index + 1)
    }
}

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("`tests` stands in the root")
}

/// Every text file of the project, in the order of paths. Files that are not UTF-8 have no style.
pub(crate) fn files() -> Vec<File> {
    walkdir::WalkDir::new(root())
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !NOT_OURS.iter().any(|name| entry.file_name() == *name))
        .map(|entry| entry.expect("the project can be listed"))
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| read(entry.into_path()))
        .collect()
}

/// Every Rust file of the project.
pub(crate) fn rust_files() -> Vec<File> {
    files().into_iter().filter(File::is_rust).collect()
}

/// One file of the project by its path, or nothing while it has not been written.
pub(crate) fn file(path: &str) -> Option<File> {
    read(root().join(path))
}

fn read(path: PathBuf) -> Option<File> {
    let text = std::fs::read_to_string(&path).ok()?;
    Some(File {
        path: relative(&path),
        text,
    })
}

/// `path` as seen from the root, with `/`.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// Fails with every fault on a line of its own.
pub(crate) fn clean(faults: impl IntoIterator<Item = Fault>) {
    let faults: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
    assert!(
        faults.is_empty(),
        "{} to mend:\n{}\n",
        faults.len(),
        faults.join("\n")
    );
}

/// Fails unless the faults are those at `places` (`path:line`), in this order: the rule can see.
pub(crate) fn refused(faults: impl IntoIterator<Item = Fault>, places: &[&str]) {
    let found: Vec<String> = faults
        .into_iter()
        .map(|f| format!("{}:{}", f.path, f.line))
        .collect();
    assert_eq!(found, places, "the rule does not refuse what it should");
}
