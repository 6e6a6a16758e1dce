//! The signals of a node: they stay pending in the kernel until the node reads them, also across a restart.
//!
//! ```text
//!   kill ─► pending, blocked in every thread ─► signalfd ─► a thread of its own ─┬ first ─► `next`: the node ends in order
//!                 │                                     │                        └ second ─► the node ends at once
//!                 │                                     └ SIGHUP ─► the node reads its settings again
//!                 └── execve(2) keeps what is pending and what is blocked ─► the next program's signalfd
//! ```
//! A signal handler would lose signals between the end of one program and the begin of the next: a signal then has
//! its default action, which kills the process. A blocked signal stays pending (`signal(7)`, "execve"). A thread of
//! its own reads the signals, so the second signal ends the node at any time.
//!
//! A `SIGHUP` also says that the terminal of the node is gone. It then ends the node in order, as it ends other programs; a
//! program of `nohup` goes on.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::thread::JoinHandle;

use anyhow::Context;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use pq_abi::crash::watch_thread;
use rustix::fs::{Mode, OFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};

/// Ctrl-C, the signal of service managers, and the one for new settings.
const HELD: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The capacity of the queue for `SIGHUP`: one request stands for all that wait.
const HANG_UPS_MAX: usize = 1;

/// The blocked signals of this process.
pub(crate) struct Held {
    waiting: SignalFd,
    terminal: Terminal,
}

/// The signals of this process, with the thread that reads them.
pub(crate) struct Signals {
    told: mpsc::Receiver<anyhow::Result<EndSignal>>,
    stop: oneshot::Sender<()>,
    /// Returns the descriptor when the thread ends.
    reader: JoinHandle<Inbox>,
}

/// The signals of this process as its reader sees them.
struct Inbox {
    held: Held,
    hang_ups: mpsc::Sender<()>,
}

/// The terminal of this process.
struct Terminal {
    /// Whether the process has a terminal and ends with it.
    is_followed: bool,
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
        let set = SigSet::from_iter(HELD);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let held = set.thread_block();
        let waiting = held.and_then(|()| SignalFd::with_flags(&set, flags));
        let waiting = waiting.context("failed to listen for signals")?;
        let terminal = Terminal::of_process();
        Ok(Held { waiting, terminal })
    }

    /// The descriptor, which is readable when a signal waits.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.waiting.as_fd()
    }

    /// Starts to read the signals. The second signal is passed to `again`, which ends the program. The receiver gets a
    /// message for the signals that ask for new settings.
    ///
    /// # Errors
    /// Fails if the system has no thread left.
    pub(crate) fn listen(
        self,
        again: impl Fn(EndSignal) + Send + 'static,
    ) -> anyhow::Result<(Signals, mpsc::Receiver<()>)> {
        let (tell, told) = mpsc::channel(1);
        let (hang_up, hang_ups) = mpsc::channel(HANG_UPS_MAX);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("failed to listen for signals")?;
        let builder = std::thread::Builder::new().name("pq-signals".to_string());
        let inbox = Inbox {
            held: self,
            hang_ups: hang_up,
        };
        let reader = builder.spawn(move || {
            watch_thread();
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = stopped => (),
                    () = read(&inbox, tell, again) => (),
                }
            });
            inbox
        });
        let signals = Signals {
            told,
            stop,
            reader: reader.context("failed to listen for signals")?,
        };
        Ok((signals, hang_ups))
    }
}

/// Reads signals for ever.
async fn read(
    inbox: &Inbox,
    tell: mpsc::Sender<anyhow::Result<EndSignal>>,
    again: impl Fn(EndSignal),
) {
    let first = next(inbox).await;
    let is_last = first.is_err();
    // The receiver exists until the end of the program.
    let _ = tell.send(first).await;
    if is_last {
        return;
    }
    loop {
        match next(inbox).await {
            Ok(told) => again(told),
            Err(error) => return tracing::error!("{error:#}"),
        }
    }
}

/// The next signal that ends the node. The future may be dropped at any time: an unread signal stays pending.
async fn next(inbox: &Inbox) -> anyhow::Result<EndSignal> {
    #[expect(
        deprecated,
        reason = "the safe constructor; the BorrowedFd excludes the closed descriptor that the lint warns about"
    )]
    let ready = AsyncFd::with_interest(inbox.held.descriptor(), Interest::READABLE)?;
    loop {
        let mut guard = ready.readable().await?;
        match inbox.read()? {
            Some(told) => return Ok(told),
            None => guard.clear_ready(),
        }
    }
}

impl Inbox {
    /// The next signal that ends the node; `None` if none waits. The others are passed on.
    fn read(&self) -> anyhow::Result<Option<EndSignal>> {
        while let Some(info) = self
            .held
            .waiting
            .read_signal()
            .context("failed to read a signal")?
        {
            let told = told(&info);
            if told.signal != Signal::SIGHUP.as_str() || self.held.terminal.is_gone() {
                return Ok(Some(told));
            }
            // If the queue is full, the request in it stands for this one.
            let _ = self.hang_ups.try_send(());
        }
        Ok(None)
    }
}

impl Terminal {
    fn of_process() -> Terminal {
        Terminal {
            is_followed: has_terminal() && !ignores_hang_ups(),
        }
    }

    fn is_gone(&self) -> bool {
        self.is_followed && !has_terminal()
    }
}

/// Whether the process has a controlling terminal. The kernel takes it away before the shell of the terminal sends `SIGHUP`.
fn has_terminal() -> bool {
    // A device, so `pq_files` would refuse it.
    let how = OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open("/dev/tty", how, Mode::empty()).is_ok()
}

/// Whether the process was started with `SIGHUP` ignored, as `nohup` does (proc(5), `SigIgn`: bit 0 is signal 1).
fn ignores_hang_ups() -> bool {
    let status = pq_files::read(Path::new("/proc/self/status"), pq_files::TEXT_BYTES_MAX);
    let status = String::from_utf8(status.unwrap_or_default()).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

impl Signals {
    /// The first signal that ends the node. The future may be dropped at any time: an unread signal stays pending.
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
        let inbox = self.reader.join();
        let inbox = inbox.map_err(|_| anyhow::anyhow!("the thread for signals has panicked"))?;
        match self.told.try_recv() {
            Ok(told) => told.map(Some),
            Err(_) => inbox.read(),
        }
    }
}

/// Runs `work` with these signals blocked: threads that `work` starts never receive them.
///
/// # Errors
/// The errors of `work`, and those of the system calls.
pub(crate) fn blocked<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = SigSet::from_iter(HELD).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
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
