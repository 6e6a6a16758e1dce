//! `gen_event(3)`: event managers, and their handlers.

use std::marker::PhantomData;

use pq_abi::plugin::{CallbackData, Refusal};
use pq_abi::{Callback, HostRef, Kind, Reason};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::Stateful;
use crate::codec::{Info, decode, refusal};
use crate::ctx::{Ctx, From};
use crate::migrate::Migration;
use crate::module::{InitError, Module};

/// The decision of a handler's callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handled {
    /// The handler stays (`{ok, State}`).
    Ok,
    /// The manager removes this handler (`remove_handler`).
    Remove,
}

/// An event handler. `Self` is its state.
pub trait GenEvent: Module + Serialize + DeserializeOwned + Send {
    /// The arguments of `add_handler`.
    type Args: DeserializeOwned;
    /// The type of its events. An event that cannot be decoded removes the handler, as a crash would.
    type Event: DeserializeOwned;
    /// The type of requests from `gen_event:call/3`.
    type Call: DeserializeOwned;
    /// The older versions whose state this module converts or keeps.
    const MIGRATIONS: &'static [Migration] = &[];

    /// `Module:init/1`: makes the state of the handler.
    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<Self, InitError>;

    /// `Module:handle_event/2`: handles one event.
    fn handle_event(&mut self, event: Self::Event, ctx: &mut Ctx<'_>) -> Handled;

    /// `Module:handle_call/2`; the reply is sent with [`Ctx::reply`].
    fn handle_call(&mut self, _request: Self::Call, _from: From, _ctx: &mut Ctx<'_>) -> Handled {
        Handled::Remove
    }

    /// `Module:handle_info/2`: handles other messages.
    fn handle_info(&mut self, _info: Info<'_>, _ctx: &mut Ctx<'_>) -> Handled {
        Handled::Ok
    }

    /// `Module:terminate/2`: runs before the handler is removed.
    fn terminate(&mut self, _reason: Reason, _ctx: &mut Ctx<'_>) {}
}

/// An event manager, which has handlers instead of a state of its own.
pub trait EventManager: Module {
    /// The start arguments, as a tuple.
    type Args: DeserializeOwned;

    /// Runs in the new manager before any other process knows its pid, so it is the place to register a name.
    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<(), InitError>;
}

/// A [`GenEvent`] in the form of the ABI.
pub struct Adapter<T>(PhantomData<T>);

impl<T: GenEvent> Stateful for Adapter<T> {
    type Module = T;
    type State = T;
    const KIND: Kind = Kind::GenEvent;
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
        let handled = match callback {
            Callback::Event => state.handle_event(decode(call.data)?, ctx),
            Callback::Call => {
                let from = From {
                    pid: crate::Pid::from_raw(call.a),
                    tag: call.b,
                };
                state.handle_call(decode(call.data)?, from, ctx)
            }
            Callback::Terminate => {
                state.terminate(Reason::from_bytes(call.data), ctx);
                Handled::Ok
            }
            other => match Info::from_callback(other, call) {
                Some(info) => state.handle_info(info, ctx),
                None => {
                    return Err(Refusal::Undefined(format!(
                        "{other:?} of a gen_event handler"
                    )));
                }
            },
        };
        match handled {
            Handled::Ok => Ok(()),
            Handled::Remove => Err(Refusal::Ignore),
        }
    }
}

/// An [`EventManager`] in the form of the ABI.
pub struct ManagerAdapter<T>(PhantomData<T>);

impl<T: EventManager> crate::adapter::Stateless for ManagerAdapter<T> {
    type Module = T;
    const KIND: Kind = Kind::EventManager;

    fn answer(ctx: &mut Ctx<'_>, function: &str, args: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        (function == "init").then(|| {
            let args = decode(args)?;
            // A start without an error is the whole result.
            T::init(args, ctx)
                .map(|()| Vec::new())
                .map_err(|error| match error {
                    InitError::Stop(reason) => refusal(reason),
                    InitError::Ignore => Refusal::Ignore,
                })
        })
    }
}
