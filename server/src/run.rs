//! A node from start to end: boot, operators' socket, listeners and avatars, until a signal, an operator's command or
//! the end of a permanent application.

mod stopping;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use pq_abi::crash::watch_thread;
use pq_protocol::Failure;
use pq_protocol::answer::Planned;
use pq_release::handler::Judge;
use pq_saves::Saves;
use pq_term::Term;
use sockserv::Door;
use stopping::Stopping;
use tokio::sync::{mpsc, oneshot};

use crate::addresses::Addresses;
use crate::avatars;
use crate::boot::{Booted, Hooks, boot};
use crate::clock::doubt;
use crate::door;
use crate::end_at_once::end_at_once;
use crate::feed::{self, Crowd, Views};
use crate::history::History;
use crate::lifetime::Lifetime;
use crate::logging::{self, level};
use crate::manager::{self, Manager};
use crate::metrics::{self, Metrics};
use crate::operator::OperatorSocket;
use crate::options;
use crate::otlp::{self, Exporter};
use crate::private;
use crate::report::report;
use crate::reread;
use crate::restart::{ENDS_FOR_A_REBOOT, ErrorAction, Restart};
use crate::running::{Parts, PendingStop, Releases, RunningNode, Wish};
use crate::saves;
use crate::signals::{EndSignal, Held, Signals};
use crate::stall::{self, Surroundings, Teller};
use crate::streams::say;
use crate::system::{TreeLock, raise_descriptor_limit};
use crate::words;

/// The limit for sending the last lines to clients at a stop.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of threads for sockets and signals. One thread serves 5,000 clients at the book's pace with a few per
/// cent of a core; the shards need the other cores.
const SOCKET_THREADS: usize = 1;

/// The capacity of the queue of operators' requests for a stop or restart: a restart, and a stop before the restart
/// begins.
const WISHES_MAX: usize = 2;

/// Runs the command `pq start`.
pub(crate) fn start(options: &options::Start) -> anyhow::Result<()> {
    logging::install(options.node.log_format)?;
    let which = Which {
        release: options.release.as_deref(),
        or_permanent: options.or_permanent,
        shutdown: options.shutdown.clone(),
    };
    run(&options.root, which, &options.node, |_, _| ())
}

/// The release that a node boots.
#[derive(Default)]
pub(crate) struct Which<'a> {
    /// The version of the release; `None` for the permanent release.
    release: Option<&'a str>,
    /// Whether the permanent release boots if that release fails to boot.
    or_permanent: bool,
    /// The shutdown that was planned before the node restarted itself.
    shutdown: Option<Planned>,
}

impl Which<'_> {
    /// The restart with the permanent release, for a release that fails to boot.
    fn permanent_instead(self) -> Restart {
        let vsn = self.release.unwrap_or_default();
        Restart::of_permanent(ErrorAction::Restart)
            .because(format!("release {vsn} failed to boot"))
            .with_shutdown(self.shutdown)
    }
}

/// The sources of a node's end.
struct Ends {
    signals: Signals,
    /// Receives the end of a permanent application.
    ended: mpsc::Receiver<String>,
    /// Receives operators' requests for a stop or restart.
    wishes: mpsc::Receiver<Wish>,
    /// The stop in progress; `None` before its begin.
    stopping: Option<Stopping>,
}

/// The cause of a node's end.
enum Word {
    /// A request of an operator.
    Wish(Wish),
    /// A signal to end.
    EndSignal(EndSignal),
}

/// The end of a node.
struct End<W> {
    /// The cause of the end.
    word: W,
    ran: Ran,
    /// The planned shutdown at that time.
    shutdown: Option<Planned>,
}

/// The last state of a node that has ended.
struct Ran {
    /// The addresses of the listeners.
    addresses: Addresses,
    /// The version of the running release at the end.
    vsn: String,
}

