//! The limits of a child: new code that overflows, leaks or loops must not harm the node beside it.
//!
//! | limit | who holds it | what happens |
//! |---|---|---|
//! | memory | the parent, which looks each 20 ms; beside it the kernel, 2 GiB above | the child is killed |
//! | processor time | the kernel (`RLIMIT_CPU`) | the same |
//! | a callback that does not end | the child's watching thread | it names the callback, and ends |
//! | the parent's end | the kernel (`PR_SET_PDEATHSIG`) | the child is killed |
//!
//! The child has a low priority, so a node on the same cores goes first; and it is the first that the kernel ends when the
//! machine has no memory left.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, nice, set_parent_process_death_signal, setrlimit,
};
use serde::{Deserialize, Serialize};

/// The address space above the limit of memory that the kernel permits: the heap reserves space that it does not use.
const RESERVED_BYTES: u64 = 2 << 30;

/// The priority (`nice(2)`): a node beside it gets nine parts of a core that both want, and a rehearsal still comes to its end on a
/// machine that computes.
const NICE: i32 = 10;

/// The bytes of a page in `statm`.
const PAGE: u64 = 4_096;

/// The limits of a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// The resident memory, in bytes.
    pub memory_bytes: u64,
    /// The processor time, in seconds.
    pub cpu_s: u64,
}

impl Limits {
    /// Confines this process, which lives no longer than its parent.
    ///
    /// # Errors
    /// When the kernel refuses a limit, or the parent has ended already.
    pub(crate) fn confine(&self, parent: u32) -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let is_child = |now: Pid| now.as_raw_nonzero().get().cast_unsigned() == parent;
        if !getppid().is_some_and(is_child) {
            return Err(io::Error::other(
                "the process that has started it has ended",
            ));
        }
        nice(NICE)?;
        // Without the right to it, the child is as likely to be ended as its parent.
        let score = Path::new("/proc/self/oom_score_adj");
        let _ = pq_files::open_as(score, OpenOptions::new().write(true))
            .and_then(|mut score| score.write_all(b"1000"));
        let space = Usage::of(std::process::id())?.space_bytes;
        let space = space + self.memory_bytes + RESERVED_BYTES;
        // The second behind the limit of time is for SIGXCPU, which names the reason; SIGKILL would not.
        for (resource, limit, at_most) in [
            (Resource::Core, 0, 0),
            (Resource::Cpu, self.cpu_s, self.cpu_s + 1),
            (Resource::As, space, space),
        ] {
            let limit = Rlimit {
                current: Some(limit),
                maximum: Some(at_most),
            };
            setrlimit(resource, limit)?;
        }
        Ok(())
    }
}

/// The memory of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Usage {
    /// The resident memory, in bytes.
    pub(crate) resident_bytes: u64,
    space_bytes: u64,
}

impl Usage {
    /// The memory of a process as the kernel counts it (`proc_pid_statm(5)`).
    pub(crate) fn of(process: u32) -> io::Result<Usage> {
        let path = format!("/proc/{process}/statm");
        let bytes = pq_files::read(Path::new(&path), 1 << 10).map_err(io::Error::other)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut pages = text.split(' ').map_while(|word| word.parse::<u64>().ok());
        let (Some(space), Some(resident)) = (pages.next(), pages.next()) else {
            return Err(io::Error::other(format!("{path} has no numbers")));
        };
        Ok(Usage {
            resident_bytes: resident * PAGE,
            space_bytes: space * PAGE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_more_address_space() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_bytes > PAGE && usage.space_bytes >= usage.resident_bytes);
    }
}
