//! Tells the players' programs how an upgrade goes: `PQ.Upgrade`, to those that asked for it.
//!
//! ```text
//!   an install converts states ─► begin ─┬► it is done     ─► commit
//!                                        └► it is not done ─► rollback
//! ```
//! A check, and an install that fails before it converts anything, are told to nobody.

use std::sync::Arc;

use parking_lot::Mutex;
use pq_protocol::record::InstallPhase;
use pq_release::handler;
use sockserv::wire::gmcp::Phase;
use sockserv::{Door, Message};

/// Who tells.
pub(crate) struct UpgradeNews {
    door: Option<Arc<Door>>,
    /// From which release to which: of an upgrade that was told to have begun.
    begun: Mutex<Option<(String, String)>>,
}

impl UpgradeNews {
    /// For the players of this door.
    pub(crate) fn at(door: Option<Arc<Door>>) -> UpgradeNews {
        UpgradeNews {
            door,
            begun: Mutex::default(),
        }
    }

    /// An install has come so far. It is told before any process is held: to wake the tasks of all clients may take
    /// longer than holding does.
    pub(crate) fn hear(&self, status: &handler::InstallStatus) {
        let converts = !matches!(status.phase, InstallPhase::Idle | InstallPhase::Prepare);
        let mut begun = self.begun.lock();
        if converts && !status.check && begun.is_none() {
            self.tell(Phase::Begin, &status.from, &status.to);
            *begun = Some((status.from.clone(), status.to.clone()));
        }
    }

    /// The operation has ended. Why it failed is the operator's to know: the sentence names files of the machine.
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
