//! The boots and ends of a node, in the history: who or what started it, and how the node before it had ended.
//!
//! ```text
//!   boot ─┬─► stop, shutdown, end   it said that it ends      ─► the next boot: started
//!         ├─► restart               its own process goes on   ─► the next boot: started itself again, and why
//!         ├─► crash               it left its last words    ─► the next boot: crashed, and of what
//!         └─► (nothing)             it was killed             ─► the next boot: the node before ended without saying so
//! ```
//! A node that crashes cannot write here: the next boot does, from what it finds in `releases/crash` ([`crash`]).
//! That the machine went down with it is known by the kernel's `boot_id`, which is another one after each start of the
//! machine (`random(4)`).

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use pq_protocol::history::{Deed, Entry, Mark};
use pq_protocol::{Exit, Failure, Who};

use crate::boot::Booted;
use crate::history::History;
use crate::options::LogFormat;
use crate::restart::Restart;
use crate::running::Farewell;
use crate::signals::Told;

mod crash;

use crash::Left;

/// The operations that begin or end the life of a node.
const BOOT: &str = "boot";
const RESTART: &str = "restart";
const END: &str = "end";
const CRASH: &str = "crash";
const ENDS: [&str; 4] = ["stop", "stop --now", "shutdown", END];

/// How much of a name of a program is shown; the kernel keeps 15 bytes of it.
const PROGRAM_CHARS_MAX: usize = 15;

/// One life of a node.
pub(crate) struct Lifetime<'a> {
    history: &'a History,
    root: PathBuf,
    began: Instant,
    /// Why it boots.
    cause: Cause,
    is_over: Cell<bool>,
}

/// Why a node boots, in words; and whose doing it was.
struct Cause {
    who: Who,
    why: String,
    /// The release that ran before.
    from: Option<String>,
}

impl<'a> Lifetime<'a> {
    /// Begins, on a tree whose lock the caller holds. From now on a crash leaves its last words there.
    pub(crate) fn begin(history: &'a History, root: &Path, format: LogFormat) -> Lifetime<'a> {
        // A history that cannot be read says so where it is written.
        let entries = history.read().unwrap_or_default().entries;
        let (own, left) = (Mark::own(), crash::read(root));
        let cause = cause(&entries, &own, left.as_ref());
        if let Some(left) = left {
            note_crash(history, &left, cause.from.clone());
        }
        if let Err(error) = crash::begin(root, &own, format) {
            tracing::warn!("a crash of this node will leave nothing for the next: {error:#}");
        }
        Lifetime {
            history,
            root: root.to_path_buf(),
            began: Instant::now(),
            cause,
            is_over: Cell::default(),
        }
    }

    /// The process ends in order, or another program takes its place: to be called while the tree is still ours.
    pub(crate) fn over(&self) {
        if !self.is_over.replace(true) {
            crash::end(&self.root);
        }
    }

    /// The boot has ended, well or not; which release was asked for, is known either way.
    pub(crate) fn booted(&self, booted: &anyhow::Result<Booted>, asked: Option<&str>) {
        let Cause { who, why, from } = &self.cause;
        let (release, outcome) = match booted {
            Ok(booted) => (Some(booted.release()), Ok(())),
            Err(error) => (asked, Err(format!("{error:#}"))),
        };
        tracing::info!(release, "boot: {why}");
        self.note(
            who,
            Deed {
                from: from.clone(),
                to: release.map(str::to_string),
                took_ms: self.began.elapsed().as_millis() as u64,
                message: Some(why.clone()),
                ..ended(BOOT, outcome)
            },
        );
    }

    /// The node starts itself again, with this release or the permanent one.
    pub(crate) fn restarts(&self, from: &str, restart: &Restart) {
        let deed = Deed {
            from: Some(from.to_string()),
            to: restart.release().map(str::to_string),
            message: Some(restart.why().to_string()),
            ..ended(RESTART, Ok(()))
        };
        self.note(&Who::own(), deed);
    }

    /// An operator has ended it, or a plan of one.
    pub(crate) fn told_by_operator(&self, farewell: &Farewell, outcome: &Result<(), Failure>) {
        farewell.note(self.history, outcome);
    }

    /// A signal has ended it.
    pub(crate) fn told_to_end(&self, vsn: &str, told: Told, outcome: &Result<(), Failure>) {
        let outcome = outcome.clone().map_err(|failure| failure.sentence);
        let deed = Deed {
            from: Some(vsn.to_string()),
            message: Some(told.to_string()),
            ..ended("stop", outcome)
        };
        self.note(&asked_by(told), deed);
    }

    /// A second signal has ended it, where it stood.
    pub(crate) fn is_cut_short(history: &History, vsn: Option<String>, told: Told) {
        let deed = Deed {
            from: vsn,
            message: Some(told.to_string()),
            ..ended(
                "stop",
                Err("told to end a second time: ended as it was".to_string()),
            )
        };
        history.note(&asked_by(told), deed);
    }

    /// It ends because it cannot go on.
    pub(crate) fn fails(&self, vsn: &str, why: &str) {
        let deed = Deed {
            from: Some(vsn.to_string()),
            ..ended(END, Err(why.to_string()))
        };
        self.note(&Who::own(), deed);
    }

    fn note(&self, who: &Who, deed: Deed) {
        self.history.note(who, deed);
    }
}

/// However it is left, but by a panic: the exit that follows is no end in order.
impl Drop for Lifetime<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.over();
        }
    }
}

