//! Standard output and standard error of a node: writing to them never waits for their reader.
//!
//! ```text
//!   log, console lines ────────────────────────► queue ─► thread ─► the stream as it was at the start
//!   descriptors 1 and 2: std, C, libraries ─► pipe ─► thread ─┘            (it may wait there for ever)
//! ```
//! A reader may stop reading: a stopped terminal, a pager, a pipe. The queue is bounded (`queue`), drops lines, and
//! writes the number of dropped lines as soon as it has room; `pq status` shows the number. All output of the process
//! uses these queues, also output of other code: messages of std before an abort, a `println!` in a library.
//!
//! At the end of the process, waiting lines are written within 1 s. A program that dies by a fault waits likewise
//! ([`has_settled`]), so that its crash message is the last line.
//!
//! The output of other commands is in `streams`.

use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};
use pq_abi::crash::{has_spoken, watch_thread};
use pq_protocol::answer::DroppedLines;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::stdio::{dup2_stderr, dup2_stdout};

use crate::clock::rfc3339;
use crate::options::LogFormat;
use crate::signals;

mod queue;

use queue::{Line, Queue};

/// The limit for writing the waiting lines at the end. A reader takes them within milliseconds.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// The interval between checks for the end of writing.
const LOOK: Duration = Duration::from_millis(2);

/// The longest line from a descriptor that is kept in one piece, in bytes.
const FOREIGN_LINE_MAX: usize = 8 << 10;

/// The stack size of a thread that only copies, in bytes.
const STACK_BYTES: usize = 256 << 10;

/// Both streams of a node.
struct Streams {
    stdout: Arc<Stream>,
    stderr: Arc<Stream>,
    format: LogFormat,
}

/// The state of one output stream.
struct Stream {
    name: &'static str,
    /// The original file of the stream.
    real: File,
    /// The reading end of the pipe that has replaced descriptor 1 or 2.
    foreign: PipeReader,
    queue: Mutex<Queue>,
    has_lines: Condvar,
    /// The number of lines that are taken from the queue and not yet written.
    waiting: AtomicUsize,
}

static STREAMS: OnceLock<Streams> = OnceLock::new();

/// Replaces stdout and stderr by queues, so that the process never waits for a reader. The command that runs a node
/// calls the function once.
///
/// # Errors
/// Fails if the system has no descriptors or threads left.
pub(crate) fn take(format: LogFormat) -> io::Result<()> {
    let (stdout, foreign_out) = Stream::of("stdout", io::stdout().as_fd())?;
    let (stderr, foreign_err) = Stream::of("stderr", io::stderr().as_fd())?;
    dup2_stdout(&foreign_out)?;
    dup2_stderr(&foreign_err)?;
    let streams = Streams {
        stdout,
        stderr,
        format,
    };
    let streams = STREAMS.get_or_init(|| streams);
    // These threads must not receive the signals that end the node.
    signals::blocked(|| {
        for stream in [&streams.stdout, &streams.stderr] {
            let (writer, reader) = (stream.clone(), stream.clone());
            spawn(format!("pq-{}", stream.name), move || writer.write_on())?;
            spawn(format!("pq-{}-in", stream.name), move || reader.read_on())?;
        }
        Ok(())
    })
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name).stack_size(STACK_BYTES);
    let watched = move || {
        watch_thread();
        work();
    };
    thread.spawn(watched).map(drop)
}

/// Whether this process runs a node.
pub(crate) fn is_taken() -> bool {
    STREAMS.get().is_some()
}

/// Ends the queues: writes waiting lines within 1 s and restores the descriptors. Later writes wait for the reader
/// again.
pub(crate) fn finish() {
    let Some(streams) = STREAMS.get() else { return };
    // Closing the pipes ends their last lines. The descriptors are valid, so errors of the system are ignored.
    let _ = dup2_stdout(&streams.stdout.real);
    let _ = dup2_stderr(&streams.stderr.real);
    let deadline = Instant::now() + END_TIMEOUT;
    // Checked twice in a row: a line between pipe and queue is counted in neither.
    let mut looks = 0;
    while looks < 2 && Instant::now() < deadline {
        looks = if has_settled() { looks + 1 } else { 0 };
        thread::sleep(LOOK);
    }
}

/// Whether all output so far has been written. The function is safe in a signal handler: it reads two numbers and
/// makes two system calls.
pub(crate) fn has_settled() -> bool {
    STREAMS.get().is_none_or(|streams| {
        [&streams.stdout, &streams.stderr].iter().all(|stream| {
            let unread = rustix::io::ioctl_fionread(&stream.foreign).unwrap_or_default();
            unread == 0 && stream.waiting.load(Ordering::Acquire) == 0
        })
    })
}

/// The number of lines dropped so far.
pub(crate) fn dropped() -> DroppedLines {
    let of = |stream: &Stream| stream.queue.lock().dropped_in_all;
    STREAMS
        .get()
        .map_or_else(DroppedLines::default, |streams| DroppedLines {
            stdout: of(&streams.stdout),
            stderr: of(&streams.stderr),
        })
}

