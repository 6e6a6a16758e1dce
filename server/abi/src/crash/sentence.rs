//! The text of the last words: one sentence that begins with the signal.

use std::fmt::{self, Display};
use std::ops::Range;

use pq_term::Pid;

use super::libraries;
use super::line::Shown;
use super::running::Frame;
use crate::host::Module;
use crate::kind::Entry;

/// How many characters of a path are shown: enough for a root, a library's directory and its file.
const PATH_CHARS_MAX: usize = 200;

/// How many characters of a name are shown. Module names are short; an operator may have typed a function's name.
const NAME_CHARS_MAX: usize = 60;

/// Why the process ends.
#[derive(Clone, Copy)]
pub(super) enum Why {
    /// A signal ends the process.
    Signal {
        number: i32,
        reason: Reason,
        /// The address of the instruction; `None` for a signal that was sent, because it arrives at any instruction.
        instruction: Option<usize>,
    },
    /// Code of the program or of a library called `exit(3)`.
    Exit,
}

/// The cause that a signal names.
#[derive(Clone, Copy)]
pub(super) enum Reason {
    /// The stack of the thread is full.
    Overflow,
    /// There is no memory at this address.
    NoMemory(usize),
    /// The address is one that memory cannot have.
    NoAddress,
    /// The memory at this address may not be accessed in this way.
    NotPermitted(usize),
    /// A file that is mapped there has become shorter, or the machine has lost that memory.
    Bus(usize),
    /// An integer division by zero, or a quotient that does not fit.
    Division,
    /// The signal names no further cause.
    Itself,
    /// The process sent the signal itself: `abort(3)` or `raise(3)`.
    Raised,
    /// A process of this user sent the signal.
    Sent { pid: i32, uid: u32 },
    /// The kernel sent the signal.
    System,
}

/// A fault, and the data that its sentence needs.
pub(super) struct Fault<'a> {
    pub(super) why: Why,
    pub(super) frame: Option<&'a Frame<'a>>,
    /// The name of the thread that the fault happened on.
    pub(super) thread: &'a str,
    /// The addresses of the program's own code.
    pub(super) program: &'a Range<usize>,
}

impl Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)?;
        if let Why::Signal {
            reason: Reason::Sent { .. },
            ..
        } = self.why
        {
            // The place where a sent signal arrived tells nothing.
            return Ok(());
        }
        match self.frame {
            Some(frame) => self.in_library(frame, f)?,
            None => self.in_none(f)?,
        }
        write!(f, ", thread {}", Shown(self.thread, NAME_CHARS_MAX))
    }
}

impl Fault<'_> {
    fn in_library(&self, frame: &Frame<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = match *frame {
            Frame::Runs { module, entry, pid } => in_module(module, entry, pid, f)?,
            Frame::Loads(file) => {
                let file = Shown(file, PATH_CHARS_MAX);
                write!(f, " while library {file} is loaded")?;
                None
            }
        };
        let Some(instruction) = self.why.instruction() else {
            return Ok(());
        };
        match (libraries::at(instruction), own) {
            (Some(there), Some(own)) if std::ptr::eq(there, own) => Ok(()),
            (Some(there), _) => write!(f, ", at an instruction of {}", name(&there.name)),
            (None, Some(_)) if self.program.contains(&instruction) => {
                f.write_str(", at an instruction of the node, which it had called")
            }
            _ => Ok(()),
        }
    }

    fn in_none(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why.instruction().and_then(libraries::at) {
            Some(there) => write!(
                f,
                " outside of any callback, in library {}",
                name(&there.name)
            ),
            None => f.write_str(" in no library, in the node itself"),
        }
    }
}

/// Writes the callback or function and its process. Returns the library that contains the module.
fn in_module(
    module: Module,
    entry: Entry<'_>,
    pid: Option<u64>,
    f: &mut fmt::Formatter<'_>,
) -> Result<Option<&'static libraries::Library>, fmt::Error> {
    let (of, vsn) = (name(module.name()), name(module.vsn()));
    let what = match entry {
        Entry::Function(function) => name(function),
        entry => name(word(entry)),
    };
    write!(f, " in {what} of {of} {vsn}")?;
    if let Some(pid) = pid {
        write!(f, ", process {}", Pid::from_raw(pid))?;
    }
    let library = libraries::at(module.address() as usize);
    match library {
        Some(library) => write!(f, ", library {}", Shown(&library.name, PATH_CHARS_MAX))?,
        None => f.write_str(", a library that is part of the node")?,
    }
    Ok(library)
}

