//! The running node, for operators' commands and for the stop.
//!
//! | module | contents |
//! |---|---|
//! | [`releases`], [`outcome`] | the release handler behind one lock, and the outcome of its operations |
//! | [`turn`] | the lock that admits one operation on releases, or the stop, at a time |
//! | [`upgrade_news`] | messages on upgrades for players' client programs |
//! | [`bans`] | banned players and addresses |
//! | [`shutdown`] | a planned shutdown, and its announcements to players |
//! | [`pending_stop`] | operators' requests for a stop or restart, and the answer to a stop |

mod bans;
mod outcome;
mod pending_stop;
mod releases;
mod shutdown;
mod turn;
mod upgrade_news;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bans::Bans;
pub(crate) use outcome::Outcome;
pub(crate) use pending_stop::{PendingStop, Wish};
use pq_otp::{Measure, Node, Pid, ProcessInfo, Term};
use pq_protocol::answer::Missing;
use pq_protocol::{Exit, Failure};
use pq_saves::Saves;
use regis_application::Names;
pub(crate) use releases::Releases;
pub(crate) use shutdown::Plan;
use shutdown::{End, Shutdown};
use sockserv::{Door, Noun};
use tokio::sync::mpsc;
use turn::Turn;
use upgrade_news::UpgradeNews;

use crate::boot::Booted;
use crate::door::{self, Game};
use crate::feed::{Crowd, Views};
use crate::history::History;
use crate::live::place;
use crate::live::tokens::Tokens;
use crate::logging::level;

/// The limit for the shards' lists of processes in milliseconds. A node with 1,000,000 processes lists them within 2
/// s.
const LIST_TIMEOUT_MS: u64 = 10_000;

/// A running node with the state that operators' commands need.
pub(crate) struct RunningNode {
    parts: Parts,
    started: SystemTime,
    turn: Arc<Turn>,
    bans: Bans,
    shutdown: Shutdown,
    news: Arc<UpgradeNews>,
    tokens: Tokens,
}

/// The parts of a running node that its start has created.
pub(crate) struct Parts {
    pub(crate) booted: Arc<Booted>,
    pub(crate) releases: Arc<Releases>,
    /// The listeners; `None` for a release without listeners.
    pub(crate) door: Option<Arc<Door>>,
    /// The saves; `None` for a release without durable avatars.
    pub(crate) saves: Option<Arc<Saves>>,
    pub(crate) history: Arc<History>,
    /// The readings for viewers and metrics.
    pub(crate) views: Arc<Views>,
    /// The avatars for the live page, and the recordings of installs.
    pub(crate) crowd: Arc<Crowd>,
    /// The web port for operators, if it is open.
    pub(crate) web: Option<SocketAddr>,
    /// Sends operators' requests for a stop or restart.
    pub(crate) wishes: mpsc::Sender<Wish>,
}

impl RunningNode {
    /// Wraps a node that has just booted.
    ///
    /// # Errors
    /// Fails if the file of bans cannot be read.
    pub(crate) fn new(parts: Parts) -> anyhow::Result<RunningNode> {
        let door = parts.door.clone();
        let tell = move |bans| door.as_ref().map_or(0, |door| door.set_bans(bans));
        let bans = Bans::open(parts.booted.root(), tell)?;
        let turn = Arc::new(Turn::default());
        let news = Arc::new(UpgradeNews::at(parts.door.clone()));
        let (told, also) = (turn.clone(), news.clone());
        let (crowd, booted) = (parts.crowd.clone(), parts.booted.clone());
        parts.releases.listen(move |status, progress| {
            told.note(progress);
            also.hear(status);
            crowd.hear(&booted, status);
        });
        let shutdown = Shutdown::new(End {
            door: parts.door.clone(),
            turn: turn.clone(),
            releases: parts.releases.clone(),
            wishes: parts.wishes.clone(),
        });
        Ok(RunningNode {
            parts,
            started: SystemTime::now(),
            turn,
            bans,
            shutdown,
            news,
            tokens: Tokens::default(),
        })
    }

    /// The release tree, the code and the threads of the booted node.
    pub(crate) fn booted(&self) -> &Booted {
        &self.parts.booted
    }

    /// The node's runtime (`pq-otp`).
    pub(crate) fn node(&self) -> &Node {
        self.booted().node()
    }

    /// The registry of names.
    pub(crate) fn names(&self) -> &Names {
        self.booted().names()
    }

