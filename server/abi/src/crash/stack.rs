//! The stack of a handler, one for each thread, and where the thread's own stack ends.
//!
//! A stack that has overflowed has no room for a handler. Std gives a thread that it starts eight KiB for its own handler
//! (`sigaltstack(2)`), which only says that the stack has overflowed; a frame of a signal takes half of that on a
//! processor with wide registers. So a thread that is watched has 64 KiB in their place.

use std::cell::{Cell, OnceCell};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;

/// Room for a handler; the page below it is a guard.
const BYTES: usize = 64 << 10;

/// A page of memory on the machines we know; more of a guard does no harm.
const PAGE_BYTES: usize = 4 << 10;

thread_local! {
    /// Where a stack that overflows is met. Without a destructor: a handler reads it at any time.
    static GUARD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    static OWN: OnceCell<Option<Handlers>> = const { OnceCell::new() };
}

/// The stack of the handlers of one thread.
struct Handlers(*mut libc::c_void);

/// Has this thread watched: a fault in it can tell its last words, also when its stack has overflowed. To be called at the
/// beginning of a thread; a second time does nothing, and where the system has no memory it is as it was.
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
        // SAFETY: a new mapping, at an address that nobody uses.
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
        // SAFETY: the first page of the mapping above, which nobody uses; and the rest of it becomes the stack of this
        // thread's handlers until `drop`, which runs on this thread.
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
        // SAFETY: the thread ends, outside of any handler; behind the first call nobody uses the mapping of `install`.
        unsafe {
            libc::sigaltstack(&none, ptr::null_mut());
            libc::munmap(self.0, PAGE_BYTES + BYTES);
        }
    }
}

/// Around the end of this thread's stack: below it in the C library as it is now, above it in an older one
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
