//! The library's half: safe [`Callbacks`] become a [`ModuleTable`] of shims, which catch all panics.
//!
//! A panic must be caught *inside* the library: a library has a std of its own, and to the node's
//! `catch_unwind` its panics are foreign exceptions that abort the process.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::kind::{Callback, Direction, Kind};
use crate::op::OpCode;
use crate::raw::{HostTable, ModuleTable, Op, Slice, Status};
use crate::text;

mod panic_place;
pub use panic_place::install as install_panic_recorder;

/// The result of a call that fails; it becomes a [`Status`] with output.
#[derive(Debug)]
pub enum Refusal {
    /// The reason, as an encoded term.
    Reason(Vec<u8>),
    /// Stop the process in order, for this reason.
    Stop(Vec<u8>),
    /// `ignore` of `init`, or the request to remove this event handler.
    Ignore,
    /// The module has no such function, callback or conversion.
    Undefined(String),
}

/// One module as the shims see it. The SDK implements it from an author's traits; authors do not.
pub trait Callbacks: 'static {
    /// The state of a process of this module between callbacks.
    type State: Send + 'static;
    /// The module's name; unique among the modules of a node.
    const NAME: &'static str;
    /// The module's version (`vsn`), shown in listings and used by appups.
    const VSN: &'static str;
    /// How the runtime drives it.
    const KIND: Kind;
    /// The local name of its process; empty for none.
    const REGISTERED: &'static str;

    /// Makes the state of a new process.
    fn init(host: &mut HostRef, args: &[u8]) -> Result<Self::State, Refusal>;
    /// Runs one callback of a process, which may change the state.
    fn handle(
        state: &mut Self::State,
        host: &mut HostRef,
        callback: Callback,
        call: CallbackData<'_>,
    ) -> Result<(), Refusal>;
    /// Calls an exported function.
    fn call(host: &mut HostRef, function: &str, args: &[u8]) -> Result<(), Refusal>;
    /// Writes the state with its field names.
    fn export(state: &Self::State) -> Result<Vec<u8>, Refusal>;
    /// Reads the bytes that `export` wrote.
    fn import(bytes: &[u8]) -> Result<Self::State, Refusal>;
    /// Converts an exported state from or to another version.
    fn code_change(
        host: &mut HostRef,
        direction: Direction,
        vsn: &str,
        bytes: &[u8],
        extra: &[u8],
    ) -> Result<Vec<u8>, Refusal>;
    /// Converts the exported state of an older version to a state of this version.
    fn upgrade(
        host: &mut HostRef,
        vsn: &str,
        bytes: &[u8],
        extra: &[u8],
    ) -> Result<Self::State, Refusal>;
}

/// The operands of a callback; each [`Callback`] gives their meaning.
#[derive(Clone, Copy)]
pub struct CallbackData<'a> {
    /// The first operand: a process, a caller, a port or an id.
    pub a: u64,
    /// The second operand: a tag, a monitor or a result.
    pub b: u64,
    /// The payload: mostly an encoded term.
    pub data: &'a [u8],
}

/// The node, as a callback sees it. Exists only during the callback.
pub struct HostRef {
    table: *const HostTable,
}

impl HostRef {
    /// Performs or records one operation.
    pub fn op(&mut self, code: OpCode, a: u64, b: u64, data: &[u8]) -> u64 {
        self.raw(code, (a, b), b"", data).0
    }

    /// Like [`HostRef::op`], with a name operand and the bytes of the answer. The bytes are valid until the next
    /// operation.
    pub fn op_named(
        &mut self,
        code: OpCode,
        operands: (u64, u64),
        name: &[u8],
        data: &[u8],
    ) -> (u64, &[u8]) {
        let (value, result) = self.raw(code, operands, name, data);
        // SAFETY: the node keeps the result unchanged until the next operation, which needs `&mut self`.
        (value, unsafe { result.bytes() })
    }

    /// The node's code epoch; see [`HostTable::epoch`].
    pub fn epoch(&self) -> u64 {
        // SAFETY: table and epoch are valid during the callback, and this value does not outlive it.
        unsafe { (*(*self.table).epoch).load(std::sync::atomic::Ordering::Acquire) }
    }

    fn raw(&mut self, code: OpCode, (a, b): (u64, u64), name: &[u8], data: &[u8]) -> (u64, Slice) {
        let mut op = Op {
            code: code as u32,
            a,
            b,
            name: Slice::of(name),
            data: Slice::of(data),
            result: Slice::EMPTY,
        };
        // SAFETY: the table is valid during the callback; the slices outlive the operation.
        let value = unsafe { ((*self.table).op)((*self.table).ctx, &mut op) };
        (value, op.result)
    }
}

/// The table of a module: one shim per callback.
pub const fn module_table<C: Callbacks>() -> ModuleTable {
    ModuleTable {
        name: Slice::of(C::NAME.as_bytes()),
        vsn: Slice::of(C::VSN.as_bytes()),
        registered: Slice::of(C::REGISTERED.as_bytes()),
        kind: C::KIND as u32,
        init: init::<C>,
        handle: handle::<C>,
        call: call::<C>,
        export: export::<C>,
        import: import::<C>,
        code_change: code_change::<C>,
        drop: drop_state::<C>,
        upgrade: Some(upgrade::<C>),
    }
}

