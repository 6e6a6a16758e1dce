//! What a command writes: data to standard output, everything else to standard error. Whatever becomes of either, the work
//! is done and the exit code is that of the work.
//!
//! | the reader | data | everything else |
//! |---|---|---|
//! | reads | is written | is written |
//! | has gone; has no room for more (`/dev/full`) | the rest is left out | is left out |
//! | takes nothing | is waited for: ten minutes where a person is at a terminal, half a minute elsewhere | is waited for, two seconds, and then no longer until it reads again |
//!
//! A closed stream is `/dev/null` before `main` begins: std sees to that, and that a broken pipe is an error and no signal.
//! Data is written when the work is done; only `status --watch` goes on, until nobody reads. In a node, lines go the way of
//! its log (`stdio`), and nobody is waited for at all.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::write;
use rustix::stdio::{stderr, stdout};

use crate::stdio;

/// How long the reader of data may take to take any of it, where a person may read it page by page, and where a program does.
const PERSONS_PATIENCE: Duration = Duration::from_secs(600);
const PROGRAMS_PATIENCE: Duration = Duration::from_secs(30);

/// The same for everything else, behind which work may wait.
const ASIDE_PATIENCE: Duration = Duration::from_secs(2);

/// As much as a pipe with any room has room for (`PIPE_BUF`, pipe(7)).
const PIECE: usize = 4_096;

/// Nobody reads data any more.
static IS_DEAF: AtomicBool = AtomicBool::new(false);

/// Whoever reads everything else takes nothing just now.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

/// Writes data, as it is.
pub(crate) fn data(text: &str) {
    if let Err(error) = result(text)
        && error.kind() == ErrorKind::TimedOut
    {
        aside("pq: nobody reads this: the rest is left out\n");
    }
}

/// Whether data goes to a terminal.
pub(crate) fn data_is_for_a_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether nobody reads data any more.
pub(crate) fn is_deaf() -> bool {
    IS_DEAF.load(Ordering::Relaxed)
}

/// Writes what a command is asked to write. A reader who has gone wants no more of it.
///
/// # Errors
/// What the system says: there is no room for it, or nobody takes it.
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

/// How long the reader of data is waited for while it takes nothing.
pub(crate) fn patience() -> Duration {
    match io::stderr().is_terminal() || io::stdin().is_terminal() {
        true => PERSONS_PATIENCE,
        false => PROGRAMS_PATIENCE,
    }
}

/// Says on standard output how far work is that goes on.
pub(crate) fn say(line: Arguments<'_>) {
    let text = pq_term::printable_lines(&line.to_string()) + "\n";
    if stdio::is_taken() {
        // It takes or drops a line, and never fails.
        let _ = stdio::out().write_all(text.as_bytes());
    } else if !is_deaf() {
        let written = write_all(stdout(), text.as_bytes(), ASIDE_PATIENCE);
        IS_DEAF.store(written.is_err(), Ordering::Relaxed);
    }
}

/// Writes what is no data, as it is: whole lines.
pub(crate) fn aside(text: &str) {
    match stdio::is_taken() {
        // As above.
        true => drop(stdio::err().write_all(text.as_bytes())),
        false => aside_bytes(text.as_bytes()),
    }
}

/// The same of bytes that another program has written.
pub(crate) fn aside_bytes(bytes: &[u8]) {
    let patience = match IS_STUCK.load(Ordering::Relaxed) {
        true => Duration::ZERO,
        false => ASIDE_PATIENCE,
    };
    // The exit code says it too, should nobody read it.
    let written = write_all(stderr(), bytes, patience);
    let is_stuck = written.is_err_and(|error| error.kind() == ErrorKind::TimedOut);
    IS_STUCK.store(is_stuck, Ordering::Relaxed);
}

/// Writes all of it, as long as some is taken now and then.
fn write_all(to: BorrowedFd<'_>, bytes: &[u8], patience: Duration) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        wait_for_room(to, patience)?;
        let piece = &rest[..rest.len().min(PIECE)];
        match write(to, piece).map_err(io::Error::from) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => rest = &rest[len..],
            // Somebody else has made it non-blocking, and has been faster.
            Err(error) if error.kind() == ErrorKind::WouldBlock => (),
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until a piece can be written without waiting, or until the write would say what is wrong.
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
