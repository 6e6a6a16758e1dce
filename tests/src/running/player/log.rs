//! A file that a program writes, read as it grows until the program has ended.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::POLL;

/// The growing file, and whether its program has ended.
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    ended: Arc<AtomicBool>,
}

impl Log {
    /// Follows a file, which may not exist yet, until the screen of the program ends.
    pub(super) fn follow(path: &Path, mut screen: impl Read + Send + 'static) -> Log {
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        thread::spawn(move || {
            // The screen is for people, but a program stops when its screen is not read.
            let _ = io::copy(&mut screen, &mut io::sink());
            end.store(true, Ordering::Release);
        });
        Log {
            path: path.to_path_buf(),
            file: None,
            ended,
        }
    }

    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        self.file.as_mut().map_or(Ok(0), |file| file.read(buffer))
    }
}

impl Read for Log {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Checked before reading, so that everything written before the end is read.
            let has_ended = self.ended.load(Ordering::Acquire);
            match self.read_now(buffer)? {
                0 if !has_ended => thread::sleep(POLL),
                len => return Ok(len),
            }
        }
    }
}
