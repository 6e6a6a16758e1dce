//! The last words of a program that a fault ends: the signal, and the library, module, callback and process that ran.
//!
//! ```text
//!   fault ─► signal ─► handler, on a stack of its own ─► a line: to a file, and to stderr ─► the signal, as before
//!   exit(3) of a library ─► atexit(3) ─────────────────► the same                         ─► the exit, as before
//! ```
//! Nothing isolates a library from the node (ARCHITECTURE.md): a fault below Rust ends both. The last words tell the
//! operator which library was at fault, and the next node of the same directory repeats them.
//!
//! | module | content |
//! |---|---|
//! | `running` | the activity of each thread, recorded around each call into a library |
//! | `libraries` | the address range of each library |
//! | `stack` | the stack of a handler, and the end of a thread's own stack |
//! | `line` | text without an allocation |
//! | `sentence` | the text of the last words |
//! | `handler` | the signal handlers and the exit handler |
//!
//! A signal handler must neither lock nor allocate (`signal-safety(7)`). These handlers read prepared data, compute,
//! and call `write`, `poll`, `prctl`, `raise`, `sigaction` and the clock. Of the crates for this, `crash-handler` wraps
//! `pthread_create` of the whole program, lets any process trace this one, and is made for dumps of memory that a
//! second process writes; `signal-hook-registry` refuses the signals of faults.
//!
//! Elsewhere: the place and the use of the file (`server`, `operator::lifetime`). `SIGKILL` and
//! `_exit(2)` leave no last words: the next node knows only that there are none.

mod handler;
mod libraries;
mod line;
mod running;
mod sentence;
mod stack;

pub use handler::{LastWords, arm, disarm, has_spoken};
pub use libraries::note_library;
pub use running::loading;
pub(crate) use running::{Frame, within};
pub use stack::watch_thread;
