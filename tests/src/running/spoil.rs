//! A node with damaged code: a fault that does not come from a library.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{PATIENCE, Running};
use crate::needs;

/// `ud2`, an instruction that is always illegal.
#[cfg(target_arch = "x86_64")]
const ILLEGAL: &[u8] = b"\x0f\x0b";
/// `udf`, an instruction that is always illegal.
#[cfg(target_arch = "aarch64")]
const ILLEGAL: &[u8] = b"\0\0\0\0";

impl Running {
    /// Writes an illegal instruction to the place where this thread continues after its current wait. Returns false
    /// when the system does not let a parent write the memory of its child.
    #[track_caller]
    pub fn spoil(&self, thread: &str) -> bool {
        let spoilt = self.try_spoil(thread);
        if let Err(error) = &spoilt {
            let because = format!("the memory of a child cannot be written: {error}");
            needs::skipped(&needs::test(), &because);
        }
        spoilt.is_ok()
    }

    fn try_spoil(&self, thread: &str) -> io::Result<()> {
        let process = PathBuf::from(format!("/proc/{}", self.process()));
        let mut threads = fs::read_dir(process.join("task"))?.flatten();
        let is_it = |folder: &Path| {
            fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim() == thread)
        };
        let folder = threads.find_map(|entry| Some(entry.path()).filter(|path| is_it(path)));
        let folder = folder.expect("the node has this thread");
        fs::read(folder.join("syscall"))?;
        // While the thread waits, the last word is the address of its next instruction (`proc_pid_syscall(5)`).
        let waits = || {
            let text = fs::read_to_string(folder.join("syscall")).ok()?;
            let (_, next) = text.trim().rsplit_once(" 0x")?;
            u64::from_str_radix(next, 16).ok()
        };
        let next = self.poll(PATIENCE, waits).expect("it waits sometimes");
        let memory = File::options().write(true).open(process.join("mem"))?;
        memory.write_all_at(ILLEGAL, next)
    }
}
