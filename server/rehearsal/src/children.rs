//! Starts children, and takes what they say.
//!
//! ```text
//!   copies ─► standard input ─► child ─ standard output ─► a thread ─► events ─► this thread ─► report
//!                                 └──── standard error ──► a thread ─► the last line, for a child that crashes
//! ```
//! Each wait has a limit: this thread looks at the memory of each child every 20 ms, and at its silence. A child that is dropped is
//! killed.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::compared::Report;
use crate::copies::Copies;
use crate::limits::Usage;
use crate::order::{ENTRY, Order, Said, Side, Trace, Wanted};
use crate::report::SideReport;

/// The events that wait for this thread.
const EVENTS_MAX: usize = 64;

/// The longest line of a child: a report of a million avatars has 200 MB.
const LINE_BYTES_MAX: u64 = 512 << 20;

/// The kept end of a child's standard error.
const STDERR_BYTES_MAX: usize = 4 << 10;

/// How often a child's memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How long a child may say nothing: the copies of a million avatars take a minute to be put in, and an idle processor may be far.
const SILENCE_MAX: Duration = Duration::from_secs(900);

/// How long a child that has closed its output may take to end.
const END_MAX: Duration = Duration::from_secs(10);

/// The reason why a rehearsal did not begin. A fragment that continues "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// The system does not start the program again.
    #[error("start a process for the rehearsal: {0}")]
    Start(#[from] io::Error),
    /// A child has refused its order.
    #[error("{0}")]
    Refused(String),
}

/// Plays both sides, and compares them.
///
/// # Errors
/// When a side has not begun to play.
pub fn rehearse(
    program: &Path,
    wanted: &Wanted,
    copies: &Copies,
    hear: &mut dyn FnMut(Side, &Said),
) -> Result<Report, NotRun> {
    let order = |side| Order {
        wanted: wanted.clone(),
        side,
        parent: std::process::id(),
        trace: None,
    };
    let orders = [order(Side::New), order(Side::Old)];
    let mut sides = play(program, &orders, copies, hear)?.into_iter();
    let mut next = || sides.next().unwrap_or_default();
    let (new, old) = (next(), next());
    Ok(Report::of(wanted, copies.len() as u64, new, old))
}

/// Plays the new side once more until an avatar crashes; its steps are heard before.
///
/// # Errors
/// When the side has not begun to play.
pub fn replay(
    program: &Path,
    wanted: &Wanted,
    trace: &Trace,
    copies: &Copies,
    hear: &mut dyn FnMut(Side, &Said),
) -> Result<SideReport, NotRun> {
    let order = Order {
        wanted: wanted.clone(),
        side: Side::New,
        parent: std::process::id(),
        trace: Some(trace.clone()),
    };
    let sides = play(program, &[order], copies, hear)?;
    Ok(sides.into_iter().next().unwrap_or_default())
}

/// An event of a child.
enum Event {
    Said(Said),
    /// The end of its output.
    Closed,
}

fn play(
    program: &Path,
    orders: &[Order],
    copies: &Copies,
    hear: &mut dyn FnMut(Side, &Said),
) -> Result<Vec<SideReport>, NotRun> {
    let (events, heard) = sync_channel(EVENTS_MAX);
    let start = |(number, order)| Playing::start(program, order, copies, (number, events.clone()));
    let started: Result<Vec<Playing>, _> = orders.iter().enumerate().map(start).collect();
    let mut playing = started?;
    drop(events);
    listen(&mut playing, &heard, hear);
    playing.into_iter().map(Playing::report).collect()
}

