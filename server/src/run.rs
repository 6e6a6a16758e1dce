//! A node from its start to its end: boot, operators, door, heroes, until a signal, an operator's word, or the end
//! of a permanent application.

mod stopping;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use stopping::Stopping;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::boot::{Booted, boot};
use crate::cli;
use crate::door::{self, Addresses};
use crate::heroes;
use crate::logging;
use crate::operator::clock::doubt;
use crate::operator::{Desk, ErrorAction, Operator, Releases, Wish};
use crate::report::report;
use crate::restart::Restart;
use crate::system::{TreeLock, raise_descriptor_limit};

/// How long clients may take to read their last lines at a stop.
const FAREWELL: Duration = Duration::from_secs(2);

/// Threads for sockets and signals. One carries 5 000 clients at the book's pace at a few per cent of a core;
/// the shards need the others.
const SOCKET_THREADS: usize = 1;

/// `pq start`.
pub(crate) fn start(options: &cli::Start) -> anyhow::Result<()> {
    logging::install(options.node.log_format)?;
    let which = Which {
        release: options.release.as_deref(),
        or_permanent: options.or_permanent,
    };
    run(&options.root, which, &options.node, |_| ())
}

/// Which release a node runs.
#[derive(Default)]
pub(crate) struct Which<'a> {
    /// This one; the permanent one when there is none.
    release: Option<&'a str>,
    /// When it does not boot, the permanent one after all.
    or_permanent: bool,
}

/// What may end a node besides signals.
struct Ends {
    /// A permanent application has ended.
    ended: mpsc::Receiver<String>,
    /// What an operator wishes.
    wishes: mpsc::Receiver<Wish>,
    /// The end has begun.
    stopping: Option<Stopping>,
}

/// How a node came to its end.
struct End {
    /// What an operator wished; nothing when a signal said so.
    wish: Option<Wish>,
    /// Where players came in.
    addresses: Addresses,
}

/// Runs the node; `listening` is called once players can come in.
pub(crate) fn run(
    root: &Path,
    which: Which<'_>,
    options: &cli::Node,
    listening: impl FnOnce(Addresses),
) -> anyhow::Result<()> {
    raise_descriptor_limit();
    if let Some(doubt) = doubt(SystemTime::now()) {
        tracing::warn!("{doubt}");
    }
    let lock = TreeLock::take(root)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SOCKET_THREADS)
        .thread_name("pq-sockets")
        .enable_all()
        .build()
        .context("failed to start the threads for sockets")?;
    let (ended, end) = mpsc::channel(1);
    let (wish, wishes) = mpsc::channel(1);
    let booted = match boot(root, which.release, options, ended) {
        Ok(booted) => Arc::new(booted),
        Err(error) if which.or_permanent => {
            tracing::error!("{error:#}: the permanent release starts in its place");
            let restart = Restart::of_permanent(ErrorAction::Restart);
            return restart.carry_out((root, lock), options, Addresses::default());
        }
        Err(error) => return Err(error),
    };
    let mut ends = Ends {
        ended: end,
        wishes,
        stopping: None,
    };
    let served = runtime.block_on(serve(&booted, options, listening, (wish, &mut ends)));
    let stopping = ends.stopping.take().unwrap_or_else(Stopping::begin);
    let stopped = stopping.finish(booted);
    let in_order = stopped.clone().map_err(|failure| anyhow!("{failure}"));
    // Heroes that were still being started are not waited for: the node they were for has ended.
    runtime.shutdown_background();
    let late = ends.wishes.try_recv().ok();
    let (wish, addresses, outcome) = match served {
        Ok(end) => (end.wish, end.addresses, Ok(())),
        Err(error) => (None, Addresses::default(), Err(error)),
    };
    match (wish, late) {
        (Some(Wish::Restart(restart)), _) => {
            return restart.carry_out((root, lock), options, addresses);
        }
        (Some(Wish::Stop(farewell)), _) | (None, Some(Wish::Stop(farewell))) => {
            farewell.note(&stopped);
            lock.release();
            farewell.say(stopped);
        }
        // A node that was told to end does not start again because of what an operator did meanwhile.
        (None, Some(Wish::Restart(_)) | None) => (),
    }
    outcome.and(in_order)
}

/// Opens the door and the operators' socket, starts the heroes, and waits for the end.
async fn serve(
    booted: &Arc<Booted>,
    options: &cli::Node,
    listening: impl FnOnce(Addresses),
    (wish, ends): (mpsc::Sender<Wish>, &mut Ends),
) -> anyhow::Result<End> {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let releases = Arc::new(Releases::open(booted)?);
    let door = door::open(booted, options, releases.clone()).await?;
    let desk = Arc::new(Desk::open(booted.clone(), releases, door.clone())?);
    let operator = Operator::open(desk, wish)?;
    let addresses = Addresses::of(door.as_deref());
    addresses.say();
    // Filling a node takes seconds; a signal is not to wait for it.
    let outcome = tokio::select! {
        outcome = wait_for_end(&mut signals, ends) => outcome,
        failed = play(booted, options, || listening(addresses)) => failed.map(|()| None),
    };
    let mut stopping = Stopping::begin();
    operator.close().await;
    if let Some(door) = door {
        door.shut();
        stopping.stop_application(booted, "sockserv").await;
        door.empty(FAREWELL).await;
    }
    ends.stopping = Some(stopping);
    outcome.map(|wish| End { wish, addresses })
}

/// Starts the heroes, and goes on for ever, reporting, unless that fails.
async fn play(
    booted: &Booted,
    options: &cli::Node,
    listening: impl FnOnce(),
) -> anyhow::Result<()> {
    fill(booted, options).await?;
    listening();
    match report(booted, options.report_every).await {}
}

async fn wait_for_end(
    signals: &mut [std::io::Result<Signal>; 2],
    ends: &mut Ends,
) -> anyhow::Result<Option<Wish>> {
    let [interrupt, terminate] = signals;
    let (Ok(interrupt), Ok(terminate)) = (interrupt, terminate) else {
        anyhow::bail!("failed to listen for signals");
    };
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("interrupted: stopping"),
        _ = terminate.recv() => tracing::info!("told to terminate: stopping"),
        Some(wish) = ends.wishes.recv() => return Ok(Some(wish)),
        Some(why) = ends.ended.recv() => anyhow::bail!("{why}"),
    }
    Ok(None)
}

async fn fill(booted: &Booted, options: &cli::Node) -> anyhow::Result<()> {
    let (count, pace) = (options.heroes, options.pace);
    if count == 0 {
        return Ok(());
    }
    let node = booted.node().clone();
    let took = tokio::task::spawn_blocking(move || heroes::fill(&node, count, pace)).await??;
    let per_second = count as f64 / took.as_secs_f64();
    say(format_args!(
        "{count} heroes started in {:.3} s ({per_second:.0} per second)",
        took.as_secs_f64()
    ));
    tracing::info!(count, pace, "heroes started");
    Ok(())
}

/// Writes a line to standard output. That nobody reads it is no reason to end the game.
pub(crate) fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
