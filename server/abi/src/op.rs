//! What a callback may ask of the node: one number per operation, and what its fields mean.
//!
//! Reading operations answer at once. All others are *recorded* and done after the callback has returned
//! well: a callback that fails has done nothing.

/// One operation. The comments name the fields of [`crate::raw::Op`] that it uses and what it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum OpCode {
    /// Output of this callback; a = 0 appends data, 1 puts it in the place of what was written.
    Out = 0,
    /// Log line; a = level (0 error … 4 trace), data = text.
    Log = 1,
    /// Answers 64 random bits from the node's seeded dice.
    Random = 2,
    /// Answers the node's clock in milliseconds since it started (virtual in a simulation).
    Now = 3,
    /// Answers the pid of the running process (0 outside of any).
    SelfPid = 4,
    /// Message; a = pid, data = message.
    Send = 5,
    /// `gen_server:cast`; a = pid, data = message.
    Cast = 6,
    /// Event to a state machine or an event manager; a = pid, data = event.
    Notify = 7,
    /// Request (`gen_server:send_request`); a = pid, b = timeout in ms, data = request. Answers its id.
    Request = 8,
    /// Reply; a = caller, b = tag, data = reply.
    Reply = 9,
    /// Timer; a = ms, b = the number of the [`crate::Callback`] it arrives as (Info or Event), data = message. Answers its id.
    StartTimer = 10,
    /// a = timer. Answers 1 when it had not fired.
    CancelTimer = 11,
    /// a = pid. Answers the monitor.
    Monitor = 12,
    /// a = monitor.
    Demonitor = 13,
    /// a = pid.
    Link = 14,
    /// a = pid.
    Unlink = 15,
    /// Exit signal (`erlang:exit/2`); a = pid, data = reason.
    Exit = 16,
    /// a = 1 to turn exit signals into messages, 0 not to.
    TrapExit = 17,
    /// Output to a port; a = port, data = bytes.
    PortCommand = 18,
    /// Closes a port after its queued output is written; a = port.
    PortClose = 19,
    /// Calls a function of a module's current version now; name = `module:function`, data = arguments.
    /// Answers a [`crate::raw::Status`]; result = what it returned, or why it failed.
    CallModule = 20,
    /// Pid under a locally registered name (`erlang:whereis`); name. Answers 0 when there is none.
    Whereis = 21,
    /// Environment (`application:get_env`); name = `application:key`. Answers 1 and result when it is set.
    Env = 22,
    /// Address of the current table of a module; name. Answers 0 when it is not loaded.
    Current = 23,
    /// Starts a process linked to this one; name = module, data = arguments. Answers a request id;
    /// its response carries the pid.
    StartLink = 24,
    /// a = pid. Answers 1 while the process lives.
    IsAlive = 25,
    /// Runs the Continue callback of this process before its next message; data = what to continue with.
    Continue = 26,
    /// Answers the pid of the process that started this one (0 when nobody did).
    Parent = 27,
    /// a = pid. Answers 0 when it is an event manager that nobody has subscribed to, so that an event for it
    /// need not be written; 1 for anybody else.
    Listens = 28,
    /// What versions keep beside a state (`code_change` only). name = the version on whose behalf, of the same module; empty
    /// for the one that converts. a = 0 reads what it left there at its last conversion down: answers 1 and the bytes, or 0;
    /// a = 1 leaves data there and answers 1, or 0 when there is no room: then the conversion fails; a = 2 says that it takes
    /// part, so that what it has left is used up.
    Residue = 29,
    /// Runs the TimeOut callback of this process when it takes nothing else for a = ms; what it takes first ends
    /// the wait. 0: as soon as its mailbox is empty. Asked for again, only the last wait counts.
    TimeOut = 30,
}

impl OpCode {
    const ALL: [OpCode; 31] = [
        OpCode::Out,
        OpCode::Log,
        OpCode::Random,
        OpCode::Now,
        OpCode::SelfPid,
        OpCode::Send,
        OpCode::Cast,
        OpCode::Notify,
        OpCode::Request,
        OpCode::Reply,
        OpCode::StartTimer,
        OpCode::CancelTimer,
        OpCode::Monitor,
        OpCode::Demonitor,
        OpCode::Link,
        OpCode::Unlink,
        OpCode::Exit,
        OpCode::TrapExit,
        OpCode::PortCommand,
        OpCode::PortClose,
        OpCode::CallModule,
        OpCode::Whereis,
        OpCode::Env,
        OpCode::Current,
        OpCode::StartLink,
        OpCode::IsAlive,
        OpCode::Continue,
        OpCode::Parent,
        OpCode::Listens,
        OpCode::Residue,
        OpCode::TimeOut,
    ];

    /// The operation of this number; `None` for a number that no operation has.
    pub fn from_number(number: u32) -> Option<OpCode> {
        OpCode::ALL.get(number as usize).copied()
    }
}