/// Takes events until all children have closed their output.
fn listen(
    playing: &mut [Playing],
    heard: &Receiver<(usize, Event)>,
    hear: &mut dyn FnMut(Side, &Said),
) {
    while playing.iter().any(|child| child.ended.is_none()) {
        match heard.recv_timeout(LOOK) {
            Ok((number, event)) => playing[number].take(event, hear),
            Err(RecvTimeoutError::Timeout) => (),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        playing.iter_mut().for_each(Playing::look);
        if playing.iter().any(Playing::has_failed) {
            playing.iter_mut().for_each(Playing::end_beside);
        }
    }
}

/// A child that plays a side.
struct Playing {
    order: Order,
    child: Child,
    said: SideReport,
    /// Its report, when it has come to its end.
    done: Option<SideReport>,
    /// The reason of its end, as far as it is known.
    why: Option<String>,
    /// Whether the child has begun to play.
    has_begun: bool,
    heard: Instant,
    looked: Instant,
    last_line: Receiver<String>,
    ended: Option<io::Result<ExitStatus>>,
}

impl Playing {
    fn start(
        program: &Path,
        order: &Order,
        copies: &Copies,
        (number, events): (usize, SyncSender<(usize, Event)>),
    ) -> Result<Playing, NotRun> {
        let text = serde_json::to_string(order).map_err(io::Error::other)?;
        let mut child = Command::new(program)
            .args([ENTRY, &text])
            .stdin(Stdio::from(copies.descriptor()?))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (line, last_line) = sync_channel(1);
        let playing = Playing {
            order: order.clone(),
            child,
            said: SideReport::default(),
            done: None,
            why: None,
            has_begun: false,
            heard: Instant::now(),
            looked: Instant::now(),
            last_line,
            ended: None,
        };
        let name = || thread::Builder::new().name("pq-rehearsal".to_string());
        name().spawn(move || read(stdout, number, &events))?;
        name().spawn(move || drop(line.send(last_line_of(stderr))))?;
        Ok(playing)
    }

    fn take(&mut self, event: Event, hear: &mut dyn FnMut(Side, &Said)) {
        self.heard = Instant::now();
        let said = match event {
            Event::Closed => {
                self.ended = Some(self.wait());
                return;
            }
            Event::Said(said) => said,
        };
        hear(self.order.side, &said);
        match said {
            Said::At { phase, at_ms, .. } => {
                self.has_begun = true;
                if phase == "play" {
                    self.said.played_ms = at_ms;
                }
            }
            Said::Crash(crash) => self.said.note(crash),
            Said::Steps(_) => (),
            Said::Ends(why) => {
                self.why.get_or_insert(why);
            }
            Said::Done(report) => self.done = Some(*report),
        }
    }

    /// Kills a child that is above its limit of memory, or silent.
    fn look(&mut self) {
        if self.ended.is_some() || self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let max = self.order.wanted.limits.memory_bytes;
        let usage = Usage::of(self.child.id()).map_or(0, |usage| usage.resident_bytes);
        let why = match () {
            () if usage > max => {
                format!(
                    "it took more than its {} MiB of memory (--memory)",
                    max >> 20
                )
            }
            () if self.heard.elapsed() > SILENCE_MAX => {
                format!("it has said nothing for {} s", SILENCE_MAX.as_secs())
            }
            () => return,
        };
        self.why.get_or_insert(why);
        self.kill();
    }

    /// Whether the rehearsal is over with this child: it has not begun, or the newer side does not play to its end.
    fn has_failed(&self) -> bool {
        let is_new = self.order.side == Side::New;
        match &self.done {
            Some(report) => is_new && report.played_ms == 0,
            None => self.ended.is_some() && (is_new || !self.has_begun),
        }
    }

    /// Ends a child that plays beside one that has failed.
    fn end_beside(&mut self) {
        if self.ended.is_none() && self.done.is_none() {
            let why = "the other side has ended before".to_string();
            self.why.get_or_insert(why);
            // A side that was not waited for is no failure of its own.
            self.has_begun = true;
            self.kill();
        }
    }

    fn kill(&mut self) {
        // A child that has ended already needs no signal.
        let _ = self.child.kill();
    }

    /// Waits for a child that has closed its output.
    fn wait(&mut self) -> io::Result<ExitStatus> {
        let closed = Instant::now();
        while closed.elapsed() < END_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(LOOK);
        }
        self.kill();
        self.child.wait()
    }

    /// The report of the child, or what is known of a child without one.
    fn report(mut self) -> Result<SideReport, NotRun> {
        if let Some(report) = self.done.take() {
            return Ok(report);
        }
        let line = self.last_line.recv_timeout(END_MAX).unwrap_or_default();
        let why = self.why.take().unwrap_or_else(|| self.sentence(&line));
        if !self.has_begun {
            return Err(NotRun::Refused(why));
        }
        Ok(SideReport {
            ended: Some(why),
            crashed: self.said.crashes,
            ..std::mem::take(&mut self.said)
        })
    }

    /// The end of a child that has not said why.
    fn sentence(&self, line: &str) -> String {
        let signal = match &self.ended {
            Some(Ok(status)) => status.signal(),
            _ => None,
        };
        let limit = self.order.wanted.limits.cpu_s;
        match signal {
            Some(signal) if signal == Signal::XCPU.as_raw() => {
                format!("it used more than its {limit} s of processor time (--processor)")
            }
            _ if !line.is_empty() => line.to_string(),
            Some(signal) => format!("signal {signal} has ended it"),
            None => "it ended without a reason".to_string(),
        }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.kill();
            // It was killed: it ends at once.
            let _ = self.child.wait();
        }
    }
}

