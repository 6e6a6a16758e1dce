//! The node's half: [`Module`] and [`State`] make calls into a library's table safe, [`Host`] answers its operations.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use crate::crash::{Frame, within};
use crate::kind::{Callback, Entry, Kind, OldVsn};
use crate::op::OpCode;
use crate::raw::{HostTable, LibraryTable, ModuleTable, Op, Slice, Status, copied};
use crate::reason::Reason;

/// The operations that a callback may ask of the node. Each way of running has its own implementation (see
/// `server/otp`).
pub trait Host: Sized {
    /// Performs or records one operation; `name` and `data` are valid only until the method returns.
    fn op(&mut self, code: OpCode, operands: (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_>;
    /// The node's code epoch: [`HostTable::epoch`].
    fn epoch(&self) -> *const AtomicU64;
    /// The process that the callback runs for, as a number; `None` outside of any process. Only a crash asks for it.
    fn process(&self) -> Option<u64> {
        None
    }
    /// Takes the output that the callback wrote with [`OpCode::Out`], and leaves the output empty.
    fn take_out(&mut self) -> Vec<u8>;
    /// A callback or function of the module is about to run. Watchers over callbacks that do not end override this.
    fn enters(&mut self, _module: Module, _entry: Entry<'_>) {}
}

/// The modules that a node has: the code server, as the runtime sees it.
pub trait Modules: Send + Sync {
    /// The current version of a module.
    fn current(&self, name: &str) -> Option<Module>;
    /// A counter that changes with every change of any current version; see [`HostTable::epoch`].
    fn epoch(&self) -> &AtomicU64;
    /// The module, of any version, with this [`Module::address`]; `None` also where no list of modules is kept.
    fn at(&self, _address: u64) -> Option<Module> {
        None
    }
}

/// The node's answer to an operation.
pub struct Answer<'a> {
    /// A number; its meaning is given at the [`OpCode`].
    pub value: u64,
    /// The bytes of the answer; empty for most operations.
    pub bytes: &'a [u8],
}

impl Answer<'_> {
    /// An answer without bytes.
    pub fn value(value: u64) -> Answer<'static> {
        Answer { value, bytes: &[] }
    }
}

/// The reason why a call into a library gave no result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The callback stops or refuses for this reason.
    Reason(Reason),
    /// The callback panicked: message and place.
    Panic(String),
    /// `init` returned `ignore` (`gen_server(3)`).
    Ignore,
    /// The module has no such function, callback or conversion.
    Undefined(String),
}

impl Failure {
    /// The exit reason of a process that fails like this.
    pub fn into_reason(self) -> Reason {
        match self {
            Failure::Reason(reason) => reason,
            Failure::Panic(text) => Reason::tagged("panic", &text),
            Failure::Ignore => Reason::Normal,
            Failure::Undefined(what) => Reason::tagged("undef", &what),
        }
    }
}

/// The decision of a callback.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The process continues and waits for its next message.
    Wait,
    /// The process ends for this reason.
    Stop(Reason),
    /// The event manager removes this handler (event handlers only).
    Remove,
    /// The callback failed: the process has a bug, or received a message that it does not understand.
    Fail(Failure),
}

/// A module of a library. It is copied freely and lives for ever (libraries are never unloaded).
#[derive(Clone, Copy)]
pub struct Module(&'static Claimed);

/// The checked table of a module.
struct Claimed {
    /// The address of the table in the library's memory.
    address: u64,
    name: &'static str,
    vsn: &'static str,
    registered: &'static str,
    kind: Kind,
    /// The entries of the table; zero for entries that the library's table does not have.
    table: ModuleTable,
}

/// All checked tables by their addresses: a table of a library is one module, however often it is claimed.
static CLAIMED: Mutex<BTreeMap<u64, &'static Claimed>> = Mutex::new(BTreeMap::new());

impl PartialEq for Module {
    fn eq(&self, other: &Module) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}
impl Eq for Module {}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.name(), self.vsn())
    }
}

