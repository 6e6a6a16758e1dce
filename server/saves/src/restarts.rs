//! Restarts: a process below a durable child comes back as it was saved last, and a child that fails again is set aside.
//!
//! ```text
//!   shard ─ Children::restart ─► jobs ─► this thread ─ Saver::read ─► row ─► part ─► Node::go_on ─► shard
//!              │ full                       └ failed within a minute ─┐
//!              └──────────────────────────────────────────────────────┴─► set aside: row, client, processes
//! ```
//! Nothing that a shard does here waits. The thread reads many rows at once, and waits for the disk. A shard that has no
//! answer after 5 s sets the child aside (`Children::is_late`): a child that was started anew would be saved over its state.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pq_otp::moved::{Kept, SavedPart, Subtree};
use pq_otp::supervisor::Cause;
use pq_otp::{Comeback, Node, Reason, Restart, Term};
use pq_store::{Row, Saver, State};

use crate::failures::Failures;
use crate::opening::{Opening, Versions};
use crate::roster::Roster;

/// The restarts that wait; the children of further ones are set aside. With 256 rows for each commit of the store, this is
/// the work of 4 s.
pub(crate) const JOBS_MAX: usize = 65_536;

/// The rows that are read with one question.
const BATCH_MAX: usize = 256;

/// The limit for one question: a shard waits no longer.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads that convert states of other versions: after an install, until the next round of the sweep.
const CONVERTERS: usize = 2;

/// The parts that wait for a conversion; the children of further ones are set aside.
const CONVERSIONS_MAX: usize = 1_024;

/// The longest sleep before the thread looks whether the node stops.
const TICK: Duration = Duration::from_millis(500);

/// The beginning of the sentence for a child that has failed. A boot continues it only under other versions of its modules.
pub(crate) const FAILED: &str = "it failed";

/// The longest part of a reason in a sentence, in characters.
const REASON_MAX: usize = 300;

/// The work of the thread.
pub(crate) enum Job {
    /// A process is restarted.
    Restart(Box<Restart>),
    /// The name of this row is to be reserved, if the row is set aside when everything before is on the disk.
    Reserve(u64),
}

/// See the top of the file.
pub(crate) struct Restarts {
    node: Node,
    roster: Arc<Roster>,
    saver: Saver,
    first_seq: u64,
    jobs: Receiver<Job>,
    stopped: Arc<AtomicBool>,
    converters: SyncSender<Older>,
    failures: Failures,
    /// Work that waits for the store: names to be reserved.
    later: Vec<Job>,
}

/// The parts that others have, too.
pub(crate) struct RestartSetup {
    pub(crate) node: Node,
    pub(crate) roster: Arc<Roster>,
    pub(crate) saver: Saver,
    pub(crate) versions: Arc<dyn Versions>,
    /// The states of this run have at least this number.
    pub(crate) first_seq: u64,
    pub(crate) jobs: Receiver<Job>,
    /// Whether the threads are to end.
    pub(crate) stopped: Arc<AtomicBool>,
}

impl Restarts {
    /// Starts the threads.
    pub(crate) fn start(setup: RestartSetup) -> std::io::Result<()> {
        let (converters, parts) = sync_channel(CONVERSIONS_MAX);
        let parts = Arc::new(Mutex::new(parts));
        for _ in 0..CONVERTERS {
            let converter = Converter {
                node: setup.node.clone(),
                roster: setup.roster.clone(),
                versions: setup.versions.clone(),
                parts: parts.clone(),
            };
            let thread = thread::Builder::new().name("saves-convert".to_string());
            thread.spawn(move || converter.run())?;
        }
        let restarts = Restarts {
            node: setup.node,
            roster: setup.roster,
            saver: setup.saver,
            first_seq: setup.first_seq,
            jobs: setup.jobs,
            stopped: setup.stopped,
            converters,
            failures: Failures::new(),
            later: Vec::new(),
        };
        let thread = thread::Builder::new().name("saves-restarts".to_string());
        thread.spawn(move || restarts.run())?;
        Ok(())
    }

