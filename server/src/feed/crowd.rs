//! The crowd of this node: its avatars as dots while somebody looks, and the recording of an install.
//!
//! ```text
//!   log of events (pq-otp) ─ each 100 ms ─┬► dots ─► frames ─► the live page      while somebody looks
//!                                         └► recorder ─► releases/recordings      while an install runs
//! ```
//! Without a viewer and an install nothing is logged. An avatar is a process of the module that the setting `sheet` of the game names.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use pq_abi::crash::watch_thread;
use pq_feed::crowd::frames::{Crowd as Frames, Onlooker, Span};
use pq_feed::crowd::{Change, Changed, Dots, Event, Member};
use pq_feed::feed::FRAME_MS;
use pq_feed::recording::{Beginning, Recorder};
use pq_otp::{CrowdChange, CrowdEvent, CrowdMember, CrowdShare, Node, Pid};
use pq_protocol::record::{InstallPhase, InstallRecord};
use pq_release::handler::InstallStatus;
use tokio::sync::watch;

use super::keeper::Bell;
use crate::boot::Booted;
use crate::clock::{since_1970, unix_ms};
use crate::door::Game;

/// The limit for the shards' lists of avatars. A shard that does not answer in time has no dots until the next listing.
const LIST_TIMEOUT_MS: u64 = 5_000;

/// The longest sleep: the thread notices the end of its node within this time.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// The crowd of a node, and the recording of the install in progress.
pub(crate) struct Crowd {
    frames: Arc<Frames>,
    /// Tells viewers of a new frame.
    told: watch::Sender<()>,
    bell: Bell,
    /// Locked while events are taken, so each event reaches dots and recorder in its order.
    taking: Mutex<Taking>,
}

#[derive(Default)]
struct Taking {
    /// The module of the avatars; empty for a release that does not name one.
    module: String,
    recorder: Option<(Recorder, CrowdShare)>,
    /// The end of the last frame, on the clock of the events.
    until_us: u64,
}

impl Crowd {
    pub(crate) fn new() -> Arc<Crowd> {
        Arc::new(Crowd {
            frames: Arc::default(),
            told: watch::Sender::new(()),
            bell: Bell::default(),
            taking: Mutex::default(),
        })
    }

    /// Begins a view; `None` if there are too many viewers.
    pub(crate) fn view(&self) -> Option<(Onlooker, watch::Receiver<()>)> {
        let told = self.told.subscribe();
        let onlooker = self.frames.view().ok()?;
        self.bell.ring();
        Some((onlooker, told))
    }

    /// The process at this place of the crowd.
    pub(crate) fn process_at(&self, place: u32) -> Option<Pid> {
        let process = self.frames.read(|dots| dots.process_at(place));
        process.flatten().map(Pid::from_raw)
    }

    /// The place of a process in the crowd.
    pub(crate) fn place_of(&self, pid: Pid) -> Option<u32> {
        self.frames
            .read(|dots| dots.place_of(pid.as_raw()))
            .flatten()
    }

    /// Begins a recording when an install begins. Called on the thread of the install.
    pub(crate) fn hear(&self, booted: &Booted, status: &InstallStatus) {
        if status.check || status.phase != InstallPhase::Prepare {
            return;
        }
        let (node, mut taking) = (booted.node(), self.taking.lock());
        taking.module = module(booted);
        let counts = node.counts().into_iter();
        let of_module = counts.filter(|((module, _), _)| *module == taking.module);
        let beginning = Beginning {
            at_us: node.crowd_us(),
            unix_ms: unix_ms(SystemTime::now()),
            total: of_module.map(|(_, count)| count.living).sum(),
        };
        let share = CrowdShare::OneIn(beginning.one_in());
        taking.recorder = Some((Recorder::begin(beginning), share));
        self.want(node, &taking);
        drop(taking);
        self.bell.ring();
    }

    /// Ends the recording of an install, and returns it; `None` for an install that was not recorded.
    pub(crate) fn end_recording(&self, booted: &Booted, record: &InstallRecord) -> Option<Vec<u8>> {
        self.take(booted.node());
        let mut taking = self.taking.lock();
        let (recorder, _) = taking.recorder.take()?;
        self.want(booted.node(), &taking);
        let mut changes = record.modules.iter();
        let change = changes.find(|change| change.module == taking.module);
        let running = booted.node().module(&taking.module);
        let running = running.map_or("", |module| module.vsn());
        let codes = [
            change.and_then(|change| change.from.clone()),
            change.and_then(|change| change.to.clone()),
        ];
        let codes = codes.map(|vsn| vsn.unwrap_or_else(|| running.to_string()));
        Some(recorder.end(record, codes, order))
    }

