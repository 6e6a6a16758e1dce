//! The node that runs, as operators' commands and its end know it.
//!
//! | module | contents |
//! |---|---|
//! | [`releases`], [`outcome`] | the release handler behind one lock, and how an operation of it ended |
//! | [`turn`] | one operation on releases, or the end, at a time |
//! | [`upgrade_news`] | what players' programs hear of an upgrade |
//! | [`bans`] | who may not come in |
//! | [`shutdown`] | an end that is planned, and players are told of |
//! | [`farewell`] | what an operator wishes of the node as a whole, and the answer to a stop |

mod bans;
mod farewell;
mod outcome;
mod releases;
mod shutdown;
mod turn;
mod upgrade_news;

use std::sync::Arc;
use std::time::SystemTime;

use bans::Bans;
pub(crate) use farewell::{Farewell, Wish};
pub(crate) use outcome::Outcome;
use pq_otp::{Node, Pid, ProcessInfo, Term};
use pq_protocol::answer::Missing;
use pq_protocol::{Exit, Failure};
use regis_application::Names;
pub(crate) use releases::Releases;
pub(crate) use shutdown::Plan;
use shutdown::{End, Shutdown};
use sockserv::{Door, Noun};
use tokio::sync::mpsc;
use turn::Turn;
use upgrade_news::UpgradeNews;

use crate::boot::Booted;
use crate::door::Game;
use crate::history::History;

/// How long the shards may take to list their processes. A million are listed within two seconds.
const LIST_TIMEOUT_MS: u64 = 10_000;

/// A node that runs, and what is kept beside it for operators.
pub(crate) struct RunningNode {
    parts: Parts,
    started: SystemTime,
    turn: Arc<Turn>,
    bans: Bans,
    shutdown: Shutdown,
    news: Arc<UpgradeNews>,
}

/// What it is made of.
pub(crate) struct Parts {
    pub(crate) booted: Arc<Booted>,
    pub(crate) releases: Arc<Releases>,
    /// Where players come in, when the release has a door.
    pub(crate) door: Option<Arc<Door>>,
    pub(crate) history: Arc<History>,
    /// Takes what is wished of the node as a whole.
    pub(crate) wishes: mpsc::Sender<Wish>,
    /// Called when other code, and with it another environment, is in force.
    pub(crate) on_installed: Box<dyn Fn() + Send + Sync>,
}

impl RunningNode {
    /// A node that has just booted.
    ///
    /// # Errors
    /// When its bans cannot be read.
    pub(crate) fn new(parts: Parts) -> anyhow::Result<RunningNode> {
        let door = parts.door.clone();
        let tell = move |bans| door.as_ref().map_or(0, |door| door.set_bans(bans));
        let bans = Bans::open(parts.booted.root(), tell)?;
        let turn = Arc::new(Turn::default());
        let news = Arc::new(UpgradeNews::at(parts.door.clone()));
        let (told, also) = (turn.clone(), news.clone());
        parts.releases.listen(move |status, progress| {
            told.note(progress);
            also.hear(status);
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
        })
    }

    /// The release tree, the code and the threads that it booted with.
    pub(crate) fn booted(&self) -> &Booted {
        &self.parts.booted
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        self.booted().node()
    }

    /// Its registry.
    pub(crate) fn names(&self) -> &Names {
        self.booted().names()
    }

    /// When it started.
    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// Its releases.
    pub(crate) fn releases(&self) -> &Releases {
        &self.parts.releases
    }

    /// The operation in progress.
    pub(crate) fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Who may not come in.
    pub(crate) fn bans(&self) -> &Bans {
        &self.bans
    }

    /// The end that is planned.
    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// What players' programs hear of upgrades.
    pub(crate) fn news(&self) -> &UpgradeNews {
        &self.news
    }

    /// What was done to it.
    pub(crate) fn history(&self) -> &Arc<History> {
        &self.parts.history
    }

    /// Takes what is wished of it as a whole; not when it ends already, for another reason.
    pub(crate) fn wish(&self, wish: Wish) -> bool {
        self.parts.wishes.try_send(wish).is_ok()
    }

    /// Other code, and with it another environment, is in force.
    pub(crate) fn installed(&self) {
        (self.parts.on_installed)();
    }

    /// Where players come in, when the release has a door.
    pub(crate) fn door(&self) -> Option<&Door> {
        self.parts.door.as_deref()
    }

    /// The same for a command that needs it.
    ///
    /// # Errors
    /// [`Exit::Refused`] when there is none.
    pub(crate) fn door_to(&self, what: &str) -> Result<&Door, Failure> {
        self.door().ok_or_else(|| {
            let sentence = format!("failed to {what}: the release that runs has no door");
            Failure::new(Exit::Refused, sentence)
        })
    }

    /// What the release says about the game behind the door; nothing where it says what cannot be meant.
    pub(crate) fn game(&self) -> Game {
        Game::of(self.booted()).unwrap_or_default()
    }

    /// What the game calls an avatar.
    pub(crate) fn noun(&self) -> Noun {
        self.game().noun
    }

    /// The process of the avatar with this name.
    pub(crate) fn avatar(&self, name: &str) -> Option<Pid> {
        self.names().whereis(&Term::string(name))
    }

    /// How many processes live on a shard, as far as it has said.
    pub(crate) fn living(&self, shard: usize) -> u64 {
        let counters = self.booted().counters();
        let counters = counters.get(shard).copied().unwrap_or_default();
        counters.spawned.saturating_sub(counters.exited)
    }

    /// All processes of the shards that answer, and which do not.
    pub(crate) fn processes(&self) -> (Vec<ProcessInfo>, Vec<Missing>) {
        let listing = self.node().processes_that_answer(LIST_TIMEOUT_MS);
        let missing = |missing: pq_otp::Missing| Missing {
            shard: missing.shard as u64,
            processes: self.living(missing.shard),
            why: missing.why,
        };
        let missing = listing.missing.into_iter().map(missing).collect();
        (listing.answers, missing)
    }
}

/// Whether this client's avatar has this name, or one that looks like it.
pub(crate) fn plays(guest: &sockserv::Guest, name: &str) -> bool {
    let avatar = guest.avatar.as_deref();
    avatar.is_some_and(|avatar| regis_confusable::is_same(avatar, name))
}
