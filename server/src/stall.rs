//! Callbacks that do not end: entries in the log and the history, and a restart if the release configures one.
//!
//! ```text
//!   keeper (pq-otp) ─ hook ─► queue ─► a thread of its own ─┬► log
//!                                                           ├► history, seldom
//!                                                           └► `shard_stall_ms` of kernel has passed ─► the node restarts
//! ```
//! ```erlang
//! {kernel, [{shard_stall_ms, 60000}]}     % limit of a blocked shard: processor time or sleep in ms, or infinity
//! ```
//! A node that saves restarts by default: its avatars come back from their saves. An avatar whose callback has blocked the shard
//! is held back then, because it could block the next node in the same way.
//!
//! `pq-otp` detects a stall and limits its effects on other processes; `operator` answers requests during a stall.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::bail;
use pq_abi::crash::watch_thread;
use pq_otp::{Node, Stall, StallEvent, StallHook};
use pq_release::boot::BootRelease;
use pq_saves::Saves;
use pq_term::Term;
use tokio::sync::mpsc;

use crate::history::History;
use crate::restart::Restart;
use crate::running::{Releases, Wish};

mod past;

use past::Past;

/// The application and the name of the setting.
const APPLICATION: &str = "kernel";
const SETTING: &str = "shard_stall_ms";

/// The minimum of the setting in milliseconds: a stall is detected after 1 s of processor time.
const LIMIT_MIN_MS: i64 = 1_000;

/// The limit in milliseconds of a node that saves, without the setting. All avatars of the shard stand still meanwhile; the
/// slowest callback of the game takes some milliseconds.
const LIMIT_OF_SAVING_MS: u64 = 10_000;

/// The interval between checks for a shard that has been blocked for too long.
const LOOK: Duration = Duration::from_millis(100);

/// The capacity of the queue of events. Further events are dropped: `status` shows a stall that lasts.
const QUEUE_MAX: usize = 256;

/// The parts of a node that exist after its boot.
pub(crate) struct Surroundings {
    pub(crate) node: Node,
    pub(crate) releases: Arc<Releases>,
    /// Sends the request to restart the node.
    pub(crate) wishes: mpsc::Sender<Wish>,
}

/// The thread that reports stalls.
pub(crate) struct Teller {
    queue: SyncSender<(StallEvent, Stall)>,
    around: Arc<OnceLock<Surroundings>>,
    saves: Arc<OnceLock<Arc<Saves>>>,
}

impl Teller {
    /// Starts the thread with the history of the tree. [`Teller::knows`] adds the other parts later.
    ///
    /// # Errors
    /// Fails if the system has no thread left.
    pub(crate) fn begin(history: &Arc<History>) -> std::io::Result<Teller> {
        let (queue, told) = sync_channel(QUEUE_MAX);
        let around = Arc::<OnceLock<Surroundings>>::default();
        let saves = Arc::<OnceLock<Arc<Saves>>>::default();
        let known = Known {
            around: around.clone(),
            saves: saves.clone(),
        };
        let history = history.clone();
        let builder = std::thread::Builder::new().name("pq-stall-log".to_string());
        builder.spawn(move || {
            watch_thread();
            tell_all(&told, &history, &known);
        })?;
        Ok(Teller {
            queue,
            around,
            saves,
        })
    }

    /// The hook that the runtime calls.
    pub(crate) fn hook(&self) -> StallHook {
        let queue = self.queue.clone();
        // A dropped event is still visible in `status` as long as the stall lasts.
        Box::new(move |event, stall| drop(queue.try_send((event, stall.clone()))))
    }

    /// Adds the parts of the booted node.
    ///
    /// # Errors
    /// Fails on an invalid setting.
    pub(crate) fn knows(&self, around: Surroundings) -> anyhow::Result<()> {
        limit_ms(around.node.env(APPLICATION, SETTING))?;
        // The node boots only once.
        let _ = self.around.set(around);
        Ok(())
    }

    /// Adds the saves of the node.
    pub(crate) fn knows_saves(&self, saves: &Arc<Saves>) {
        // The node boots only once.
        let _ = self.saves.set(saves.clone());
    }

    /// The version of the running release; `None` before the boot.
    pub(crate) fn vsn(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let around = self.around.clone();
        move || around.get().map(|around| around.releases.running().vsn)
    }
}

/// Checks the setting of a release before the release runs.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let limit = limit_ms(release.env(APPLICATION, SETTING).cloned());
    limit.map(drop).map_err(|error| error.to_string())
}

/// The limit for a blocked shard in milliseconds; `None` without the setting or without a limit.
fn limit_ms(setting: Option<Term>) -> anyhow::Result<Option<u64>> {
    let Some(term) = setting else { return Ok(None) };
    match term.as_i64() {
        _ if term.is_atom("infinity") => Ok(None),
        Some(ms @ LIMIT_MIN_MS..) => Ok(Some(ms as u64)),
        _ => bail!(
            "{SETTING} of {APPLICATION} is {term}, where infinity or a number of milliseconds from {LIMIT_MIN_MS} on is needed"
        ),
    }
}