/// Reads the lines of a child.
fn read(stdout: Option<impl Read>, number: usize, events: &SyncSender<(usize, Event)>) {
    let mut lines = stdout.map(BufReader::new);
    while let Some(lines) = &mut lines {
        let mut line = String::new();
        let read = lines.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
        let said = match read {
            Ok(1..) => serde_json::from_str::<Said>(&line),
            Ok(0) | Err(_) => break,
        };
        let event = match said {
            Ok(said) => Event::Said(said),
            Err(why) => Event::Said(Said::Ends(format!("its line cannot be read: {why}"))),
        };
        if events.send((number, event)).is_err() {
            return;
        }
    }
    // The receiver may have stopped listening.
    let _ = events.send((number, Event::Closed));
}

/// The last line of a child's standard error.
fn last_line_of(stderr: Option<impl Read>) -> String {
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let (mut kept, mut buffer) = (Vec::new(), [0; 1 << 10]);
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        kept.extend(&buffer[..read]);
        let above = kept.len().saturating_sub(STDERR_BYTES_MAX);
        kept.drain(..above);
    }
    let text = String::from_utf8_lossy(&kept);
    // The line behind the message of a panic is advice for its author.
    let is_reason = |line: &&str| !line.trim().is_empty() && !line.starts_with("note: ");
    let last = text.lines().rfind(is_reason);
    let last = last.unwrap_or_default();
    last.strip_prefix("pq: failed to ")
        .unwrap_or(last)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_reason() {
        let text: &[u8] = b"first\npq: failed to find Ann\n\n";
        assert_eq!(last_line_of(Some(text)), "find Ann");
        assert_eq!(last_line_of(None::<&[u8]>), "");
        let long = [b"x".repeat(9_000), b"\nlast".to_vec()].concat();
        assert_eq!(last_line_of(Some(&long[..])), "last");
    }

    #[test]
    fn lines_become_events_and_the_end_is_one() {
        let (events, heard) = sync_channel(8);
        let text: &[u8] = b"{\"ends\":\"why\"}\nnonsense\n";
        read(Some(text), 1, &events);
        drop(events);
        let heard: Vec<String> = heard
            .iter()
            .map(|(number, event)| match event {
                Event::Said(Said::Ends(why)) => format!("{number} {why}"),
                Event::Said(_) => "other".to_string(),
                Event::Closed => format!("{number} closed"),
            })
            .collect();
        assert_eq!((&*heard[0], heard.len()), ("1 why", 3));
        assert!(
            heard[1].starts_with("1 its line cannot be read"),
            "{heard:?}"
        );
        assert_eq!(heard[2], "1 closed");
    }
}
