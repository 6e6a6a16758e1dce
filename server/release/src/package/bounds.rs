//! Limits for the contents of a package, so that a small file cannot fill the disk.

use std::io::{self, Read};

use super::refusal::Refusal;

/// The limits of one package.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) entries_max: usize,
    /// The size of a file below a `priv` directory: libraries, and other files of an application.
    pub(super) priv_bytes_max: u64,
    /// The size of any other file. These files are read as text, in memory.
    pub(super) text_bytes_max: u64,
    pub(super) total_bytes_max: u64,
    /// The factor by which a package may grow when it is unpacked.
    pub(super) ratio_max: u64,
    /// Packages may always grow to this size: a few texts in a package of some 100 bytes are no attack.
    pub(super) ratio_free_bytes: u64,
}

impl Bounds {
    /// Release 1.1.0 has about 12 files. Its libraries, unstripped and unoptimised, are below 30 MiB each, and its texts below
    /// 10 KiB (the longest of 146 relups that OTP made for our tests has 5 KiB). Machine code is compressed about 3:1 and text
    /// up to 20:1, while deflate can do 1032:1. Each limit leaves a factor of five or more.
    pub(super) const OF_A_PACKAGE: Bounds = Bounds {
        entries_max: 4_096,
        priv_bytes_max: 256 << 20,
        text_bytes_max: 4 << 20,
        total_bytes_max: 1 << 30,
        ratio_max: 100,
        ratio_free_bytes: 1 << 20,
    };

    /// The permitted number of unpacked bytes for a package of this size.
    pub(super) fn budget(&self, packed_bytes: u64) -> u64 {
        let by_ratio = packed_bytes.saturating_mul(self.ratio_max);
        by_ratio
            .max(self.ratio_free_bytes)
            .min(self.total_bytes_max)
    }

    /// The permitted size of the file at this path of a package, in bytes.
    pub(super) fn file_bytes_max(&self, path: &str) -> u64 {
        match path.split('/').any(|part| part == "priv") {
            true => self.priv_bytes_max,
            false => self.text_bytes_max,
        }
    }
}

/// A reader that fails with a refusal when it yields more bytes than its budget.
pub(super) struct Budgeted<R> {
    inner: R,
    budget: u64,
    read: u64,
}

impl<R> Budgeted<R> {
    pub(super) fn new(inner: R, budget: u64) -> Budgeted<R> {
        let read = 0;
        Budgeted {
            inner,
            budget,
            read,
        }
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read = self.read.saturating_add(count as u64);
        match self.read > self.budget {
            true => Err(io::Error::other(Refusal::TooMuch {
                bytes_max: self.budget,
            })),
            false => Ok(count),
        }
    }
}