/// The original standard error.
pub(crate) fn real_stderr() -> io::Result<OwnedFd> {
    match STREAMS.get() {
        Some(streams) => streams.stderr.real.try_clone().map(OwnedFd::from),
        None => io::stderr().as_fd().try_clone_to_owned(),
    }
}

/// Whether standard error is a terminal.
pub(crate) fn stderr_is_terminal() -> bool {
    match STREAMS.get() {
        Some(streams) => streams.stderr.real.is_terminal(),
        None => io::stderr().is_terminal(),
    }
}

/// The output for progress of a child program: the terminal itself, if there is one, so that the child may use
/// colours.
pub(crate) fn for_progress() -> Stdio {
    match real_stderr() {
        Ok(terminal) if terminal.is_terminal() => terminal.into(),
        _ => Stdio::inherit(),
    }
}

/// Standard output. Each write has one line, or several lines that stay together.
pub(crate) fn out() -> impl Write {
    Lines::of(|streams| &streams.stdout, io::stdout())
}

/// Standard error. Each write has one line, or several lines that stay together.
pub(crate) fn err() -> impl Write {
    Lines::of(|streams| &streams.stderr, io::stderr())
}

/// A writer of lines to a queue; in commands without a node, to the stream of std.
enum Lines<W> {
    Queued(&'static Stream),
    Direct(W),
}

impl<W> Lines<W> {
    fn of(stream: impl FnOnce(&'static Streams) -> &'static Arc<Stream>, direct: W) -> Lines<W> {
        match STREAMS.get() {
            Some(streams) => Lines::Queued(stream(streams)),
            None => Lines::Direct(direct),
        }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        match self {
            Lines::Queued(stream) => {
                stream.push(lines.to_vec());
                Ok(lines.len())
            }
            Lines::Direct(stream) => stream.write(lines),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Lines::Queued(_) => Ok(()),
            Lines::Direct(stream) => stream.flush(),
        }
    }
}

impl Stream {
    fn of(
        name: &'static str,
        real: std::os::fd::BorrowedFd<'_>,
    ) -> io::Result<(Arc<Stream>, PipeWriter)> {
        let (foreign, theirs) = io::pipe()?;
        let stream = Stream {
            name,
            real: real.try_clone_to_owned()?.into(),
            foreign,
            queue: Mutex::default(),
            has_lines: Condvar::new(),
            waiting: AtomicUsize::new(0),
        };
        Ok((Arc::new(stream), theirs))
    }

    fn push(&self, lines: Vec<u8>) {
        let mut queue = self.queue.lock();
        queue.push(lines);
        self.waiting.store(1, Ordering::Release);
        drop(queue);
        self.has_lines.notify_one();
    }

    /// Writes lines for ever. Lines that the other end refuses are counted as dropped.
    fn write_on(&self) {
        loop {
            let line = self.next();
            if has_spoken() {
                return;
            }
            let written = match &line {
                Line::Text(text) => write(&self.real, text),
                Line::Note(count) => write(&self.real, &note(self.name, *count)),
            };
            self.queue.lock().written(&line, written.is_ok());
        }
    }

    /// Waits for the next line.
    fn next(&self) -> Line {
        let mut queue = self.queue.lock();
        loop {
            if let Some(line) = queue.pop() {
                return line;
            }
            self.waiting.store(0, Ordering::Release);
            self.has_lines.wait(&mut queue);
        }
    }

    /// Reads whole lines from the pipe until its writing ends are closed.
    fn read_on(&self) {
        let (mut buffer, mut line) = ([0; 4 << 10], Vec::new());
        while let Ok(length @ 1..) = (&self.foreign).read(&mut buffer) {
            line.extend_from_slice(&buffer[..length]);
            let whole = match line.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if line.len() > FOREIGN_LINE_MAX => line.len(),
                None => continue,
            };
            let rest = line.split_off(whole);
            self.push(std::mem::replace(&mut line, rest));
        }
        if !line.is_empty() {
            self.push(line);
        }
    }
}

/// Writes all bytes and waits without limit. Another process that shares the file may have made it non-blocking.
fn write(mut real: &File, mut lines: &[u8]) -> io::Result<()> {
    while !lines.is_empty() {
        match real.write(lines) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => lines = &lines[length..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(&real, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The note in place of dropped lines.
fn note(stream: &str, count: u64) -> Vec<u8> {
    let sentence = match count {
        1 => "1 line was dropped here, because its reader was too slow".to_string(),
        _ => format!("{count} lines were dropped here, because their reader was too slow"),
    };
    let format = STREAMS.get().map(|streams| &streams.format);
    let note = match (stream, format) {
        ("stderr", Some(LogFormat::Json)) => serde_json::json!({
            "timestamp": rfc3339(SystemTime::now()),
            "level": "WARN",
            "fields": {"message": sentence, "dropped": count},
            "target": "pq::stdio",
        })
        .to_string(),
        ("stderr", _) => format!("{}  WARN pq::stdio: {sentence}", rfc3339(SystemTime::now())),
        _ => format!("pq: {sentence}"),
    };
    format!("{note}\n").into_bytes()
}
