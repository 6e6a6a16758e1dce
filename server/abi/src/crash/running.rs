//! The innermost call of each thread into a library, for a signal handler on the same thread.
//!
//! The node's half of the boundary (`host`) records each call: a record on the stack, and one store of its address.
//! Only the thread itself reads the record.
//!
//! The runtime keeps a second record of the same call (`stall::Post` of `pq-otp`), and neither can replace the other.
//! Another thread reads a `Post` at any moment, so it consists of numbers at a fixed address, with a truncated name,
//! and only watched threads have one. A record of this module may borrow from the stack, exists on every thread, and
//! knows its caller.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::host::Module;
use crate::kind::Entry;

/// One call into a library.
#[derive(Clone, Copy)]
pub(crate) enum Frame<'a> {
    /// A module of the library runs.
    Runs {
        module: Module,
        entry: Entry<'a>,
        /// The process that the module runs for, as a number; `None` outside of any process.
        pid: Option<u64>,
    },
    /// The library is being loaded from this file.
    Loads(&'a str),
}

thread_local! {
    static INNERMOST: Cell<*const Frame<'static>> = const { Cell::new(ptr::null()) };
}

/// Restores the previous frame at the end of the call, also after a panic.
struct Left(*const Frame<'static>);

impl Drop for Left {
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        INNERMOST.set(self.0);
    }
}

/// Makes a call, which this frame describes.
#[inline]
pub(crate) fn within<R>(frame: &Frame<'_>, call: impl FnOnce() -> R) -> R {
    let outer = INNERMOST.replace(ptr::from_ref(frame).cast());
    let _left = Left(outer);
    // The compiler does not see that a signal handler reads the frame: the frame must be complete before the call
    // begins.
    compiler_fence(Ordering::SeqCst);
    call()
}

/// Loads a library from this file, which runs the library's initializers.
pub fn loading<R>(file: &str, load: impl FnOnce() -> R) -> R {
    within(&Frame::Loads(file), load)
}

/// Passes the innermost call of this thread to `show`; `None` when the thread is in no library.
pub(super) fn innermost<R>(show: impl FnOnce(Option<&Frame<'_>>) -> R) -> R {
    let frame = INNERMOST.get();
    // SAFETY: it is null, or the address of a frame that `within` borrows until it puts back the one before; the thread
    // is inside of that call, because it is this thread, interrupted. A `Module` in it reads tables that stay for ever.
    show(unsafe { frame.as_ref() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Option<String> {
        innermost(|frame| match frame? {
            Frame::Loads(file) => Some((*file).to_string()),
            Frame::Runs { .. } => None,
        })
    }

    #[test]
    fn the_innermost_call_is_known_and_the_outer_one_again_behind_it() {
        assert_eq!(file(), None);
        loading("a.so", || {
            assert_eq!(file().as_deref(), Some("a.so"));
            loading("b.so", || assert_eq!(file().as_deref(), Some("b.so")));
            let failed = std::panic::catch_unwind(|| loading("c.so", || panic!("as it should")));
            assert!(failed.is_err());
            assert_eq!(file().as_deref(), Some("a.so"));
            let elsewhere = std::thread::spawn(file).join().unwrap();
            assert_eq!(elsewhere, None);
        });
        assert_eq!(file(), None);
    }
}