impl Module {
    /// A module from a table of a library; `None` when its kind is unknown or a text is not UTF-8.
    ///
    /// # Safety
    /// The table must be one that [`crate::plugin::module_table`] of a crate with this very
    /// [`crate::ABI_STAMP`] made, of this size, which is no less than [`ModuleTable::LEAST`], in code that is never
    /// unloaded.
    unsafe fn claim(table: *const ModuleTable, size: usize) -> Option<Module> {
        let address = table as u64;
        let mut all = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claimed) = all.get(&address) {
            return Some(Module(claimed));
        }
        // SAFETY: the caller promises a genuine table of this size, which has all entries that may not be zero.
        let table = unsafe { copied(table, size) };
        let claimed = Box::leak(Box::new(Claimed {
            address,
            name: static_text(table.name)?,
            vsn: static_text(table.vsn)?,
            registered: static_text(table.registered)?,
            kind: Kind::from_number(table.kind)?,
            table,
        }));
        all.insert(address, claimed);
        Some(Module(claimed))
    }

    /// The module's name, as its author wrote it; unique among the modules of a node.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The module's version (`vsn`), as its author wrote it.
    pub fn vsn(self) -> &'static str {
        self.0.vsn
    }

    /// The local name of the module's process; `None` when the process registers no name.
    pub fn registered(self) -> Option<&'static str> {
        Some(self.0.registered).filter(|name| !name.is_empty())
    }

    /// The kind, which tells the runtime how to drive a process of the module.
    pub fn kind(self) -> Kind {
        self.0.kind
    }

    /// The address of the module's table, which [`OpCode::Current`] answers.
    pub fn address(self) -> u64 {
        self.0.address
    }

    /// Makes the state of a new process.
    pub fn init<H: Host>(self, host: &mut H, args: &[u8]) -> Result<State, Failure> {
        let init = self.0.table.init;
        // SAFETY: a genuine table; `made` lives across the call.
        self.make(host, Entry::Init, |table, made| unsafe {
            init(table, Slice::of(args), made)
        })
    }

    /// Makes a state from the bytes that [`State::export`] of this version wrote.
    pub fn import<H: Host>(self, host: &mut H, bytes: &[u8]) -> Result<State, Failure> {
        let import = self.0.table.import;
        // SAFETY: a genuine table; `made` lives across the call.
        self.make(host, Entry::Import, |table, made| unsafe {
            import(table, Slice::of(bytes), made)
        })
    }

    /// Calls an exported function; returns its encoded result.
    pub fn call<H: Host>(
        self,
        host: &mut H,
        function: &str,
        args: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let call = self.0.table.call;
        let (name, args) = (Slice::of(function.as_bytes()), Slice::of(args));
        // SAFETY: a genuine table; the slices outlive the call.
        self.output(host, Entry::Function(function), |table| unsafe {
            call(table, name, args)
        })
    }

    /// Converts an exported state from (up) or to (down) another version; the newer module does both directions.
    pub fn code_change<H: Host>(
        self,
        host: &mut H,
        way: OldVsn<'_>,
        bytes: &[u8],
        extra: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let change = self.0.table.code_change;
        let (vsn, bytes, extra) = (
            Slice::of(way.vsn.as_bytes()),
            Slice::of(bytes),
            Slice::of(extra),
        );
        // SAFETY: a genuine table; the slices outlive the call.
        self.output(host, Entry::CodeChange, |table| unsafe {
            change(table, way.direction as u32, vsn, bytes, extra)
        })
    }

    /// Converts an exported state from version `vsn`, which is older, to a state of this module. A library that was built
    /// before it had an entry for this converts to bytes, and reads them.
    pub fn upgrade<H: Host>(
        self,
        host: &mut H,
        vsn: &str,
        bytes: &[u8],
        extra: &[u8],
    ) -> Result<State, Failure> {
        let Some(upgrade) = self.0.table.upgrade else {
            let direction = crate::Direction::Up;
            let new = self.code_change(host, OldVsn { direction, vsn }, bytes, extra)?;
            return self.import(host, &new);
        };
        let vsn = Slice::of(vsn.as_bytes());
        let (bytes, extra) = (Slice::of(bytes), Slice::of(extra));
        // SAFETY: a genuine table; the slices and `made` live across the call.
        self.make(host, Entry::CodeChange, |table, made| unsafe {
            upgrade(table, vsn, bytes, extra, made)
        })
    }

    fn make<H: Host>(
        self,
        host: &mut H,
        entry: Entry<'_>,
        run: impl FnOnce(&HostTable, *mut *mut c_void) -> u32,
    ) -> Result<State, Failure> {
        let mut made = std::ptr::null_mut();
        let frame = self.enter(host, entry);
        let table = host_table(host);
        let status = within(&frame, || run(&table, &mut made));
        let failure = failure_of(host, status);
        match (failure, NonNull::new(made)) {
            (None, Some(ptr)) => Ok(State { ptr, module: self }),
            (None, None) => Err(Failure::Undefined(format!("{self:?} has no state"))),
            (Some(failure), _) => Err(failure),
        }
    }

    fn output<H: Host>(
        self,
        host: &mut H,
        entry: Entry<'_>,
        run: impl FnOnce(&HostTable) -> u32,
    ) -> Result<Vec<u8>, Failure> {
        let frame = self.enter(host, entry);
        let table = host_table(host);
        let status = within(&frame, || run(&table));
        match failure_of(host, status) {
            None => Ok(host.take_out()),
            Some(failure) => Err(failure),
        }
    }

    /// Tells the host which entry of the module is about to run (for watchers over callbacks), and records it for a
    /// crash.
    #[inline]
    fn enter<'a>(self, host: &mut impl Host, entry: Entry<'a>) -> Frame<'a> {
        host.enters(self, entry);
        Frame::Runs {
            module: self,
            entry,
            pid: host.process(),
        }
    }
}