/// Runs `body` and turns its result, or its panic, into a status and an output.
fn guard(host: &mut HostRef, body: impl FnOnce(&mut HostRef) -> Result<(), Refusal>) -> u32 {
    let outcome = panic_place::watch(|| catch_unwind(AssertUnwindSafe(|| body(host))));
    let (status, output) = match outcome {
        Ok(Ok(())) => return Status::Ok as u32,
        Ok(Err(Refusal::Reason(reason))) => (Status::Error, reason),
        Ok(Err(Refusal::Stop(reason))) => (Status::Stop, reason),
        Ok(Err(Refusal::Ignore)) => (Status::Ignore, Vec::new()),
        Ok(Err(Refusal::Undefined(what))) => (Status::Undefined, what.into_bytes()),
        Err(payload) => (Status::Panic, panic_place::describe(payload).into_bytes()),
    };
    host.op(OpCode::Out, 1, 0, &output);
    status as u32
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `init`.
unsafe extern "C" fn init<C: Callbacks>(
    table: *const HostTable,
    args: Slice,
    state: *mut *mut c_void,
) -> u32 {
    guard(&mut HostRef { table }, |host| {
        // SAFETY: the node keeps args readable during the call.
        let made = C::init(host, unsafe { args.bytes() })?;
        // SAFETY: `state` is the node's, valid for one pointer.
        unsafe { state.write(Box::into_raw(Box::new(made)).cast()) };
        Ok(())
    })
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `handle`.
unsafe extern "C" fn handle<C: Callbacks>(
    state: *mut c_void,
    table: *const HostTable,
    callback: u32,
    a: u64,
    b: u64,
    data: Slice,
) -> u32 {
    guard(&mut HostRef { table }, |host| {
        let callback = Callback::from_number(callback)
            .ok_or_else(|| Refusal::Undefined(format!("callback {callback}")))?;
        // SAFETY: `state` was made by `init`, `import` or `upgrade` of this table and is lent to this one call.
        let state = unsafe { &mut *state.cast::<C::State>() };
        // SAFETY: the node keeps data readable during the call.
        let data = unsafe { data.bytes() };
        C::handle(state, host, callback, CallbackData { a, b, data })
    })
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `call`.
unsafe extern "C" fn call<C: Callbacks>(
    table: *const HostTable,
    function: Slice,
    args: Slice,
) -> u32 {
    guard(&mut HostRef { table }, |host| {
        // SAFETY: the node keeps both readable during the call.
        let (function, args) = unsafe { (function.bytes(), args.bytes()) };
        C::call(host, &text(function), args)
    })
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `export`.
unsafe extern "C" fn export<C: Callbacks>(state: *const c_void, table: *const HostTable) -> u32 {
    guard(&mut HostRef { table }, |host| {
        // SAFETY: `state` is of this table and is not written during the call.
        let bytes = C::export(unsafe { &*state.cast::<C::State>() })?;
        host.op(OpCode::Out, 0, 0, &bytes);
        Ok(())
    })
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `import`.
unsafe extern "C" fn import<C: Callbacks>(
    table: *const HostTable,
    bytes: Slice,
    state: *mut *mut c_void,
) -> u32 {
    guard(&mut HostRef { table }, |_| {
        // SAFETY: the node keeps bytes readable during the call.
        let made = C::import(unsafe { bytes.bytes() })?;
        // SAFETY: `state` is the node's, valid for one pointer.
        unsafe { state.write(Box::into_raw(Box::new(made)).cast()) };
        Ok(())
    })
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `code_change`.
unsafe extern "C" fn code_change<C: Callbacks>(
    table: *const HostTable,
    direction: u32,
    vsn: Slice,
    bytes: Slice,
    extra: Slice,
) -> u32 {
    guard(&mut HostRef { table }, |host| {
        let direction = if direction == Direction::Up as u32 {
            Direction::Up
        } else {
            Direction::Down
        };
        // SAFETY: the node keeps all three readable during the call.
        let (vsn, bytes, extra) = unsafe { (vsn.bytes(), bytes.bytes(), extra.bytes()) };
        let converted = C::code_change(host, direction, &text(vsn), bytes, extra)?;
        host.op(OpCode::Out, 0, 0, &converted);
        Ok(())
    })
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `upgrade`.
unsafe extern "C" fn upgrade<C: Callbacks>(
    table: *const HostTable,
    vsn: Slice,
    bytes: Slice,
    extra: Slice,
    state: *mut *mut c_void,
) -> u32 {
    guard(&mut HostRef { table }, |host| {
        // SAFETY: the node keeps all three readable during the call.
        let (vsn, bytes, extra) = unsafe { (vsn.bytes(), bytes.bytes(), extra.bytes()) };
        let made = C::upgrade(host, &text(vsn), bytes, extra)?;
        // SAFETY: `state` is the node's, valid for one pointer.
        unsafe { state.write(Box::into_raw(Box::new(made)).cast()) };
        Ok(())
    })
}

/// # Safety
/// Only the node may call this, under the conditions of [`ModuleTable`] for `drop`.
unsafe extern "C" fn drop_state<C: Callbacks>(state: *mut c_void) {
    // SAFETY: `state` was boxed by `init`, `import` or `upgrade` of this table, and the node gives it up.
    let state = unsafe { Box::from_raw(state.cast::<C::State>()) };
    // A panic in a Drop of the author's must not cross either; the rest of that state leaks, which is safe.
    let _ = panic_place::watch(|| catch_unwind(AssertUnwindSafe(|| drop(state))));
}
