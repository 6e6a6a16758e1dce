//! The files of the project, and the faults that the rules find in them.
//!
//! All access to the disk is in this module, so the rules are functions from text to faults, and can be tested with
//! wrong text.

use std::fmt;
use std::path::{Path, PathBuf};

/// Directories that do not belong to the project: git's own, and the output of cargo.
const NOT_OURS: [&str; 2] = [".git", "target"];

/// One text file of the project.
pub(crate) struct File {
    /// The path from the root of the project, with `/`.
    pub(crate) path: String,
    /// The whole content of the file.
    pub(crate) text: String,
}

/// A line that breaks a rule.
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

    /// Whether the file is Rust source.
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

    /// The fault of `line`, unless it is `well`.
    pub(crate) fn unless(&self, well: bool, line: usize, wanted: &str) -> Option<Fault> {
        (!well).then(|| self.fault(line, wanted))
    }

    /// The first line (from 1) that is `wanted`; 1 if there is none.
    pub(crate) fn line_where(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.text
            .lines()
            .position(wanted)
            .map_or(1, |index| index + 1)
    }
}

/// The root directory of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("`tests` is in the root")
}

/// Every text file of the project, sorted by path. Files that are not UTF-8 have no style.
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

/// The file of the project with this path; `None` if it does not exist.
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

/// `path` relative to the root, with `/`.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// Fails if there are faults, and prints each of them on a line of its own.
pub(crate) fn clean(faults: impl IntoIterator<Item = Fault>) {
    let faults: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
    assert!(
        faults.is_empty(),
        "{} to mend:\n{}\n",
        faults.len(),
        faults.join("\n")
    );
}

/// Fails unless the faults are at `places` (`path:line`) in this order, which proves that the rule detects them.
pub(crate) fn refused(faults: impl IntoIterator<Item = Fault>, places: &[&str]) {
    let found: Vec<String> = faults
        .into_iter()
        .map(|f| format!("{}:{}", f.path, f.line))
        .collect();
    assert_eq!(found, places, "the rule does not refuse what it should");
}