fn tell_all(told: &Receiver<(StallEvent, Stall)>, history: &History, known: &Known) {
    let around = &known.around;
    let (mut past, mut is_wished) = (Past::default(), false);
    loop {
        match told.recv_timeout(LOOK) {
            Ok((event, stall)) => {
                log(event, &stall);
                let vsn = around.get().map(|around| around.releases.running().vsn);
                past.note(history, vsn, event, &stall);
            }
            Err(RecvTimeoutError::Timeout) => (),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        is_wished = is_wished || known.is_over();
    }
}

/// The parts of a node that the thread uses when they exist.
struct Known {
    around: Arc<OnceLock<Surroundings>>,
    saves: Arc<OnceLock<Arc<Saves>>>,
}

impl Known {
    /// Whether a shard has been blocked for longer than the limit; the node then restarts.
    fn is_over(&self) -> bool {
        let Some(around) = self.around.get() else {
            return false;
        };
        let Some(limit_ms) = self.limit_ms(&around.node) else {
            return false;
        };
        let is_over = |stall: &Stall| stall.shard.is_some() && stall.stood_ms() >= limit_ms;
        let Some(stall) = around.node.stalls().into_iter().find(is_over) else {
            return false;
        };
        let why = format!("{stall}, and {SETTING} of {APPLICATION} is {limit_ms}");
        tracing::error!("{why}: the node restarts");
        self.hold_back(&stall);
        let restart = Restart::of(&around.releases.running().vsn).because(why);
        around.wishes.try_send(Wish::Restart(restart)).is_ok()
    }

    fn limit_ms(&self, node: &Node) -> Option<u64> {
        match node.env(APPLICATION, SETTING) {
            None => self.saves.get().map(|_| LIMIT_OF_SAVING_MS),
            // An invalid setting was refused before the boot.
            Some(setting) => limit_ms(Some(setting)).ok().flatten(),
        }
    }

    /// Holds the avatar with the callback back from the next boot, if it has a name and is saved.
    fn hold_back(&self, stall: &Stall) {
        let (Some(saves), Some(name)) = (self.saves.get(), &stall.name) else {
            return;
        };
        for name in names_in(name) {
            match saves.hold_back(&name, &stall.to_string()) {
                Ok(Some(row)) => {
                    tracing::error!(row = row.id, name, "a saved child is held back: {stall}");
                }
                Ok(None) => (),
                Err(error) => tracing::error!(name, "failed to hold a saved child back: {error}"),
            }
        }
    }
}

/// The names that an avatar of this process may have: `Ann`, also for `{events,"Ann"}`.
fn names_in(name: &str) -> Vec<String> {
    let term = pq_term::read_outside(name).ok();
    let parts = term.as_ref().and_then(Term::as_tuple).unwrap_or_default();
    let parts = parts.iter().filter_map(Term::as_str).map(str::to_string);
    std::iter::once(name.to_string()).chain(parts).collect()
}

fn log(event: StallEvent, stall: &Stall) {
    let Stall {
        shard,
        name,
        module,
        vsn,
        function,
        age_ms,
        cpu_ms,
        asleep_ms,
        ..
    } = stall;
    let pid = stall.pid.map(|pid| pid.to_string());
    macro_rules! say {
        ($level:ident, $text:expr) => {
            tracing::$level!(
                shard, pid, name, module, function, vsn, age_ms, cpu_ms, asleep_ms, $text
            )
        };
    }
    match (event, shard.is_some()) {
        (StallEvent::Slow, true) => say!(warn, "a callback has not ended yet"),
        (StallEvent::Slow, false) => say!(warn, "a called function has not ended yet"),
        (StallEvent::Stalled, true) => {
            say!(error, "a callback does not end: its shard is blocked");
        }
        (StallEvent::Stalled, false) => {
            say!(
                error,
                "a called function does not end: it occupies a thread"
            );
        }
        (StallEvent::Over, true) if stall.is_stalled => say!(warn, "a shard answers again"),
        (StallEvent::Over, true) => say!(warn, "a callback took too long"),
        (StallEvent::Over, false) => say!(warn, "a called function has ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_an_avatar_may_have_a_name_around_that_of_the_avatar() {
        assert_eq!(names_in("Ann"), ["Ann"]);
        let name = "{events,\"Ann\"}";
        assert_eq!(names_in(name), [name, "Ann"]);
    }

    #[test]
    fn the_setting_is_a_time_that_can_be_measured_or_infinity() {
        let read = |text: &str| limit_ms(Some(pq_term::read_term(text).unwrap()));
        assert_eq!(limit_ms(None).unwrap(), None);
        assert_eq!(read("infinity").unwrap(), None);
        assert_eq!(read("60000").unwrap(), Some(60_000));
        for odd in ["0", "-5", "999", "never", "\"1000\"", "[]"] {
            let error = read(odd).unwrap_err().to_string();
            assert!(error.starts_with("shard_stall_ms of kernel is "), "{error}");
            assert!(error.contains("from 1000 on is needed"), "{error}");
        }
    }
}
