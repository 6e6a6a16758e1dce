//! Opening of files that other programs or people have written. The node, its tools and `sockserv` open such files only
//! through this crate.
//!
//! A path may lead to a pipe, where opening waits for the other end; to a device, where opening may have an effect; or
//! through a link out of the directory that it belongs to. This crate opens none of these, and reads no file without a
//! limit on its size. A refusal is an [`io::Error`] that carries a [`Refused`], whose text says what would be right.
//!
//! The content of a file is the business of its reader. Files that a program makes for itself (locks, logs) and files
//! of the kernel (`/proc`) are opened where they are used.
//!
//! [`durable`] writes files atomically: a reader finds either the complete new content or the old one.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

pub mod durable;

/// The largest size of a text in bytes: releases, applications, settings, registers, lists of bans. The longest known
/// text has 10 KiB.
pub const TEXT_BYTES_MAX: u64 = 4 << 20;

/// Reasons not to open something that exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The path leads to something that is not a regular file; its kind.
    #[error("it is {0}; a regular file would be right")]
    NotRegular(&'static str),
    /// A link leads out of the directory that the path belongs to; the target of the link.
    #[error("a link leads from there to {}, which is elsewhere; a copy of that file in its place would be right", .0.display())]
    Outside(PathBuf),
    /// The file is larger than the limit of its kind; the limit in bytes.
    #[error("it has more than {0} bytes, which no file of its kind needs")]
    TooLarge(u64),
}

impl Refused {
    /// The refusal in an error of this crate; `None` for an error of the operating system.
    pub fn of(error: &io::Error) -> Option<&Refused> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        let kind = match refused {
            Refused::NotRegular(FOLDER) => io::ErrorKind::IsADirectory,
            Refused::TooLarge(_) => io::ErrorKind::FileTooLarge,
            _ => io::ErrorKind::InvalidInput,
        };
        io::Error::new(kind, refused)
    }
}

const FOLDER: &str = "a folder";

/// Opens a regular file for reading. Links are followed.
///
/// # Errors
/// Returns the errors of the operating system, and [`Refused::NotRegular`].
pub fn open(path: &Path) -> io::Result<File> {
    open_as(path, OpenOptions::new().read(true))
}

/// Opens a regular file with these options, which also decide what happens when the file does not exist.
///
/// # Errors
/// See [`open`].
pub fn open_as(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // The first check comes before opening, because opening a device may have an effect. The second check comes after
    // opening, because the path may lead elsewhere by then; opening does not wait if it has become a pipe.
    match fs::metadata(path) {
        Ok(found) => is_regular(&found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => (),
        Err(error) => return Err(error),
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    is_regular(&file.metadata()?)?;
    Ok(file)
}

/// The size in bytes of a regular file, which is not opened. For files of a library that locks them with `fcntl(2)`: the
/// system drops such locks when the process closes any descriptor of the file.
///
/// # Errors
/// Returns the errors of the operating system, and [`Refused::NotRegular`].
pub fn regular(path: &Path) -> io::Result<u64> {
    let found = fs::metadata(path)?;
    is_regular(&found)?;
    Ok(found.len())
}

/// Reads the bytes of a regular file. Links are followed.
///
/// # Errors
/// See [`open`]; also [`Refused::TooLarge`].
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > bytes_max {
        true => Err(Refused::TooLarge(bytes_max).into()),
        false => Ok(bytes),
    }
}

/// Reads the bytes of a regular file inside this folder; only links within the folder are followed.
///
/// # Errors
/// See [`read`]; also [`Refused::Outside`].
pub fn read_inside(folder: &Path, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    read(&inside(folder, path)?, bytes_max)
}

/// Resolves a path inside this folder.
///
/// # Errors
/// Returns the errors of the operating system, and [`Refused::Outside`].
pub fn inside(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let place = fs::canonicalize(path)?;
    match place.starts_with(fs::canonicalize(folder)?) {
        true => Ok(place),
        false => Err(Refused::Outside(place).into()),
    }
}

/// Takes the permissions of other users from a regular file; those of its owner stay. Returns the mode that the file had before, or
/// `None` if other users had no permission, or if there is no such file. The file is not opened.
///
/// # Errors
/// Returns the errors of the operating system, and [`Refused::NotRegular`].
pub fn make_private(path: &Path) -> io::Result<Option<u32>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    is_regular(&found)?;
    let mode = found.permissions().mode() & 0o7777;
    if mode & OTHERS == 0 {
        return Ok(None);
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))?;
    Ok(Some(mode))
}

