//! The output of a command: data to standard output, all other text to standard error. A failing stream affects
//! neither the work nor its exit code.
//!
//! | the reader | data | other text |
//! |---|---|---|
//! | reads | is written | is written |
//! | is gone, or has no space (`/dev/full`) | the rest is dropped | is dropped |
//! | takes nothing | waits for 10 min at a terminal, 30 s elsewhere | waits for 2 s; then no wait until the reader reads again |
//!
//! Before `main`, std replaces a closed stream by `/dev/null` and turns a broken pipe into an error instead of a
//! signal. Data is written after the work; only `status --watch` and `events` continue until stdout is closed. In a node, output
//! goes through the queue of its log (`stdio`), without any wait.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::write;
use rustix::stdio::{stderr, stdout};

use crate::stdio;

/// The limit of the wait for the reader of data: at a terminal, where a person may read page by page, and elsewhere.
const PERSONS_PATIENCE: Duration = Duration::from_secs(600);
const PROGRAMS_PATIENCE: Duration = Duration::from_secs(30);

/// The limit of the wait for the reader of other text, during which the work waits, too.
const ASIDE_PATIENCE: Duration = Duration::from_secs(2);

/// The number of bytes that a writable pipe takes without blocking (`PIPE_BUF`, pipe(7)).
const PIECE: usize = 4_096;

/// Whether the reader of data is gone.
static IS_DEAF: AtomicBool = AtomicBool::new(false);

/// Whether the reader of other text takes nothing.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

/// Writes data to standard output, unchanged.
pub(crate) fn data(text: &str) {
    if let Err(error) = result(text)
        && error.kind() == ErrorKind::TimedOut
    {
        aside("pq: standard output has no reader: the rest is dropped\n");
    }
}

/// Whether data goes to a terminal.
pub(crate) fn data_is_for_a_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The descriptor of data. It reports an error when its reader is gone (`poll(2)`, POLLERR).
pub(crate) fn data_descriptor() -> BorrowedFd<'static> {
    stdout()
}

/// Whether the reader of data is gone.
pub(crate) fn is_deaf() -> bool {
    IS_DEAF.load(Ordering::Relaxed)
}

/// Writes the result of a command. A reader that is gone is not an error.
///
/// # Errors
/// Fails if the stream has no space or its reader takes nothing.
pub(crate) fn result(text: &str) -> io::Result<()> {
    if is_deaf() {
        return Ok(());
    }
    let written = write_all(stdout(), text.as_bytes(), patience());
    IS_DEAF.store(written.is_err(), Ordering::Relaxed);
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The limit of the wait for the reader of data.
pub(crate) fn patience() -> Duration {
    match io::stderr().is_terminal() || io::stdin().is_terminal() {
        true => PERSONS_PATIENCE,
        false => PROGRAMS_PATIENCE,
    }
}

/// Writes the progress of continuing work to standard output.
pub(crate) fn say(line: Arguments<'_>) {
    let text = pq_term::printable_lines(&line.to_string()) + "\n";
    if stdio::is_taken() {
        // The queue takes or drops the line and never fails.
        let _ = stdio::out().write_all(text.as_bytes());
    } else if !is_deaf() {
        let written = write_all(stdout(), text.as_bytes(), ASIDE_PATIENCE);
        IS_DEAF.store(written.is_err(), Ordering::Relaxed);
    }
}

/// Writes whole lines that are not data, unchanged.
pub(crate) fn aside(text: &str) {
    match stdio::is_taken() {
        // The queue never fails here either.
        true => drop(stdio::err().write_all(text.as_bytes())),
        false => aside_bytes(text.as_bytes()),
    }
}

/// Writes the output of another program to standard error.
pub(crate) fn aside_bytes(bytes: &[u8]) {
    let patience = match IS_STUCK.load(Ordering::Relaxed) {
        true => Duration::ZERO,
        false => ASIDE_PATIENCE,
    };
    // The exit code reports the error as well.
    let written = write_all(stderr(), bytes, patience);
    let is_stuck = written.is_err_and(|error| error.kind() == ErrorKind::TimedOut);
    IS_STUCK.store(is_stuck, Ordering::Relaxed);
}

/// Writes all bytes; `patience` limits each wait for the reader.
fn write_all(to: BorrowedFd<'_>, bytes: &[u8], patience: Duration) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        wait_for_room(to, patience)?;
        let piece = &rest[..rest.len().min(PIECE)];
        match write(to, piece).map_err(io::Error::from) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => rest = &rest[len..],
            // Another process has made the stream non-blocking and has written first.
            Err(error) if error.kind() == ErrorKind::WouldBlock => (),
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until a piece can be written without blocking, or until a write would report an error.
fn wait_for_room(to: BorrowedFd<'_>, patience: Duration) -> io::Result<()> {
    let mut asked = [PollFd::new(to.as_fd(), PollFlags::POLLOUT)];
    let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
    match poll(&mut asked, timeout) {
        Ok(0) => Err(ErrorKind::TimedOut.into()),
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read};
    use std::time::Instant;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    fn taken(mut reader: PipeReader) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_reader_that_is_slow_gets_all() {
        let (reader, writer) = io::pipe().unwrap();
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
        let reader = std::thread::spawn(move || taken(reader));
        write_all(writer.as_fd(), &bytes, PERSONS_PATIENCE).unwrap();
        drop(writer);
        assert!(reader.join().unwrap() == bytes, "some of it is lost");
    }

    #[test]
    fn a_reader_that_takes_nothing_is_given_up() {
        let (reader, writer) = io::pipe().unwrap();
        let began = Instant::now();
        let error = write_all(writer.as_fd(), &vec![b'x'; 1 << 20], SHORT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() >= SHORT);
        drop(writer);
        let taken = taken(reader);
        assert!((PIECE..1 << 20).contains(&taken.len()), "{}", taken.len());
    }

    #[test]
    fn a_reader_that_has_gone_and_a_disk_that_is_full_are_errors() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let error = write_all(writer.as_fd(), b"x", SHORT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let error = write_all(full.as_fd(), b"x", SHORT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}
