//! What is known of an install while it is under way: read by any thread, without waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pq_otp::upgrade::{Board, Progress};
use serde::{Deserialize, Serialize};

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstallPhase {
    /// Nothing.
    #[default]
    Idle,
    /// Files are read and verified, libraries loaded.
    Prepare,
    /// States are copied and converted while their processes play.
    Copy,
    /// Processes are held, what has changed is converted.
    Hold,
    /// It is decided: processes get their new versions.
    Commit,
    /// Functions are called, children stopped and started.
    Apply,
}

/// The state of things.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
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
    status: InstallStatus,
    /// What the last trial has counted, and for which release: the install that follows it has as many to convert.
    tried: (String, u64),
    board: Option<Arc<Board>>,
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
        let now = self.now();
        let progress = now
            .board
            .as_ref()
            .map_or(Progress::default(), |board| board.progress());
        InstallStatus {
            converted: progress.converted,
            held: progress.held,
            swapped: progress.swapped,
            ..now.status.clone()
        }
    }

    /// From now on `hear` is called whenever a phase begins.
    pub fn listen(&self, hear: impl Fn(&InstallStatus) + Send + Sync + 'static) {
        *self.hear.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hear));
    }

    pub(super) fn begin(&self, (from, to): (&str, &str), check: bool) {
        self.change(|now| {
            let (tried, total) = &now.tried;
            now.status = InstallStatus {
                total: if tried == to && !check { *total } else { 0 },
                phase: InstallPhase::Prepare,
                from: from.to_string(),
                to: to.to_string(),
                check,
                ..InstallStatus::default()
            };
            now.board = None;
        });
    }

    /// So many processes are concerned by the next exchange.
    pub(super) fn expect(&self, total: u64) {
        let mut now = self.now();
        now.status.total = total;
        now.tried = (now.status.to.clone(), total);
    }

    pub(super) fn enter(&self, phase: InstallPhase) {
        self.change(|now| now.status.phase = phase);
    }

    pub(super) fn follow(&self, board: &Arc<Board>) {
        self.now().board = Some(board.clone());
    }

    pub(super) fn end(&self) {
        self.change(|now| {
            *now = Now {
                tried: std::mem::take(&mut now.tried),
                ..Now::default()
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now());
        let status = self.status();
        if let Some(hear) = &*self.hear.lock().unwrap_or_else(PoisonError::into_inner) {
            hear(&status);
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
