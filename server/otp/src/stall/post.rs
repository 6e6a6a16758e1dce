//! The activity of a thread: the thread writes it at each callback, in a few stores, and other threads read it.
//!
//! This module reads no clock; the keeper reads often enough to know how long an activity lasts. While the thread
//! continues, a reading may mix two callbacks; so the keeper trusts only data that are the same in two readings. The
//! last words of a thread need a separate record (`pq_abi::crash`), which explains the reason.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering};

use pq_abi::{Callback, Entry, Module};
use pq_term::Pid;

/// How many words of 8 bytes of a function's name are kept; the longest name of the game takes half of them.
const FUNCTION_WORDS: usize = 4;
const FUNCTION_BYTES: usize = FUNCTION_WORDS * size_of::<u64>();

/// Numbers for the entries of a module other than callbacks.
const NOTHING: u64 = 0;
const INIT: u64 = 1;
const EXPORT: u64 = 2;
const IMPORT: u64 = 3;
const CODE_CHANGE: u64 = 4;
const DROP: u64 = 5;
const FUNCTION: u64 = 6;
/// The number above which entries are callbacks.
const CALLBACKS: u64 = 16;

/// The kind of work that a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Work {
    /// The thread waits for work.
    #[default]
    None,
    /// The thread does the runtime's own work.
    Own,
    /// The thread runs code of a library.
    Library,
}

/// The post of one thread; on cache lines of its own, because the thread writes it often.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Post {
    /// A counter that changes whenever the thread begins or ends an activity.
    turn: AtomicU64,
    work: AtomicU8,
    pid: AtomicU64,
    module: AtomicU64,
    entry: AtomicU64,
    function: [AtomicU64; FUNCTION_WORDS],
    /// The system's number of the thread; 0 until the thread has stored it.
    thread: AtomicI32,
    /// The thread has the lowest priority, and must not begin anything else.
    given_up: AtomicBool,
}

/// The module and function that run on a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Doing {
    module: u64,
    entry: u64,
    function: [u64; FUNCTION_WORDS],
}

impl Post {
    // ---- for the thread itself ----

    /// Makes this the post of the calling thread.
    pub(crate) fn take(&self) {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        self.thread.store(thread, Ordering::Relaxed);
    }

    /// Begins the work of this process; [`Pid`] 0 stands for the world outside of the node.
    pub(crate) fn begin(&self, pid: Pid) {
        self.pid.store(pid.as_raw(), Ordering::Relaxed);
        self.module.store(0, Ordering::Relaxed);
        self.entry.store(NOTHING, Ordering::Relaxed);
        self.turn_to(Work::Library);
    }

    /// Ends the work of the process.
    pub(crate) fn end(&self) {
        self.turn_to(Work::Own);
    }

    /// Records that the thread begins another kind of work.
    pub(crate) fn turn_to(&self, work: Work) {
        self.work.store(work as u8, Ordering::Relaxed);
        // Only this thread writes the counter.
        let turn = self.turn.load(Ordering::Relaxed).wrapping_add(1);
        self.turn.store(turn, Ordering::Release);
    }

    /// Records that this entry of a module runs now.
    pub(crate) fn enter(&self, module: Module, entry: Entry<'_>) {
        self.module.store(module.address(), Ordering::Relaxed);
        let number = match entry {
            Entry::Callback(callback) => CALLBACKS + callback as u64,
            Entry::Init => INIT,
            Entry::Export => EXPORT,
            Entry::Import => IMPORT,
            Entry::CodeChange => CODE_CHANGE,
            Entry::Drop => DROP,
            Entry::Function(name) => {
                for (word, value) in self.function.iter().zip(packed(name)) {
                    word.store(value, Ordering::Relaxed);
                }
                FUNCTION
            }
        };
        self.entry.store(number, Ordering::Relaxed);
    }

