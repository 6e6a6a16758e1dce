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
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use pq_otp::moved::{Closed, Kept, Opened, Opens, SavedPart, Subtree};
use pq_otp::{Comeback, Node, Reason, Restart};
use pq_store::{Row, Saver};

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
    /// The name of this row, which is set aside, is to be reserved.
    Reserve(u64),
}

/// See the top of the file.
pub(crate) struct Restarts {
    pub(crate) node: Node,
    pub(crate) roster: Arc<Roster>,
    pub(crate) saver: Saver,
    pub(crate) versions: Arc<dyn Versions>,
    /// The states of this run have at least this number.
    pub(crate) first_seq: u64,
    pub(crate) jobs: Receiver<Job>,
    pub(crate) stopped: Arc<AtomicBool>,
    pub(crate) failures: Failures,
}

impl Restarts {
    /// Works until the node stops.
    pub(crate) fn run(mut self) {
        while !self.stopped.load(Ordering::Acquire) {
            match self.jobs.recv_timeout(TICK) {
                Ok(first) => {
                    let jobs = self.jobs.try_iter().take(BATCH_MAX - 1);
                    let jobs = std::iter::once(first).chain(jobs).collect();
                    self.work(jobs);
                }
                Err(RecvTimeoutError::Timeout) => (),
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
            // The shards do not wait longer.
            Err(why) => return tracing::error!("failed to {why}"),
        };
        let rows: HashMap<u64, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
        for (job, id) in jobs {
            let row = id.and_then(|id| rows.get(&id));
            match job {
                Job::Reserve(id) => row
                    .into_iter()
                    .for_each(|row| self.roster.reserved.add(id, &row.key)),
                Job::Restart(restart) => {
                    let comeback = self.comeback(&restart, id, row);
                    self.node.go_on(&restart, comeback);
                }
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
    fn comeback(&mut self, restart: &Restart, id: Option<u64>, row: Option<&Row>) -> Comeback {
        let entry = self.roster.entry(restart.root);
        let (Some(id), Some(entry)) = (id, entry) else {
            return Comeback::Anew;
        };
        if entry.is_aside {
            return Comeback::Never;
        }
        if let Some(why) = &restart.why
            && self.failures.is_again(id, restart.at_ms)
        {
            return self.never(restart, row, again(restart, why));
        }
        let Some(row) = row else {
            return Comeback::Anew;
        };
        match self.saved(restart, row) {
            Ok(Some(part)) => Comeback::Saved(part, Arc::new(Live(self.versions.clone()))),
            Ok(None) => Comeback::Anew,
            Err(why) => self.never(restart, Some(row), why),
        }
    }

    /// The process with all below it, as it was saved last; `None` if it did not exist then.
    fn saved(&self, restart: &Restart, row: &Row) -> Result<Option<SavedPart>, String> {
        let subtree = Subtree::from_bytes(&row.body).map_err(|why| why.to_string())?;
        let kept = match row.seq >= self.first_seq {
            true => Kept::Here(&self.node),
            false => Kept::Earlier,
        };
        let part = subtree.part(&restart.path, kept);
        let is_other = |(module, vsn): &(&str, &str)| !is_current(&self.node, module, vsn);
        let versions = part.iter().flat_map(SavedPart::versions);
        let others = versions.filter(is_other);
        let others: Vec<(String, String)> = others
            .map(|(module, vsn)| (module.to_string(), vsn.to_string()))
            .collect();
        if !others.is_empty() {
            // Loads the libraries, for which a shard must not wait.
            self.versions.versions(&others);
        }
        Ok(part)
    }

    fn never(&self, restart: &Restart, row: Option<&Row>, why: String) -> Comeback {
        if let Some(row) = row {
            // Before the processes end, which frees the name.
            self.roster.reserved.add(row.id, &row.key);
        }
        self.roster.set_aside(&self.node, restart.root, why);
        Comeback::Never
    }
}

/// Whether this is the version of a module that runs.
pub(crate) fn is_current(node: &Node, module: &str, vsn: &str) -> bool {
    let current = node.module(module);
    current.is_some_and(|current| current.vsn() == vsn)
}

/// The sentence for a child that has failed twice.
fn again(restart: &Restart, why: &Reason) -> String {
    let mut sentence = format!("{FAILED} again within a minute");
    let mut before = ": ";
    for id in &restart.path {
        // Writing to a String cannot fail.
        let _ = write!(sentence, "{before}{id}");
        before = "/";
    }
    format!("{sentence}: {}", brief(why))
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

/// Opens parts with the versions that the node has when the part arrives: an install may have come between.
struct Live(Arc<dyn Versions>);

impl Opens for Live {
    fn open(&self, node: &Node, part: Closed<'_>) -> Result<Opened, String> {
        let versions = match is_current(node, part.module, part.vsn) {
            true => Vec::new(),
            // Loads nothing.
            false => self.0.versions(&[]),
        };
        Opening::new(versions).open(node, part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
