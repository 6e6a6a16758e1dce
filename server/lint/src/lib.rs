//! Rules for sources that the compiler does not know: a library has no clock, thread, file or random source of its own, and lists
//! the functions that it calls.
//!
//! `pq release`, the tests of authors (`pq-testing`) and the tidy test use the same rules.

mod library;
pub mod mask;

pub use library::{unlisted_calls, worldly, worldly_to_the_end};

use std::io;
use std::path::{Path, PathBuf};

/// A place at which a source breaks a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The rule, or the correct form.
    pub sentence: String,
}

/// The faults in the sources of a library: all files below `src` of the package in this directory, with their faults.
///
/// # Errors
/// The error of the operating system, with the file.
pub fn library_faults(package: &Path) -> Result<Vec<(PathBuf, Fault)>, (PathBuf, io::Error)> {
    let mut faults = Vec::new();
    for file in sources(&package.join("src"))? {
        let text = text(&file).map_err(|error| (file.clone(), error))?;
        let found = worldly(&text).into_iter().chain(unlisted_calls(&text));
        faults.extend(found.map(|fault| (file.clone(), fault)));
    }
    Ok(faults)
}

/// The Rust files below a directory, without files that only tests have.
fn sources(src: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let (mut files, mut folders) = (Vec::new(), vec![src.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let failed = |error| (folder.clone(), error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_test = path.file_stem().is_some_and(|name| name == "tests");
            match path.extension() {
                _ if is_test => (),
                Some(extension) if extension == "rs" => files.push(path),
                _ if path.is_dir() => folders.push(path),
                _ => (),
            }
        }
    }
    files.sort();
    Ok(files)
}

fn text(file: &Path) -> io::Result<String> {
    let bytes = pq_files::read(file, pq_files::TEXT_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}
