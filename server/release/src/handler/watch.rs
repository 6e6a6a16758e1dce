//! The progress of a running install, which any thread can read without waiting.
//!
//! The record of the install grows here phase by phase; at the end the release handler takes it.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use pq_otp::Direction;
use pq_otp::upgrade::{Board, Progress};
use pq_protocol::record::{InstallPhase, InstallRecord, PhaseTook};

use super::prepare::Purpose;

/// The progress of an install.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InstallStatus {
    /// The current phase of the install.
    pub phase: InstallPhase,
    /// The version of the release that is left.
    pub from: String,
    /// The version of the release that is installed.
    pub to: String,
    /// True for a check, which only tries the install.
    pub check: bool,
    /// The number of affected processes, as a check counted them; 0 without a check.
    pub total: u64,
    /// The number of converted states so far, including repeated conversions.
    pub converted: u64,
    /// The number of processes that are held now.
    pub held: u64,
    /// The number of processes that run a new version already.
    pub swapped: u64,
}

#[derive(Default)]
struct Now {
    phase: InstallPhase,
    /// The start of the current phase.
    since: Option<Instant>,
    check: bool,
    total: u64,
    /// The number of processes in the last check, and the release of that check: the following install converts as many.
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

    /// Ends the current phase and starts another one.
    fn enter(&mut self, phase: InstallPhase) {
        if let Some(since) = self.since.replace(Instant::now()) {
            let took_us = since.elapsed().as_micros() as u64;
            let phase = self.phase;
            self.record.phases.push(PhaseTook { phase, took_us });
        }
        self.phase = phase;
    }

    /// Adds the conversions of the previous transaction to the sum, and follows this transaction.
    fn follow(&mut self, board: Option<Arc<Board>>) {
        self.record.converted += self.progress().converted;
        self.board = board;
    }
}

/// A callback for every new status; it must not block.
type Hear = Box<dyn Fn(&InstallStatus) + Send + Sync>;

/// A handle with which any thread can read the progress of an install.
#[derive(Default)]
pub struct Watch {
    now: Mutex<Now>,
    hear: Mutex<Option<Hear>>,
}

impl Watch {
    /// The progress of the install at this moment.
    pub fn status(&self) -> InstallStatus {
        self.now.lock().status()
    }

    /// The record of the install as far as it goes, with the current phase, which has not ended; `None` without an install.
    pub fn record(&self) -> Option<InstallRecord> {
        let now = self.now.lock();
        let since = now.since.filter(|_| now.phase != InstallPhase::Idle)?;
        let mut record = now.record.clone();
        record.phases.push(PhaseTook {
            phase: now.phase,
            took_us: since.elapsed().as_micros() as u64,
        });
        record.converted += now.progress().converted;
        Some(record)
    }

    /// Calls `hear` at the start of every phase from now on.
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

    /// Sets the number of processes that the next exchange affects.
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

    /// Adds facts to the record of the install.
    pub(super) fn note(&self, write: impl FnOnce(&mut InstallRecord)) {
        write(&mut self.now.lock().record);
    }

    /// Ends the install, and returns its record.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_install_has_a_record_with_the_phase_that_has_not_ended() {
        let watch = Watch::default();
        assert_eq!(watch.record(), None);
        watch.begin("1", "2", Direction::Up, Purpose::Install);
        watch.enter(InstallPhase::Copy);
        watch.enter(InstallPhase::Follow);
        let phases = |record: &InstallRecord| -> Vec<InstallPhase> {
            record.phases.iter().map(|it| it.phase).collect()
        };
        let expected = [
            InstallPhase::Prepare,
            InstallPhase::Copy,
            InstallPhase::Follow,
        ];
        let record = watch.record().unwrap();
        assert_eq!(
            (record.to.as_str(), phases(&record)),
            ("2", expected.to_vec())
        );
        // The phases of the record are the same when it ends there.
        assert_eq!(phases(&watch.end()), expected);
        assert_eq!(watch.record(), None);
    }
}
