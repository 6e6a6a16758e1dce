//! The thread that takes readings while somebody looks, and sleeps while nobody does.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};
use pq_abi::crash::watch_thread;

use super::{Views, reading};
use crate::clock::unix_ms;
use crate::running::RunningNode;

/// The longest sleep: the thread notices the end of its node within this time.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// The processes in the sample of a reading.
const SAMPLE_MAX: u32 = 1_000;

/// Wakes the thread when a viewer comes.
#[derive(Default)]
pub(super) struct Bell {
    has_rung: Mutex<bool>,
    rings: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        *self.has_rung.lock() = true;
        self.rings.notify_all();
    }

    /// Sleeps until the bell rings, at most for `limit`.
    pub(super) fn sleep(&self, limit: Duration) {
        let mut has_rung = self.has_rung.lock();
        if !*has_rung {
            self.rings.wait_for(&mut has_rung, limit);
        }
        *has_rung = false;
    }
}

/// Starts the thread, which ends with the node.
///
/// # Errors
/// Fails if the system has no thread left.
pub(crate) fn keep(views: &Arc<Views>, node: &Arc<RunningNode>) -> std::io::Result<()> {
    let (views, node) = (views.clone(), Arc::downgrade(node));
    let builder = std::thread::Builder::new().name("pq-feed".to_string());
    builder.spawn(move || {
        watch_thread();
        run(&views, &node);
    })?;
    Ok(())
}

fn run(views: &Views, node: &Weak<RunningNode>) {
    let began = Instant::now();
    // The time of the frames does not jump while somebody looks, so their distances are right.
    let mut began_unix_ms = None;
    loop {
        let now_ms = began.elapsed().as_millis() as u64;
        match views.feed.due_in_ms(now_ms) {
            Some(0) => {
                let Some(node) = node.upgrade() else { return };
                let began = began_unix_ms
                    .get_or_insert_with(|| unix_ms(SystemTime::now()).saturating_sub(now_ms));
                let at_unix_ms = *began + now_ms;
                let reading = reading(&node, SAMPLE_MAX);
                drop(node);
                if views.feed.publish(now_ms, at_unix_ms, &reading) {
                    views.frames.send_replace(());
                }
            }
            Some(wait_ms) => views.keeper.sleep(Duration::from_millis(wait_ms)),
            None if node.strong_count() == 0 => return,
            None => {
                began_unix_ms = None;
                views.keeper.sleep(SLEEP_MAX);
            }
        }
    }
}
