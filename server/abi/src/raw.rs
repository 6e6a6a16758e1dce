//! The `repr(C)` types that cross the boundary. Nothing here is trusted before it is checked.
//!
//! The two tables of a library may grow at their ends ([`crate::ABI_STAMP`]). A library names the size of its own
//! tables, and entries that a table does not have are zero in the node's copy (`copied`). So an addition is a number,
//! or an `Option` of a function, and zero and `None` mean the behaviour before the addition. [`HostTable`] and [`Op`]
//! do not grow: a new service of the node is another operation, and a node answers 0 to a number that it does not know.
//!
//! A [`Slice`] from the other side is a *claim*: the code that reads it says why, and for how long, the claim holds.

use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::AtomicU64;

/// Bytes of another owner. They are valid for the time that the function which handed them over names.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Slice {
    ptr: *const u8,
    len: usize,
}

// SAFETY: a Slice is an address and a number; only `Slice::bytes`, which is unsafe, relies on them.
unsafe impl Send for Slice {}
// SAFETY: as above, sharing the two numbers is harmless.
unsafe impl Sync for Slice {}

impl Slice {
    /// A slice of no bytes.
    pub const EMPTY: Slice = Slice::of(&[]);

    /// Makes a slice of these bytes.
    pub const fn of(bytes: &[u8]) -> Slice {
        Slice {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    /// Reads the bytes, trusting address and length.
    ///
    /// # Safety
    /// The bytes must be readable and unchanged for all of `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller promises it; an empty slice made by `of` has a dangling but aligned pointer.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

/// The outcome of a call across the boundary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Status {
    /// The call succeeded; the output is the result.
    Ok = 0,
    /// The process wants to end; the output is the reason (a term).
    Stop = 1,
    /// The call was refused; the output is the reason (a term). For `init`: `{stop, Reason}`.
    Error = 2,
    /// The call panicked; the output is message and place (UTF-8).
    Panic = 3,
    /// `init` returned `ignore`; an event handler wants to be removed.
    Ignore = 4,
    /// No such function, callback or conversion; the output names it.
    Undefined = 5,
}

impl Status {
    const ALL: [Status; 6] = [
        Status::Ok,
        Status::Stop,
        Status::Error,
        Status::Panic,
        Status::Ignore,
        Status::Undefined,
    ];

    /// The status of this number; `None` for a number that no status has.
    pub fn from_number(number: u32) -> Option<Status> {
        Status::ALL.get(number as usize).copied()
    }
}

/// One operation that a callback asks for; [`crate::OpCode`] gives the meaning of the operands.
#[repr(C)]
pub struct Op {
    /// The number of the [`crate::OpCode`].
    pub code: u32,
    /// The first operand: mostly a pid, an id or a number.
    pub a: u64,
    /// The second operand: mostly a tag or a time.
    pub b: u64,
    /// A name operand; valid during the operation.
    pub name: Slice,
    /// The payload; valid during the operation.
    pub data: Slice,
    /// Empty at first; set by the node when bytes answer the operation, and valid until the next one.
    pub result: Slice,
}

/// The table that the node hands to every callback: its context, and the one function to ask the node.
#[repr(C)]
pub struct HostTable {
    /// The node's own pointer; the library only hands it back.
    pub ctx: *mut c_void,
    /// Performs or records one operation. [`crate::OpCode`] gives the meaning of the answer.
    pub op: unsafe extern "C" fn(ctx: *mut c_void, op: *mut Op) -> u64,
    /// A counter that changes whenever any module of the node gets a new current version; two nodes in one
    /// operating-system process never have equal numbers.
    pub epoch: *const AtomicU64,
}

/// A copy of a library's table, with zeroes for entries that the library does not have.
///
/// # Safety
/// `size` bytes at `table` must be readable, and hold at least all fields of `T` that may not be zero.
pub(crate) unsafe fn copied<T>(table: *const T, size: usize) -> T {
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: both have this many bytes, and the copy is a new one; the caller promises that zero is valid for the
    // rest.
    unsafe {
        let (from, to) = (table.cast::<u8>(), copy.as_mut_ptr().cast::<u8>());
        std::ptr::copy_nonoverlapping(from, to, size.min(size_of::<T>()));
        copy.assume_init()
    }
}

/// One module of a library. All functions catch panics inside the library and report [`Status::Panic`].
///
/// `state` is a result of `init`, `import` or `upgrade` of the same table.
#[repr(C)]
pub struct ModuleTable {
    /// The module's name, UTF-8, static.
    pub(crate) name: Slice,
    /// The module's version, UTF-8, static.
    pub(crate) vsn: Slice,
    /// The local name its process is registered under (empty: none).
    pub(crate) registered: Slice,
    /// The number of its [`crate::Kind`].
    pub(crate) kind: u32,
    /// Makes a state from arguments; writes it to `state`.
    pub(crate) init:
        unsafe extern "C" fn(host: *const HostTable, args: Slice, state: *mut *mut c_void) -> u32,
    /// Runs one callback of a process; see [`crate::Callback`].
    pub(crate) handle: unsafe extern "C" fn(
        state: *mut c_void,
        host: *const HostTable,
        callback: u32,
        a: u64,
        b: u64,
        data: Slice,
    ) -> u32,
    /// Calls an exported function; the result goes to the output. Every module answers `module_info`
    /// (a list of `{Name, Arity}`); supervisors and event managers answer `init`, applications `start`,
    /// `stop` and `config_change`.
    pub(crate) call:
        unsafe extern "C" fn(host: *const HostTable, function: Slice, args: Slice) -> u32,
    /// Writes the state, with field names, to the output.
    pub(crate) export: unsafe extern "C" fn(state: *const c_void, host: *const HostTable) -> u32,
    /// Makes a state from the bytes that `export` of this version wrote.
    pub(crate) import:
        unsafe extern "C" fn(host: *const HostTable, bytes: Slice, state: *mut *mut c_void) -> u32,
    /// Converts exported bytes from (up) or to (down) version `vsn`; bytes to the output.
    pub(crate) code_change: unsafe extern "C" fn(
        host: *const HostTable,
        direction: u32,
        vsn: Slice,
        bytes: Slice,
        extra: Slice,
    ) -> u32,
    /// Frees a state, which is not used again.
    pub(crate) drop: unsafe extern "C" fn(state: *mut c_void),
    /// Converts exported bytes of the older version `vsn`, and writes the new state to `state`: `code_change` and `import`
    /// in one. The first addition; absent in libraries that were built before it.
    pub(crate) upgrade: Option<
        unsafe extern "C" fn(
            host: *const HostTable,
            vsn: Slice,
            bytes: Slice,
            extra: Slice,
            state: *mut *mut c_void,
        ) -> u32,
    >,
}

impl ModuleTable {
    /// The least size of a table: its size when this stamp was introduced.
    pub(crate) const LEAST: usize = offset_of!(ModuleTable, drop) + size_of::<usize>();
}

// SAFETY: a table is made of addresses of code and of static bytes of its library, which is never unloaded.
unsafe impl Send for ModuleTable {}
// SAFETY: as above; nothing in it changes.
unsafe impl Sync for ModuleTable {}

/// The table that a library exports under [`crate::LIBRARY_SYMBOL`].
#[repr(C)]
pub struct LibraryTable {
    /// [`crate::ABI_STAMP`] of the crate it was compiled with.
    pub(crate) abi: u64,
    /// `size_of::<LibraryTable>()` in the library: how many entries its table has.
    pub(crate) size: usize,
    /// The library's manifest: the same text as in [`crate::MANIFEST_SECTION`].
    pub(crate) manifest: Slice,
    /// The first of the library's module tables.
    pub(crate) modules: *const &'static ModuleTable,
    /// The number of module tables.
    pub(crate) modules_len: usize,
    /// Called once, before any other function: installs the panic recorder and the accounting allocator.
    pub(crate) attach: unsafe extern "C" fn(memory: *const crate::memory::MemoryTable),
    /// `size_of::<ModuleTable>()` in the library. The first addition: where it is absent, those tables have
    /// [`ModuleTable::LEAST`].
    pub(crate) module_size: usize,
}

impl LibraryTable {
    /// The least size of a table: its size when this stamp was introduced.
    pub const LEAST: usize = offset_of!(LibraryTable, module_size);

    /// Makes a table; the export macro calls this.
    ///
    /// # Safety
    /// The modules must come from [`crate::plugin::module_table`], and `attach` must permit one call
    /// with a null pointer or a table that is valid for ever.
    pub const unsafe fn new(
        manifest: &'static str,
        modules: &'static [&'static ModuleTable],
        attach: unsafe extern "C" fn(memory: *const crate::memory::MemoryTable),
    ) -> LibraryTable {
        LibraryTable {
            abi: crate::ABI_STAMP,
            size: size_of::<LibraryTable>(),
            manifest: Slice::of(manifest.as_bytes()),
            modules: modules.as_ptr(),
            modules_len: modules.len(),
            attach,
            module_size: size_of::<ModuleTable>(),
        }
    }

    /// The stamp and the size that a table claims: a loader checks both before it reads any other field.
    ///
    /// # Safety
    /// `table` must point to at least sixteen readable bytes.
    pub unsafe fn claims(table: *const LibraryTable) -> (u64, usize) {
        // SAFETY: the caller promises it; these two fields come first and never move.
        unsafe { ((*table).abi, (*table).size) }
    }

    /// The library's manifest: the same text as in [`crate::MANIFEST_SECTION`].
    pub fn manifest(&'static self) -> &'static [u8] {
        // SAFETY: `new` made it from a static text.
        unsafe { self.manifest.bytes() }
    }
}

// SAFETY: addresses of static data and code, never changed.
unsafe impl Send for LibraryTable {}
// SAFETY: as above.
unsafe impl Sync for LibraryTable {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table before an addition, and the same table after it.
    #[repr(C)]
    struct Before {
        call: extern "C" fn() -> u32,
    }

    #[repr(C)]
    struct After {
        call: extern "C" fn() -> u32,
        size: usize,
        more: Option<extern "C" fn() -> u32>,
    }

    extern "C" fn seven() -> u32 {
        7
    }

    #[test]
    fn what_a_table_does_not_have_is_absent() {
        let before = Before { call: seven };
        // SAFETY: one function is there, and the later fields of `After` may be zero.
        let copy = unsafe {
            copied(
                std::ptr::from_ref(&before).cast::<After>(),
                size_of::<Before>(),
            )
        };
        assert_eq!((copy.call)(), 7);
        assert_eq!((copy.size, copy.more.is_none()), (0, true));
    }

    #[test]
    fn what_a_table_has_besides_is_passed_over() {
        let after = After {
            call: seven,
            size: 1,
            more: Some(seven),
        };
        // SAFETY: all of `After` is there, and `Before` is its beginning.
        let copy = unsafe {
            copied(
                std::ptr::from_ref(&after).cast::<Before>(),
                size_of::<After>(),
            )
        };
        assert_eq!((copy.call)(), 7);
    }
}
