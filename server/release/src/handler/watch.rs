//! What is known of an install while it is under way: read by any thread, without waiting.
//!
//! Here its record grows, phase by phase; at the end the handler takes it.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use pq_otp::Direction;
use pq_otp::upgrade::{Board, Progress};
use pq_protocol::record::{InstallPhase, InstallRecord, PhaseTook};

use super::prepare::Purpose;

/// The state of things.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InstallStatus {
    /// What is being done.
    pub phase: InstallPhase,
    /// From which release.
    pub from: String,
    /// To which.
    pub to: String,
    /// It is only tried.
    pub check: bool,
    /// Processes that it concerns, as they were counted when it was tried; 0 when it was not.
    pub total: u64,
    /// States converted so far, counting those that were converted again.
    pub converted: u64,
    /// Processes held now.
    pub held: u64,
    /// Processes that play with a new version.
    pub swapped: u64,
}

#[derive(Default)]
struct Now {
    phase: InstallPhase,
    /// When the phase began.
    since: Option<Instant>,
    check: bool,
    total: u64,
    /// What the last trial has counted, and for which release: the install that follows it has as many to convert.
    tried: (String, u64),
    board: Option<Arc<Board>>,
    record: InstallRecord,
}

impl Now {
    fn progress(&self) -> Progress {
        let board = self.board.as_ref();
        board.map_or(Progress::default(), |board| board.progress())
    }

    fn status(&self) -> InstallStatus {
        let progress = self.progress();
        InstallStatus {
            phase: self.phase,
            from: self.record.from.clone(),
            to: self.record.to.clone(),
            check: self.check,
            total: self.total,
            converted: progress.converted,
            held: progress.held,
            swapped: progress.swapped,
        }
    }

    /// The phase ends that has begun, and another one begins.
    fn enter(&mut self, phase: InstallPhase) {
        if let Some(since) = self.since.replace(Instant::now()) {
            let took_us = since.elapsed().as_micros() as u64;
            let phase = self.phase;
            self.record.phases.push(PhaseTook { phase, took_us });
        }
        self.phase = phase;
    }

    /// What the transaction before has converted counts, and now this one is looked at.
    fn follow(&mut self, board: Option<Arc<Board>>) {
        self.record.converted += self.progress().converted;
        self.board = board;
    }
}

/// Called with every new status; it must not wait.
type Hear = Box<dyn Fn(&InstallStatus) + Send + Sync>;

/// The place where it can be seen.
#[derive(Default)]
pub struct Watch {
    now: Mutex<Now>,
    hear: Mutex<Option<Hear>>,
}

impl Watch {
    /// The state of things now.
    pub fn status(&self) -> InstallStatus {
        self.now.lock().status()
    }

    /// From now on `hear` is called whenever a phase begins.
    pub fn listen(&self, hear: impl Fn(&InstallStatus) + Send + Sync + 'static) {
        *self.hear.lock() = Some(Box::new(hear));
    }

    pub(super) fn begin(&self, from: &str, to: &str, direction: Direction, purpose: Purpose) {
        self.change(|now| {
            let check = purpose == Purpose::Check;
            let (tried, total) = std::mem::take(&mut now.tried);
            *now = Now {
                check,
                total: if tried == to && !check { total } else { 0 },
                tried: (tried, total),
                record: InstallRecord {
                    from: from.to_string(),
                    to: to.to_string(),
                    direction,
                    ..InstallRecord::default()
                },
                ..Now::default()
            };
            now.enter(InstallPhase::Prepare);
        });
    }

    /// So many processes are concerned by the next exchange.
    pub(super) fn expect(&self, total: u64) {
        let mut now = self.now.lock();
        now.total = total;
        now.tried = (now.record.to.clone(), total);
    }

    pub(super) fn enter(&self, phase: InstallPhase) {
        self.change(|now| now.enter(phase));
    }

    pub(super) fn follow(&self, board: &Arc<Board>) {
        self.now.lock().follow(Some(board.clone()));
    }

    /// Writes something down that is known now.
    pub(super) fn note(&self, write: impl FnOnce(&mut InstallRecord)) {
        write(&mut self.now.lock().record);
    }

    /// It is over. Answers what was written down.
    pub(super) fn end(&self) -> InstallRecord {
        let mut record = InstallRecord::default();
        self.change(|now| {
            now.enter(InstallPhase::Idle);
            now.follow(None);
            record = std::mem::take(&mut now.record);
            *now = Now {
                tried: std::mem::take(&mut now.tried),
                ..Now::default()
            };
        });
        record
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        let status = {
            let mut now = self.now.lock();
            change(&mut now);
            now.status()
        };
        if let Some(hear) = &*self.hear.lock() {
            hear(&status);
        }
    }
}
