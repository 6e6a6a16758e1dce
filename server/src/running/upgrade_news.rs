//! Messages on upgrades (`PQ.Upgrade`) for players' client programs that have requested them.
//!
//! ```text
//!   an install converts states ─► begin ─┬► it is done     ─► commit
//!                                        └► it is not done ─► rollback
//! ```
//! Checks, and installs that fail before the first conversion, are not reported.

use std::sync::Arc;

use parking_lot::Mutex;
use pq_protocol::record::InstallPhase;
use pq_release::handler;
use sockserv::wire::gmcp::Phase;
use sockserv::{Door, Message};

/// Messages on upgrades, for the clients of one node's listeners.
pub(crate) struct UpgradeNews {
    door: Option<Arc<Door>>,
    /// The old and new version of an upgrade whose begin was reported.
    begun: Mutex<Option<(String, String)>>,
}

impl UpgradeNews {
    /// Creates the reporter for these listeners.
    pub(crate) fn at(door: Option<Arc<Door>>) -> UpgradeNews {
        UpgradeNews {
            door,
            begun: Mutex::default(),
        }
    }

    /// Reports the begin of conversions. The message is sent before processes are suspended: waking the tasks of all
    /// clients may take longer than the suspension.
    pub(crate) fn hear(&self, status: &handler::InstallStatus) {
        let converts = !matches!(status.phase, InstallPhase::Idle | InstallPhase::Prepare);
        let mut begun = self.begun.lock();
        if converts && !status.check && begun.is_none() {
            self.tell(Phase::Begin, &status.from, &status.to);
            *begun = Some((status.from.clone(), status.to.clone()));
        }
    }

    /// Reports the end of the operation. The reason of a failure is omitted: it may name files of the machine.
    pub(crate) fn ended(&self, phase: Phase) {
        let begun = self.begun.lock().take();
        if let Some((from, to)) = begun {
            self.tell(phase, &from, &to);
        }
    }

    fn tell(&self, phase: Phase, from: &str, to: &str) {
        if let Some(door) = &self.door {
            door.message(&Message::upgrade(phase, from, to, None));
        }
    }
}
