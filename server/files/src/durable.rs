//! Atomic writes, which leave either the old or the new file, also after a power failure; and files to which complete
//! lines are appended.
//!
//! A new file is written next to its target, synced to the disk, and renamed to its target; then the directory is
//! synced, too: a rename is atomic for readers, but only the synced directory makes it permanent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file or directory could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{step} {}: {source}", .path.display())]
pub struct WriteError {
    /// The operation that failed: a verb such as `write`.
    pub step: &'static str,
    /// The file or directory of the operation.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

/// Writes a file, which replaces an existing one. Missing directories above it are made.
///
/// # Errors
/// Returns the error of the operating system; then the old file is unchanged.
pub fn write(file: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    make_folder(parent(file))?;
    Prepared::new(beside(file), file, bytes)?.put()
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> io::Error {
        io::Error::new(error.source.kind(), error)
    }
}

/// Does the same as [`write()`] for a file that only its owner may read.
///
/// # Errors
/// See [`write()`].
pub fn write_private(file: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    make_folder(parent(file))?;
    Prepared::of(beside(file), file, bytes, Readers::Owner)?.put()
}

/// Appends a line, given with its end, to a file. If the last line of the file has no end, a line break comes first.
///
/// # Errors
/// Returns the error of the operating system, also for a path that is not a regular file. The file may contain a part
/// of the line then.
pub fn append_line(file: &Path, line: &[u8]) -> Result<(), WriteError> {
    let append = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = crate::open_as(file, options.read(true).append(true).create(true))?;
        let begun = !ends_whole(&mut file)?;
        let line = [if begun { b"\n".as_slice() } else { b"" }, line].concat();
        file.write_all(&line)?;
        file.sync_all()
    };
    append().map_err(failed("write", file))?;
    sync_folder(parent(file))
}

/// Whether the last line has its end.
fn ends_whole(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The users that may read a new file.
#[derive(Clone, Copy)]
enum Readers {
    /// All users that the mask of the process allows (`umask(2)`).
    All,
    /// The owner of the file only.
    Owner,
}

/// A file whose bytes are on the disk while its target still has the old content. To change two files, prepare both
/// first: then a full disk prevents both changes. Dropping the value removes the prepared file.
#[derive(Debug)]
pub struct Prepared {
    beside: PathBuf,
    place: PathBuf,
}

impl Prepared {
    /// Writes the bytes to `beside`, which has to be on the file system of `place`.
    ///
    /// # Errors
    /// Returns the error of the operating system; then `beside` does not exist.
    pub fn new(beside: PathBuf, place: &Path, bytes: &[u8]) -> Result<Prepared, WriteError> {
        Prepared::of(beside, place, bytes, Readers::All)
    }

    fn of(
        beside: PathBuf,
        place: &Path,
        bytes: &[u8],
        readers: Readers,
    ) -> Result<Prepared, WriteError> {
        let place = place.to_path_buf();
        let prepared = Prepared { beside, place };
        write_synced(&prepared.beside, bytes, readers)?;
        Ok(prepared)
    }

    /// Renames the file to its target.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    pub fn put(self) -> Result<(), WriteError> {
        rename(&self.beside, &self.place)?;
        sync_folder(parent(&self.place))
    }
}

impl Drop for Prepared {
    /// After `put` there is nothing to remove. A file that cannot be removed does no harm.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.beside);
    }
}

/// Renames a directory to its target, which must not exist. The content has to be synced already ([`sync_folders`]).
/// Missing directories above the target are made.
///
/// # Errors
/// Returns the error of the operating system; then the directory is at its old place.
pub fn put_folder(from: &Path, place: &Path) -> Result<(), WriteError> {
    let above = parent(place);
    make_folder(above)?;
    rename(from, place)?;
    sync_folder(above)
}

/// Syncs a file that another library has written, and moves it to its target, which must not exist.
///
/// # Errors
/// Returns the error of the operating system; then the target is as before.
pub fn put_new(from: &Path, place: &Path) -> Result<(), WriteError> {
    sync_file(from)?;
    link(from, place)?;
    remove(from)
}

/// Does the same with a target that may exist: a reader finds either the old file or the new one.
///
/// # Errors
/// Returns the error of the operating system; then the target is as before.
pub fn replace(from: &Path, place: &Path) -> Result<(), WriteError> {
    sync_file(from)?;
    rename(from, place)?;
    sync_folder(parent(place))
}

/// Gives a file a second name on the same file system, which must be free.
///
/// # Errors
/// Returns the error of the operating system.
pub fn link(file: &Path, name: &Path) -> Result<(), WriteError> {
    fs::hard_link(file, name).map_err(failed("put in place", name))?;
    sync_folder(parent(name))
}

/// Removes a file, a link or a directory with its content. Links are not followed, and a missing path is no error.
///
/// # Errors
/// Returns the error of the operating system; a part of a directory may be removed then.
pub fn remove(path: &Path) -> Result<(), WriteError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => sync_folder(parent(path)),
        Err(error) if is_absence(&error) => Ok(()),
        Err(error) => Err(failed("remove", path)(error)),
    }
}

/// A path through a file that is not a directory is also a missing path.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Syncs a directory and all directories below it. The writer has to sync their files.
///
/// # Errors
/// Returns the error of the operating system.
pub fn sync_folders(folder: &Path) -> Result<(), WriteError> {
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let entry = entry.map_err(failed("list", folder))?;
        let kind = entry.file_type().map_err(failed("list", folder))?;
        if kind.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}

