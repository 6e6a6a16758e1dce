//! Files that are there whole or not at all, also after the power has failed; and files to which whole lines are added.
//!
//! Written beside the place, brought to the disk, renamed into the place, and then the folder is brought to the
//! disk too: a rename is one step to everybody who looks, and only the folder remembers it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file or folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{step} {}: {source}", .path.display())]
pub struct WriteError {
    /// What was tried: a verb such as `write`.
    pub step: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// Writes a file, replacing what was there. Folders above it are made.
///
/// # Errors
/// When the operating system refuses; then the file is as it was.
pub fn write(file: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    make_folder(parent(file))?;
    Prepared::new(beside(file), file, bytes)?.put()
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> io::Error {
        io::Error::new(error.source.kind(), error)
    }
}

/// The same for a file that only its owner may read.
///
/// # Errors
/// As [`write`].
pub fn write_private(file: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    make_folder(parent(file))?;
    Prepared::of(beside(file), file, bytes, Readers::Owner)?.put()
}

/// Adds a line, which has its end, to a file. When the file's last line was left without one, the new line begins on a line
/// of its own.
///
/// # Errors
/// When the operating system refuses, or it is no regular file; a part of the line may be there then.
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

/// Who may read a new file.
#[derive(Clone, Copy)]
enum Readers {
    /// Whoever the mask of the process lets (`umask(2)`).
    All,
    /// Its owner.
    Owner,
}

/// A file whose bytes are on the disk while its place still holds what it held. Who changes two files prepares both
/// first: a full disk then refuses both. Dropped, it is gone.
#[derive(Debug)]
pub struct Prepared {
    beside: PathBuf,
    place: PathBuf,
}

impl Prepared {
    /// Writes the bytes to `beside`, which has to be on the file system of `place`.
    ///
    /// # Errors
    /// When the operating system refuses; then there is nothing at `beside`.
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

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn put(self) -> Result<(), WriteError> {
        rename(&self.beside, &self.place)?;
        sync_folder(parent(&self.place))
    }
}

impl Drop for Prepared {
    /// Once it was put there is nothing to remove; what cannot be removed disturbs nobody.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.beside);
    }
}

/// Puts a folder in its place, where there must be nothing, in one step. What it holds has to be on the disk already
/// ([`sync_folders`]). Folders above the place are made.
///
/// # Errors
/// When the operating system refuses; then it is where it was.
pub fn put_folder(from: &Path, place: &Path) -> Result<(), WriteError> {
    let above = parent(place);
    make_folder(above)?;
    rename(from, place)?;
    sync_folder(above)
}

/// Removes a file, a link or a folder with all that is in it; links are not followed. What is not there is removed already.
///
/// # Errors
/// When the operating system refuses; of a folder a part may then be gone.
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

/// A path through what is no folder leads to nothing as well.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Brings a folder and all folders below it to the disk. Their files are the writer's.
///
/// # Errors
/// When the operating system refuses.
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

/// Makes a folder with these files (paths within it) in one step. There must be nothing at its place yet;
/// what an interrupted attempt left beside it is replaced.
///
/// # Errors
/// When the operating system refuses; then there is nothing at its place.
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

/// Where something is prepared: a hidden neighbour. The process's id keeps two programs apart.
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

/// Makes a folder, and those above it, each remembered by the one above.
///
/// # Errors
/// When the operating system refuses.
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

fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(failed("bring to the disk", folder))
}

/// The error of this step on this path.
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
