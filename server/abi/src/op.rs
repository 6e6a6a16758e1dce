//! What a callback may ask of the node: one number per operation, and what its fields mean.
//!
//! Reading operations answer at once. All others are *recorded* and done after the callback has returned
//! well: a callback that fails has done nothing.
//!
//! A library writes numbers ([`OpCode`], `raw::Op`); a node reads them once, as an [`Op`].

use pq_term::Pid;

use crate::kind::Callback;

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

/// How loud a log line is; the words of `tracing`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u64)]
pub enum Level {
    /// Somebody must act.
    Error = 0,
    /// Somebody should look.
    Warn = 1,
    /// What an operator wants to see.
    Info = 2,
    /// What a developer wants to see; a player's input belongs here.
    Debug = 3,
    /// Everything.
    Trace = 4,
}

impl Level {
    fn from_number(number: u64) -> Level {
        match number {
            0 => Level::Error,
            1 => Level::Warn,
            2 => Level::Info,
            3 => Level::Debug,
            _ => Level::Trace,
        }
    }
}

/// An operation with its operands as they are meant. Names are not checked to be text.
#[derive(Clone, Copy, Debug)]
pub enum Op<'a> {
    /// [`OpCode::Out`].
    Out(Out, &'a [u8]),
    /// [`OpCode::Log`].
    Log(Level, &'a [u8]),
    /// A question, which is answered at once.
    Read(Read<'a>),
    /// [`OpCode::CallModule`].
    Call(Call<'a>),
    /// [`OpCode::Residue`]: the version on whose behalf, empty for the one that converts, and what it does.
    Residue(&'a [u8], Residue<'a>),
    /// A wish, which is done after the callback.
    Wish(Wish<'a>),
}

/// The place of output. It is no operation of its own: the compiler would make a second choice of it, behind that of the
/// number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Out {
    /// Behind what was written before.
    Append,
    /// In the place of what was written before.
    Replace,
}

/// The callback to which a timer's message comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// [`Callback::Info`].
    Message,
    /// [`Callback::Event`].
    Event,
}

/// A question that changes nothing.
#[derive(Clone, Copy, Debug)]
pub enum Read<'a> {
    /// [`OpCode::Random`].
    Random,
    /// [`OpCode::Now`].
    Now,
    /// [`OpCode::SelfPid`].
    SelfPid,
    /// [`OpCode::Parent`].
    Parent,
    /// [`OpCode::Listens`].
    Listens(Pid),
    /// [`OpCode::IsAlive`].
    IsAlive(Pid),
    /// [`OpCode::Whereis`].
    Whereis(&'a [u8]),
    /// [`OpCode::Current`].
    Current(&'a [u8]),
    /// [`OpCode::Env`]: application and key.
    Env(&'a [u8], &'a [u8]),
}

/// A call of a function of a module's current version.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The module.
    pub module: &'a [u8],
    /// The function.
    pub function: &'a [u8],
    /// Its arguments, MessagePack.
    pub args: &'a [u8],
}

/// The ways in which a version uses the place beside a state.
#[derive(Clone, Copy, Debug)]
pub enum Residue<'a> {
    /// It reads what it has left.
    Read,
    /// It leaves this.
    Keep(&'a [u8]),
    /// It takes part.
    TakePart,
}

/// A wish of a callback.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// [`OpCode::Send`].
    Send(Pid, &'a [u8]),
    /// [`OpCode::Cast`].
    Cast(Pid, &'a [u8]),
    /// [`OpCode::Notify`].
    Notify(Pid, &'a [u8]),
    /// [`OpCode::Request`]: who is asked, how many milliseconds the answer may take, the request.
    Request(Pid, u64, &'a [u8]),
    /// [`OpCode::Reply`]: who has asked, the tag of its request, the reply.
    Reply(Pid, u64, &'a [u8]),
    /// [`OpCode::StartTimer`]: after so many milliseconds.
    StartTimer(u64, Arrival, &'a [u8]),
    /// [`OpCode::CancelTimer`].
    CancelTimer(u64),
    /// [`OpCode::Monitor`].
    Monitor(Pid),
    /// [`OpCode::Demonitor`].
    Demonitor(u64),
    /// [`OpCode::Link`].
    Link(Pid),
    /// [`OpCode::Unlink`].
    Unlink(Pid),
    /// [`OpCode::Exit`]: to whom, and the reason on the wire.
    Exit(Pid, &'a [u8]),
    /// [`OpCode::TrapExit`].
    TrapExit(bool),
    /// [`OpCode::PortCommand`].
    PortCommand(u64, &'a [u8]),
    /// [`OpCode::PortClose`].
    PortClose(u64),
    /// [`OpCode::StartLink`]: module and arguments.
    StartLink(&'a [u8], &'a [u8]),
    /// [`OpCode::TimeOut`]: after so many milliseconds.
    TimeOut(u64),
    /// [`OpCode::Continue`].
    Continue(&'a [u8]),
}

impl<'a> Op<'a> {
    /// Reads an operation. Inlined, it and what a host does with its result become one choice.
    #[inline(always)]
    pub fn decode(code: OpCode, (a, b): (u64, u64), name: &'a [u8], data: &'a [u8]) -> Op<'a> {
        let pid = Pid::from_raw(a);
        match code {
            OpCode::Out => Op::Out(Out::decode(a), data),
            OpCode::Log => Op::Log(Level::from_number(a), data),
            OpCode::CallModule => Op::Call(Call::decode(name, data)),
            OpCode::Residue => Op::Residue(name, Residue::decode(a, data)),
            OpCode::Random => Op::Read(Read::Random),
            OpCode::Now => Op::Read(Read::Now),
            OpCode::SelfPid => Op::Read(Read::SelfPid),
            OpCode::Parent => Op::Read(Read::Parent),
            OpCode::Listens => Op::Read(Read::Listens(pid)),
            OpCode::IsAlive => Op::Read(Read::IsAlive(pid)),
            OpCode::Whereis => Op::Read(Read::Whereis(name)),
            OpCode::Current => Op::Read(Read::Current(name)),
            OpCode::Env => {
                let (application, key) = halves(name);
                Op::Read(Read::Env(application, key))
            }
            OpCode::Send => Op::Wish(Wish::Send(pid, data)),
            OpCode::Cast => Op::Wish(Wish::Cast(pid, data)),
            OpCode::Notify => Op::Wish(Wish::Notify(pid, data)),
            OpCode::Request => Op::Wish(Wish::Request(pid, b, data)),
            OpCode::Reply => Op::Wish(Wish::Reply(pid, b, data)),
            OpCode::StartTimer => Op::Wish(Wish::StartTimer(a, Arrival::decode(b), data)),
            OpCode::CancelTimer => Op::Wish(Wish::CancelTimer(a)),
            OpCode::Monitor => Op::Wish(Wish::Monitor(pid)),
            OpCode::Demonitor => Op::Wish(Wish::Demonitor(a)),
            OpCode::Link => Op::Wish(Wish::Link(pid)),
            OpCode::Unlink => Op::Wish(Wish::Unlink(pid)),
            OpCode::Exit => Op::Wish(Wish::Exit(pid, data)),
            OpCode::TrapExit => Op::Wish(Wish::TrapExit(a == 1)),
            OpCode::PortCommand => Op::Wish(Wish::PortCommand(a, data)),
            OpCode::PortClose => Op::Wish(Wish::PortClose(a)),
            OpCode::StartLink => Op::Wish(Wish::StartLink(name, data)),
            OpCode::TimeOut => Op::Wish(Wish::TimeOut(a)),
            OpCode::Continue => Op::Wish(Wish::Continue(data)),
        }
    }
}

impl Out {
    #[inline(always)]
    fn decode(a: u64) -> Out {
        match a {
            1 => Out::Replace,
            _ => Out::Append,
        }
    }
}

impl Arrival {
    #[inline(always)]
    fn decode(b: u64) -> Arrival {
        match b == Callback::Event as u64 {
            true => Arrival::Event,
            false => Arrival::Message,
        }
    }
}

impl<'a> Call<'a> {
    #[inline(always)]
    fn decode(name: &'a [u8], args: &'a [u8]) -> Call<'a> {
        let (module, function) = halves(name);
        Call {
            module,
            function,
            args,
        }
    }
}

impl<'a> Residue<'a> {
    fn decode(a: u64, data: &'a [u8]) -> Residue<'a> {
        match a {
            1 => Residue::Keep(data),
            2 => Residue::TakePart,
            _ => Residue::Read,
        }
    }
}

/// The parts before and behind the colon in a name operand.
#[inline(always)]
fn halves(name: &[u8]) -> (&[u8], &[u8]) {
    let colon = name.iter().position(|byte| *byte == b':');
    colon.map_or((name, &[]), |at| (&name[..at], &name[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_operand_has_two_halves_and_the_second_may_be_missing() {
        let halves = |name: &'static str| {
            let Op::Call(call) = Op::decode(OpCode::CallModule, (0, 0), name.as_bytes(), b"")
            else {
                panic!("a call is a call");
            };
            (call.module, call.function)
        };
        assert_eq!(halves("a:b:c"), (&b"a"[..], &b"b:c"[..]));
        assert_eq!(halves("a"), (&b"a"[..], &b""[..]));
        assert_eq!(halves(""), (&b""[..], &b""[..]));
    }

    #[test]
    fn every_operation_is_told_by_its_number_and_no_other_number_is_one() {
        for (number, code) in (0..).zip(OpCode::ALL) {
            assert_eq!(code as u32, number);
            assert_eq!(OpCode::from_number(number), Some(code));
        }
        assert_eq!(OpCode::from_number(OpCode::ALL.len() as u32), None);
    }
}
