//! The lines of `pq trace`: the steps of a process for an operator, at most so many in a second.
//!
//! ```text
//!   Step (the shard's thread) ─► Sink: within the limit? room in the queue? ─► TraceLine ─► JSON ─► pq trace ─► text
//!                                        └ no: counted, and told with the next line
//! ```
//! A step above the limit is not written as text at all, so a trace of a busy process costs it at most the time of the lines
//! within the limit. The end of the process always has room.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use pq_otp::Pid;
use pq_otp::trace::{Content, Message, Peer, Step, Tracer};
use pq_term::shorten;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::clock::since_1970;

/// The lines that wait for an operator.
const QUEUE: usize = 1_024;

/// The longest text of a message, in characters: 25 lines of a terminal.
const MESSAGE_MAX: usize = 2_000;

/// The longest message that is written as a term, in bytes. A longer one is shown by its size.
const TERM_MAX: usize = 16 << 10;

/// A step of a process, with its time.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, JsonSchema)]
pub(crate) struct TraceLine {
    /// The time of the step, in microseconds since 1970-01-01 (UTC).
    at_unix_us: u64,
    #[serde(flatten)]
    step: Told,
    /// The number of steps before this one that were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    dropped: u64,
}

/// A step as text.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, JsonSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Told {
    /// The first line: the process that the name or pid has led to.
    Tracing { pid: String, name: Option<String> },
    /// The process has taken a message; `waiting` others wait.
    Received {
        kind: String,
        message: String,
        from: String,
        waiting: u32,
    },
    /// A callback has sent a message.
    Sent {
        kind: String,
        message: String,
        to: String,
    },
    /// A callback has started a timer; the message is empty for a time-out.
    Timer { ms: u64, message: String },
    /// Another effect, and the process, port or module that it concerns.
    Effect { effect: String, peer: String },
    /// The callback has returned after this time.
    Handled { callback: String, took_us: f64 },
    /// A state machine has changed its state.
    State { from: String, to: String },
    /// The process has ended.
    Exit { reason: String },
}

/// Whether a count is left out of a line.
pub(crate) fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl TraceLine {
    /// The first line of a trace.
    pub(crate) fn begins(pid: Pid, name: Option<String>) -> TraceLine {
        let pid = pid.to_string();
        TraceLine::now(Told::Tracing { pid, name }, 0)
    }

    fn now(step: Told, dropped: u64) -> TraceLine {
        TraceLine {
            at_unix_us: since_1970(SystemTime::now()).as_micros() as u64,
            step,
            dropped,
        }
    }

    /// Whether no line follows.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self.step, Told::Exit { .. })
    }

    /// Whether the line is a step of the process.
    pub(crate) fn is_step(&self) -> bool {
        !matches!(self.step, Told::Tracing { .. })
    }

    /// The line as JSON, with its end.
    pub(crate) fn json(&self) -> String {
        let text = serde_json::to_string(self).expect("a line has only texts and numbers");
        text + "\n"
    }
}

/// A tracer that passes the steps of a process to an operator.
pub(crate) struct Sink {
    lines: mpsc::Sender<TraceLine>,
    per_second: u32,
    window: Mutex<Window>,
}

/// The lines of the present second, and the steps that were left out since the last line.
#[derive(Default)]
struct Window {
    second: u64,
    lines: u32,
    dropped: u64,
}

impl Window {
    /// Whether a line may be written in this second.
    fn admits(&mut self, second: u64, per_second: u32) -> bool {
        if self.second != second {
            (self.second, self.lines) = (second, 0);
        }
        let has_room = self.lines < per_second;
        self.lines += u32::from(has_room);
        has_room
    }
}

impl Sink {
    /// A tracer, and the queue of its lines.
    pub(crate) fn new(per_second: u32) -> (Sink, mpsc::Receiver<TraceLine>) {
        let (lines, queue) = mpsc::channel(QUEUE);
        let window = Mutex::default();
        let sink = Sink {
            lines,
            per_second,
            window,
        };
        (sink, queue)
    }

    /// Whether there is room for this step. The last place is for the end of the process.
    fn has_room(&self, window: &mut Window, step: &Step<'_>) -> bool {
        if matches!(step, Step::Exit(_)) {
            return true;
        }
        let second = since_1970(SystemTime::now()).as_secs();
        self.lines.capacity() > 1 && window.admits(second, self.per_second)
    }
}

impl Tracer for Sink {
    fn take(&self, step: &Step<'_>) -> bool {
        if self.lines.is_closed() {
            return false;
        }
        let mut window = self.window.lock();
        if !self.has_room(&mut window, step) {
            window.dropped += 1;
            return true;
        }
        let line = TraceLine::now(told(step), std::mem::take(&mut window.dropped));
        // Only this shard writes into the queue, so the room that was seen is there.
        self.lines.try_send(line).is_ok()
    }
}

