//! The last words of a program that a fault ends: which signal, and in which library, module, callback and process.
//!
//! ```text
//!   fault ─► signal ─► handler, on a stack of its own ─► a line: to a file, and to stderr ─► the signal, as before
//!   exit(3) of a library ─► atexit(3) ─────────────────► the same                         ─► the exit, as before
//! ```
//! Nothing isolates a library from the node (ARCHITECTURE.md): what it does wrong below Rust ends both. Then somebody
//! has to know who did it, and the node that comes next has to say so.
//!
//! | room | what lives there |
//! |---|---|
//! | `running` | what a thread executes at this moment, written around each call into a library |
//! | `libraries` | which addresses are whose |
//! | `stack` | the stack of a handler, and where the stack of a thread ends |
//! | `line` | text without an allocation |
//! | `sentence` | what is said |
//! | `handler` | the signals |
//!
//! In a handler nothing may be done that locks or allocates (`signal-safety(7)`): it reads what was prepared, computes,
//! and calls `write`, `poll`, `prctl`, `raise`, `sigaction` and the clock. Of the crates for this, `crash-handler` wraps
//! `pthread_create` of the whole program, lets any process trace this one, and is made for dumps of memory that a
//! second process writes; `signal-hook-registry` refuses the signals of faults.
//!
//! What does not live here: where the file is and what becomes of it (`server`, `operator::lifetime`). `SIGKILL` and
//! `_exit(2)` leave no words: the next node knows only that there are none.

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
