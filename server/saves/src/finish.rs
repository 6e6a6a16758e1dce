//! The last save: all children leave the node as they are, so nobody is told anything that is not saved.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use pq_otp::Pid;
use pq_otp::moved::{NotMoved, Subtree};

use crate::keeper::{Keeper, News};
use crate::roster::Entry;
use crate::rows::{Copied, Way};

/// The children that leave at the same time.
const IN_FLIGHT_MAX: usize = 512;

/// The pause before a child in which something starts or ends is asked for again.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

/// The attempts for such a child: a child that needs more than a second is as it was saved before.
const ATTEMPTS: u32 = 100;

/// An order for the last save.
pub(crate) struct Order {
    pub(crate) deadline: Instant,
    pub(crate) reply: SyncSender<Finished>,
}

/// The result of the last save.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Children that have left the node, and are on the disk as they were then.
    pub saved: u64,
    /// Children below all durable supervisors when the save began.
    pub living: u64,
    /// How long it took.
    pub took: Duration,
}

type Left = (Pid, Result<Subtree, NotMoved>);

impl Keeper {
    /// Saves all children, and closes the store.
    pub(crate) fn finish(mut self, order: Order) {
        let began = Instant::now();
        self.rows.roster.close();
        while let Ok(News::Answer(answer)) = self.news.try_recv() {
            self.take(answer);
        }
        let mut finished = Finished::default();
        let mut left = self.living();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(AGAIN_AFTER);
            }
            left = self.leave_all(left, order.deadline, &mut finished);
            if left.is_empty() || Instant::now() >= order.deadline {
                break;
            }
        }
        finished.living = finished.saved + left.len() as u64;
        let closed = self.rows.saver.close(order.deadline);
        finished.saved = finished
            .saved
            .saturating_sub(closed.changes_not_durable as u64);
        finished.took = began.elapsed();
        // The caller may have stopped waiting.
        let _ = order.reply.try_send(finished);
    }

    /// All children that live.
    fn living(&self) -> Vec<(Pid, Entry)> {
        let mut all = self.rows.roster.all();
        all.retain(|(child, _)| self.rows.node.is_alive(*child));
        all
    }

    /// Lets children leave, and saves them. Returns those that could not leave yet; a shard that is blocked is not asked.
    fn leave_all(
        &mut self,
        all: Vec<(Pid, Entry)>,
        deadline: Instant,
        finished: &mut Finished,
    ) -> Vec<(Pid, Entry)> {
        let node = self.rows.node.clone();
        let is_blocked =
            |(child, _): &(Pid, _)| node.stall_of(usize::from(child.shard())).is_some();
        let (mut again, all): (Vec<_>, Vec<_>) = all.into_iter().partition(is_blocked);
        for chunk in all.chunks(IN_FLIGHT_MAX) {
            if Instant::now() >= deadline {
                again.extend_from_slice(chunk);
                continue;
            }
            let mut rows = Vec::with_capacity(chunk.len());
            for (child, left) in self.leave(chunk, deadline) {
                let found = chunk.iter().find(|(one, _)| *one == child);
                let Some(entry) = found.map(|(_, entry)| *entry) else {
                    continue;
                };
                match left {
                    Ok(subtree) => rows.extend(self.last_row(child, entry, subtree)),
                    Err(_) if !self.rows.node.is_alive(child) => (),
                    Err(_) => again.push((child, entry)),
                }
            }
            let count = rows.len() as u64;
            let goes_on = || Instant::now() < deadline;
            if self.rows.hand_over(rows, Way::Sweep, goes_on) {
                finished.saved += count;
            }
        }
        again
    }

    /// The children of a chunk as they have left the node.
    fn leave(&self, chunk: &[(Pid, Entry)], deadline: Instant) -> Vec<Left> {
        let (sender, receiver) = sync_channel(chunk.len());
        for (child, _) in chunk {
            let (child, sender) = (*child, sender.clone());
            self.rows.node.take_out(child, move |left| {
                // The channel has a place for each child.
                let _ = sender.try_send((child, left));
            });
        }
        drop(sender);
        let next = || {
            let wait = deadline.saturating_duration_since(Instant::now());
            receiver.recv_timeout(wait).ok()
        };
        std::iter::from_fn(next).take(chunk.len()).collect()
    }

    fn last_row(&mut self, child: Pid, entry: Entry, subtree: Subtree) -> Option<pq_store::Row> {
        let Entry { id, under, .. } = entry;
        let id = if id == 0 {
            self.rows.numbers.next()
        } else {
            id
        };
        let copied = Copied {
            child,
            under,
            subtree,
        };
        let row = self.rows.row_with(id, copied);
        row.inspect_err(|why| tracing::warn!(%child, "failed to save a child: {why}"))
            .ok()
    }
}
