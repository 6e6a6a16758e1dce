//! The signals that end a node: they wait in the kernel until they are read, and outlive a restart.
//!
//! ```text
//!   kill ─► pending, blocked in every thread ─► signalfd ─► `next`: the node ends in order
//!                 └── execve(2) keeps what is pending and what is blocked ─► the next program's signalfd
//! ```
//! A handler would lose what comes between its end and the next program's beginning: there the signal has its default
//! action, which ends the process where it stands. Blocked, it waits (`signal(7)`, "execve").

use std::fmt;
use std::io;
use std::os::fd::AsFd;

use anyhow::Context;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Ctrl-C, and the word of a service manager.
const ENDING: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];

/// The signals of this process.
pub(crate) struct Signals {
    waiting: SignalFd,
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

impl Signals {
    /// From now on they wait. To be called before the process has further threads: those inherit what is blocked.
    ///
    /// # Errors
    /// When the system has no descriptor.
    pub(crate) fn hold() -> anyhow::Result<Signals> {
        let ending = SigSet::from_iter(ENDING);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let held = ending.thread_block();
        let waiting = held.and_then(|()| SignalFd::with_flags(&ending, flags));
        let waiting = waiting.context("failed to listen for signals")?;
        Ok(Signals { waiting })
    }

    /// The next one. May be dropped at any time: one that was not answered still waits.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) async fn next(&self) -> anyhow::Result<Told> {
        #[expect(
            deprecated,
            reason = "its way in without unsafe; what it warns of, a descriptor closed meanwhile, a BorrowedFd excludes"
        )]
        let ready = AsyncFd::with_interest(self.waiting.as_fd(), Interest::READABLE)?;
        loop {
            let mut guard = ready.readable().await?;
            match self.waiting()? {
                Some(told) => return Ok(told),
                None => guard.clear_ready(),
            }
        }
    }

    /// One that has come already.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn waiting(&self) -> anyhow::Result<Option<Told>> {
        let read = self.waiting.read_signal();
        Ok(read
            .context("failed to read a signal")?
            .map(|info| told(&info)))
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
