//! The boots and ends of a node in the history: the cause of each boot, and the end of the node before it.
//!
//! ```text
//!   boot ─┬─► stop, shutdown, end   the node recorded its end   ─► the next boot: started
//!         ├─► restart               the same process continues  ─► the next boot: restarted itself, with the reason
//!         ├─► crash                 the node left its reason    ─► the next boot: crashed, with the reason
//!         └─► (nothing)             the node was killed         ─► the next boot: the previous node left no record
//! ```
//! A crashing node cannot write the history: the next boot writes the entry from `releases/crash` ([`crash`]). The
//! kernel's `boot_id`, which differs after each start of the machine (`random(4)`), shows whether the machine went
//! down, too.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use pq_protocol::history::{Deed, Entry, Mark};
use pq_protocol::{Exit, Failure, Who};

use crate::boot::Booted;
use crate::history::History;
use crate::options::LogFormat;
use crate::restart::Restart;
use crate::running::PendingStop;
use crate::signals::EndSignal;

mod crash;

use crash::Left;

/// The operations that begin or end a node's lifetime.
const BOOT: &str = "boot";
const RESTART: &str = "restart";
const END: &str = "end";
const CRASH: &str = "crash";
const ENDS: [&str; 4] = ["stop", "stop --now", "shutdown", END];

/// The length of a program's name in characters; the kernel keeps 15 bytes.
const PROGRAM_CHARS_MAX: usize = 15;

/// One lifetime of a node.
pub(crate) struct Lifetime<'a> {
    history: &'a History,
    root: PathBuf,
    began: Instant,
    /// The cause of the boot.
    cause: Cause,
    is_over: Cell<bool>,
}

/// The cause of a boot as a text, and its operator.
struct Cause {
    who: Who,
    why: String,
    /// The release that ran before.
    from: Option<String>,
}

impl<'a> Lifetime<'a> {
    /// Begins the lifetime on a tree whose lock the caller holds. A crash from now on leaves its reason in the tree.
    pub(crate) fn begin(history: &'a History, root: &Path, format: LogFormat) -> Lifetime<'a> {
        // An unreadable history is reported when an entry is written.
        let entries = history.read().unwrap_or_default().entries;
        let (own, left) = (Mark::own(), crash::read(root));
        let cause = cause(&entries, &own, left.as_ref());
        if let Some(left) = left {
            note_crash(history, &left, cause.from.clone());
        }
        if let Err(error) = crash::begin(root, &own, format) {
            tracing::warn!("a crash of this node will leave no record: {error:#}");
        }
        Lifetime {
            history,
            root: root.to_path_buf(),
            began: Instant::now(),
            cause,
            is_over: Cell::default(),
        }
    }

    /// Ends the lifetime before an orderly end or an exec; the caller still holds the lock of the tree.
    pub(crate) fn over(&self) {
        if !self.is_over.replace(true) {
            crash::end(&self.root);
        }
    }

    /// Enters the boot, successful or failed; `asked` is the requested release.
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

    /// Enters a restart with this release, or with the permanent release.
    pub(crate) fn restarts(&self, from: &str, restart: &Restart) {
        let deed = Deed {
            from: Some(from.to_string()),
            to: restart.release().map(str::to_string),
            message: Some(restart.why().to_string()),
            ..ended(RESTART, Ok(()))
        };
        self.note(&Who::own(), deed);
    }

    /// Enters a stop by an operator or by a planned shutdown.
    pub(crate) fn stopped_by_operator(&self, pending: &PendingStop, outcome: &Result<(), Failure>) {
        pending.note(self.history, outcome);
    }

    /// Enters a stop by a signal.
    pub(crate) fn told_to_end(&self, vsn: &str, told: EndSignal, outcome: &Result<(), Failure>) {
        let outcome = outcome.clone().map_err(|failure| failure.sentence);
        let deed = Deed {
            from: Some(vsn.to_string()),
            message: Some(told.to_string()),
            ..ended("stop", outcome)
        };
        self.note(&asked_by(told), deed);
    }

    /// Enters an end by a second signal.
    pub(crate) fn is_cut_short(history: &History, vsn: Option<String>, told: EndSignal) {
        let deed = Deed {
            from: vsn,
            message: Some(told.to_string()),
            ..ended(
                "stop",
                Err("second signal: ended without an orderly stop".to_string()),
            )
        };
        history.note(&asked_by(told), deed);
    }

    /// Enters an end by a failure.
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

/// An exit by any path except a panic is not a crash.
impl Drop for Lifetime<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.over();
        }
    }
}

/// Enters the crash of the previous node.
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

fn asked_by(told: EndSignal) -> Who {
    let who = told.sender.map(|(uid, pid)| Who::of(uid, Some(pid)));
    who.unwrap_or_else(Who::own)
}

fn ended(operation: &str, outcome: Result<(), String>) -> Deed {
    match outcome {
        Ok(()) => Deed::of(operation, Exit::Done, "done"),
        Err(why) => Deed::of(operation, Exit::Internal, why),
    }
}

/// Derives the cause from the last entries of the history.
fn cause(entries: &[Entry], own: &Mark, left: Option<&Left>) -> Cause {
    let is_of_a_life = |entry: &&Entry| {
        let operation = entry.deed.operation.as_str();
        [BOOT, RESTART].contains(&operation) || ENDS.contains(&operation)
    };
    let last = entries.iter().rfind(is_of_a_life);
    // The release before a boot is the last installed one.
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
            why: format!("the node restarted itself: {said}"),
            from: deed.from.clone(),
        },
        END => from_outside(format!("; the previous node had ended: {}", deed.result)),
        BOOT if deed.exit != Exit::Done => {
            from_outside("; the previous boot had failed".to_string())
        }
        BOOT | RESTART => from_outside(lost(mark, own, when)),
        _ => from_outside(String::new()),
    }
}

/// Whether the last entry is the end of the node that left this file without a crash sentence.
fn has_ended(last: Option<&Entry>, left: &Left) -> bool {
    let is_its_end = |entry: &Entry| {
        entry.node.as_ref() == Some(&left.node) && ENDS.contains(&entry.deed.operation.as_str())
    };
    left.sentence.is_none() && last.is_some_and(is_its_end)
}

/// The text on a node that left neither an entry nor a file, because its version was older.
fn lost(mark: &Mark, own: &Mark, since: &str) -> String {
    let pid = mark.pid;
    let why = match mark.system == own.system {
        true => "the node was killed or crashed",
        false => "the machine went down, or the node was killed or crashed before that",
    };
    format!("; the previous node (process {pid}, since {since}) left no record of its end: {why}")
}

/// The release that ran after this operation.
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
