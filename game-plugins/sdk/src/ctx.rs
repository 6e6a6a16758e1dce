//! The context of a callback: its questions to the node, and the effects that it requests.

use std::convert::Infallible;
use std::fmt;

use pq_abi::raw::Status;
use pq_abi::spec::{self, ManagerRequest, SupRequest};
use pq_abi::{Callback, HostRef, Level, OpCode, Reason};
use pq_term::{Atom, Pid, Term};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::{encode, with_message};

/// A running timer (`erlang:start_timer`). When the process moves to another node, a `TimerId` in its state becomes
/// that of the same timer there. A number that is taken out of it stays as it is, and then names no timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct TimerId(#[serde(with = "pq_term::timer_number")] pub u64);

/// A request whose answer has not arrived yet (`gen_server:request_id()`). The number stays the same when the process
/// moves to another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// A monitor of a process (`erlang:monitor/2`). The number stays the same when the process moves to another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct MonitorId(pub u64);

/// A port, which is the node's end of a client's connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct PortId(pub u64);

/// The caller of a request, for the reply (`gen_server:from()`). A process may keep it and answer later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct From {
    /// The process that sent the request.
    pub pid: Pid,
    /// The number of the request at the caller.
    pub tag: u64,
}

/// The context of one callback. It is also a source of random numbers: `ctx.random_range(1..=6)` with
/// [`crate::RngExt`].
pub struct Ctx<'a> {
    host: &'a mut HostRef,
    extra: &'a [u8],
    /// The version for which [`Ctx::keep`] and [`Ctx::kept`] work; empty for the version that converts.
    acting_as: &'static str,
}

impl<'a> Ctx<'a> {
    pub(crate) fn new(host: &'a mut HostRef) -> Ctx<'a> {
        Ctx::converting(host, &[])
    }

    /// The context of a `code_change`; `extra` comes from the appup.
    pub(crate) fn converting(host: &'a mut HostRef, extra: &'a [u8]) -> Ctx<'a> {
        Ctx {
            host,
            extra,
            acting_as: "",
        }
    }