    /// Works until the node stops.
    fn run(mut self) {
        while !self.stopped.load(Ordering::Acquire) {
            match self.jobs.recv_timeout(TICK) {
                Ok(first) => {
                    let jobs = self.jobs.try_iter().take(BATCH_MAX - 1);
                    let jobs = std::iter::once(first).chain(jobs).collect();
                    self.work(jobs);
                }
                Err(RecvTimeoutError::Timeout) if self.later.is_empty() => (),
                Err(RecvTimeoutError::Timeout) => {
                    let rest = self.later.len().saturating_sub(BATCH_MAX);
                    let jobs = self.later.split_off(rest);
                    self.work(jobs);
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&mut self, jobs: Vec<Job>) {
        let jobs: Vec<(Job, Option<u64>)> = jobs
            .into_iter()
            .map(|job| {
                let id = self.row_of(&job);
                (job, id)
            })
            .collect();
        let ids = jobs.iter().filter_map(|(_, id)| *id).collect();
        let rows = match self.saver.read(ids, Instant::now() + READ_TIMEOUT) {
            Ok(rows) => rows,
            Err(why) => {
                // The shards wait for no restart any longer.
                let names = jobs.into_iter().map(|(job, _)| job);
                self.later
                    .extend(names.filter(|job| matches!(job, Job::Reserve(_))));
                return tracing::error!("failed to {why}");
            }
        };
        let rows: HashMap<u64, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
        for (job, id) in jobs {
            let row = id.and_then(|id| rows.get(&id));
            match job {
                Job::Reserve(id) => row
                    .into_iter()
                    .filter(|row| row.state == State::SetAside)
                    .for_each(|row| self.roster.reserved.add(id, &row.key)),
                Job::Restart(restart) => self.restart(*restart, id, row),
            }
        }
    }

    fn row_of(&self, job: &Job) -> Option<u64> {
        match job {
            Job::Reserve(id) => Some(*id),
            Job::Restart(restart) => self.roster.entry(restart.root).map(|entry| entry.id),
        }
    }

    /// Decides how a process comes back.
    fn restart(&mut self, restart: Restart, id: Option<u64>, row: Option<&Row>) {
        let entry = self.roster.entry(restart.root);
        if entry.is_some_and(|entry| entry.is_aside) {
            return self.node.go_on(&restart, Comeback::Never);
        }
        if let (Some(id), Some(why)) = (id, &restart.why)
            && is_failure(&why.reason)
            && self.failures.is_again(id, restart.at_ms)
        {
            let why = again(&restart.path, why);
            return self.never(&restart, row, why);
        }
        let Some(row) = row else {
            return self.node.go_on(&restart, Comeback::Anew);
        };
        match self.saved(&restart, row) {
            Ok(Some(part)) if has_others(&self.node, &part) => self.convert(restart, part),
            Ok(Some(part)) => self.node.go_on(&restart, saved(part)),
            Ok(None) => self.node.go_on(&restart, Comeback::Anew),
            Err(why) => self.never(&restart, Some(row), why),
        }
    }

    /// The process with all below it, as it was saved last; `None` if it did not exist then.
    fn saved(&self, restart: &Restart, row: &Row) -> Result<Option<SavedPart>, String> {
        let subtree = Subtree::from_bytes(&row.body).map_err(|why| why.to_string())?;
        let kept = match row.seq >= self.first_seq {
            true => Kept::Here(&self.node),
            false => Kept::Earlier,
        };
        Ok(subtree.part(&restart.path, kept))
    }

    /// Has a part of other versions converted.
    fn convert(&self, restart: Restart, part: SavedPart) {
        if let Err(TrySendError::Full((restart, _)) | TrySendError::Disconnected((restart, _))) =
            self.converters.try_send((restart, part))
        {
            let why = "too many states of other versions wait for their conversion".to_string();
            self.never(&restart, None, why);
        }
    }

    fn never(&self, restart: &Restart, row: Option<&Row>, why: String) {
        if let Some(row) = row {
            // Before the processes end, which frees the name.
            self.roster.reserved.add(row.id, &row.key);
        }
        self.roster.set_aside(&self.node, restart.root, why);
        self.node.go_on(restart, Comeback::Never);
    }
}

/// Whether this is the version of a module that runs.
pub(crate) fn is_current(node: &Node, module: &str, vsn: &str) -> bool {
    let current = node.module(module);
    current.is_some_and(|current| current.vsn() == vsn)
}

/// The sentence for a child that has failed twice.
fn again(path: &[Term], why: &Cause) -> String {
    // The restarted process may be another one than that which has failed, below the same supervisor.
    let above = path.split_last().map_or(path, |(_, above)| above);
    let mut sentence = format!("{FAILED} again within a minute");
    let mut before = ": ";
    for id in above.iter().chain(&why.child) {
        // Writing to a String cannot fail.
        let _ = write!(sentence, "{before}{id}");
        before = "/";
    }
    format!("{sentence}: {}", brief(&why.reason))
}

/// The sentence for a child whose root has failed.
pub(crate) fn ended(why: &Reason) -> String {
    match why {
        Reason::Shutdown => format!("{FAILED}: its supervisor has restarted it too often"),
        why => format!("{FAILED}: {}", brief(why)),
    }
}

fn brief(why: &Reason) -> String {
    let text = why.to_string();
    match text.char_indices().nth(REASON_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The answer with a part of the current versions. If an install has come between, the part is refused, and the supervisor
/// tries again.
fn saved(part: SavedPart) -> Comeback {
    Comeback::Saved(part, Arc::new(Opening::new(Vec::new())))
}

/// Whether the end of a process with this reason counts: a state that was refused has not run.
fn is_failure(why: &Reason) -> bool {
    let why = why.to_term();
    let tag = why.as_tuple().and_then(<[_]>::first);
    tag.is_none_or(|tag| !tag.is_atom("not_put_in"))
}

/// The modules of a part that are in other versions than those that run.
fn others(node: &Node, part: &SavedPart) -> Vec<(String, String)> {
    let versions = part.versions();
    let others = versions.filter(|(module, vsn)| !is_current(node, module, vsn));
    others
        .map(|(module, vsn)| (module.to_string(), vsn.to_string()))
        .collect()
}

fn has_others(node: &Node, part: &SavedPart) -> bool {
    !others(node, part).is_empty()
}

/// A part of other versions, and its restart.
type Older = (Restart, SavedPart);

/// A thread that converts states. A conversion that does not end keeps its thread, and its child is set aside.
struct Converter {
    node: Node,
    roster: Arc<Roster>,
    versions: Arc<dyn Versions>,
    parts: Arc<Mutex<Receiver<Older>>>,
}

impl Converter {
    fn run(self) {
        loop {
            let next = self.parts.lock().recv();
            let Ok((restart, part)) = next else {
                return;
            };
            let opening = Opening::new(self.versions.versions(&others(&self.node, &part)));
            match part.converted(&self.node, &opening) {
                Ok(part) => self.node.go_on(&restart, saved(part)),
                Err(why) => {
                    self.roster.set_aside(&self.node, restart.root, why);
                    self.node.go_on(&restart, Comeback::Never);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_process_that_has_failed() {
        let path = ["crew", "cook"].map(Term::atom);
        let reason = Reason::tagged("panic", "salt");
        let cause = |child| Cause {
            child,
            reason: reason.clone(),
        };
        let mate = cause(Some(Term::atom("mate")));
        let sentence = "it failed again within a minute: crew/mate: {panic,\"salt\"}";
        assert_eq!(again(&path, &mate), sentence);
        let sentence = "it failed again within a minute: {panic,\"salt\"}";
        assert_eq!(again(&[], &cause(None)), sentence);
    }

    #[test]
    fn a_sentence_names_the_failure_and_is_short() {
        let boom = Reason::tagged("panic", &"x".repeat(1_000));
        let sentence = ended(&boom);
        assert!(
            sentence.starts_with("it failed: {panic,\"xxx"),
            "{sentence}"
        );
        assert!(sentence.ends_with("x…") && sentence.chars().count() < 320);
        assert_eq!(
            ended(&Reason::Shutdown),
            "it failed: its supervisor has restarted it too often"
        );
    }
}
