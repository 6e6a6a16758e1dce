//! The keeper: one thread that asks the shards for copies, and hands them to the store.
//!
//! ```text
//!   told ───────────┐
//!   births ─────────┤
//!   watched ────────┼─► a queue for each shard ─► one question at a time ─► copies ─► rows ─► store
//!   the round ──────┘                                                                   ▲
//!   ends ───────────────────────────────────────────────────────────────────────────────┘
//! ```
//! A shard has one question at most, so a shard that does not answer delays only its own children, and the copies of one child
//! arrive in their order. While the store is full the keeper waits, and asks nobody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pq_otp::Pid;
use pq_otp::moved::{Batch, NotMoved};
use pq_store::Row;

use crate::finish::Order;
use crate::roster::{Born, Entry};
use crate::round::Round;
use crate::rows::{Copied, Rows, Way};
use crate::settings::Pace;
use crate::told::{Cell, Told};
use crate::wake::Wake;

/// The longest sleep: births and watched children are looked at in their own, longer intervals.
const TICK: Duration = Duration::from_millis(50);

/// The interval at which births are looked at. A child that ends at once costs no row.
const BIRTHS_EVERY: Duration = Duration::from_millis(500);

/// The children of one question: a slice of a shard's work of less than a millisecond.
const QUESTION_MAX: usize = 64;

/// The shortest time between two log lines about children that cannot be saved.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The roots that are watched now.
pub(crate) type Watched = Box<dyn Fn() -> Vec<Pid> + Send + Sync>;

/// A message for the keeper.
pub(crate) enum News {
    /// There is something to look at.
    Look,
    /// A shard has answered.
    Answer(Answer),
    /// The last save: the thread ends after it.
    Finish(Order),
}

/// The answer of a shard.
pub(crate) struct Answer {
    shard: u8,
    asked: Asked,
    batch: Batch,
}

/// A question for a shard.
enum Asked {
    These(For, Vec<Born>),
    Below { under: u8, copies_max: u32 },
}

/// The reason for which children are copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Somebody in this group waits to be told of them.
    Told(u8),
    /// A client watches them, and does not wait for the disk.
    Watched,
    /// They have no row yet.
    Born,
}

/// The questions for one shard. Children of which somebody is to be told come first, then those that are watched.
#[derive(Default)]
struct Lane {
    is_busy: bool,
    /// With the groups that wait.
    told: VecDeque<(u8, Born)>,
    watched: VecDeque<Born>,
    born: VecDeque<Born>,
}

/// See the top of the file.
pub(crate) struct Keeper {
    pub(crate) rows: Rows,
    pub(crate) news: Receiver<News>,
    sender: SyncSender<News>,
    stopped: Arc<AtomicBool>,
    hurries: Arc<AtomicBool>,
    watched: Arc<OnceLock<Watched>>,
    told: Told,
    /// Children of which somebody waits to be told, and in which something starts or ends.
    told_again: Vec<(u8, Born)>,
    /// The time at which they are asked for again.
    told_again_at: Instant,
    /// Copies of children that may be the ones on their way in from a row, with the groups that wait to be told of them.
    numberless: Vec<(Option<u8>, Copied)>,
    wake: Wake,
    pace: Pace,
    names: Vec<String>,
    lanes: Vec<Lane>,
    round: Option<Round>,
    births_at: Instant,
    watched_at: Instant,
    complained: Option<Instant>,
}

/// The parts that others have, too.
pub(crate) struct Shared {
    pub(crate) news: Receiver<News>,
    pub(crate) sender: SyncSender<News>,
    /// Whether the keeper is to end.
    pub(crate) stopped: Arc<AtomicBool>,
    /// Whether the last save comes: the keeper waits no longer for a store that is full.
    pub(crate) hurries: Arc<AtomicBool>,
    pub(crate) watched: Arc<OnceLock<Watched>>,
    pub(crate) audience: Cell,
    pub(crate) wake: Wake,
}

impl Keeper {
    pub(crate) fn new(rows: Rows, pace: Pace, shared: Shared) -> Keeper {
        let durable = rows.roster.durable.iter();
        let (now, shards) = (Instant::now(), rows.node.shards());
        Keeper {
            names: durable.map(|it| it.supervisor.clone()).collect(),
            lanes: (0..shards).map(|_| Lane::default()).collect(),
            rows,
            news: shared.news,
            sender: shared.sender,
            stopped: shared.stopped,
            hurries: shared.hurries,
            watched: shared.watched,
            told: Told::new(shared.audience, shards),
            told_again: Vec::new(),
            numberless: Vec::new(),
            told_again_at: now,
            wake: shared.wake,
            pace,
            round: None,
            births_at: now,
            watched_at: now,
            complained: None,
        }
    }

