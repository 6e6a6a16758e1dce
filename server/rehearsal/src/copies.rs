//! The memory file with the copies: no directory has it, so it is gone with the last process that has it open.
//!
//! ```text
//!   length (u32, little-endian) ─ bytes of a subtree ─ length ─ …
//! ```
//! The parent writes, and both children read the same file at places of their own choice.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

use pq_otp::moved::{SUBTREE_BYTES_MAX, Subtree};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::stage::name_of;

/// The largest file: a million avatars have 1.2 GB.
pub const COPIES_BYTES_MAX: u64 = 4 << 30;

/// The bytes of a length.
const LENGTH: u64 = size_of::<u32>() as u64;

/// The copies of avatars in a memory file.
#[derive(Debug)]
pub struct Copies {
    file: File,
    /// The place and the length of each copy.
    index: Vec<(u64, u32)>,
    end: u64,
}

impl Copies {
    /// An empty file.
    ///
    /// # Errors
    /// When the system has no memory file.
    pub fn new() -> io::Result<Copies> {
        let file = memfd_create(c"pq-rehearsal", MemfdFlags::CLOEXEC)?;
        Ok(Copies {
            file: File::from(file),
            index: Vec::new(),
            end: 0,
        })
    }

    /// Reads the places of all copies of a file that another process has written.
    ///
    /// # Errors
    /// When the file cannot be read, or is cut.
    pub(crate) fn open(file: OwnedFd) -> io::Result<Copies> {
        let file = File::from(file);
        let (length, mut index, mut at) = (file.metadata()?.len(), Vec::new(), 0);
        while at < length {
            let mut prefix = [0; LENGTH as usize];
            file.read_exact_at(&mut prefix, at)?;
            let bytes = u32::from_le_bytes(prefix);
            if bytes as usize > SUBTREE_BYTES_MAX {
                let why = format!("the copy at byte {at} has {bytes} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            index.push((at + LENGTH, bytes));
            at += LENGTH + u64::from(bytes);
        }
        Ok(Copies {
            file,
            index,
            end: length,
        })
    }

    /// Adds the bytes of a subtree.
    ///
    /// # Errors
    /// When the file would be too large, or the system has no room.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.end + LENGTH + bytes.len() as u64;
        if bytes.len() > SUBTREE_BYTES_MAX || end > COPIES_BYTES_MAX {
            let why = format!(
                "the copies of the avatars are more than {} MiB; rehearse with a part of them",
                COPIES_BYTES_MAX >> 20
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let length = bytes.len() as u32;
        let mut both = Vec::with_capacity(LENGTH as usize + bytes.len());
        both.extend(length.to_le_bytes());
        both.extend(bytes);
        self.file.write_all(&both)?;
        self.index.push((self.end + LENGTH, length));
        self.end = end;
        Ok(())
    }

    /// The number of copies.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no copy.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The bytes of a copy.
    ///
    /// # Errors
    /// When there is no such copy, or the file cannot be read.
    pub fn bytes(&self, number: usize) -> io::Result<Vec<u8>> {
        let (at, length) = *self.index.get(number).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// The bytes of the first copy of the avatar with this name.
    pub fn of(&self, name: &str) -> Option<Vec<u8>> {
        (0..self.len()).find_map(|number| {
            let found = name_of(&self.subtree(number).ok()?)?;
            (found == name).then(|| self.bytes(number).ok())?
        })
    }

    /// A copy.
    ///
    /// # Errors
    /// A sentence, when it cannot be read or decoded.
    pub(crate) fn subtree(&self, number: usize) -> Result<Subtree, String> {
        let bytes = self.bytes(number).map_err(|why| why.to_string())?;
        Subtree::from_bytes(&bytes).map_err(|why| why.to_string())
    }

    /// The file, for a child's standard input.
    pub(crate) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.file.as_fd().try_clone_to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_read_as_they_were_written() {
        let mut copies = Copies::new().unwrap();
        for bytes in [&b"one"[..], b"", b"three"] {
            copies.add(bytes).unwrap();
        }
        let read = Copies::open(copies.descriptor().unwrap()).unwrap();
        assert_eq!((read.len(), read.is_empty()), (3, false));
        assert_eq!(read.bytes(0).unwrap(), b"one");
        assert_eq!(read.bytes(1).unwrap(), b"");
        assert_eq!(read.bytes(2).unwrap(), b"three");
        assert!(read.bytes(3).is_err());
        assert!(read.subtree(0).is_err(), "three bytes are no subtree");
    }

    #[test]
    fn a_file_that_is_cut_is_refused() {
        let mut copies = Copies::new().unwrap();
        copies.add(b"whole").unwrap();
        let descriptor = copies.descriptor().unwrap();
        copies.file.set_len(7).unwrap();
        let open = Copies::open(descriptor).unwrap();
        assert!(open.bytes(0).is_err());
        copies.file.set_len(2).unwrap();
        assert!(Copies::open(copies.descriptor().unwrap()).is_err());
    }
}