/// Makes a directory with these files (paths within it) in one atomic step. The directory must not exist; the remains
/// of an interrupted attempt are replaced.
///
/// # Errors
/// Returns the error of the operating system; then the directory does not exist.
pub fn write_folder(folder: &Path, files: &[(PathBuf, &[u8])]) -> Result<(), WriteError> {
    let above = parent(folder);
    make_folder(above)?;
    let beside = beside(folder);
    remove(&beside)?;
    make_folder(&beside)?;
    for (path, bytes) in files {
        write(&beside.join(path), bytes)?;
    }
    rename(&beside, folder)?;
    sync_folder(above)
}

/// The path for the preparation of a file: a hidden file in the same directory. The process id in its name separates
/// programs.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write_synced(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), WriteError> {
    let mode = match readers {
        Readers::All => 0o666,
        Readers::Owner => 0o600,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(failed("write", path))
}

/// Makes a directory and the missing ones above it, and syncs the parent of each.
///
/// # Errors
/// Returns the error of the operating system.
pub fn make_folder(folder: &Path) -> Result<(), WriteError> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    make_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed("make", folder)(error))
        }
        _ => sync_folder(above),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), WriteError> {
    fs::rename(from, to).map_err(failed("put in place", to))
}

fn sync_file(file: &Path) -> Result<(), WriteError> {
    let synced = crate::open(file).and_then(|file| file.sync_all());
    synced.map_err(failed("sync", file))
}

fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(failed("sync", folder))
}

/// Makes the error of this operation on this path.
pub fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_path_buf();
    move |source| WriteError { step, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/er/file");
        write(&file, b"old").unwrap();
        write(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(names(file.parent().unwrap()), ["file"]);
    }

    #[test]
    fn a_private_file_is_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bans");
        write(&file, b"old").unwrap();
        write_private(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["bans"]);
    }

    #[test]
    fn a_line_begins_on_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        append_line(&file, b"one\n").unwrap();
        fs::write(&file, b"one\ntw").unwrap();
        append_line(&file, b"three\n").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"one\ntw\nthree\n");
    }

    #[test]
    fn a_reader_with_the_old_file_open_keeps_reading_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.so");
        write(&file, b"old").unwrap();
        let mut open = File::open(&file).unwrap();
        write(&file, b"newer").unwrap();
        assert_eq!(io::read_to_string(&mut open).unwrap(), "old");
    }

    #[test]
    fn a_folder_appears_whole_and_what_an_interrupted_attempt_left_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a-1");
        let leftover = beside(&place);
        fs::create_dir_all(&leftover).unwrap();
        fs::write(leftover.join("half"), b"ha").unwrap();
        write_folder(
            &place,
            &[("ebin/a.app".into(), b"app"), ("priv/a.so".into(), b"so")],
        )
        .unwrap();
        assert_eq!(names(folder.path()), ["a-1"]);
        assert_eq!(names(&place), ["ebin", "priv"]);
        assert_eq!(fs::read(place.join("priv/a.so")).unwrap(), b"so");
    }

    #[test]
    fn a_file_that_is_prepared_and_not_put_is_gone_and_its_place_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (place, beside) = (folder.path().join("file"), folder.path().join("beside"));
        write(&place, b"old").unwrap();
        let prepared = Prepared::new(beside.clone(), &place, b"new").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"old");
        drop(prepared);
        assert_eq!(names(folder.path()), ["file"]);
        Prepared::new(beside, &place, b"new")
            .unwrap()
            .put()
            .unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_folder_is_put_where_nothing_is() {
        let folder = tempfile::tempdir().unwrap();
        let (from, place) = (folder.path().join("from"), folder.path().join("lib/a-1"));
        write(&from.join("priv/a.so"), b"so").unwrap();
        sync_folders(&from).unwrap();
        put_folder(&from, &place).unwrap();
        assert_eq!(names(folder.path()), ["lib"]);
        assert_eq!(fs::read(place.join("priv/a.so")).unwrap(), b"so");
        write(&from.join("priv/a.so"), b"other").unwrap();
        assert_eq!(put_folder(&from, &place).unwrap_err().step, "put in place");
        assert_eq!(fs::read(place.join("priv/a.so")).unwrap(), b"so");
    }

    #[test]
    fn a_file_of_another_library_is_put_where_nothing_is_or_replaces_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("new"), b"1").unwrap();
        put_new(&path("new"), &path("file")).unwrap();
        fs::write(path("new"), b"2").unwrap();
        let refused = put_new(&path("new"), &path("file")).unwrap_err();
        assert_eq!(refused.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(path("file")).unwrap(), b"1");
        link(&path("file"), &path("old")).unwrap();
        replace(&path("new"), &path("file")).unwrap();
        assert_eq!(fs::read(path("file")).unwrap(), b"2");
        assert_eq!(fs::read(path("old")).unwrap(), b"1");
        assert_eq!(names(folder.path()), ["file", "old"]);
    }

    #[test]
    fn what_is_removed_is_gone_and_what_a_link_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write(&path("stays/file"), b"1").unwrap();
        write(&path("goes/file"), b"1").unwrap();
        std::os::unix::fs::symlink(path("stays"), path("link")).unwrap();
        std::os::unix::fs::symlink(path("stays"), path("goes/link")).unwrap();
        for name in ["goes", "link", "none", "stays/file/below"] {
            remove(&path(name)).unwrap();
        }
        assert_eq!(names(folder.path()), ["stays"]);
        assert_eq!(names(&path("stays")), ["file"]);
        remove(&path("stays/file")).unwrap();
        assert!(names(&path("stays")).is_empty());
    }

    #[test]
    fn a_folder_that_is_there_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a-1");
        write_folder(&place, &[("x".into(), b"1")]).unwrap();
        let error = write_folder(&place, &[("x".into(), b"2")]).unwrap_err();
        assert_eq!(error.step, "put in place");
        assert_eq!(fs::read(place.join("x")).unwrap(), b"1");
    }
}