/// Runs the node; `listening` is called when clients can connect.
pub(crate) fn run(
    root: &Path,
    which: Which<'_>,
    options: &options::Node,
    listening: impl FnOnce(Addresses, &RunningNode),
) -> anyhow::Result<()> {
    raise_descriptor_limit();
    if let Some(doubt) = doubt(SystemTime::now()) {
        tracing::warn!("{doubt}");
    }
    let held = Held::hold()?;
    let lock = TreeLock::take(root)?;
    let history = Arc::new(History::of(root));
    let life = Lifetime::begin(&history, root, options.log_format);
    let teller = Teller::begin(&history).context("failed to start a thread")?;
    let (signals, hang_ups) = held.listen(ends_as_it_is(&history, teller.vsn()))?;
    let manager = Arc::new(Manager::begin().context("failed to start a thread")?);
    let runtime = runtime()?;
    let (ended, end) = mpsc::channel(1);
    let (wish, wishes) = mpsc::channel(WISHES_MAX);
    let views = Views::new();
    let hooks = Hooks {
        ended,
        on_stall: views.counting(teller.hook()),
    };
    let booted = boot(root, which.release, options, hooks);
    life.booted(&booted, which.release);
    let booted = match booted {
        Ok(booted) => Arc::new(booted),
        Err(error) if which.or_permanent => {
            tracing::error!("{error:#}: the permanent release starts instead");
            return start_permanent(which, signals, lock, options, &life);
        }
        Err(error) => return Err(error),
    };
    let mut ends = Ends {
        signals,
        ended: end,
        wishes,
        stopping: None,
    };
    let first = booted.release().to_string();
    let service = Service {
        booted: booted.clone(),
        history: history.clone(),
        teller: &teller,
        // The thread gives signs of life until the end of this function.
        manager: manager.clone(),
        hang_ups,
        shutdown: which.shutdown,
        views,
        wish,
    };
    let served = runtime.block_on(service.run(options, listening, &mut ends));
    let stopping = ends.stopping.take().unwrap_or_else(Stopping::begin);
    let stopped = stopping.finish(booted);
    // Pending starts of avatars are not awaited: their node has ended.
    runtime.shutdown_background();
    let End {
        word,
        ran,
        shutdown,
    } = as_ended(served, first);
    let last = End {
        word: last_word(word, ends)?,
        ran,
        shutdown,
    };
    conclude(last, stopped, lock, options, &life)
}

/// The end of a service that ran, or that failed with the release `vsn` and no addresses.
fn as_ended(served: anyhow::Result<End<Word>>, vsn: String) -> End<anyhow::Result<Word>> {
    let (word, ran, shutdown) = match served {
        Ok(end) => (Ok(end.word), end.ran, end.shutdown),
        Err(error) => {
            let addresses = Addresses::default();
            (Err(error), Ran { addresses, vsn }, None)
        }
    };
    End {
        word,
        ran,
        shutdown,
    }
}

/// Restarts with the permanent release after a failed boot, unless a signal has ended the node.
fn start_permanent(
    which: Which<'_>,
    signals: Signals,
    lock: TreeLock,
    options: &options::Node,
    life: &Lifetime,
) -> anyhow::Result<()> {
    let ran = Ran {
        addresses: Addresses::default(),
        vsn: which.release.unwrap_or_default().to_string(),
    };
    if let Some(told) = signals.let_go()? {
        life.told_to_end(&ran.vsn, told, &Ok(()));
        return Ok(());
    }
    start_again(&which.permanent_instead(), lock, options, &ran, life)
}

/// The action of a second signal: the end without an orderly stop.
fn ends_as_it_is(
    history: &Arc<History>,
    vsn: impl Fn() -> Option<String> + Send + 'static,
) -> impl Fn(EndSignal) + Send + 'static {
    let history = history.clone();
    move |told| {
        let (history, vsn) = (history.clone(), vsn());
        end_at_once(move || {
            Lifetime::is_cut_short(&history, vsn, told);
            tracing::error!(by = %told, "second signal: the node ends without an orderly stop");
        })
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SOCKET_THREADS)
        .thread_name("pq-sockets")
        .on_thread_start(watch_thread)
        .enable_all()
        .build()
        .context("failed to start the threads for sockets")
}