    /// Records that a called function has returned, and its caller continues.
    pub(crate) fn resume(&self, outer: &Doing) {
        self.module.store(outer.module, Ordering::Relaxed);
        self.entry.store(outer.entry, Ordering::Relaxed);
        for (word, value) in self.function.iter().zip(outer.function) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// Whether the keeper has given the thread up.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    // ---- for other threads ----

    /// Gives the thread up; `true` the first time.
    pub(crate) fn give_up(&self) -> bool {
        !self.given_up.swap(true, Ordering::Relaxed)
    }

    /// The counter of activities, and the kind of work.
    pub(crate) fn state(&self) -> (u64, Work) {
        let turn = self.turn.load(Ordering::Acquire);
        let work = match self.work.load(Ordering::Relaxed) {
            work if work == Work::Library as u8 => Work::Library,
            work if work == Work::Own as u8 => Work::Own,
            _ => Work::None,
        };
        (turn, work)
    }

    /// The process that the thread works for.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.pid.load(Ordering::Relaxed))
    }

    /// The module and function that run.
    pub(crate) fn doing(&self) -> Doing {
        Doing {
            module: self.module.load(Ordering::Relaxed),
            entry: self.entry.load(Ordering::Relaxed),
            function: std::array::from_fn(|at| self.function[at].load(Ordering::Relaxed)),
        }
    }

    /// The thread's number in the system; `None` before the thread has stored it.
    pub(crate) fn thread(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(self.thread.load(Ordering::Relaxed))
    }
}

impl Doing {
    /// The address of the running module; 0 when none runs.
    pub(crate) fn module(&self) -> u64 {
        self.module
    }

    /// The running function, by its author's name for it.
    pub(crate) fn function(&self) -> String {
        let callback = |number: u64| Callback::from_number(u32::try_from(number).ok()?);
        match self.entry {
            NOTHING => String::new(),
            INIT => "init".to_string(),
            EXPORT => "export".to_string(),
            IMPORT => "import".to_string(),
            CODE_CHANGE => "code_change".to_string(),
            DROP => "drop".to_string(),
            FUNCTION => unpacked(self.function),
            other => callback(other.saturating_sub(CALLBACKS))
                .map_or("", Callback::function)
                .to_string(),
        }
    }
}

/// The beginning of a name, as words.
fn packed(name: &str) -> [u64; FUNCTION_WORDS] {
    let mut bytes = [0; FUNCTION_BYTES];
    let kept = name.len().min(FUNCTION_BYTES);
    bytes[..kept].copy_from_slice(&name.as_bytes()[..kept]);
    let mut words = [0; FUNCTION_WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(size_of::<u64>())) {
        *word = u64::from_le_bytes(bytes.try_into().expect("chunks are exact"));
    }
    words
}

fn unpacked(words: [u64; FUNCTION_WORDS]) -> String {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let end = bytes.iter().position(|byte| *byte == 0);
    let cut = if end.is_none() { "…" } else { "" };
    let text = String::from_utf8_lossy(&bytes[..end.unwrap_or(FUNCTION_BYTES)]);
    format!("{text}{cut}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_says_whose_work_it_is_and_each_thing_has_a_turn_of_its_own() {
        let post = Post::default();
        assert_eq!(post.state(), (0, Work::None));
        let pid = Pid::new(1, 7, 1);
        post.begin(pid);
        assert_eq!((post.state(), post.pid()), ((1, Work::Library), pid));
        post.end();
        assert_eq!(post.state(), (2, Work::Own));
        post.turn_to(Work::None);
        assert_eq!(post.state(), (3, Work::None));
    }

    #[test]
    fn a_function_is_known_by_the_beginning_of_its_name() {
        for (name, kept) in [
            ("", ""),
            ("price", "price"),
            (&"x".repeat(31), &"x".repeat(31)),
            (&"x".repeat(40), &format!("{}…", "x".repeat(32))),
        ] {
            assert_eq!(unpacked(packed(name)), kept);
        }
    }
}