    /// The `Extra` of `{update, Module, {advanced, Extra}}` in a conversion, as this type; `None` outside of
    /// conversions.
    ///
    /// # Errors
    /// Fails when `Extra` is a term of another type.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<Option<T>, Reason> {
        if self.extra.is_empty() {
            return Ok(None);
        }
        rmp_serde::from_slice(self.extra)
            .map(Some)
            .map_err(|error| Reason::tagged("bad_extra", &error.to_string()))
    }

    /// Keeps data beside the process in a conversion down, because the older version has no place for it. The data ends
    /// with the process. The next conversion up of the same version of the module gets it, regardless of the number of
    /// other versions in between: each version has a place for one value. The conversion fails when there is no room
    /// for the value.
    pub fn keep<T: Serialize>(&mut self, value: &T) {
        let (bytes, vsn) = (encode(value), self.acting_as.as_bytes());
        self.host.op_named(OpCode::Residue, (1, 0), vsn, &bytes);
    }

    /// The value that [`Ctx::keep`] kept when this version last converted the process down; `None` when there is none.
    /// For conversions up.
    ///
    /// # Errors
    /// Fails when the kept value has another type, because it would be lost.
    pub fn kept<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Reason> {
        let vsn = self.acting_as.as_bytes();
        let (there, bytes) = self.host.op_named(OpCode::Residue, (0, 0), vsn, &[]);
        if there != 1 {
            return Ok(None);
        }
        let value = rmp_serde::from_slice(bytes);
        value
            .map(Some)
            .map_err(|error| Reason::tagged("bad_residue", &error.to_string()))
    }

    /// Runs a step of a conversion that leads over several versions by calling the conversions of each. Inside `step`,
    /// [`Ctx::keep`] and [`Ctx::kept`] work for version `vsn` of this module, as if that version converted the state
    /// itself. So one conversion over several versions and several single conversions give the same states, in any
    /// order.
    ///
    /// ```
    /// # use pq_sdk::{Ctx, Migrate, Reason};
    /// # mod v1_0_0 { pub struct State; }
    /// # mod v1_1_0 { pub struct State; }
    /// # impl Migrate<v1_0_0::State> for v1_1_0::State {
    /// #     fn up(_: v1_0_0::State, _: &mut Ctx<'_>) -> Result<Self, Reason> { Ok(v1_1_0::State) }
    /// #     fn down(self, _: &mut Ctx<'_>) -> Result<v1_0_0::State, Reason> { Ok(v1_0_0::State) }
    /// # }
    /// # struct State;
    /// # impl Migrate<v1_1_0::State> for State {
    /// #     fn up(_: v1_1_0::State, _: &mut Ctx<'_>) -> Result<Self, Reason> { Ok(State) }
    /// #     fn down(self, _: &mut Ctx<'_>) -> Result<v1_1_0::State, Reason> { Ok(v1_1_0::State) }
    /// # }
    /// impl Migrate<v1_0_0::State> for State {
    ///     fn up(old: v1_0_0::State, ctx: &mut Ctx<'_>) -> Result<State, Reason> {
    ///         let between = ctx.acting_as("1.1.0", |ctx| v1_1_0::State::up(old, ctx))?;
    ///         State::up(between, ctx)
    ///     }
    ///
    ///     fn down(self, ctx: &mut Ctx<'_>) -> Result<v1_0_0::State, Reason> {
    ///         let between: v1_1_0::State = self.down(ctx)?;
    ///         ctx.acting_as("1.1.0", |ctx| between.down(ctx))
    ///     }
    /// }
    /// ```
    pub fn acting_as<R>(&mut self, vsn: &'static str, step: impl FnOnce(&mut Ctx<'_>) -> R) -> R {
        self.host
            .op_named(OpCode::Residue, (2, 0), vsn.as_bytes(), &[]);
        let mut ctx = Ctx {
            host: &mut *self.host,
            extra: self.extra,
            acting_as: vsn,
        };
        step(&mut ctx)
    }

    pub(crate) fn host(&mut self) -> &mut HostRef {
        self.host
    }

    /// The pid of the process that runs this callback (`self()`).
    pub fn self_pid(&mut self) -> Pid {
        Pid::from_raw(self.host.op(OpCode::SelfPid, 0, 0, &[]))
    }

    /// The process that started this one; for a supervised process its supervisor.
    pub fn parent(&mut self) -> Option<Pid> {
        let pid = self.host.op(OpCode::Parent, 0, 0, &[]);
        (pid != 0).then(|| Pid::from_raw(pid))
    }

    /// Milliseconds since the start of the node on its clock, which is virtual in a simulation.
    pub fn now_ms(&mut self) -> u64 {
        self.host.op(OpCode::Now, 0, 0, &[])
    }

    /// Writes a log line with the name of this module and the pid of the process.
    pub fn log(&mut self, level: Level, text: fmt::Arguments<'_>) {
        self.host
            .op(OpCode::Log, level as u64, 0, text.to_string().as_bytes());
    }

    /// Sends a message (`Pid ! Message`), which arrives in the receiver's `handle_info`.
    pub fn send<T: Serialize + ?Sized>(&mut self, to: Pid, message: &T) {
        self.tell(OpCode::Send, (to.as_raw(), 0), message);
    }

    /// Sends a cast (`gen_server:cast/2`).
    pub fn cast<T: Serialize + ?Sized>(&mut self, to: Pid, message: &T) {
        self.tell(OpCode::Cast, (to.as_raw(), 0), message);
    }

    /// Sends an event: `gen_event:notify/2` or `gen_fsm:send_event/2`, depending on the kind of the receiver.
    pub fn notify<T: Serialize + ?Sized>(&mut self, to: Pid, event: &T) {
        // Most heroes have no client: events without a listener are not encoded.
        if self.host.op(OpCode::Listens, to.as_raw(), 0, &[]) == 1 {
            self.tell(OpCode::Notify, (to.as_raw(), 0), event);
        }
    }

    /// Sends a request to another process (`gen_server:send_request/2`). The answer, or a failure after `timeout_ms`
    /// milliseconds, arrives as [`crate::Info::Response`].
    pub fn request<T: Serialize + ?Sized>(
        &mut self,
        to: Pid,
        request: &T,
        timeout_ms: u64,
    ) -> RequestId {
        RequestId(self.tell(OpCode::Request, (to.as_raw(), timeout_ms), request))
    }

    /// Sends the reply to a caller (`gen_server:reply/2`).
    pub fn reply<T: Serialize + ?Sized>(&mut self, to: From, reply: &T) {
        self.tell(OpCode::Reply, (to.pid.as_raw(), to.tag), reply);
    }

    /// Starts a timer that sends `message` to this process in `ms` milliseconds; it arrives in `handle_info`.
    pub fn start_timer<T: Serialize + ?Sized>(&mut self, ms: u64, message: &T) -> TimerId {
        TimerId(self.tell(OpCode::StartTimer, (ms, Callback::Info as u64), message))
    }

    /// Cancels a timer; returns `false` when it had already fired.
    pub fn cancel_timer(&mut self, timer: TimerId) -> bool {
        self.host.op(OpCode::CancelTimer, timer.0, 0, &[]) == 1
    }

    /// Calls `handle_continue` with `term` before any other message is handled (`{continue, Term}`).
    pub fn continue_with<T: Serialize + ?Sized>(&mut self, term: &T) {
        self.tell(OpCode::Continue, (0, 0), term);
    }

    /// Monitors a process: its end arrives once as [`crate::Info::Down`].
    pub fn monitor(&mut self, pid: Pid) -> MonitorId {
        MonitorId(self.host.op(OpCode::Monitor, pid.as_raw(), 0, &[]))
    }

    /// Ends a monitor (`erlang:demonitor/1`).
    pub fn demonitor(&mut self, monitor: MonitorId) {
        self.host.op(OpCode::Demonitor, monitor.0, 0, &[]);
    }

    /// Links this process to another one (`link/1`): the abnormal end of one also ends the other.
    pub fn link(&mut self, pid: Pid) {
        self.host.op(OpCode::Link, pid.as_raw(), 0, &[]);
    }

    /// Removes the link to a process (`unlink/1`).
    pub fn unlink(&mut self, pid: Pid) {
        self.host.op(OpCode::Unlink, pid.as_raw(), 0, &[]);
    }

    /// Sends an exit signal to a process (`exit/2`).
    pub fn exit(&mut self, pid: Pid, reason: &Reason) {
        self.host
            .op(OpCode::Exit, pid.as_raw(), 0, &reason.to_bytes());
    }

    /// Turns exit signals of linked processes into [`crate::Info::Exit`] (`process_flag(trap_exit, _)`).
    pub fn trap_exit(&mut self, on: bool) {
        self.host.op(OpCode::TrapExit, u64::from(on), 0, &[]);
    }

    /// Whether the process lives (`is_process_alive/1`).
    pub fn is_alive(&mut self, pid: Pid) -> bool {
        self.host.op(OpCode::IsAlive, pid.as_raw(), 0, &[]) == 1
    }

    /// The process with this local name (`whereis/1`).
    pub fn whereis(&mut self, name: &str) -> Option<Pid> {
        let (pid, _) = self
            .host
            .op_named(OpCode::Whereis, (0, 0), name.as_bytes(), &[]);
        (pid != 0).then(|| Pid::from_raw(pid))
    }

    /// The value of a key in the environment of an application (`application:get_env/2`).
    pub fn env(&mut self, application: &str, key: &str) -> Option<Term> {
        let name = format!("{application}:{key}");
        let (found, bytes) = self
            .host
            .op_named(OpCode::Env, (0, 0), name.as_bytes(), &[]);
        (found == 1)
            .then(|| pq_term::msgpack::from_msgpack(bytes).ok())
            .flatten()
    }

    /// Writes to a port. The node, not the module, handles readers that are too slow.
    pub fn port_command(&mut self, port: PortId, bytes: &[u8]) {
        self.host.op(OpCode::PortCommand, port.0, 0, bytes);
    }

    /// Closes a port after all earlier output was written.
    pub fn port_close(&mut self, port: PortId) {
        self.host.op(OpCode::PortClose, port.0, 0, &[]);
    }

    /// Starts a process that is linked to this one; its pid arrives as [`crate::Info::Response`].
    pub fn start_link<T: Serialize + ?Sized>(&mut self, module: &str, args: &T) -> RequestId {
        let args = encode(args);
        RequestId(
            self.host
                .op_named(OpCode::StartLink, (0, 0), module.as_bytes(), &args)
                .0,
        )
    }

    /// Starts a child (`supervisor:start_child/2`) of a `simple_one_for_one` supervisor. `args` (a tuple) is appended
    /// to the arguments in the child specification. The answer is a [`spec::SupReply`].
    pub fn start_child<T: Serialize + ?Sized>(
        &mut self,
        supervisor: Pid,
        args: &T,
        timeout_ms: u64,
    ) -> RequestId {
        self.ask_supervisor(
            supervisor,
            &SupRequest::StartChild(encode(args)),
            timeout_ms,
        )
    }

    /// Sends any request to a supervisor; the answer is a [`spec::SupReply`].
    pub fn ask_supervisor(
        &mut self,
        supervisor: Pid,
        request: &SupRequest,
        timeout_ms: u64,
    ) -> RequestId {
        self.request_bytes(supervisor, &spec::encode(request), timeout_ms)
    }

    /// Adds a handler (`gen_event:add_handler/3`); the answer is a [`spec::ManagerReply`].
    pub fn add_handler<T: Serialize + ?Sized>(
        &mut self,
        manager: Pid,
        handler: Atom,
        args: &T,
        timeout_ms: u64,
    ) -> RequestId {
        let request = ManagerRequest::AddHandler(handler, encode(args));
        self.request_bytes(manager, &spec::encode(&request), timeout_ms)
    }

    /// Sends a request to a handler (`gen_event:call/3`); the answer is that of the handler. Without such a handler it fails with
    /// `bad_module`.
    pub fn call_handler<T: Serialize + ?Sized>(
        &mut self,
        manager: Pid,
        handler: Atom,
        request: &T,
        timeout_ms: u64,
    ) -> RequestId {
        let request = ManagerRequest::Call(handler, encode(request));
        self.request_bytes(manager, &spec::encode(&request), timeout_ms)
    }

    /// Calls `module:function` at its current version with terms (`apply/3`). For functions without a Rust type here.
    pub fn apply(&mut self, function: &str, args: &[Term]) -> Result<Term, Reason> {
        pq_term::msgpack::from_msgpack(self.apply_unread(function, args)?)
            .map_err(|error| Reason::tagged("bad_return", &error.to_string()))
    }

    /// [`Ctx::apply`] for callers that may recognize the answer by its bytes.
    pub(crate) fn apply_unread(&mut self, function: &str, args: &[Term]) -> Result<&[u8], Reason> {
        let (host, name) = (&mut *self.host, function.as_bytes());
        let (status, result) = pq_term::msgpack::with_list(args, |args| {
            host.op_named(OpCode::CallModule, (0, 0), name, args)
        });
        match status == Status::Ok as u64 {
            true => Ok(result),
            false => Err(Reason::from_bytes(result)),
        }
    }

    fn tell<T: Serialize + ?Sized>(
        &mut self,
        code: OpCode,
        (a, b): (u64, u64),
        message: &T,
    ) -> u64 {
        with_message(message, |bytes| self.host.op(code, a, b, bytes))
    }

    fn request_bytes(&mut self, to: Pid, request: &[u8], timeout_ms: u64) -> RequestId {
        RequestId(
            self.host
                .op(OpCode::Request, to.as_raw(), timeout_ms, request),
        )
    }
}

impl rand::TryRng for Ctx<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|bits| (bits >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.host.op(OpCode::Random, 0, 0, &[]))
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        for chunk in target.chunks_mut(8) {
            let bits = self.host.op(OpCode::Random, 0, 0, &[]).to_le_bytes();
            chunk.copy_from_slice(&bits[..chunk.len()]);
        }
        Ok(())
    }
}
