//! What each thread executes at this moment, for the handler of that very thread: the innermost call into a library.
//!
//! Written around each call by the node's half of the boundary (`host`), as a record on the stack and one store to its
//! address. Only the thread itself reads it.
//!
//! The runtime has a record of its own for much the same (`stall::Post` of `pq-otp`), and neither can be the other: that one
//! is read by another thread at any moment, so it is numbers in a place that stays, with a name cut to fit; and only threads
//! have it that somebody watches over. This one may borrow what is on the stack, is there on every thread, and knows by
//! itself what called it.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::host::Module;
use crate::kind::Entry;

/// One call into a library.
#[derive(Clone, Copy)]
pub(crate) enum Frame<'a> {
    /// A module of it runs.
    Runs {
        module: Module,
        entry: Entry<'a>,
        /// The process that it runs for, as a number; none when nobody's.
        pid: Option<u64>,
    },
    /// It is loaded, from this file.
    Loads(&'a str),
}

thread_local! {
    static INNERMOST: Cell<*const Frame<'static>> = const { Cell::new(ptr::null()) };
}

/// Puts back what was there, whichever way the call ends.
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
    // A signal is no call that the compiler knows of: what the handler reads has to be there before the call begins.
    compiler_fence(Ordering::SeqCst);
    call()
}

/// Loads a library from this file, which runs code of it.
pub fn loading<R>(file: &str, load: impl FnOnce() -> R) -> R {
    within(&Frame::Loads(file), load)
}

/// Shows the innermost call of this thread; nothing when it is in no library.
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
