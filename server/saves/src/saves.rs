//! The handle: opening, questions, and the last save.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pq_otp::{Node, Pid};
use pq_store::{Database, Saver, Settings, Status};

use crate::boot::{self, Boot, CameBack, OpenError};
use crate::booting::Booting;
use crate::finish::{Finished, Order};
use crate::keeper::{Keeper, News, Shared, Watched};
use crate::opening::{Opening, Versions};
use crate::restarts::{JOBS_MAX, Job, RestartSetup, Restarts};
use crate::roster::Roster;
use crate::rows::{Numbers, Rows};
use crate::settings::{Durable, Pace, Telling};
use crate::told::{Audience, Cell};
use crate::wake::Wake;

/// Messages for the keeper that wait, besides one answer of each shard: one [`News::Look`], and the order for the last save.
const NEWS_MAX: usize = 2;

/// The time by which the answer of the keeper may come after the deadline: a chunk of children is on its way.
const SLACK: Duration = Duration::from_secs(2);

/// The pause before an order for a keeper with many messages is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

/// The parts of a node that saves.
pub struct Setup {
    /// The node, whose applications run.
    pub node: Node,
    /// The path of the database, whose directory is made if it is missing.
    pub file: PathBuf,
    /// The supervisors whose children are saved; not empty.
    pub durable: Vec<Durable>,
    /// How often children are saved.
    pub pace: Pace,
    /// The versions of modules, for states of other versions.
    pub versions: Arc<dyn Versions>,
    /// Told when all saved children have come back, or will not.
    pub on_end: OnEnd,
}

/// Called once, with the result of a boot.
pub type OnEnd = Box<dyn FnOnce(CameBack) + Send>;

/// The saves of a node.
pub struct Saves {
    file: PathBuf,
    pub(crate) node: Node,
    pub(crate) saver: Saver,
    pub(crate) roster: Arc<Roster>,
    pub(crate) numbers: Arc<Numbers>,
    /// Held by an operation of an operator, and by the last save.
    pub(crate) operations: Mutex<()>,
    news: SyncSender<News>,
    stopped: Arc<AtomicBool>,
    pub(crate) hurries: Arc<AtomicBool>,
    watched: Arc<OnceLock<Watched>>,
    audience: Cell,
    wake: Wake,
    telling: Telling,
    booting: Booting,
}

impl Saves {
    /// Opens the store, begins to put all saved children back below their supervisors, and begins to save. The names of
    /// children that have not come back are reserved ([`Saves::reserved`]).
    ///
    /// # Errors
    /// When the store cannot be used; then no child comes back.
    pub fn open(setup: Setup) -> Result<Saves, OpenError> {
        let Setup {
            node,
            file,
            durable,
            pace,
            versions,
            on_end,
        } = setup;
        let mut store = Database::open(&file)?;
        let (sender, news) = sync_channel(NEWS_MAX + node.shards());
        let wake = Wake::new(sender.clone());
        let (jobs_sender, jobs) = sync_channel(JOBS_MAX);
        let roster = Arc::new(Roster::new(durable, wake.clone(), jobs_sender));
        listen(&node, &roster);
        node.set_conversion_seed(store.seed(node.conversion_seed())?);
        let opening = Opening::new(versions.versions(&boot::needed(&mut store)?));
        boot::reserve(&mut store, &roster)?;
        boot::reserve_absent(&mut store, &roster)?;
        let numbers = Arc::new(Numbers::of(&mut store)?);
        let after_commits = wake.clone();
        let saver = Saver::start(store, Settings::default(), move |_| after_commits.wake())?;
        let saves = Saves {
            file,
            node: node.clone(),
            saver: saver.clone(),
            roster: roster.clone(),
            numbers,
            operations: Mutex::new(()),
            news: sender,
            stopped: Arc::default(),
            hurries: Arc::default(),
            watched: Arc::default(),
            audience: Arc::default(),
            wake,
            telling: pace.told,
            booting: Booting::default(),
        };
        saves.start_restarts(versions, jobs)?;
        saves.start_keeper(news, pace)?;
        saves.start_boot(Arc::new(opening), on_end)?;
        Ok(saves)
    }

    /// Starts the thread that asks for copies.
    fn start_keeper(&self, news: Receiver<News>, pace: Pace) -> std::io::Result<()> {
        let shared = Shared {
            news,
            sender: self.news.clone(),
            stopped: self.stopped.clone(),
            hurries: self.hurries.clone(),
            watched: self.watched.clone(),
            audience: self.audience.clone(),
            wake: self.wake.clone(),
        };
        let (node, roster) = (self.node.clone(), self.roster.clone());
        let rows = Rows::new(node, roster, self.saver.clone(), self.numbers.clone());
        let keeper = Keeper::new(rows, pace, shared);
        let thread = thread::Builder::new().name("saves-keeper".to_string());
        thread.spawn(move || keeper.run()).map(drop)
    }

