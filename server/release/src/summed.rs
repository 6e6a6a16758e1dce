//! Reads files of a release tree and compares them with the checksums in their directory.
//!
//! `releases/Vsn` has checksums of the `.rel` file, the `relup` and the settings; `lib/App-Vsn` has checksums of all its files.
//! Unpacking and building write them. Trees of older versions have none for `releases/Vsn`, and their files are not compared.
//! Operators may edit the settings: their checksums are compared, but a difference is no error.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checksums::{self, Checksums, Sha256Hex, hex, sha256};
use crate::consult::text_of;
use crate::file_error::FileError;
use crate::layout;
use crate::rel::Rel;
use crate::sys_config;
use pq_files::durable::{self, WriteError};

/// The name of the settings in the directory of a release.
pub(crate) use crate::sys_config::FILE_NAME as SETTINGS;

/// True for the settings of a release: `sys.config`, the template `sys.config.src`, and files that one of them names.
pub(crate) fn is_settings(name: &str) -> bool {
    name.ends_with(".config") || name == sys_config::TEMPLATE_NAME
}

/// The number of bytes that are hashed at a time.
const BUFFER_BYTES: usize = 16 << 10;

/// A directory and its checksums.
pub(crate) struct Summed {
    /// Links that lead out of this directory are not followed.
    base: PathBuf,
    folder: PathBuf,
    sums: Option<Checksums>,
}

/// The result of comparing the settings of a release with the original ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// The settings are the original ones.
    Same,
    /// The settings were edited.
    Edited,
    /// The release was made without settings.
    Added,
    /// The release has no checksums.
    Unknown,
}

impl Summed {
    /// Opens this directory, which is below `base`.
    pub(crate) fn open(base: &Path, folder: &Path) -> Result<Summed, FileError> {
        let mut summed = Summed {
            base: base.to_path_buf(),
            folder: folder.to_path_buf(),
            sums: None,
        };
        match summed.text(checksums::FILE_NAME) {
            Ok(text) => summed.sums = Some(Checksums::parse(&summed.sums_file(), &text)?),
            Err(error) if error.is_absence() => (),
            Err(error) => return Err(error),
        }
        Ok(summed)
    }

    /// The path of the checksums.
    pub(crate) fn sums_file(&self) -> PathBuf {
        self.folder.join(checksums::FILE_NAME)
    }

    /// The checksums; `None` when the directory has none.
    pub(crate) fn sums(&self) -> Option<&Checksums> {
        self.sums.as_ref()
    }

    /// True when the checksums exist and do not list this file.
    pub(crate) fn is_foreign(&self, name: &str) -> bool {
        self.sums
            .as_ref()
            .is_some_and(|sums| !sums.0.contains_key(name))
    }

    /// Reads a file and compares it with its checksum.
    pub(crate) fn bytes(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        let file = self.folder.join(name);
        let bytes = pq_files::read_inside(&self.base, &file, bytes_max)
            .map_err(|error| self.unread(name, &error))?;
        match self.listed(name) {
            Some(sum) if !is_settings(name) && *sum != sha256(&bytes) => Err(self.changed(name)),
            _ => Ok(bytes),
        }
    }

    /// Reads a text and compares it with its checksum.
    pub(crate) fn text(&self, name: &str) -> Result<String, FileError> {
        let bytes = self.bytes(name, pq_files::TEXT_BYTES_MAX)?;
        text_of(&self.folder.join(name), &bytes)
    }

    /// Checks that all files with a checksum exist and match it.
    pub(crate) fn is_whole(&self) -> Result<(), FileError> {
        for (name, wanted) in self.sums.iter().flat_map(|sums| &sums.0) {
            let found = self.sum(name).map_err(|error| self.unread(name, &error))?;
            if found != *wanted && !is_settings(name) {
                return Err(self.changed(name));
            }
        }
        Ok(())
    }

