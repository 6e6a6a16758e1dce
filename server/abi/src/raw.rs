//! The `repr(C)` types that cross the boundary. Nothing here is trusted before it is checked.
//!
//! The two tables of a library may grow at their ends ([`crate::ABI_STAMP`]): a library says how large its own are, and an
//! entry that a table does not have is zero in the copy that the node makes of it ([`copied`]). So an addition is a number, or
//! an `Option` of a function, and zero and `None` mean the behaviour before it. [`HostTable`] and [`Op`] do not grow: a node
//! that does more for a library has another operation, and a number that a node does not know answers 0.
//!
//! A [`Slice`] from the other side is a *claim*: who may believe it, and for how long, stands where it is read.

use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::AtomicU64;

/// Bytes that somebody else owns. Valid only as long as the function says that handed it over.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Slice {
    ptr: *const u8,
    len: usize,
}

// SAFETY: a Slice is an address and a number; believing it is `Slice::bytes`, which is unsafe.
unsafe impl Send for Slice {}
// SAFETY: as above, sharing the two numbers is harmless.
unsafe impl Sync for Slice {}

impl Slice {
    /// No bytes.
    pub const EMPTY: Slice = Slice::of(&[]);

    /// Hands over these bytes.
    pub const fn of(bytes: &[u8]) -> Slice {
        Slice {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    /// Believes the claim.
    ///
    /// # Safety
    /// The bytes must be readable and unchanged for all of `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller promises it; an empty slice made by `of` has a dangling but aligned pointer.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

/// How a call across the boundary ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Status {
    /// Well; the output is the result.
    Ok = 0,
    /// The process wants to end; the output is the reason (a term).
    Stop = 1,
    /// It was refused; the output is the reason (a term). For `init`: `{stop, Reason}`.
    Error = 2,
    /// It panicked; the output is message and place (UTF-8).
    Panic = 3,
    /// `init` returned `ignore`; an event handler wants to be removed.
    Ignore = 4,
    /// No such function, callback or way of conversion; the output says what was asked.
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

/// One operation that a callback asks for; see [`crate::OpCode`].
#[repr(C)]
pub struct Op {
    /// The number of the [`crate::OpCode`].
    pub code: u32,
    /// First operand.
    pub a: u64,
    /// Second operand.
    pub b: u64,
    /// A name operand; valid during the operation.
    pub name: Slice,
    /// The payload; valid during the operation.
    pub data: Slice,
    /// Empty at first; set by the node when bytes answer the operation, and valid until the next one.
    pub result: Slice,
}

/// What the node hands to every callback: its context, and the one function to ask it.
#[repr(C)]
pub struct HostTable {
    /// The node's own pointer; the library only hands it back.
    pub ctx: *mut c_void,
    /// Performs or records one operation. The answer's meaning stands at the [`crate::OpCode`].
    pub op: unsafe extern "C" fn(ctx: *mut c_void, op: *mut Op) -> u64,
    /// Changes whenever any module of the node gets a new current version; never the same number for two
    /// states of two nodes in one operating-system process.
    pub epoch: *const AtomicU64,
}

/// A copy of a library's table, with zeroes in the place of entries that only the node knows.
///
/// # Safety
/// `size` bytes at `table` must be readable, and hold at least all fields of `T` that may not be zero.
pub(crate) unsafe fn copied<T>(table: *const T, size: usize) -> T {
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: both have so many bytes, and the copy is a new one; the caller promises that what is left zero may be.
    unsafe {
        let (from, to) = (table.cast::<u8>(), copy.as_mut_ptr().cast::<u8>());
        std::ptr::copy_nonoverlapping(from, to, size.min(size_of::<T>()));
        copy.assume_init()
    }
}

/// One module of a library. All functions catch panics inside the library and report [`Status::Panic`].
///
/// `state` is what `init`, `import` or `code_change` of this very table returned, and nothing else.
#[repr(C)]
pub struct ModuleTable {
    /// The module's name, UTF-8, static.
    pub(crate) name: Slice,
    /// Its version, UTF-8, static.
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
    /// Makes a state from what `export` of this version wrote.
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
    /// Frees a state.
    pub(crate) drop: unsafe extern "C" fn(state: *mut c_void),
}

impl ModuleTable {
    /// How large each is at least: what they had under this stamp first.
    pub(crate) const LEAST: usize = offset_of!(ModuleTable, drop) + size_of::<usize>();
}

// SAFETY: a table is made of addresses of code and of static bytes of its library, which is never unloaded.
unsafe impl Send for ModuleTable {}
// SAFETY: as above; nothing in it changes.
unsafe impl Sync for ModuleTable {}

/// What a library exports under [`crate::LIBRARY_SYMBOL`].
#[repr(C)]
pub struct LibraryTable {
    /// [`crate::ABI_STAMP`] of the crate it was compiled with.
    pub(crate) abi: u64,
    /// `size_of::<LibraryTable>()` there: what of it is there.
    pub(crate) size: usize,
    /// Its manifest: the same text as in [`crate::MANIFEST_SECTION`].
    pub(crate) manifest: Slice,
    /// Its modules.
    pub(crate) modules: *const &'static ModuleTable,
    /// How many.
    pub(crate) modules_len: usize,
    /// Called once, before any other function: installs the panic recorder and the accounting allocator.
    pub(crate) attach: unsafe extern "C" fn(memory: *const crate::memory::MemoryTable),
    /// `size_of::<ModuleTable>()` there. The first addition: where it is absent, those tables have [`ModuleTable::LEAST`].
    pub(crate) module_size: usize,
}

impl LibraryTable {
    /// How large it is at least: what it had under this stamp first.
    pub const LEAST: usize = offset_of!(LibraryTable, module_size);

    /// A table; the export macro makes it.
    ///
    /// # Safety
    /// The modules must come from [`crate::plugin::module_table`], and `attach` must bear to be called once
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

    /// The stamp and the size it claims: what a loader looks at before it believes anything else.
    ///
    /// # Safety
    /// `table` must point to at least sixteen readable bytes.
    pub unsafe fn claims(table: *const LibraryTable) -> (u64, usize) {
        // SAFETY: the caller promises it; these two fields come first and never move.
        unsafe { ((*table).abi, (*table).size) }
    }

    /// Its manifest: the same text as in [`crate::MANIFEST_SECTION`].
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

    /// A table as it was, and as it is after an addition.
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
        // SAFETY: one function stands there, and what comes behind it in `After` may be zero.
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
        // SAFETY: all of `After` stands there, and `Before` is its beginning.
        let copy = unsafe {
            copied(
                std::ptr::from_ref(&after).cast::<Before>(),
                size_of::<After>(),
            )
        };
        assert_eq!((copy.call)(), 7);
    }
}