    /// Starts the thread that puts rows in.
    fn start_boot(&self, opens: Arc<Opening>, on_end: OnEnd) -> std::io::Result<()> {
        let boot = Boot {
            node: self.node.clone(),
            file: self.file.clone(),
            saver: self.saver.clone(),
            roster: self.roster.clone(),
            opens,
            booting: self.booting.clone(),
            on_end,
        };
        let thread = thread::Builder::new().name("saves-boot".to_string());
        thread.spawn(move || boot.run()).map(drop)
    }

    fn start_restarts(
        &self,
        versions: Arc<dyn Versions>,
        jobs: Receiver<Job>,
    ) -> Result<(), OpenError> {
        Restarts::start(RestartSetup {
            node: self.node.clone(),
            roster: self.roster.clone(),
            saver: self.saver.clone(),
            versions,
            first_seq: self.numbers.first(),
            jobs,
            stopped: self.stopped.clone(),
        })?;
        Ok(())
    }

    /// When clients are told of the states of children.
    pub fn telling(&self) -> Telling {
        self.telling
    }

    /// Sets those who wait for the disk before they are told of states, for [`crate::Telling::Durable`]. Returns a function for
    /// them that is to be called when something begins to wait; it does not wait. A second call changes nothing.
    pub fn tell(&self, audience: Box<dyn Audience>) -> impl Fn() + Send + Sync + use<> {
        let _ = self.audience.set(audience);
        let wake = self.wake.clone();
        move || wake.wake()
    }

    /// Sets the function that lists the roots which clients watch, for [`crate::Telling::Lazy`]. It is called some times a
    /// second; a second call of this function does nothing.
    pub fn watch(&self, watched: impl Fn() -> Vec<Pid> + Send + Sync + 'static) {
        let _ = self.watched.set(Box::new(watched));
    }

    /// Sets the function that is told of each root that is set aside; its client may still be there. A shard calls it, so it must
    /// not wait; a second call of this function does nothing.
    pub fn on_set_aside(&self, tell: impl Fn(Pid) + Send + Sync + 'static) {
        let _ = self.roster.on_aside.set(Box::new(tell));
    }

    /// A question for whether a name, folded by `regis_confusable`, is that of a row that is set aside: no other child may
    /// have it.
    pub fn reserved(&self) -> impl Fn(&[u8]) -> bool + Send + Sync + use<> {
        let roster = self.roster.clone();
        move |folded| roster.reserved.has(&String::from_utf8_lossy(folded))
    }

    /// The result of the boot; `None` while it is under way.
    pub fn came_back(&self) -> Option<CameBack> {
        self.booting.result()
    }

    /// Waits until the boot has ended. `false` at the deadline. Other versions of modules must not come into force before:
    /// the boot has chosen its conversions for those that were current.
    pub fn wait_for_boot(&self, deadline: Instant) -> bool {
        self.booting.wait(deadline)
    }

    /// The path of the database.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The number of living children that have a row.
    pub fn living(&self) -> u64 {
        self.roster.len() as u64
    }

    /// How the store is.
    pub fn status(&self) -> Status {
        self.saver.status()
    }

    /// Saves all children, which leave the node for that, and closes the store. Without an answer by the deadline, what was
    /// saved before is on the disk.
    pub fn finish(&self, deadline: Instant) -> Finished {
        let (reply, answer) = sync_channel(1);
        self.hurries.store(true, Ordering::Release);
        self.booting.cancel(deadline);
        let _no_operation = self.operations.try_lock_until(deadline);
        let mut order = News::Finish(Order { deadline, reply });
        while let Err(TrySendError::Full(back)) = self.news.try_send(order)
            && Instant::now() < deadline
        {
            order = back;
            thread::sleep(AGAIN_AFTER);
        }
        let wait = deadline.saturating_duration_since(Instant::now()) + SLACK;
        let finished = answer.recv_timeout(wait).unwrap_or_default();
        self.stopped.store(true, Ordering::Release);
        finished
    }
}

impl Drop for Saves {
    fn drop(&mut self) {
        self.roster.close();
        self.stopped.store(true, Ordering::Release);
    }
}

/// The roster hears of births and ends from now on.
fn listen(node: &Node, roster: &Arc<Roster>) {
    roster.find_supervisors(node);
    if !node.tell_children(roster.clone()) {
        tracing::error!("the node has another listener for children: ends are not saved");
    }
}
