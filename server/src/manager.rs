//! The service manager of the system (systemd), which is told what the node does and that its shards answer
//! (`sd_notify(3)`).
//!
//! ```text
//!   run ─ Admits, Reloads, HasReloaded, Stops ─► queue ─► thread ─► datagram to NOTIFY_SOCKET
//!                 each half of WATCHDOG_USEC ──────────────┘  WATCHDOG=1 unless a shard is blocked, and STATUS=
//! ```
//! A node without `NOTIFY_SOCKET` in its environment has no such thread. Only the thread waits for a manager that does not read.
//!
//! A restart of the node keeps its process, so it is a reload for the manager: after `STOPPING=1` the manager would kill the
//! process.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;
use pq_otp::Stall;
use sd_notify::{NotifyState, notify, watchdog_enabled};

use crate::client::counted;
use crate::running::RunningNode;

/// The interval of the line about the node when the manager has no watchdog.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// The capacity of the queue: the node says a few words in its life, and two for each `SIGHUP`.
const QUEUE_MAX: usize = 16;

/// The service manager of this process, if it has one that listens.
pub(crate) struct Manager {
    told: Option<SyncSender<Word>>,
}

/// The news for the manager.
pub(crate) enum Word {
    /// Players are admitted to this node from now on.
    Admits(Weak<RunningNode>),
    /// The settings are read again, or the process becomes another node.
    Reloads,
    /// The settings have been read again.
    HasReloaded,
    Stops,
}

impl Manager {
    /// Starts the thread if the environment names a socket of a manager.
    ///
    /// # Errors
    /// Fails if the system has no thread left.
    pub(crate) fn begin() -> std::io::Result<Manager> {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return Ok(Manager { told: None });
        }
        let (tell, told) = sync_channel(QUEUE_MAX);
        let builder = std::thread::Builder::new().name("pq-manager".to_string());
        builder.spawn(move || {
            watch_thread();
            tell_all(&told, Teller::new(watchdog_enabled()));
        })?;
        Ok(Manager { told: Some(tell) })
    }

    /// Clients are admitted to this node from now on.
    pub(crate) fn admits(&self, node: &Arc<RunningNode>) {
        self.tell(Word::Admits(Arc::downgrade(node)));
    }

    /// Tells the manager without waiting.
    pub(crate) fn tell(&self, word: Word) {
        let is_lost = self
            .told
            .as_ref()
            .is_some_and(|told| told.try_send(word).is_err());
        if is_lost {
            tracing::warn!("the service manager reads nothing: it is not told of the node");
        }
    }
}

fn tell_all(told: &Receiver<Word>, mut teller: Teller) {
    let mut due = Instant::now();
    loop {
        match told.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(word) => teller.tell(word),
            Err(RecvTimeoutError::Timeout) => {
                teller.beat();
                due = Instant::now() + teller.every;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

struct Teller {
    /// The interval of the signs of life.
    every: Duration,
    has_watchdog: bool,
    /// The node, from the admission of players to the begin of its stop.
    node: Weak<RunningNode>,
    /// The last line about the node.
    said: String,
}

impl Teller {
    /// `limit` is the time after which the manager ends a node that gives no sign of life.
    fn new(limit: Option<Duration>) -> Teller {
        Teller {
            every: limit.map_or(STATUS_EVERY, |limit| limit / 2),
            has_watchdog: limit.is_some(),
            node: Weak::new(),
            said: String::new(),
        }
    }

    fn tell(&mut self, word: Word) {
        match word {
            Word::Admits(node) => {
                self.node = node;
                send(&[NotifyState::Ready]);
                self.beat();
            }
            Word::Reloads => match NotifyState::monotonic_usec_now() {
                Ok(now) => send(&[NotifyState::Reloading, now]),
                Err(_) => send(&[NotifyState::Reloading]),
            },
            Word::HasReloaded => send(&[NotifyState::Ready]),
            Word::Stops => {
                self.node = Weak::new();
                send(&[NotifyState::Stopping, NotifyState::Status("the node stops")]);
            }
        }
    }

    /// Gives a sign of life, unless a shard is blocked, and says what has changed.
    ///
    /// A boot and a stop have limits of their own, so the thread stands for the node meanwhile.
    fn beat(&mut self) {
        let node = self.node.upgrade();
        let stall = node.as_ref().and_then(|node| node.node().stalled());
        let status = node.map_or_else(|| self.said.clone(), |node| status(&node, stall.as_ref()));
        let mut states = Vec::new();
        if self.has_watchdog && stall.is_none() {
            states.push(NotifyState::Watchdog);
        }
        if status != self.said {
            states.push(NotifyState::Status(&status));
        }
        if !states.is_empty() {
            send(&states);
        }
        self.said = status;
    }
}

/// One line about the node: its release, and its players or the reason why it is not healthy.
fn status(node: &RunningNode, stall: Option<&Stall>) -> String {
    let running = node.releases().running();
    let players = || match node.door() {
        Some(door) => counted(door.players() as u64, "player", "players"),
        None => "no listeners".to_string(),
    };
    let how = stall.map_or_else(players, Stall::to_string);
    pq_term::printable(&format!("{} {}: {how}", running.name, running.vsn)).into_owned()
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        sockserv::seldom!(warn, %error, "failed to tell the service manager");
    }
}