/// Writes the last entries after an orderly or failed stop.
fn conclude(
    last: End<LastWord>,
    stopped: Result<(), Failure>,
    lock: TreeLock,
    options: &options::Node,
    life: &Lifetime<'_>,
) -> anyhow::Result<()> {
    let in_order = stopped.clone().map_err(|failure| anyhow!("{failure}"));
    match last.word {
        LastWord::Stop(pending) => {
            life.stopped_by_operator(&pending, &stopped);
            life.over();
            lock.release();
            pending.say(stopped);
        }
        LastWord::EndSignal(told) => life.told_to_end(&last.ran.vsn, told, &stopped),
        LastWord::Restart(restart) => {
            let restart = restart.with_shutdown(last.shutdown);
            return start_again(&restart, lock, options, &last.ran, life);
        }
        LastWord::Failed(error) => {
            life.fails(&last.ran.vsn, &format!("{error:#}"));
            return Err(error);
        }
    }
    in_order
}

/// The fate of the process after the node's end.
enum LastWord {
    Stop(PendingStop),
    EndSignal(EndSignal),
    Restart(Restart),
    Failed(anyhow::Error),
}

/// Chooses between ending and restarting. A request or signal to end wins over a restart, also if it arrived during
/// the preparation of the restart.
fn last_word(word: anyhow::Result<Word>, mut ends: Ends) -> anyhow::Result<LastWord> {
    let mut late = std::iter::from_fn(|| ends.wishes.try_recv().ok());
    let late = late.find_map(|wish| match wish {
        Wish::Stop(pending) => Some(pending),
        Wish::Restart(_) => None,
    });
    Ok(match (word, late) {
        (Ok(Word::Wish(Wish::Stop(pending))), _) | (_, Some(pending)) => LastWord::Stop(pending),
        (Ok(Word::EndSignal(told)), None) => LastWord::EndSignal(told),
        (Ok(Word::Wish(Wish::Restart(restart))), None) => match ends.signals.let_go()? {
            Some(told) => LastWord::EndSignal(told),
            None => LastWord::Restart(restart),
        },
        (Err(error), None) => LastWord::Failed(error),
    })
}

/// Restarts, or ends so that a service manager can restart the node; returns only on error.
fn start_again(
    restart: &Restart,
    lock: TreeLock,
    options: &options::Node,
    ran: &Ran,
    life: &Lifetime<'_>,
) -> anyhow::Result<()> {
    match restart.goes_on() {
        true => life.restarts(&ran.vsn, restart),
        false => life.fails(&ran.vsn, &format!("{}: {ENDS_FOR_A_REBOOT}", restart.why())),
    }
    life.over();
    restart.carry_out(lock, options, ran.addresses)
}

/// The parts that a booted node needs for its service.
struct Service<'a> {
    booted: Arc<Booted>,
    history: Arc<History>,
    teller: &'a Teller,
    manager: Arc<Manager>,
    /// Receives the requests to read the settings again.
    hang_ups: mpsc::Receiver<()>,
    /// The shutdown that was planned before the node restarted itself.
    shutdown: Option<Planned>,
    /// The readings for viewers and metrics.
    views: Arc<Views>,
    /// Sends operators' requests for a stop or restart.
    wish: mpsc::Sender<Wish>,
}