/// The permissions of the group and of all other users (`chmod(1)`).
const OTHERS: u32 = 0o077;

fn is_regular(found: &Metadata) -> Result<(), Refused> {
    let kind = found.file_type();
    match () {
        () if kind.is_file() => Ok(()),
        () if kind.is_dir() => Err(Refused::NotRegular(FOLDER)),
        () if kind.is_fifo() => Err(Refused::NotRegular("a pipe")),
        () if kind.is_socket() => Err(Refused::NotRegular("a socket")),
        () => Err(Refused::NotRegular("a device")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    const MAX: u64 = 8;

    fn refusal(path: &Path) -> String {
        let error = read(path, MAX).unwrap_err();
        Refused::of(&error).unwrap().to_string()
    }

    #[test]
    fn what_is_no_file_is_refused_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path("pipe"),
            rustix::fs::FileType::Fifo,
            mode,
            0,
        )
        .unwrap();
        let _listener = UnixListener::bind(path("socket")).unwrap();
        symlink(path("pipe"), path("link")).unwrap();
        for (name, wanted) in [
            ("pipe", "a pipe"),
            ("link", "a pipe"),
            ("socket", "a socket"),
            ("", "a folder"),
        ] {
            let wanted = format!("it is {wanted}; a regular file would be right");
            assert_eq!(refusal(&path(name)), wanted);
        }
        assert_eq!(
            refusal(Path::new("/dev/zero")),
            "it is a device; a regular file would be right"
        );
        symlink(path("none"), path("dangling")).unwrap();
        assert_eq!(
            read(&path("dangling"), MAX).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn a_private_file_is_closed_for_others_and_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert_eq!(make_private(&file).unwrap(), None);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o646)).unwrap();
        symlink("file", folder.path().join("link")).unwrap();
        assert!(make_private(&folder.path().join("link")).is_err());
        assert_eq!(make_private(&file).unwrap(), Some(0o646));
        assert_eq!(make_private(&file).unwrap(), None);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "12345678").unwrap();
        assert_eq!(read(&file, MAX).unwrap(), b"12345678");
        fs::write(&file, "123456789").unwrap();
        assert_eq!(
            refusal(&file),
            "it has more than 8 bytes, which no file of its kind needs"
        );
    }

    #[test]
    fn a_link_may_lead_to_another_file_of_the_folder_and_not_out_of_it() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("tree");
        fs::create_dir(&folder).unwrap();
        fs::write(above.path().join("outside"), "out").unwrap();
        fs::write(folder.join("file"), "in").unwrap();
        symlink("file", folder.join("link")).unwrap();
        symlink("../outside", folder.join("out")).unwrap();
        symlink(above.path(), folder.join("up")).unwrap();
        symlink(&folder, above.path().join("root")).unwrap();
        let read = |folder: &Path, name: &str| read_inside(folder, &folder.join(name), MAX);
        assert_eq!(read(&folder, "link").unwrap(), b"in");
        assert_eq!(read(&above.path().join("root"), "file").unwrap(), b"in");
        for name in ["out", "up/outside"] {
            let error = read(&folder, name).unwrap_err();
            let wanted = Refused::Outside(fs::canonicalize(above.path().join("outside")).unwrap());
            assert_eq!(Refused::of(&error), Some(&wanted), "{name}");
        }
    }
}
