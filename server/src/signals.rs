//! The signals that end a node: they wait in the kernel until they are read, and outlive a restart.
//!
//! ```text
//!   kill ─► pending, blocked in every thread ─► signalfd ─► a thread of its own ─┬ first ─► `next`: the node ends in order
//!                 │                                                              └ second ─► it ends as it is
//!                 └── execve(2) keeps what is pending and what is blocked ─► the next program's signalfd
//! ```
//! A handler would lose what comes between its end and the next program's beginning: there the signal has its default
//! action, which ends the process where it stands. Blocked, it waits (`signal(7)`, "execve"). They are read on a thread of
//! their own: whatever the node waits for, the second one ends it.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::thread::JoinHandle;

use anyhow::Context;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use pq_abi::crash::watch_thread;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};

/// Ctrl-C, and the word of a service manager.
const ENDING: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];

/// The signals of this process, held back.
pub(crate) struct Held {
    waiting: SignalFd,
}

/// The same, read as they come.
pub(crate) struct Signals {
    told: mpsc::Receiver<anyhow::Result<Told>>,
    stop: oneshot::Sender<()>,
    /// Gives the descriptor back when it ends.
    reader: JoinHandle<SignalFd>,
}

/// A signal that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// Its name.
    pub(crate) signal: &'static str,
    /// Who sent it, when it was a process that can be seen from here.
    pub(crate) sender: Option<(u32, i32)>,
    /// The kernel sent it: somebody typed it.
    is_typed: bool,
}

impl Held {
    /// From now on they wait. To be called before the process has further threads: those inherit what is blocked.
    ///
    /// # Errors
    /// When the system has no descriptor.
    pub(crate) fn hold() -> anyhow::Result<Held> {
        let ending = SigSet::from_iter(ENDING);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let held = ending.thread_block();
        let waiting = held.and_then(|()| SignalFd::with_flags(&ending, flags));
        let waiting = waiting.context("failed to listen for signals")?;
        Ok(Held { waiting })
    }

    /// From now on they are read. The second one is handed to `again`, which ends the program.
    ///
    /// # Errors
    /// When the system has no thread.
    pub(crate) fn listen(self, again: impl Fn(Told) + Send + 'static) -> anyhow::Result<Signals> {
        let (tell, told) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("failed to listen for signals")?;
        let builder = std::thread::Builder::new().name("pq-signals".to_string());
        let reader = builder.spawn(move || {
            watch_thread();
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = stopped => (),
                    () = read(&self.waiting, tell, again) => (),
                }
            });
            self.waiting
        });
        Ok(Signals {
            told,
            stop,
            reader: reader.context("failed to listen for signals")?,
        })
    }
}

/// Reads them for ever.
async fn read(waiting: &SignalFd, tell: mpsc::Sender<anyhow::Result<Told>>, again: impl Fn(Told)) {
    let first = next(waiting).await;
    let is_last = first.is_err();
    // Whoever listens does so until the end.
    let _ = tell.send(first).await;
    if is_last {
        return;
    }
    loop {
        match next(waiting).await {
            Ok(told) => again(told),
            Err(error) => return tracing::error!("{error:#}"),
        }
    }
}

/// The next one. May be dropped at any time: one that was not answered still waits.
async fn next(waiting: &SignalFd) -> anyhow::Result<Told> {
    #[expect(
        deprecated,
        reason = "its way in without unsafe; what it warns of, a descriptor closed meanwhile, a BorrowedFd excludes"
    )]
    let ready = AsyncFd::with_interest(waiting.as_fd(), Interest::READABLE)?;
    loop {
        let mut guard = ready.readable().await?;
        match read_one(waiting)? {
            Some(told) => return Ok(told),
            None => guard.clear_ready(),
        }
    }
}

fn read_one(waiting: &SignalFd) -> anyhow::Result<Option<Told>> {
    let read = waiting.read_signal();
    Ok(read
        .context("failed to read a signal")?
        .map(|info| told(&info)))
}

impl Signals {
    /// The first one. May be dropped at any time: one that was not answered still waits.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Told> {
        match self.told.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }

    /// From now on they wait in the kernel again, for the next program; one that has come already is answered.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn let_go(mut self) -> anyhow::Result<Option<Told>> {
        // A reader that has ended needs not be told.
        let _ = self.stop.send(());
        let waiting = self.reader.join();
        let waiting =
            waiting.map_err(|_| anyhow::anyhow!("the thread for signals has panicked"))?;
        match self.told.try_recv() {
            Ok(told) => told.map(Some),
            Err(_) => read_one(&waiting),
        }
    }
}

/// Does something with these signals blocked: threads that are started in it never get one.
///
/// # Errors
/// Those of what is done, and when the system refuses.
pub(crate) fn blocked<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = SigSet::from_iter(ENDING).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let done = work();
    before.thread_set_mask()?;
    done
}

fn told(info: &libc::signalfd_siginfo) -> Told {
    let signal = Signal::try_from(info.ssi_signo as i32);
    let pid = i32::try_from(info.ssi_pid).ok().filter(|pid| *pid > 0);
    Told {
        signal: signal.map_or("a signal", Signal::as_str),
        sender: pid.map(|pid| (info.ssi_uid, pid)),
        is_typed: info.ssi_code == libc::SI_KERNEL,
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = self.signal;
        match self.sender {
            Some((uid, pid)) => write!(f, "{signal} from process {pid} of user {uid}"),
            None if self.is_typed => write!(f, "{signal} from the terminal"),
            // Of a process in another pid namespace the kernel gives no number.
            None => write!(f, "{signal} from outside"),
        }
    }
}