/// The state of a process between callbacks: opaque, owned, and freed by the library that made it.
pub struct State {
    ptr: NonNull<c_void>,
    module: Module,
}

// SAFETY: `Callbacks::State` is Send, and a State is lent to one thread at a time (`&mut`).
unsafe impl Send for State {}

impl State {
    /// The module, with its version, that made the state.
    pub fn module(&self) -> Module {
        self.module
    }

    /// Runs one callback. The callback's output stays in the host.
    // Part of the shard's turn: out of line, the slices of a message are written and read once more.
    #[inline(always)]
    pub fn handle<H: Host>(
        &mut self,
        host: &mut H,
        callback: Callback,
        (a, b): (u64, u64),
        data: &[u8],
    ) -> Verdict {
        let frame = self.module.enter(host, Entry::Callback(callback));
        let table = host_table(host);
        let handle = self.module.0.table.handle;
        // SAFETY: a genuine table, a state that it made, lent by `&mut self`; the slices outlive the call.
        let status = within(&frame, || unsafe {
            handle(
                self.ptr.as_ptr(),
                &table,
                callback as u32,
                a,
                b,
                Slice::of(data),
            )
        });
        if status == Status::Ok as u32 {
            return Verdict::Wait;
        }
        match (Status::from_number(status), failure_of(host, status)) {
            (Some(Status::Stop), Some(Failure::Reason(reason))) => Verdict::Stop(reason),
            (Some(Status::Ignore), _) => Verdict::Remove,
            (_, failure) => Verdict::Fail(failure.unwrap_or(Failure::Ignore)),
        }
    }

    /// Exports the fields of the state by name, as MessagePack.
    pub fn export<H: Host>(&self, host: &mut H) -> Result<Vec<u8>, Failure> {
        let export = self.module.0.table.export;
        let ptr = self.ptr.as_ptr().cast_const();
        // SAFETY: a genuine table and a state that it made, not written meanwhile.
        self.module
            .output(host, Entry::Export, |table| unsafe { export(ptr, table) })
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let frame = Frame::Runs {
            module: self.module,
            entry: Entry::Drop,
            pid: None,
        };
        // SAFETY: the state was made by this table and is not used any more.
        within(&frame, || unsafe {
            (self.module.0.table.drop)(self.ptr.as_ptr());
        });
    }
}

