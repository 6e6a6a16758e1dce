//! The alternate signal stack of each thread, and the address where the thread's own stack ends.
//!
//! A thread whose stack has overflowed needs another stack for a handler. Std gives each of its threads 8 KiB
//! (`sigaltstack(2)`), enough for a message that the stack has overflowed; the frame of a signal takes half of that on
//! a processor with wide registers. So each watched thread has 64 KiB instead.

use std::cell::{Cell, OnceCell};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;

/// Room for a handler; the page below it is a guard.
const BYTES: usize = 64 << 10;

/// The size of a page on the supported machines; a larger guard does no harm.
const PAGE_BYTES: usize = 4 << 10;

thread_local! {
    /// The addresses where an overflow of this stack faults. Without a destructor: a handler reads it at any time.
    static GUARD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    static OWN: OnceCell<Option<Handlers>> = const { OnceCell::new() };
}

/// The signal stack of one thread.
struct Handlers(*mut libc::c_void);

/// Gives this thread a signal stack, so that a fault can write its last words even when the thread's stack has
/// overflowed. To be called at the beginning of a thread. A second call does nothing; without memory the thread stays
/// as it is.
pub fn watch_thread() {
    OWN.with(|own| {
        own.get_or_init(|| {
            GUARD.set(guard().map_or((0, 0), |range| (range.start, range.end)));
            Handlers::install()
        });
    });
}

/// Whether a fault at this address is an overflow of this thread's stack.
pub(super) fn overflows_at(address: usize) -> bool {
    let (start, end) = GUARD.get();
    (start..end).contains(&address)
}

impl Handlers {
    fn install() -> Option<Handlers> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, at an address that is not in use.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), PAGE_BYTES + BYTES, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let handlers = Handlers(start);
        let stack = libc::stack_t {
            ss_sp: start.wrapping_byte_add(PAGE_BYTES),
            ss_flags: 0,
            ss_size: BYTES,
        };
        // SAFETY: the first page of the mapping above, which is not in use; and the rest of it becomes the stack of
        // this thread's handlers until `drop`, which runs on this thread.
        let done = unsafe {
            libc::mprotect(start, PAGE_BYTES, libc::PROT_NONE)
                | libc::sigaltstack(&stack, ptr::null_mut())
        };
        (done == 0).then_some(handlers)
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        let none = libc::stack_t {
            ss_sp: ptr::null_mut(),
            ss_flags: libc::SS_DISABLE,
            ss_size: 0,
        };
        // SAFETY: the thread ends, outside of any handler; after the first call nothing uses the mapping of `install`.
        unsafe {
            libc::sigaltstack(&none, ptr::null_mut());
            libc::munmap(self.0, PAGE_BYTES + BYTES);
        }
    }
}

/// The guard pages at the end of this thread's stack: below that end in the C library of today, above it in older ones
/// (`pthread_attr_getguardsize(3)`, "BUGS").
fn guard() -> Option<Range<usize>> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut start, mut size, mut guard) = (ptr::null_mut(), 0, 0);
    // SAFETY: the attributes are written by the first call before the others read them, and given back by the last; the
    // places that are written to are of this function.
    let done = unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let attributes = attributes.as_mut_ptr();
        libc::pthread_attr_getstack(attributes, &mut start, &mut size)
            | libc::pthread_attr_getguardsize(attributes, &mut guard)
            | libc::pthread_attr_destroy(attributes)
    };
    let (start, guard) = (start as usize, guard.max(PAGE_BYTES));
    (done == 0).then(|| start.saturating_sub(guard)..start + guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_the_own_stack_is_an_overflow() {
        watch_thread();
        let here = ptr::from_ref(&0_u8) as usize;
        let (start, end) = GUARD.get();
        assert!(end - start >= 2 * PAGE_BYTES, "{start:x}..{end:x}");
        assert!(overflows_at(start) && overflows_at(end - 1));
        assert!(!overflows_at(here) && !overflows_at(0) && !overflows_at(end));
        let other = std::thread::spawn(move || overflows_at(start)).join();
        assert!(!other.unwrap(), "a thread that is not watched has no end");
    }
}