    /// Has the events logged that somebody needs now.
    fn want(&self, node: &Node, taking: &Taking) {
        let share = match &taking.recorder {
            _ if taking.module.is_empty() => CrowdShare::Nobody,
            _ if self.frames.is_viewed() => CrowdShare::All,
            Some((_, share)) => *share,
            None => CrowdShare::Nobody,
        };
        node.want_crowd(&taking.module, share);
    }

    /// Lists the avatars for viewers. The events are logged before, so no change is missed.
    fn list(&self, booted: &Booted) {
        let node = booted.node();
        let module = {
            let mut taking = self.taking.lock();
            taking.module = module(booted);
            taking.until_us = node.crowd_us();
            self.want(node, &taking);
            taking.module.clone()
        };
        let members = node.crowd_members(&module, LIST_TIMEOUT_MS).answers;
        let member = |it: &CrowdMember| member(it.pid, it.parent, it.module.vsn());
        let dots = Dots::of(members.iter().map(member));
        self.frames.show(dots, exact_unix_ms());
        self.told.send_replace(());
    }

    /// Takes the events since the last call. Returns `false` if some are missing.
    fn take(&self, node: &Node) -> bool {
        let mut taking = self.taking.lock();
        let events = node.crowd_events();
        if let Some((recorder, share)) = &mut taking.recorder {
            let sampled = events.events.iter().filter(|it| share.takes(it.pid));
            sampled.for_each(|it| recorder.note(&event(it)));
        }
        let now_us = node.crowd_us();
        let span = Span {
            from_us: std::mem::replace(&mut taking.until_us, now_us),
            to_us: now_us,
            at_unix_ms: exact_unix_ms(),
        };
        let change = |dots: &mut Dots| {
            let changes = events.events.iter().map(|it| dots.apply(&event(it)));
            let mut changes: Vec<Changed> = changes.flatten().collect();
            changes.extend(dots.forget_crashed(now_us));
            changes
        };
        if self.frames.change(span, change) {
            self.told.send_replace(());
        }
        events.is_complete()
    }

    /// Does the work of one moment. Returns the time until the next one.
    fn turn(&self, booted: &Booted) -> Duration {
        if self.frames.needs_dots() {
            self.list(booted);
        }
        let is_complete = self.take(booted.node());
        if !is_complete && self.frames.is_viewed() {
            self.list(booted);
        }
        let taking = self.taking.lock();
        match self.frames.is_viewed() || taking.recorder.is_some() {
            true => Duration::from_millis(FRAME_MS),
            false => {
                self.want(booted.node(), &taking);
                SLEEP_MAX
            }
        }
    }
}

/// Starts the thread of the crowd, which ends with the node.
///
/// # Errors
/// Fails if the system has no thread left.
pub(crate) fn keep_crowd(crowd: &Arc<Crowd>, booted: &Arc<Booted>) -> std::io::Result<()> {
    let (crowd, booted) = (crowd.clone(), Arc::downgrade(booted));
    let builder = std::thread::Builder::new().name("pq-crowd".to_string());
    builder.spawn(move || {
        watch_thread();
        run(&crowd, &booted);
    })?;
    Ok(())
}

fn run(crowd: &Crowd, booted: &Weak<Booted>) {
    while let Some(node) = booted.upgrade() {
        let pause = crowd.turn(&node);
        drop(node);
        crowd.bell.sleep(pause);
    }
}

/// The module of the avatars; empty if the release does not name one.
fn module(booted: &Booted) -> String {
    let game = Game::of(booted).unwrap_or_default();
    game.avatar_module().unwrap_or_default().to_string()
}

/// The order of processes: by their places on the shards. Transactions go through each shard in this order.
fn order(process: u64) -> u64 {
    let pid = Pid::from_raw(process);
    u64::from(pid.index()) << 8 | u64::from(pid.shard())
}

fn member(pid: Pid, parent: Pid, vsn: &str) -> Member<'_> {
    Member {
        process: pid.as_raw(),
        parent: parent.as_raw(),
        vsn,
    }
}

fn event(event: &CrowdEvent) -> Event<'static> {
    Event {
        member: member(event.pid, event.parent, event.module.vsn()),
        change: match event.change {
            CrowdChange::Born => Change::Born,
            CrowdChange::Runs => Change::Runs,
            CrowdChange::Copied => Change::Copied,
            CrowdChange::Dropped => Change::Dropped,
            CrowdChange::Acted => Change::Acted,
            CrowdChange::Ended => Change::Ended,
            CrowdChange::Failed => Change::Failed,
        },
        at_us: event.at_us,
    }
}

fn exact_unix_ms() -> f64 {
    since_1970(SystemTime::now()).as_secs_f64() * 1e3
}