fn told(step: &Step<'_>) -> Told {
    match step {
        Step::Received { message, waiting } => Told::Received {
            kind: message.kind.to_string(),
            message: content(message),
            from: message.peer.to_string(),
            waiting: *waiting,
        },
        Step::Sent(message) => Told::Sent {
            kind: message.kind.to_string(),
            message: content(message),
            to: message.peer.to_string(),
        },
        Step::Timer { ms, message } => Told::Timer {
            ms: *ms,
            message: match message {
                [] => String::new(),
                bytes => content(&Message {
                    kind: "timer",
                    content: Content::Message(bytes),
                    peer: Peer::Unknown,
                }),
            },
        },
        Step::Did { effect, peer } => Told::Effect {
            effect: (*effect).to_string(),
            peer: peer.to_string(),
        },
        Step::Handled { callback, took_ns } => Told::Handled {
            callback: (*callback).to_string(),
            took_us: *took_ns as f64 / 1_000.0,
        },
        Step::State { from, to } => Told::State {
            from: cut(&from.to_string()),
            to: cut(&to.to_string()),
        },
        Step::Exit(reason) => Told::Exit {
            reason: cut(&reason.to_string()),
        },
    }
}

fn content(message: &Message<'_>) -> String {
    match message.content.size() > TERM_MAX {
        true => format!("{} bytes", message.content.size()),
        false => cut(&message.content.to_string()),
    }
}

fn cut(text: &str) -> String {
    shorten(text, MESSAGE_MAX).into_owned()
}

impl fmt::Display for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped > 0 {
            writeln!(f, "{:27}  ({} steps are left out)", "", self.dropped)?;
        }
        let at = UNIX_EPOCH + Duration::from_micros(self.at_unix_us);
        write!(f, "{}  {}", humantime::format_rfc3339_micros(at), self.step)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A word in front of a text that may be empty.
        fn behind(word: &str, text: &str) -> String {
            match text {
                "" => String::new(),
                text => format!("{word}{text}"),
            }
        }
        match self {
            Told::Tracing { pid, name } => {
                let name = name.as_deref().unwrap_or_default();
                write!(f, "tracing {pid}{}", behind(", ", name))
            }
            Told::Received {
                kind,
                message,
                from,
                waiting,
            } => {
                let (message, from) = (behind(" ", message), behind(" from ", from));
                write!(f, "received {kind}{message}{from}")?;
                match waiting {
                    0 => Ok(()),
                    waiting => write!(f, ", {waiting} more wait"),
                }
            }
            Told::Sent { kind, message, to } => {
                let (message, to) = (behind(" ", message), behind(" to ", to));
                write!(f, "  sent {kind}{message}{to}")
            }
            Told::Timer { ms, message } if message.is_empty() => {
                write!(f, "  time-out after {ms} ms")
            }
            Told::Timer { ms, message } => write!(f, "  timer of {ms} ms with {message}"),
            Told::Effect { effect, peer } => write!(f, "  {effect}{}", behind(" ", peer)),
            Told::Handled { callback, took_us } => write!(f, "  {callback} took {took_us:.1} us"),
            Told::State { from, to } => write!(f, "  state {from} -> {to}"),
            Told::Exit { reason } => write!(f, "ended: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use pq_otp::Reason;

    use super::*;

    fn took(sink: &Sink, took_ns: u64) -> bool {
        sink.take(&Step::Handled {
            callback: "handle_cast",
            took_ns,
        })
    }

    #[test]
    fn a_second_has_so_many_lines_and_the_next_one_counts_the_rest() {
        let mut window = Window::default();
        let admitted =
            |window: &mut Window, second| (0..5).filter(|_| window.admits(second, 3)).count();
        assert_eq!(admitted(&mut window, 7), 3);
        assert_eq!(admitted(&mut window, 8), 3);
        let (sink, mut lines) = Sink::new(0);
        assert!(took(&sink, 1) && took(&sink, 2));
        assert!(sink.take(&Step::Exit(&Reason::Killed)));
        let line = lines.try_recv().unwrap();
        assert_eq!((line.dropped, line.is_last()), (2, true));
    }

    #[test]
    fn a_full_queue_has_room_for_the_end_and_a_viewer_that_left_ends_the_trace() {
        let (sink, mut lines) = Sink::new(u32::MAX);
        for step in 0..QUEUE as u64 + 10 {
            assert!(took(&sink, step));
        }
        assert!(sink.take(&Step::Exit(&Reason::Normal)));
        let mut last = lines.try_recv().unwrap();
        while let Ok(line) = lines.try_recv() {
            last = line;
        }
        assert_eq!((last.dropped, last.is_last()), (11, true));
        drop(lines);
        assert!(!took(&sink, 1));
    }

    #[test]
    fn a_line_is_one_sentence_and_the_same_from_json() {
        let line = |step, dropped| TraceLine {
            at_unix_us: 1_700_000_000_000_042,
            step,
            dropped,
        };
        let handled = Told::Handled {
            callback: "handle_event".to_string(),
            took_us: 3.25,
        };
        let told = line(handled, 2);
        let same: TraceLine = serde_json::from_str(&told.json()).unwrap();
        assert_eq!(same, told);
        let text = told.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        assert_eq!(
            lines,
            [
                "(2 steps are left out)",
                "2023-11-14T22:13:20.000042Z    handle_event took 3.2 us"
            ]
        );
        let received = Told::Received {
            kind: "call".to_string(),
            message: "tell".to_string(),
            from: "<0.7.1>".to_string(),
            waiting: 3,
        };
        assert_eq!(
            received.to_string(),
            "received call tell from <0.7.1>, 3 more wait"
        );
    }
}
