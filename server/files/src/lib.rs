//! Opening files: the one place where the node, its tools and its door open what somebody else has put on the disk.
//!
//! A path may lead to a pipe, whose opening waits for its other end; to a device, whose opening may do something; or
//! through a link out of the tree that it is a part of. None of these is opened here, and no file is read whose size
//! nobody has bounded. A refusal is an [`io::Error`] that carries a [`Refused`], whose text says what would be right.
//!
//! What a file holds is known to its reader. Files that a program makes for itself (locks, logs) and those of the
//! kernel (`/proc`) are opened where they are used.
//!
//! How files are written so that they are there whole or not at all is in [`durable`].

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

pub mod durable;

/// How many bytes a text has at most: releases, applications, settings, registers, lists of bans. The longest that is
/// known has 10 KiB.
pub const TEXT_BYTES_MAX: u64 = 4 << 20;

/// Why something that is there is not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is something else than a file.
    #[error("it is {0}; a regular file would be right")]
    NotRegular(&'static str),
    /// A link leads to it from a folder that it is not in.
    #[error("a link leads from there to {}, which is elsewhere; a copy of that file in its place would be right", .0.display())]
    Outside(PathBuf),
    /// It is larger than any file of its kind.
    #[error("it has more than {0} bytes, which no file of its kind needs")]
    TooLarge(u64),
}

impl Refused {
    /// The refusal in an error of this crate; none in what the operating system said.
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

/// Opens a regular file for reading, wherever links lead.
///
/// # Errors
/// What the operating system says; [`Refused::NotRegular`].
pub fn open(path: &Path) -> io::Result<File> {
    open_as(path, OpenOptions::new().read(true))
}

/// Opens a regular file in this way; where there is none, these options say what becomes of that.
///
/// # Errors
/// As [`open`].
pub fn open_as(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Asked before opening, because opening a device may do something. Asked again afterwards, because the path may
    // have led elsewhere meanwhile; without waiting, should it be a pipe by then.
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

/// The bytes of a regular file, wherever links lead.
///
/// # Errors
/// As [`open`]; [`Refused::TooLarge`].
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > bytes_max {
        true => Err(Refused::TooLarge(bytes_max).into()),
        false => Ok(bytes),
    }
}

/// The bytes of a regular file that is a part of this folder: links within the folder are followed.
///
/// # Errors
/// As [`read`]; [`Refused::Outside`].
pub fn read_inside(folder: &Path, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    read(&inside(folder, path)?, bytes_max)
}

/// Where a path leads that is a part of this folder.
///
/// # Errors
/// What the operating system says; [`Refused::Outside`].
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