    /// Writes the checksums of the present files of this release.
    pub(crate) fn write_sums(&self, rel: &Rel) -> Result<(), PutError> {
        let mut sums = Checksums::default();
        let mut names = vec![layout::rel_name(&rel.name), "relup".to_string()];
        let settings = sys_config::check(&self.folder)?;
        names.extend(
            settings
                .iter()
                .map(|name| name.to_string_lossy().into_owned()),
        );
        for name in names {
            match self.sum(&name) {
                Ok(sum) => drop(sums.0.insert(name, sum)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(self.unread(&name, &error).into()),
            }
        }
        Ok(durable::write(
            &self.sums_file(),
            sums.to_text().as_bytes(),
        )?)
    }

    /// Compares the settings with their checksums.
    ///
    /// # Errors
    /// When a file of the original settings is missing.
    pub(crate) fn settings(&self) -> Result<Compared, FileError> {
        let Some(sums) = &self.sums else {
            return Ok(Compared::Unknown);
        };
        let listed = sums.0.iter().filter(|(name, _)| is_settings(name));
        let mut compared = match self.has_more_settings() {
            true => Compared::Added,
            false => Compared::Same,
        };
        for (name, wanted) in listed {
            let found = self.sum(name).map_err(|error| self.unread(name, &error))?;
            if found != *wanted {
                compared = Compared::Edited;
            }
        }
        Ok(compared)
    }

    /// True when `sys.config` or its template was added later.
    fn has_more_settings(&self) -> bool {
        let names = [SETTINGS, sys_config::TEMPLATE_NAME];
        let mut later = names.iter().filter(|name| self.listed(name).is_none());
        later.any(|name| self.folder.join(name).exists())
    }

    /// The error about a file that needs a line in the checksums and has none.
    pub(crate) fn unlisted(&self, name: &str) -> FileError {
        FileError::Changed {
            file: self.folder.join(name),
            how: "it has no line in",
            sums: self.sums_file(),
        }
    }

    fn listed(&self, name: &str) -> Option<&Sha256Hex> {
        self.sums.as_ref()?.0.get(name)
    }

    fn changed(&self, name: &str) -> FileError {
        FileError::Changed {
            file: self.folder.join(name),
            how: "its SHA-256 is not the one in",
            sums: self.sums_file(),
        }
    }

    fn unread(&self, name: &str, error: &io::Error) -> FileError {
        let file = self.folder.join(name);
        match error.kind() == io::ErrorKind::NotFound && self.listed(name).is_some() {
            true => FileError::Gone {
                file,
                sums: self.sums_file(),
            },
            false => FileError::read(&file, error),
        }
    }

    fn sum(&self, name: &str) -> io::Result<Sha256Hex> {
        let place = pq_files::inside(&self.base, &self.folder.join(name))?;
        sum_of(pq_files::open(&place)?)
    }
}

fn sum_of(mut file: File) -> io::Result<Sha256Hex> {
    let mut sum = Sha256::new();
    let mut buffer = [0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&sum.finalize())),
            count => sum.update(&buffer[..count]),
        }
    }
}

/// Writes a file into a directory, and its checksum where the directory has checksums. After an interruption, the file matches
/// its checksum or has none.
///
/// # Errors
/// When the checksums are unreadable, or when the operating system fails.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), PutError> {
    let place = folder.join(name);
    let summed = Summed::open(folder, folder)?;
    let Some(mut sums) = summed.sums.clone() else {
        return Ok(durable::write(&place, bytes)?);
    };
    if sums.0.remove(name).is_some() {
        durable::write(&summed.sums_file(), sums.to_text().as_bytes())?;
    }
    durable::write(&place, bytes)?;
    sums.0.insert(name.to_string(), sha256(bytes));
    Ok(durable::write(
        &summed.sums_file(),
        sums.to_text().as_bytes(),
    )?)
}

/// A file that could not be written into a directory. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The checksums of the directory are unreadable.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system failed to write.
    #[error(transparent)]
    Write(#[from] WriteError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_put_is_the_one_of_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        put(folder, "relup", b"old").unwrap();
        assert!(Summed::open(folder, folder).unwrap().sums().is_none());
        durable::write(&folder.join(checksums::FILE_NAME), b"").unwrap();
        assert!(Summed::open(folder, folder).unwrap().is_foreign("relup"));
        put(folder, "relup", b"new").unwrap();
        let summed = Summed::open(folder, folder).unwrap();
        assert_eq!(summed.bytes("relup", 9).unwrap(), b"new");
        summed.is_whole().unwrap();
    }

    #[test]
    fn what_has_changed_or_gone_is_named_and_settings_are_compared() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        durable::write(&folder.join(checksums::FILE_NAME), b"").unwrap();
        for name in ["relup", SETTINGS] {
            put(folder, name, b"1").unwrap();
        }
        let look = || Summed::open(folder, folder).unwrap();
        assert_eq!(look().settings(), Ok(Compared::Same));
        std::fs::write(folder.join(SETTINGS), "2").unwrap();
        look().is_whole().unwrap();
        assert_eq!(look().settings(), Ok(Compared::Edited));
        std::fs::write(folder.join("relup"), "").unwrap();
        assert!(look().is_whole().unwrap_err().is_checksum());
        assert!(look().text("relup").unwrap_err().is_checksum());
        std::fs::remove_file(folder.join("relup")).unwrap();
        let gone = look().text("relup").unwrap_err();
        assert!(matches!(gone, FileError::Gone { .. }) && !gone.is_absence());
    }
}