impl Service<'_> {
    /// Opens the listeners and the operators' socket, starts the avatars, and waits for the end.
    async fn run(
        self,
        options: &options::Node,
        listening: impl FnOnce(Addresses, &RunningNode),
        ends: &mut Ends,
    ) -> anyhow::Result<End<Word>> {
        let (booted, releases) = (self.booted.clone(), self.open_releases()?);
        level::apply(booted.node())?;
        let metrics = Metrics::open(&booted, options).await?;
        if let Some(exporter) = Exporter::begin(booted.node(), options)? {
            self.views.export_to(exporter);
        }
        let (saves, came_back) = open_saves(&booted, options).await?;
        saves
            .iter()
            .for_each(|saves| self.teller.knows_saves(saves));
        let door = door::open(&booted, options, releases.clone()).await?;
        connect(&booted, saves.as_ref(), door.as_ref())?;
        let manager = self.manager;
        let parts = Parts {
            booted: self.booted,
            views: self.views,
            releases,
            door: door.clone(),
            saves: saves.clone(),
            crowd: Crowd::new(),
            web: metrics.as_ref().map(Metrics::address),
            history: self.history,
            wishes: self.wish,
        };
        let running = Arc::new(running(parts, self.shutdown)?);
        feed::keep(running.views(), &running).context("failed to start a thread")?;
        feed::keep_crowd(running.crowd(), &booted).context("failed to start a thread")?;
        let socket = OperatorSocket::open(running.clone(), options.socket_dir.as_deref())?;
        let addresses = Addresses::of(door.as_deref(), metrics.as_ref());
        metrics.iter().for_each(|metrics| metrics.show(&running));
        addresses.say();
        manager.admits(&running);
        tokio::spawn(reread::each(
            self.hang_ups,
            Arc::downgrade(&running),
            manager.clone(),
        ));
        // Starting avatars takes seconds, so a signal is handled in the meantime.
        let outcome = tokio::select! {
            outcome = wait_for_end(ends) => outcome,
            failed = play(&booted, options, came_back, || listening(addresses, &running)) => failed.map(|never| match never {}),
        };
        let mut stopping = Stopping::begin();
        manager.tell(last_news(&outcome));
        running.views().stop();
        socket.close().await;
        door.iter().for_each(|door| door.shut());
        save_all(&booted, saves, door.as_deref()).await;
        if let Some(door) = door {
            if let Some(application) = booted.behind_door() {
                stopping.stop_application(&booted, &application.name).await;
            }
            door.empty(LAST_LINES_TIMEOUT).await;
        }
        finish_export(&running).await;
        ends.stopping = Some(stopping);
        let vsn = running.releases().running().vsn;
        outcome.map(|word| End {
            word,
            ran: Ran { addresses, vsn },
            shutdown: running.shutdown().planned(),
        })
    }

    fn open_releases(&self) -> anyhow::Result<Arc<Releases>> {
        let judge: Judge = |release| {
            level::judge(release)
                .and_then(|()| stall::judge(release))
                .and_then(|()| metrics::judge(release))
                .and_then(|()| otlp::judge(release))
                .and_then(|()| door::judge(release))
        };
        let releases = Arc::new(Releases::open(&self.booted, judge)?);
        self.teller.knows(Surroundings {
            node: self.booted.node().clone(),
            releases: releases.clone(),
            wishes: self.wish.clone(),
        })?;
        Ok(releases)
    }
}

/// Tells the saves, and the services of the node, what they need of the door.
fn connect(
    booted: &Booted,
    saves: Option<&Arc<Saves>>,
    door: Option<&Arc<Door>>,
) -> anyhow::Result<()> {
    let (Some(door), Some(application)) = (door, booted.behind_door()) else {
        return Ok(());
    };
    booted.players().connect(booted.node(), door);
    let Some(saves) = saves else { return Ok(()) };
    let noun = door::Game::of(booted).unwrap_or_default().noun;
    saves::connect(saves, door, &noun);
    let parts = words::Parts {
        node: booted.node().clone(),
        names: booted.names().clone(),
        saves: Arc::downgrade(saves),
        door: Arc::downgrade(door),
        versions: Arc::new(saves::versions_of(booted)),
        application: application.name.clone(),
    };
    let connected = booted.words().connect(parts);
    connected.context("failed to start a thread")
}

fn running(parts: Parts, shutdown: Option<Planned>) -> anyhow::Result<RunningNode> {
    parts.booted.node().tell_notices(parts.views.clone());
    let running = RunningNode::new(parts)?;
    if let Some(planned) = shutdown {
        running.shutdown().go_on(planned);
    }
    Ok(running)
}

