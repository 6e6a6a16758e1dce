//! Accounting of memory by library: each library allocates through a table of the node, which counts its bytes.
//!
//! Both halves are here: [`MemoryTable`] for the node, [`LibraryAllocator`] for the library.
//! The bytes themselves come from the C library's heap, which both sides share: a block that a library
//! allocated before it was attached may therefore be freed through the table, and the other way round.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicUsize, Ordering};

/// How many counters a library has. All but the last belong to one thread each, for ever, so counting needs no locked
/// instruction: at 60 blocks for the start of an avatar, locked instructions took a twentieth of the start. Shards come
/// first; on a machine with more cores than counters, the remaining threads share the last counter.
const STRIPES: usize = 64;

/// One counter, alone on its cache line.
#[repr(C, align(64))]
struct Stripe(AtomicI64);

/// The functions by which a library allocates and frees memory, and the counters of its bytes.
#[repr(C)]
pub struct MemoryTable {
    alloc: unsafe extern "C" fn(table: *const MemoryTable, size: usize, align: usize) -> *mut u8,
    dealloc:
        unsafe extern "C" fn(table: *const MemoryTable, ptr: *mut u8, size: usize, align: usize),
    realloc: unsafe extern "C" fn(*const MemoryTable, *mut u8, usize, usize, usize) -> *mut u8,
    stripes: [Stripe; STRIPES],
}

impl MemoryTable {
    /// A table for one library. It is leaked, because libraries are never unloaded.
    pub fn leak() -> &'static MemoryTable {
        Box::leak(Box::new(MemoryTable {
            alloc: host_alloc,
            dealloc: host_dealloc,
            realloc: host_realloc,
            stripes: [const { Stripe(AtomicI64::new(0)) }; STRIPES],
        }))
    }

    /// The number of bytes that the library holds now.
    pub fn allocated(&self) -> u64 {
        let sum: i64 = self
            .stripes
            .iter()
            .map(|stripe| stripe.0.load(Ordering::Relaxed))
            .sum();
        sum.max(0) as u64
    }

    fn count(&self, bytes: i64) {
        let stripe = stripe_of_this_thread();
        let counter = &self.stripes[stripe].0;
        match stripe == STRIPES - 1 {
            true => drop(counter.fetch_add(bytes, Ordering::Relaxed)),
            false => counter.store(counter.load(Ordering::Relaxed) + bytes, Ordering::Relaxed),
        }
    }
}

/// The counter of this thread: each thread takes the next one, and threads beyond the last counter share it.
fn stripe_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! { static MINE: Cell<usize> = const { Cell::new(usize::MAX) } }
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed).min(STRIPES - 1));
        }
        mine.get()
    })
}

/// # Safety
/// As `GlobalAlloc::alloc`, with the table that the library was attached with.
unsafe extern "C" fn host_alloc(table: *const MemoryTable, size: usize, align: usize) -> *mut u8 {
    // SAFETY: the library hands back the table it was given, which is leaked; size and align were a Layout
    // there and so are a valid one here.
    unsafe {
        (*table).count(size as i64);
        System.alloc(Layout::from_size_align_unchecked(size, align))
    }
}

/// # Safety
/// As `GlobalAlloc::dealloc`, with the table that the library was attached with.
unsafe extern "C" fn host_dealloc(
    table: *const MemoryTable,
    ptr: *mut u8,
    size: usize,
    align: usize,
) {
    // SAFETY: as in `host_alloc`; GlobalAlloc's contract promises that ptr came from there with this layout.
    unsafe {
        (*table).count(-(size as i64));
        System.dealloc(ptr, Layout::from_size_align_unchecked(size, align));
    }
}

/// # Safety
/// As `GlobalAlloc::realloc`, with the table that the library was attached with.
unsafe extern "C" fn host_realloc(
    table: *const MemoryTable,
    ptr: *mut u8,
    size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    // SAFETY: as in `host_dealloc`.
    unsafe {
        (*table).count(new_size as i64 - size as i64);
        System.realloc(
            ptr,
            Layout::from_size_align_unchecked(size, align),
            new_size,
        )
    }
}

/// The allocator of a library; its export macro makes it the global one. Until the node attaches the
/// library it uses the same heap without counting.
pub struct LibraryAllocator {
    table: AtomicPtr<MemoryTable>,
}

impl LibraryAllocator {
    /// An allocator that is not attached to a node yet.
    #[allow(clippy::new_without_default, reason = "a Default could not be const")]
    pub const fn new() -> LibraryAllocator {
        LibraryAllocator {
            table: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Makes all further allocations count in the node's table.
    ///
    /// # Safety
    /// `table` must be valid for ever.
    pub unsafe fn attach(&self, table: *const MemoryTable) {
        self.table.store(table.cast_mut(), Ordering::Release);
    }

    fn table(&self) -> *const MemoryTable {
        self.table.load(Ordering::Acquire)
    }
}

// SAFETY: every block comes from the C heap through `System`, on either path, with the layout given; the
// table, once set, is valid for ever (`attach`).
unsafe impl GlobalAlloc for LibraryAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let table = self.table();
        // SAFETY: the caller keeps GlobalAlloc's contract; the table is null or valid.
        unsafe {
            match table.is_null() {
                true => System.alloc(layout),
                false => ((*table).alloc)(table, layout.size(), layout.align()),
            }
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let table = self.table();
        // SAFETY: as in `alloc`.
        unsafe {
            match table.is_null() {
                true => System.dealloc(ptr, layout),
                false => ((*table).dealloc)(table, ptr, layout.size(), layout.align()),
            }
        }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let table = self.table();
        // SAFETY: as in `alloc`.
        unsafe {
            match table.is_null() {
                true => System.realloc(ptr, layout, new_size),
                false => ((*table).realloc)(table, ptr, layout.size(), layout.align(), new_size),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_than_counters_lose_no_byte() {
        let table = MemoryTable::leak();
        let count = || {
            for _ in 0..1_000 {
                table.count(3);
                table.count(-1);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..STRIPES + 8 {
                scope.spawn(count);
            }
        });
        assert_eq!(table.allocated(), (STRIPES as u64 + 8) * 2_000);
    }

    #[test]
    fn a_library_is_charged_for_what_it_holds_and_credited_for_what_it_frees() {
        let table = MemoryTable::leak();
        let allocator = LibraryAllocator::new();
        let layout = Layout::from_size_align(1000, 8).unwrap();
        // SAFETY: the table is leaked; blocks are freed with the layout they were allocated with.
        unsafe {
            let before = allocator.alloc(layout);
            allocator.attach(table);
            let block = allocator.alloc(layout);
            assert_eq!(table.allocated(), 1000);
            let block = allocator.realloc(block, layout, 4000);
            assert_eq!(table.allocated(), 4000);
            allocator.dealloc(block, Layout::from_size_align(4000, 8).unwrap());
            assert_eq!(table.allocated(), 0);
            allocator.dealloc(before, layout);
        }
    }
}
