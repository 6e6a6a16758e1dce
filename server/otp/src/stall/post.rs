//! What a thread is at: written by itself at each callback, in a few stores, and read by others at leisure.
//!
//! No clock is read here; the keeper looks often enough to know how long something lasts. What it reads while the thread
//! goes on may be of two callbacks; it believes only what has been the same at two looks. For the last words of a thread
//! there is another record (`pq_abi::crash`), which says why.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering};

use pq_abi::{Callback, Entry, Module};
use pq_term::Pid;

/// How much of a function's name is kept; the longest of the game has half of it.
const FUNCTION_WORDS: usize = 4;
const FUNCTION_BYTES: usize = FUNCTION_WORDS * size_of::<u64>();

/// Numbers of what else of a module runs than a callback.
const NOTHING: u64 = 0;
const INIT: u64 = 1;
const EXPORT: u64 = 2;
const IMPORT: u64 = 3;
const CODE_CHANGE: u64 = 4;
const DROP: u64 = 5;
const FUNCTION: u64 = 6;
/// And above which number are the callbacks.
const CALLBACKS: u64 = 16;

/// Whose work a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Work {
    /// Nobody's: it waits until there is some.
    #[default]
    None,
    /// The runtime's own.
    Own,
    /// That of a library.
    Library,
}

/// The post of one thread; on cache lines of its own, because the thread writes it often.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Post {
    /// Another number for each thing that the thread begins or ends.
    turn: AtomicU64,
    work: AtomicU8,
    pid: AtomicU64,
    module: AtomicU64,
    entry: AtomicU64,
    function: [AtomicU64; FUNCTION_WORDS],
    /// By which number the system knows the thread; 0 before it has said so.
    thread: AtomicI32,
    /// It gets what time nobody else wants, and is not to take up anything else.
    given_up: AtomicBool,
}

/// What runs on a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Doing {
    module: u64,
    entry: u64,
    function: [u64; FUNCTION_WORDS],
}

impl Post {
    // ---- the thread itself ----

    /// It is the calling thread's from now on.
    pub(crate) fn take(&self) {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        self.thread.store(thread, Ordering::Relaxed);
    }

    /// Something of this process begins; [`Pid`] 0 stands for the world outside the node.
    pub(crate) fn begin(&self, pid: Pid) {
        self.pid.store(pid.as_raw(), Ordering::Relaxed);
        self.module.store(0, Ordering::Relaxed);
        self.entry.store(NOTHING, Ordering::Relaxed);
        self.turn_to(Work::Library);
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        self.turn_to(Work::Own);
    }

    /// The thread turns to something else.
    pub(crate) fn turn_to(&self, work: Work) {
        self.work.store(work as u8, Ordering::Relaxed);
        // Nobody else writes it.
        let turn = self.turn.load(Ordering::Relaxed).wrapping_add(1);
        self.turn.store(turn, Ordering::Release);
    }

    /// This of a module runs now.
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

    /// A function that was called has returned: what called it goes on.
    pub(crate) fn resume(&self, outer: &Doing) {
        self.module.store(outer.module, Ordering::Relaxed);
        self.entry.store(outer.entry, Ordering::Relaxed);
        for (word, value) in self.function.iter().zip(outer.function) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// Whether somebody has lost patience with it.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    // ---- anybody ----

    /// It has taken too long; `true` the first time.
    pub(crate) fn give_up(&self) -> bool {
        !self.given_up.swap(true, Ordering::Relaxed)
    }

    /// Which turn it is at, and whose work that is.
    pub(crate) fn state(&self) -> (u64, Work) {
        let turn = self.turn.load(Ordering::Acquire);
        let work = match self.work.load(Ordering::Relaxed) {
            work if work == Work::Library as u8 => Work::Library,
            work if work == Work::Own as u8 => Work::Own,
            _ => Work::None,
        };
        (turn, work)
    }

    /// Whose process it is.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.pid.load(Ordering::Relaxed))
    }

    /// What runs.
    pub(crate) fn doing(&self) -> Doing {
        Doing {
            module: self.module.load(Ordering::Relaxed),
            entry: self.entry.load(Ordering::Relaxed),
            function: std::array::from_fn(|at| self.function[at].load(Ordering::Relaxed)),
        }
    }

    /// The thread.
    pub(crate) fn thread(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(self.thread.load(Ordering::Relaxed))
    }
}

impl Doing {
    /// The address of the module; 0 where none runs.
    pub(crate) fn module(&self) -> u64 {
        self.module
    }

    /// The function, as its author calls it.
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

/// The beginning of a name.
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
