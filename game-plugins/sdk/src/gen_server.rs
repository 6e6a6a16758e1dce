//! `gen_server(3)`: a process that answers calls, handles casts and keeps a state.

use std::marker::PhantomData;

use pq_abi::plugin::{CallbackData, Refusal};
use pq_abi::{Callback, HostRef, Kind, OpCode, Reason};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::Stateful;
use crate::codec::{Info, Message, decode};
use crate::ctx::{Ctx, From};
use crate::migrate::Migration;
use crate::module::{InitError, Module};

/// The decision of a callback.
#[derive(Debug)]
pub enum Next {
    /// Waits for the next message (`{noreply, State}`; a reply is sent with [`Ctx::reply`]).
    Wait,
    /// Waits for at most this number of milliseconds, then calls [`GenServer::handle_timeout`] (`{noreply, State,
    /// Timeout}`). Any message ends the wait; 0 waits until the mailbox is empty. `init` has no such result; it can
    /// continue in [`GenServer::handle_continue`], which has.
    WaitAtMost(u64),
    /// Ends the process (`{stop, Reason, State}`).
    Stop(Reason),
}

/// A server. `Self` is its state, whose fields an upgrade converts by their names.
pub trait GenServer: Module + Serialize + DeserializeOwned + Send {
    /// The arguments of `init`, as a tuple.
    type Args: DeserializeOwned;
    /// The type of its calls.
    type Call: DeserializeOwned;
    /// The type of its casts.
    type Cast: DeserializeOwned;
    /// The older versions whose state this module converts or keeps (`Module:code_change/3`).
    const MIGRATIONS: &'static [Migration] = &[];

    /// `Module:init/1`: makes the state of a new process.
    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<Self, InitError>;

    /// `Module:handle_call/3`. The default ends the process, because its callers expect a function that it does not
    /// have.
    fn handle_call(&mut self, _request: Self::Call, _from: From, _ctx: &mut Ctx<'_>) -> Next {
        Next::Stop(Reason::tagged("bad_call", Self::NAME))
    }

    /// `Module:handle_cast/2`: handles one cast.
    fn handle_cast(&mut self, _message: Self::Cast, _ctx: &mut Ctx<'_>) -> Next {
        Next::Stop(Reason::tagged("bad_cast", Self::NAME))
    }

    /// `Module:handle_info/2`: handles other messages. The default ignores them.
    fn handle_info(&mut self, _info: Info<'_>, _ctx: &mut Ctx<'_>) -> Next {
        Next::Wait
    }

    /// `Module:handle_continue/2`: handles the term of [`Ctx::continue_with`].
    fn handle_continue(&mut self, _term: Message<'_>, _ctx: &mut Ctx<'_>) -> Next {
        Next::Wait
    }

    /// Runs after the time of [`Next::WaitAtMost`] without input (`Module:handle_info/2` with `timeout`).
    fn handle_timeout(&mut self, _ctx: &mut Ctx<'_>) -> Next {
        Next::Wait
    }

    /// `Module:terminate/2`: runs before the process ends.
    fn terminate(&mut self, _reason: Reason, _ctx: &mut Ctx<'_>) {}
}

/// A [`GenServer`] in the form of the ABI.
pub struct Adapter<T>(PhantomData<T>);

impl<T: GenServer> Stateful for Adapter<T> {
    type Module = T;
    type State = T;
    const KIND: Kind = Kind::GenServer;
    const MIGRATIONS: &'static [Migration] = T::MIGRATIONS;

    fn init(host: &mut HostRef, args: &[u8]) -> Result<T, Refusal> {
        Ok(T::init(decode(args)?, &mut Ctx::new(host))?)
    }

    fn handle(
        state: &mut T,
        host: &mut HostRef,
        callback: Callback,
        call: CallbackData<'_>,
    ) -> Result<(), Refusal> {
        let ctx = &mut Ctx::new(host);
        let next = match callback {
            Callback::Call => {
                let from = From {
                    pid: crate::Pid::from_raw(call.a),
                    tag: call.b,
                };
                state.handle_call(decode(call.data)?, from, ctx)
            }
            Callback::Cast => state.handle_cast(decode(call.data)?, ctx),
            Callback::Continue => state.handle_continue(Message::new(call.data), ctx),
            Callback::TimeOut => state.handle_timeout(ctx),
            Callback::Terminate => {
                state.terminate(Reason::from_bytes(call.data), ctx);
                Next::Wait
            }
            other => match Info::from_callback(other, call) {
                Some(info) => state.handle_info(info, ctx),
                None => return Err(Refusal::Undefined(format!("{other:?} of a gen_server"))),
            },
        };
        take(next, host)
    }
}

/// Requests the effect of a decision.
fn take(next: Next, host: &mut HostRef) -> Result<(), Refusal> {
    match next {
        Next::Wait => Ok(()),
        Next::WaitAtMost(ms) => {
            host.op(OpCode::TimeOut, ms, 0, &[]);
            Ok(())
        }
        Next::Stop(reason) => Err(Refusal::Stop(reason.to_bytes())),
    }
}
