//! The signals that end a node: they stay pending in the kernel until the node reads them, also across a restart.
//!
//! ```text
//!   kill ─► pending, blocked in every thread ─► signalfd ─► a thread of its own ─┬ first ─► `next`: the node ends in order
//!                 │                                                              └ second ─► the node ends at once
//!                 └── execve(2) keeps what is pending and what is blocked ─► the next program's signalfd
//! ```
//! A signal handler would lose signals between the end of one program and the begin of the next: a signal then has
//! its default action, which kills the process. A blocked signal stays pending (`signal(7)`, "execve"). A thread of
//! its own reads the signals, so the second signal ends the node at any time.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::JoinHandle;

use anyhow::Context;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use pq_abi::crash::watch_thread;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};

/// Ctrl-C, and the signal of service managers.
const ENDING: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];

/// The blocked signals of this process.
pub(crate) struct Held {
    waiting: SignalFd,
}

/// The signals of this process, with the thread that reads them.
pub(crate) struct Signals {
    told: mpsc::Receiver<anyhow::Result<EndSignal>>,
    stop: oneshot::Sender<()>,
    /// Returns the descriptor when the thread ends.
    reader: JoinHandle<SignalFd>,
}

/// A received signal with its sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndSignal {
    /// The name of the signal.
    pub(crate) signal: &'static str,
    /// User ID and pid of the sender; `None` if the kernel does not report a visible process.
    pub(crate) sender: Option<(u32, i32)>,
    /// Whether the kernel sent the signal because a user typed Ctrl-C.
    is_typed: bool,
}

impl Held {
    /// Blocks the signals. The caller has no further threads yet, because threads inherit the blocked signals.
    ///
    /// # Errors
    /// Fails if the system has no descriptor left.
    pub(crate) fn hold() -> anyhow::Result<Held> {
        let ending = SigSet::from_iter(ENDING);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let held = ending.thread_block();
        let waiting = held.and_then(|()| SignalFd::with_flags(&ending, flags));
        let waiting = waiting.context("failed to listen for signals")?;
        Ok(Held { waiting })
    }

    /// The descriptor, which is readable when a signal waits.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.waiting.as_fd()
    }

    /// Starts to read the signals. The second signal is passed to `again`, which ends the program.
    ///
    /// # Errors
    /// Fails if the system has no thread left.
    pub(crate) fn listen(
        self,
        again: impl Fn(EndSignal) + Send + 'static,
    ) -> anyhow::Result<Signals> {
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

/// Reads signals for ever.
async fn read(
    waiting: &SignalFd,
    tell: mpsc::Sender<anyhow::Result<EndSignal>>,
    again: impl Fn(EndSignal),
) {
    let first = next(waiting).await;
    let is_last = first.is_err();
    // The receiver exists until the end of the program.
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

/// The next signal. The future may be dropped at any time: an unread signal stays pending.
async fn next(waiting: &SignalFd) -> anyhow::Result<EndSignal> {
    #[expect(
        deprecated,
        reason = "the safe constructor; the BorrowedFd excludes the closed descriptor that the lint warns about"
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

fn read_one(waiting: &SignalFd) -> anyhow::Result<Option<EndSignal>> {
    let read = waiting.read_signal();
    Ok(read
        .context("failed to read a signal")?
        .map(|info| told(&info)))
}

impl Signals {
    /// The first signal. The future may be dropped at any time: an unread signal stays pending.
    ///
    /// # Errors
    /// Fails if the system cannot report signals.
    pub(crate) async fn next(&mut self) -> anyhow::Result<EndSignal> {
        match self.told.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }

    /// Stops reading, so signals stay pending for the next program; a signal that has already been read is returned.
    ///
    /// # Errors
    /// Fails if the system cannot report signals.
    pub(crate) fn let_go(mut self) -> anyhow::Result<Option<EndSignal>> {
        // A reader that has ended needs no message.
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

/// Runs `work` with these signals blocked: threads that `work` starts never receive them.
///
/// # Errors
/// The errors of `work`, and those of the system calls.
pub(crate) fn blocked<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = SigSet::from_iter(ENDING).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let done = work();
    before.thread_set_mask()?;
    done
}

fn told(info: &libc::signalfd_siginfo) -> EndSignal {
    let signal = Signal::try_from(info.ssi_signo as i32);
    let pid = i32::try_from(info.ssi_pid).ok().filter(|pid| *pid > 0);
    EndSignal {
        signal: signal.map_or("a signal", Signal::as_str),
        sender: pid.map(|pid| (info.ssi_uid, pid)),
        is_typed: info.ssi_code == libc::SI_KERNEL,
    }
}

impl fmt::Display for EndSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = self.signal;
        match self.sender {
            Some((uid, pid)) => write!(f, "{signal} from process {pid} of user {uid}"),
            None if self.is_typed => write!(f, "{signal} from the terminal"),
            // The kernel reports no pid for a process of another pid namespace.
            None => write!(f, "{signal} from outside"),
        }
    }
}