/// The modules of a library table, or the reason why the table is refused.
///
/// # Safety
/// `table` must point to a [`LibraryTable`] that a library made with the export macro, in code that is never unloaded.
pub unsafe fn claim_library(table: *const LibraryTable) -> Result<Vec<Module>, String> {
    // SAFETY: the caller promises a table.
    let (abi, size) = unsafe { LibraryTable::claims(table) };
    if abi != crate::ABI_STAMP {
        let own = crate::ABI_STAMP;
        return Err(format!("it has ABI stamp {abi:#x}, this node has {own:#x}"));
    }
    let is_whole = |size: usize, least: usize, what: &str| match size >= least {
        true => Ok(()),
        false => Err(format!(
            "{what} has {size} bytes, and {least} are the least"
        )),
    };
    is_whole(size, LibraryTable::LEAST, "it")?;
    // SAFETY: the stamp and the size tell that the table has all entries that may not be zero.
    let library = unsafe { copied(table, size) };
    let module_size = match library.module_size {
        0 => ModuleTable::LEAST,
        size => size,
    };
    is_whole(module_size, ModuleTable::LEAST, "the table of a module")?;
    let modules = library.modules.cast::<*const ModuleTable>();
    // SAFETY: a genuine table names the address and the length of the list. The tables have the size that the list
    // names, which may be less than the size of this node's own type.
    let modules = unsafe { std::slice::from_raw_parts(modules, library.modules_len) };
    let claim = |module: &*const ModuleTable| {
        // SAFETY: the caller's promise covers the tables that the library table lists.
        unsafe { Module::claim(*module, module_size) }
            .ok_or_else(|| "a module of unknown kind or with a bad name".to_string())
    };
    modules.iter().map(claim).collect()
}

/// Gives a library the table that counts its memory, and installs its panic recorder.
///
/// # Safety
/// As [`claim_library`], and `memory` is null or valid for ever.
pub unsafe fn attach_library(
    table: *const LibraryTable,
    memory: *const crate::memory::MemoryTable,
) {
    // SAFETY: the caller promises it.
    unsafe { ((*table).attach)(memory) }
}

/// The modules of a library that is linked into this program.
pub fn linked_library(table: &'static LibraryTable) -> Result<Vec<Module>, String> {
    // SAFETY: a `&'static LibraryTable` of this program was compiled by the macro with this very crate, and
    // a program is never unloaded from itself; a null memory table is allowed.
    unsafe {
        attach_library(table, std::ptr::null());
        claim_library(table)
    }
}

fn host_table<H: Host>(host: &mut H) -> HostTable {
    HostTable {
        epoch: host.epoch(),
        ctx: std::ptr::from_mut(host).cast(),
        op: operate::<H>,
    }
}

/// The node's end of [`HostTable::op`], which a library calls.
///
/// # Safety
/// `ctx` and `op` must be those of the callback that is running: [`HostTable`] promises it to the library,
/// the library's `HostRef` keeps it.
unsafe extern "C" fn operate<H: Host>(ctx: *mut c_void, op: *mut Op) -> u64 {
    // SAFETY: `ctx` is the `&mut H` of `host_table`, not used by the node while the callback runs, and the
    // library hands it back from inside that callback only; `op` lives in the library's frame.
    let (host, op) = unsafe { (&mut *ctx.cast::<H>(), &mut *op) };
    let Some(code) = OpCode::from_number(op.code) else {
        return 0;
    };
    // SAFETY: the library keeps both readable during the operation.
    let (name, data) = unsafe { (op.name.bytes(), op.data.bytes()) };
    let answer = host.op(code, (op.a, op.b), name, data);
    // Most operations answer only a number. `HostRef::raw` has put an empty slice here.
    if !answer.bytes.is_empty() {
        op.result = Slice::of(answer.bytes);
    }
    answer.value
}

/// The failure that status and output describe; `None` when the call succeeded.
fn failure_of<H: Host>(host: &mut H, status: u32) -> Option<Failure> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match Status::from_number(status) {
        Some(Status::Ok) => None,
        Some(Status::Stop | Status::Error) => {
            Some(Failure::Reason(Reason::from_bytes(&host.take_out())))
        }
        Some(Status::Panic) => Some(Failure::Panic(text(host.take_out()))),
        Some(Status::Ignore) => Some(Failure::Ignore),
        Some(Status::Undefined) => Some(Failure::Undefined(text(host.take_out()))),
        None => Some(Failure::Undefined(format!("status {status}"))),
    }
}

/// A text of a genuine table; `None` when it is not UTF-8.
fn static_text(slice: Slice) -> Option<&'static str> {
    // SAFETY: texts of a genuine table are static.
    std::str::from_utf8(unsafe { slice.bytes() }).ok()
}