/// The manager's part in the end: a restart keeps the process.
fn last_news(outcome: &anyhow::Result<Word>) -> manager::Word {
    match outcome {
        Ok(Word::Wish(Wish::Restart(restart))) if restart.goes_on() => manager::Word::Reloads,
        _ => manager::Word::Stops,
    }
}

/// Closes private files for other users, and opens the saves, which begins to put all saved avatars back. The receiver gets a message, or is closed, when that is over.
async fn open_saves(
    booted: &Arc<Booted>,
    options: &options::Node,
) -> anyhow::Result<(Option<Arc<Saves>>, oneshot::Receiver<()>)> {
    let (tell, came_back) = oneshot::channel();
    let (node, of_node) = (booted.clone(), options.clone());
    // The receiver may be gone: the node stops.
    let on_end = move || {
        let _ = tell.send(());
    };
    let opening = tokio::task::spawn_blocking(move || {
        private::close(node.root());
        saves::open(&node, &of_node, on_end)
    });
    Ok((opening.await??.map(Arc::new), came_back))
}

/// Saves all avatars once more, before the applications stop. Then clients are told everything; if something is not saved,
/// they are not told of it.
async fn save_all(booted: &Arc<Booted>, saves: Option<Arc<Saves>>, door: Option<&Door>) {
    let Some(saves) = saves else { return };
    let noun = door::Game::of(booted).unwrap_or_default().noun;
    let saved = tokio::task::spawn_blocking(move || saves::finish(&saves, &noun)).await;
    // A panic of that thread is in the log; the rows are as they were saved before.
    if let (Ok(true), Some(door)) = (saved, door) {
        door.told().release_all();
    }
}

/// Waits until the collector has the last installs.
async fn finish_export(running: &RunningNode) {
    let views = running.views().clone();
    // A panic of that thread is in the log.
    let _ = tokio::task::spawn_blocking(move || views.finish_export()).await;
}

/// Waits for the saved avatars, starts further ones, and then writes reports for ever; returns only on error.
async fn play(
    booted: &Booted,
    options: &options::Node,
    came_back: oneshot::Receiver<()>,
    listening: impl FnOnce(),
) -> anyhow::Result<Infallible> {
    // An error means that nobody comes back.
    let _ = came_back.await;
    fill(booted, options).await?;
    listening();
    match report(booted, options.report_every).await {}
}

async fn wait_for_end(ends: &mut Ends) -> anyhow::Result<Word> {
    tokio::select! {
        told = ends.signals.next() => {
            let told = told?;
            match told.signal {
                "SIGINT" => tracing::info!(by = %told, "interrupted: stopping"),
                "SIGHUP" => tracing::info!(by = %told, "the terminal is gone: stopping"),
                _ => tracing::info!(by = %told, "told to terminate: stopping"),
            }
            Ok(Word::EndSignal(told))
        }
        Some(wish) = ends.wishes.recv() => Ok(Word::Wish(wish)),
        Some(why) = ends.ended.recv() => anyhow::bail!("{why}"),
    }
}

async fn fill(booted: &Booted, options: &options::Node) -> anyhow::Result<()> {
    let (count, pace) = (options.avatars, options.pace);
    if count == 0 {
        return Ok(());
    }
    let game = door::Game::of(booted)?;
    let (node, names, many) = (
        booted.node().clone(),
        booted.names().clone(),
        game.noun.many.clone(),
    );
    let wanted = avatars::Wanted {
        count,
        pace_ms: pace,
    };
    let fill = move || {
        let plays = |name: &str| names.is_taken(&Term::string(name));
        avatars::fill(&node, &game, wanted, plays)
    };
    let avatars::Filled {
        started: count,
        took,
    } = tokio::task::spawn_blocking(fill).await??;
    let per_second = count as f64 / took.as_secs_f64();
    say(format_args!(
        "{count} {many} started in {:.3} s ({per_second:.0} per second)",
        took.as_secs_f64()
    ));
    tracing::info!(count, pace, "{many} started");
    Ok(())
}