    /// The start of the node.
    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// The release handler and the list of releases.
    pub(crate) fn releases(&self) -> &Releases {
        &self.parts.releases
    }

    /// The lock that admits one operation on releases, or the stop, at a time.
    pub(crate) fn turn(&self) -> &Turn {
        &self.turn
    }

    /// The bans of players and addresses.
    pub(crate) fn bans(&self) -> &Bans {
        &self.bans
    }

    /// The planned shutdown, if any.
    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Messages on upgrades for players' client programs.
    pub(crate) fn news(&self) -> &UpgradeNews {
        &self.news
    }

    /// The readings for viewers and metrics.
    pub(crate) fn views(&self) -> &Arc<Views> {
        &self.parts.views
    }

    /// The avatars for the live page, and the recordings of installs.
    pub(crate) fn crowd(&self) -> &Arc<Crowd> {
        &self.parts.crowd
    }

    /// The tokens for orders from the live page.
    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The address of the live page for a browser on this machine; `None` without a web port for operators.
    pub(crate) fn live_page(&self) -> Option<String> {
        self.parts.web.map(place::address)
    }

    /// The history of the tree.
    pub(crate) fn history(&self) -> &Arc<History> {
        &self.parts.history
    }

    /// Requests a stop or restart; returns `false` if the node is already ending for another reason.
    pub(crate) fn wish(&self, wish: Wish) -> bool {
        self.parts.wishes.try_send(wish).is_ok()
    }

    /// Applies the application environment to the log and the listeners. An install, or reading the settings again, may
    /// have changed it.
    pub(crate) fn configure(&self) {
        if let Err(error) = level::apply(self.node()) {
            tracing::error!("{error:#}: the log keeps its level");
        }
        let Some(door) = self.door() else { return };
        let configured = door::configure(door, self.booted(), self.parts.releases.clone());
        if let Err(error) = configured {
            tracing::error!("{error:#}: the listeners keep their previous settings");
        }
    }

    /// The listeners; `None` for a release without listeners.
    pub(crate) fn door(&self) -> Option<&Door> {
        self.parts.door.as_deref()
    }

    /// The saves; `None` for a node that does not save.
    pub(crate) fn saves(&self) -> Option<&Saves> {
        self.parts.saves.as_deref()
    }

    /// The listeners, for the operation `what`, which needs them.
    ///
    /// # Errors
    /// [`Exit::Refused`] for a release without listeners.
    pub(crate) fn door_to(&self, what: &str) -> Result<&Door, Failure> {
        self.door().ok_or_else(|| {
            let sentence =
                format!("failed to {what}: the running release has no listeners for players");
            Failure::new(Exit::Refused, sentence)
        })
    }

    /// The setting `game` of the release; an invalid setting counts as empty.
    pub(crate) fn game(&self) -> Game {
        Game::of(self.booted()).unwrap_or_default()
    }

    /// The game's word for an avatar.
    pub(crate) fn noun(&self) -> Noun {
        self.game().noun
    }

    /// The pid of the avatar with this name.
    pub(crate) fn avatar(&self, name: &str) -> Option<Pid> {
        self.names().whereis(&Term::string(name))
    }

    /// The number of processes on a shard, according to the shard's last report.
    pub(crate) fn living(&self, shard: usize) -> u64 {
        let counters = self.booted().counters();
        let counters = counters.get(shard).copied().unwrap_or_default();
        counters.spawned.saturating_sub(counters.exited)
    }

    /// All processes of the shards that answer, and the shards that do not answer.
    pub(crate) fn processes(&self) -> (Vec<ProcessInfo>, Vec<Missing>) {
        self.measured_processes(Measure::Nothing)
    }

    /// As [`RunningNode::processes`], with a figure of each process.
    pub(crate) fn measured_processes(&self, measure: Measure) -> (Vec<ProcessInfo>, Vec<Missing>) {
        let listing = self.node().measured_processes(LIST_TIMEOUT_MS, measure);
        let missing = |missing: pq_otp::Missing| Missing {
            shard: missing.shard as u64,
            processes: self.living(missing.shard),
            why: missing.why,
        };
        let missing = listing.missing.into_iter().map(missing).collect();
        (listing.answers, missing)
    }
}

/// Whether the avatar of this client has this name, or a name that looks the same.
pub(crate) fn plays(guest: &sockserv::Guest, name: &str) -> bool {
    let avatar = guest.avatar.as_deref();
    avatar.is_some_and(|avatar| regis_confusable::is_same(avatar, name))
}