fn name(text: &str) -> Shown<'_> {
    Shown(text, NAME_CHARS_MAX)
}

fn word(entry: Entry<'_>) -> &'static str {
    match entry {
        Entry::Init => "init",
        Entry::Callback(callback) => callback.function(),
        Entry::Function(_) => "a function",
        Entry::Export => "the export of a state",
        Entry::Import => "the import of a state",
        Entry::CodeChange => "code_change",
        Entry::Drop => "the release of a state",
    }
}

impl Why {
    fn instruction(self) -> Option<usize> {
        match self {
            Why::Signal { instruction, .. } => instruction,
            Why::Exit => None,
        }
    }
}

impl Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Why::Signal { number, reason, .. } = *self else {
            return f.write_str("exit(3) called");
        };
        match signal(number) {
            Some(signal) => f.write_str(signal)?,
            None => write!(f, "signal {number}")?,
        }
        match reason {
            Reason::Overflow => f.write_str(" (the stack of the thread has overflowed)"),
            Reason::NoMemory(address) => write!(f, " (no memory at {address:#x})"),
            Reason::NoAddress => f.write_str(" (an address that no memory can have)"),
            Reason::NotPermitted(address) => write!(f, " (no such access at {address:#x})"),
            Reason::Bus(address) => write!(f, " (nothing behind the memory at {address:#x})"),
            Reason::Division => f.write_str(" (an integer divided by zero)"),
            Reason::Itself | Reason::Raised => Ok(()),
            Reason::Sent { pid: 0, .. } => f.write_str(" sent from outside"),
            Reason::Sent { pid, uid } => write!(f, " sent by process {pid} of user {uid}"),
            Reason::System => f.write_str(" of the system"),
        }
    }
}

/// The name of a signal that has a handler.
fn signal(number: i32) -> Option<&'static str> {
    Some(match number {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL (an illegal instruction)",
        libc::SIGFPE => "SIGFPE",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGSYS => "SIGSYS",
        libc::SIGABRT => "SIGABRT",
        libc::SIGHUP => "SIGHUP",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGALRM => "SIGALRM",
        libc::SIGVTALRM => "SIGVTALRM",
        libc::SIGPROF => "SIGPROF",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(why: Why, frame: Option<&Frame<'_>>) -> String {
        let fault = Fault {
            why,
            frame,
            thread: "pq-shard-0",
            program: &(0x1000..0x2000),
        };
        fault.to_string()
    }

    fn segv(reason: Reason) -> Why {
        Why::Signal {
            number: libc::SIGSEGV,
            reason,
            instruction: Some(0x1800),
        }
    }

    #[test]
    fn a_fault_in_no_library_says_so() {
        assert_eq!(
            said(segv(Reason::NoMemory(0)), None),
            "SIGSEGV (no memory at 0x0) in no library, in the node itself, thread pq-shard-0"
        );
        assert_eq!(
            said(Why::Exit, None),
            "exit(3) called in no library, in the node itself, thread pq-shard-0"
        );
    }

    #[test]
    fn a_fault_while_a_library_is_loaded_names_its_file() {
        let frame = Frame::Loads("/lib/a\u{1b}.so");
        let illegal = Why::Signal {
            number: libc::SIGILL,
            reason: Reason::Itself,
            instruction: None,
        };
        assert_eq!(
            said(illegal, Some(&frame)),
            "SIGILL (an illegal instruction) while library /lib/a\\u{1b}.so is loaded, thread pq-shard-0"
        );
    }

    #[test]
    fn of_a_signal_that_was_sent_only_its_sender_matters() {
        let sent = Why::Signal {
            number: libc::SIGABRT,
            reason: Reason::Sent { pid: 7, uid: 1_000 },
            instruction: None,
        };
        assert_eq!(said(sent, None), "SIGABRT sent by process 7 of user 1000");
    }
}
