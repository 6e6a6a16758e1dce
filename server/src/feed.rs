//! The feed of this node: readings of its counters, for viewers and for metrics. `pq-feed` has the readings, the frames and the
//! formats.
//!
//! ```text
//!   runtime, door, saves, libraries ─► figures ─► Reading ─┬─ each 100 ms while somebody looks ─► keeper ─► `pq events`
//!   records of installs, stalls ─────► Views ──┘           └─ at a request ─► `metrics`
//! ```
//! `crowd` follows the avatars, for the live page and for the recordings of installs (`recordings`).

mod crowd;
mod figures;
mod keeper;
pub(crate) mod recordings;
mod usage;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use pq_feed::reading::Installs;
use pq_feed::{Feed, Happening, Kind};
use pq_otp::{News, Notice, Notices, Stall, StallEvent, StallHook};
use pq_protocol::record::InstallRecord;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::otlp::Exporter;

pub(crate) use crowd::{Crowd, keep_crowd};
pub(crate) use figures::{reading, unready};
pub(crate) use keeper::keep;

/// The viewers of single processes (`pq trace`, `pq watch`) at one time. Each has a queue of some hundred lines.
const TRACES_MAX: usize = 16;

/// The parts of the feed that exist from the start of a node to its end.
pub(crate) struct Views {
    feed: Arc<Feed>,
    slow: AtomicU64,
    stalled: AtomicU64,
    installs: Mutex<Ended>,
    is_stopping: AtomicBool,
    /// Tells viewers of a new frame.
    frames: watch::Sender<()>,
    keeper: keeper::Bell,
    /// The export of spans; empty without a collector.
    exporter: OnceLock<Exporter>,
    /// The places for viewers of single processes.
    traces: Arc<Semaphore>,
}

/// The installs that have ended.
#[derive(Default)]
struct Ended {
    sum: Installs,
    last: Option<InstallRecord>,
}

impl Views {
    pub(crate) fn new() -> Arc<Views> {
        Arc::new(Views {
            feed: Arc::default(),
            slow: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            installs: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            frames: watch::Sender::new(()),
            keeper: keeper::Bell::default(),
            exporter: OnceLock::new(),
            traces: Arc::new(Semaphore::new(TRACES_MAX)),
        })
    }

    /// Begins a view, and has the first reading taken; `None` if there are too many viewers.
    pub(crate) fn view(&self) -> Option<(pq_feed::Viewer, watch::Receiver<()>)> {
        let frames = self.frames.subscribe();
        let viewer = self.feed.view().ok()?;
        self.keeper.ring();
        Some((viewer, frames))
    }

    /// A place for a viewer of a single process; `None` if all are taken.
    pub(crate) fn trace(&self) -> Option<OwnedSemaphorePermit> {
        self.traces.clone().try_acquire_owned().ok()
    }

    /// Sends the installs that end from now on to a collector.
    pub(crate) fn export_to(&self, exporter: Exporter) {
        // A node begins one export.
        let _ = self.exporter.set(exporter);
    }

    /// Adds an install that has ended.
    pub(crate) fn note_install(&self, record: &InstallRecord) {
        if let Some(exporter) = self.exporter.get() {
            exporter.install(record);
        }
        let mut ended = self.installs.lock();
        ended.sum.add(record);
        ended.last = Some(record.clone());
    }

    /// The sums over all installs that have ended, and the last one.
    fn ended(&self) -> (Installs, Option<InstallRecord>) {
        let ended = self.installs.lock();
        (ended.sum.clone(), ended.last.clone())
    }

    /// Waits for the export of the last installs, for a limited time.
    pub(crate) fn finish_export(&self) {
        if let Some(exporter) = self.exporter.get() {
            exporter.finish();
        }
    }

    /// Notes that the node stops.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// A hook that counts the events of callbacks that take long, and passes them on.
    pub(crate) fn counting(self: &Arc<Views>, next: StallHook) -> StallHook {
        let views = self.clone();
        Box::new(move |event, stall| {
            views.note_stall(event, stall);
            next(event, stall);
        })
    }

    fn note_stall(&self, event: StallEvent, stall: &Stall) {
        let (kind, counter) = match event {
            StallEvent::Slow => (Kind::Slow, Some(&self.slow)),
            StallEvent::Stalled => (Kind::Stalled, Some(&self.stalled)),
            StallEvent::Over => (Kind::Over, None),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if self.feed.happenings().is_wanted() {
            self.feed.happenings().add(Happening {
                kind,
                pid: stall.pid.map_or(String::new(), |pid| pid.to_string()),
                name: stall.name.clone().unwrap_or_default(),
                why: match event {
                    StallEvent::Over => format!("{} has ended after all", stall.called()),
                    StallEvent::Slow | StallEvent::Stalled => stall.to_string(),
                },
                ..Happening::default()
            });
        }
    }
}

/// The notices of supervisors become events of the feed.
impl Notices for Views {
    fn is_wanted(&self) -> bool {
        self.feed.happenings().is_wanted()
    }

    fn notice(&self, notice: Notice) {
        let (kind, why) = match notice.news {
            News::Failed(why) => (Kind::Failed, why),
            News::Restarted => (Kind::Restarted, String::new()),
            News::GivenUp => (Kind::GivenUp, String::new()),
        };
        self.feed.happenings().add(Happening {
            kind,
            supervisor: notice.supervisor,
            child: notice.child,
            pid: notice.pid.map_or(String::new(), |pid| pid.to_string()),
            name: notice.name.unwrap_or_default(),
            why,
        });
    }
}
