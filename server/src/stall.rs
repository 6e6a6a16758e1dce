//! Callbacks that do not end, as the node tells of them: in its log, its history, and by a new start where the release
//! wants one.
//!
//! ```text
//!   keeper (pq-otp) ─ hook ─► queue ─► a thread of its own ─┬► log
//!                                                           ├► history, seldom
//!                                                           └► `shard_stall_ms` of kernel is over ─► the node starts again
//! ```
//! ```erlang
//! {kernel, [{shard_stall_ms, 60000}]}     % of a processor, or asleep, that a shard may stand still; infinity: for ever
//! ```
//! How a stall is seen, and what it does to others, is `pq-otp`'s; who asks meanwhile is answered by `operator`.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::bail;
use pq_abi::crash::watch_thread;
use pq_otp::{Node, Stall, StallEvent, StallHook};
use pq_release::boot::BootRelease;
use pq_term::Term;
use tokio::sync::mpsc;

use crate::history::History;
use crate::restart::Restart;
use crate::running::{Releases, Wish};

mod past;

use past::Past;

/// The application whose setting it is, and its name.
const APPLICATION: &str = "kernel";
const SETTING: &str = "shard_stall_ms";

/// What is stalled is known to be after a second of a processor: less would be no other setting.
const LIMIT_MIN_MS: i64 = 1_000;

/// How often it is looked whether a shard has stood still for too long.
const LOOK: Duration = Duration::from_millis(100);

/// What may wait to be told. More is dropped: what lasts is in `status` all the same.
const QUEUE_MAX: usize = 256;

/// What the node is, once it has booted.
pub(crate) struct Surroundings {
    pub(crate) node: Node,
    pub(crate) releases: Arc<Releases>,
    /// Takes the wish that it starts again.
    pub(crate) wishes: mpsc::Sender<Wish>,
}

/// Who tells.
pub(crate) struct Teller {
    queue: SyncSender<(StallEvent, Stall)>,
    around: Arc<OnceLock<Surroundings>>,
}

impl Teller {
    /// Begins, with the history of the tree. What the node is follows later ([`Teller::knows`]).
    ///
    /// # Errors
    /// When the system has no thread.
    pub(crate) fn begin(history: &Arc<History>) -> std::io::Result<Teller> {
        let (queue, told) = sync_channel(QUEUE_MAX);
        let around = Arc::<OnceLock<Surroundings>>::default();
        let (history, known) = (history.clone(), around.clone());
        let builder = std::thread::Builder::new().name("pq-stall-log".to_string());
        builder.spawn(move || {
            watch_thread();
            tell_all(&told, &history, &known);
        })?;
        Ok(Teller { queue, around })
    }

    /// What the runtime calls.
    pub(crate) fn hook(&self) -> StallHook {
        let queue = self.queue.clone();
        // What finds no room is seen in `status` as long as it lasts.
        Box::new(move |event, stall| drop(queue.try_send((event, stall.clone()))))
    }

    /// The node has booted.
    ///
    /// # Errors
    /// When the setting is none.
    pub(crate) fn knows(&self, around: Surroundings) -> anyhow::Result<()> {
        limit_ms(around.node.env(APPLICATION, SETTING))?;
        // It boots once.
        let _ = self.around.set(around);
        Ok(())
    }

    /// The release that runs, once that is known.
    pub(crate) fn vsn(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let around = self.around.clone();
        move || around.get().map(|around| around.releases.running().vsn)
    }
}

/// Reads the setting of a release that is to run.
///
/// # Errors
/// When it is none, with what would be right.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let limit = limit_ms(release.env(APPLICATION, SETTING).cloned());
    limit.map(drop).map_err(|error| error.to_string())
}

/// For how long a shard may stand still; `None` for ever.
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

fn tell_all(
    told: &Receiver<(StallEvent, Stall)>,
    history: &History,
    around: &OnceLock<Surroundings>,
) {
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
        if let (false, Some(around)) = (is_wished, around.get()) {
            is_wished = around.is_over();
        }
    }
}

impl Surroundings {
    /// Whether a shard has stood still for too long: then the node starts again.
    fn is_over(&self) -> bool {
        // A release that is not to be meant like this was refused.
        let Ok(Some(limit_ms)) = limit_ms(self.node.env(APPLICATION, SETTING)) else {
            return false;
        };
        let is_over = |stall: &Stall| stall.shard.is_some() && stall.stood_ms() >= limit_ms;
        let Some(stall) = self.node.stalls().into_iter().find(is_over) else {
            return false;
        };
        let why = format!("{stall}, and {SETTING} of {APPLICATION} is {limit_ms}");
        tracing::error!("{why}: the node starts again");
        let restart = Restart::of(&self.releases.running().vsn).because(why);
        self.wishes.try_send(Wish::Restart(restart)).is_ok()
    }
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
        (StallEvent::Slow, true) => say!(warn, "a callback does not end so far"),
        (StallEvent::Slow, false) => say!(warn, "a function that was called does not end so far"),
        (StallEvent::Stalled, true) => {
            say!(error, "a callback does not end: its shard is blocked");
        }
        (StallEvent::Stalled, false) => {
            say!(
                error,
                "a function that was called does not end: it keeps a thread"
            );
        }
        (StallEvent::Over, true) if stall.is_stalled => say!(warn, "a shard answers again"),
        (StallEvent::Over, true) => say!(warn, "a callback took too long"),
        (StallEvent::Over, false) => say!(warn, "a function that was called has ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
