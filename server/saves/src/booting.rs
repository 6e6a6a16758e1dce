//! A boot that is under way on a thread of its own, while clients are admitted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::boot::CameBack;

/// The state of a boot, shared by its thread and the handle.
#[derive(Clone, Default)]
pub(crate) struct Booting(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Whether the boot is to end early.
    is_cancelled: AtomicBool,
    result: Mutex<Option<CameBack>>,
    ended: Condvar,
}

impl Booting {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Relaxed)
    }

    /// The boot has ended.
    pub(crate) fn end(&self, result: CameBack) {
        *self.0.result.lock() = Some(result);
        self.0.ended.notify_all();
    }

    /// The result; `None` while the boot is under way.
    pub(crate) fn result(&self) -> Option<CameBack> {
        *self.0.result.lock()
    }

    /// Ends the boot early, and waits until no further row is put in.
    pub(crate) fn cancel(&self, deadline: Instant) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
        self.wait(deadline);
    }

    /// Waits for the end of the boot. `false` at the deadline.
    pub(crate) fn wait(&self, deadline: Instant) -> bool {
        let mut result = self.0.result.lock();
        while result.is_none() && !self.0.ended.wait_until(&mut result, deadline).timed_out() {}
        result.is_some()
    }
}