    /// Works until the node stops.
    pub(crate) fn run(mut self) {
        while !self.stopped.load(Ordering::Acquire) {
            self.look();
            self.ask_all();
            match self.news.recv_timeout(TICK) {
                Ok(News::Answer(answer)) => self.take(answer),
                Ok(News::Look) => {
                    self.wake.heard();
                    self.hand_over(Vec::new(), Way::Sweep);
                }
                Err(RecvTimeoutError::Timeout) => self.hand_over(Vec::new(), Way::Sweep),
                Ok(News::Finish(order)) => return self.finish(order),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Looks for children that are to be copied.
    fn look(&mut self) {
        let now = Instant::now();
        if now >= self.births_at {
            self.births_at = now + BIRTHS_EVERY;
            self.rows.roster.find_supervisors(&self.rows.node);
            for born in self.rows.roster.take_births() {
                if let Some(lane) = self.lanes.get_mut(usize::from(born.child.shard())) {
                    lane.born.push_back(born);
                }
            }
        }
        if now >= self.watched_at {
            // A change right after a look waits for the next one: so half of the time that is promised.
            self.watched_at = now + self.pace.watched / 2;
            self.want_watched();
        }
        self.turn_round();
        self.number();
        self.look_at_told();
    }

    /// Gives rows to children that had to wait for the one on its way in.
    fn number(&mut self) {
        if self.numberless.is_empty() || self.rows.roster.expects() {
            return;
        }
        let waited = std::mem::take(&mut self.numberless);
        let (groups, copies): (Vec<_>, Vec<_>) = waited.into_iter().unzip();
        let rows = copies.into_iter().filter_map(|copied| self.row(copied));
        let rows = rows.collect();
        self.hand_over(rows, Way::Tail);
        for group in groups.into_iter().flatten() {
            self.told.note(group, 1);
        }
    }

    /// Releases what is on the disk, and begins the next cycle of what waits to be told.
    fn look_at_told(&mut self) {
        self.told.release(self.rows.saver.durable(), Instant::now());
        let roots = self.told.begin();
        let roster = self.rows.roster.clone();
        if roots.iter().any(|(_, root)| roster.entry(*root).is_none()) {
            roster.find_supervisors(&self.rows.node);
        }
        for (group, child) in roots {
            // A root without an entry is not durable, or has ended; its end is handed over with this cycle.
            if let Some(Entry { under, .. }) = roster.entry(child)
                && self.queue_told(group, Born { child, under })
            {
                self.told.expect_one(group);
            }
        }
        if Instant::now() >= self.told_again_at {
            self.told_again_at = Instant::now() + TICK;
            for (group, born) in std::mem::take(&mut self.told_again) {
                self.queue_told(group, born);
            }
        }
        self.commit_told();
    }

    fn queue_told(&mut self, group: u8, born: Born) -> bool {
        let lane = self.lanes.get_mut(usize::from(born.child.shard()));
        lane.map(|lane| lane.told.push_back((group, born)))
            .is_some()
    }

    /// Ends the questions of cycles that have all answers: from then on they wait for the disk.
    fn commit_told(&mut self) {
        if self.told.is_answered() {
            self.hand_over(Vec::new(), Way::Tail);
            self.told.commit(self.rows.accepted(), Instant::now());
        }
    }

    /// Asks for the watched children, except at shards that have not answered all questions about them.
    fn want_watched(&mut self) {
        let watched = self.watched.get().map(|watched| watched());
        let lanes = self.lanes.iter();
        let is_ready: Vec<bool> = lanes.map(|lane| lane.watched.is_empty()).collect();
        for child in watched.unwrap_or_default() {
            let shard = usize::from(child.shard());
            // A child without a row is among the births.
            let entry = self.rows.roster.entry(child);
            if let (Some(true), Some(entry)) = (is_ready.get(shard), entry) {
                let under = entry.under;
                self.lanes[shard].watched.push_back(Born { child, under });
            }
        }
    }

    /// Begins the next round, or ends the present one.
    fn turn_round(&mut self) {
        match &self.round {
            None => {
                if self.rows.saver.try_begin_sweep().is_ok() {
                    let (shards, expected) = (self.lanes.len(), self.rows.roster.len());
                    let names = self.names.clone();
                    self.round = Some(Round::begin(shards, names, expected, self.pace.sweep));
                }
            }
            Some(round) if round.is_complete() && round.is_over() => {
                if self.rows.saver.try_end_sweep().is_ok() {
                    self.round = None;
                }
            }
            Some(_) => (),
        }
    }

    fn ask_all(&mut self) {
        for shard in 0..self.lanes.len() as u8 {
            if !self.lanes[usize::from(shard)].is_busy {
                self.ask(shard);
            }
        }
    }

    /// Asks a shard for the children that wait, or else for those of the round.
    fn ask(&mut self, shard: u8) {
        let (node, sender) = (&self.rows.node, self.sender.clone());
        let answer = move |asked| {
            move |batch| {
                // The channel has a place for the answer of each shard.
                let _ = sender.try_send(News::Answer(Answer {
                    shard,
                    asked,
                    batch,
                }));
            }
        };
        let lane = &mut self.lanes[usize::from(shard)];
        if let Some((reason, these)) = lane.next() {
            lane.is_busy = true;
            let roots = these.iter().map(|born| born.child).collect();
            return node.copy_changed(shard, roots, answer(Asked::These(reason, these)));
        }
        let round = self.round.as_mut();
        if let Some((under, sweep)) = round.and_then(|round| round.question(shard)) {
            lane.is_busy = true;
            let copies_max = sweep.copies_max;
            node.sweep(shard, sweep, answer(Asked::Below { under, copies_max }));
        }
    }

    /// Takes the answer of a shard.
    pub(crate) fn take(&mut self, answer: Answer) {
        let Answer {
            shard,
            asked,
            batch,
        } = answer;
        self.lanes[usize::from(shard)].is_busy = false;
        let way = match &asked {
            Asked::These(For::Told(_) | For::Watched, _) => Way::Tail,
            Asked::These(For::Born, _) => Way::Sweep,
            Asked::Below { copies_max, .. } => {
                if let Some(round) = &mut self.round {
                    round.note(shard, *copies_max, batch.met(), batch.next);
                }
                Way::Sweep
            }
        };
        let (mut rows, mut again) = (Vec::with_capacity(batch.copies.len()), 0);
        for (child, subtree) in batch.copies {
            let under = asked.under(child);
            let copied = Copied {
                child,
                under,
                subtree,
            };
            match self.rows.must_wait(child) {
                true => {
                    again += usize::from(asked.group().is_some());
                    self.numberless.push((asked.group(), copied));
                }
                false => rows.extend(self.row(copied)),
            }
        }
        for (child, why) in batch.failed {
            let under = asked.under(child);
            again += usize::from(self.not_copied(Born { child, under }, &asked, &why));
        }
        self.hand_over(rows, way);
        if let (Some(group), Asked::These(_, these)) = (asked.group(), &asked) {
            self.told.note(group, these.len() - again);
            self.commit_told();
        }
    }

    fn row(&mut self, copied: Copied) -> Option<Row> {
        let child = copied.child;
        let row = self.rows.row(copied);
        row.unwrap_or_else(|why| {
            self.complain(child, &why);
            None
        })
    }

    /// A child in which something starts or ends is asked for again. Returns whether a cycle of what is told waits for it.
    fn not_copied(&mut self, born: Born, asked: &Asked, why: &NotMoved) -> bool {
        match why {
            _ if !self.rows.node.is_alive(born.child) => false,
            NotMoved::NotYet(_) => match asked.group() {
                Some(group) => {
                    self.told_again.push((group, born));
                    true
                }
                None => {
                    self.rows.roster.note_born(born);
                    false
                }
            },
            NotMoved::Refused(_) | NotMoved::Request(_) => {
                self.complain(born.child, &why.to_string());
                false
            }
        }
    }

    fn complain(&mut self, child: Pid, why: &str) {
        let is_due = |last: Instant| last.elapsed() >= COMPLAIN_EVERY;
        if self.complained.is_none_or(is_due) {
            self.complained = Some(Instant::now());
            tracing::warn!(%child, "failed to save a child: {why}");
        }
    }

    pub(crate) fn hand_over(&mut self, rows: Vec<Row>, way: Way) {
        let (stopped, hurries) = (self.stopped.clone(), self.hurries.clone());
        let goes_on = move || !stopped.load(Ordering::Acquire) && !hurries.load(Ordering::Acquire);
        self.rows.hand_over(rows, way, goes_on);
    }
}

impl Asked {
    /// The group that waits to be told.
    fn group(&self) -> Option<u8> {
        match self {
            Asked::These(For::Told(group), _) => Some(*group),
            _ => None,
        }
    }

    fn under(&self, child: Pid) -> u8 {
        match self {
            Asked::Below { under, .. } => *under,
            Asked::These(_, these) => {
                let found = these.iter().find(|born| born.child == child);
                found.map_or(0, |born| born.under)
            }
        }
    }
}

impl Lane {
    /// The next children that wait, all for the same reason.
    fn next(&mut self) -> Option<(For, Vec<Born>)> {
        if let Some((group, _)) = self.told.front().copied() {
            let first = self.told.iter().take(QUESTION_MAX);
            let many = first.take_while(|(of, _)| *of == group).count();
            let these = self.told.drain(..many).map(|(_, born)| born).collect();
            return Some((For::Told(group), these));
        }
        let (queue, reason) = match self.watched.is_empty() {
            false => (&mut self.watched, For::Watched),
            true => (&mut self.born, For::Born),
        };
        let these: Vec<Born> = queue.drain(..queue.len().min(QUESTION_MAX)).collect();
        (!these.is_empty()).then_some((reason, these))
    }
}