/// Enters what a node that has crashed could not.
fn note_crash(history: &History, left: &Left, vsn: Option<String>) {
    let Some(sentence) = &left.sentence else {
        return;
    };
    tracing::warn!("{} crashed: {sentence}", left.node_before());
    let deed = Deed {
        from: vsn,
        ..ended(CRASH, Err(sentence.clone()))
    };
    let who = Who::of(Who::own().uid, i32::try_from(left.node.pid).ok());
    if let Err(error) = history.append_of(&left.node, left.when, &who, deed) {
        tracing::error!(%error, "failed to write releases/history.jsonl");
    }
}

fn asked_by(told: Told) -> Who {
    let who = told.sender.map(|(uid, pid)| Who::of(uid, Some(pid)));
    who.unwrap_or_else(Who::own)
}

fn ended(operation: &str, outcome: Result<(), String>) -> Deed {
    let exit = match outcome {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Internal,
    };
    Deed {
        operation: operation.to_string(),
        from: None,
        to: None,
        result: outcome.err().unwrap_or_else(|| "done".to_string()),
        exit,
        took_ms: 0,
        pause_us: None,
        message: None,
    }
}

/// From what the history ends with.
fn cause(entries: &[Entry], own: &Mark, left: Option<&Left>) -> Cause {
    let is_of_a_life = |entry: &&Entry| {
        let operation = entry.deed.operation.as_str();
        [BOOT, RESTART].contains(&operation) || ENDS.contains(&operation)
    };
    let last = entries.iter().rfind(is_of_a_life);
    // What an install brought since is what ran.
    let ran = entries.last().and_then(|entry| ran_after(&entry.deed));
    let (who, started) = starter();
    let from_outside = |before: String| Cause {
        who: who.clone(),
        why: format!("started by {started}{before}"),
        from: ran.clone(),
    };
    if let Some(left) = left.filter(|left| left.node != *own && !has_ended(last, left)) {
        return from_outside(format!("; {}", left.said(own)));
    }
    let Some(Entry {
        node: Some(mark),
        deed,
        when,
        ..
    }) = last
    else {
        return from_outside(String::new());
    };
    let said = deed.message.as_deref().unwrap_or(&deed.result);
    match deed.operation.as_str() {
        RESTART if mark == own => Cause {
            who: Who::own(),
            why: format!("it started itself again: {said}"),
            from: deed.from.clone(),
        },
        END => from_outside(format!("; the node before had ended: {}", deed.result)),
        BOOT if deed.exit != Exit::Done => from_outside("; the boot before had failed".to_string()),
        BOOT | RESTART => from_outside(lost(mark, own, when)),
        _ => from_outside(String::new()),
    }
}

/// Whether the last entry is the end of the node that left this, and it said nothing else.
fn has_ended(last: Option<&Entry>, left: &Left) -> bool {
    let is_its_end = |entry: &Entry| {
        entry.node.as_ref() == Some(&left.node) && ENDS.contains(&entry.deed.operation.as_str())
    };
    left.sentence.is_none() && last.is_some_and(is_its_end)
}

/// A node that left no word, and no file: an older one.
fn lost(mark: &Mark, own: &Mark, since: &str) -> String {
    let pid = mark.pid;
    let why = match mark.system == own.system {
        true => "it was killed or crashed",
        false => "the machine went down, or it was killed or crashed before that",
    };
    format!("; the node before (process {pid}, since {since}) ended without saying so: {why}")
}

/// The release that ran when this was done.
fn ran_after(deed: &Deed) -> Option<String> {
    let is_new = deed.exit == Exit::Done
        && (deed.operation == BOOT || deed.operation.starts_with("install "));
    let ran = if is_new { &deed.to } else { &deed.from };
    ran.clone()
}

/// The process that started this one, and its user.
fn starter() -> (Who, String) {
    let Some(parent) = rustix::process::getppid() else {
        return (Who::own(), "the system".to_string());
    };
    let pid = parent.as_raw_nonzero().get();
    let comm = Path::new("/proc").join(pid.to_string()).join("comm");
    let name = pq_files::read(&comm, pq_files::TEXT_BYTES_MAX).unwrap_or_default();
    let name: String = String::from_utf8_lossy(&name)
        .trim()
        .chars()
        .take(PROGRAM_CHARS_MAX)
        .collect();
    let uid = rustix::process::getuid().as_raw();
    let called = match name.is_empty() {
        true => format!("process {pid}"),
        false => format!("{name} (process {pid})"),
    };
    (Who::of(uid, Some(pid)), called)
}
