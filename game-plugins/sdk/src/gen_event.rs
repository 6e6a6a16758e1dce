//! `gen_event(3)`: managers that pass events on, and the handlers inside them.

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

/// What a handler decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handled {
    /// Stay (`{ok, State}`).
    Ok,
    /// Remove this handler (`remove_handler`).
    Remove,
}

/// A handler. Its state is `Self`.
pub trait GenEvent: Module + Serialize + DeserializeOwned + Send {
    /// The arguments of `add_handler`.
    type Args: DeserializeOwned;
    /// The events it understands; one it cannot read removes it, as a crash would.
    type Event: DeserializeOwned;
    /// What `gen_event:call/3` asks.
    type Call: DeserializeOwned;
    /// The older versions whose state this module converts or keeps.
    const MIGRATIONS: &'static [Migration] = &[];

    /// `Module:init/1`.
    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<Self, InitError>;

    /// `Module:handle_event/2`.
    fn handle_event(&mut self, event: Self::Event, ctx: &mut Ctx<'_>) -> Handled;

    /// `Module:handle_call/2`; the reply goes through [`Ctx::reply`].
    fn handle_call(&mut self, _request: Self::Call, _from: From, _ctx: &mut Ctx<'_>) -> Handled {
        Handled::Remove
    }

    /// `Module:handle_info/2`.
    fn handle_info(&mut self, _info: Info<'_>, _ctx: &mut Ctx<'_>) -> Handled {
        Handled::Ok
    }

    /// `Module:terminate/2`.
    fn terminate(&mut self, _reason: Reason, _ctx: &mut Ctx<'_>) {}
}

/// An event manager: it has handlers instead of a state of its own.
pub trait EventManager: Module {
    /// The arguments of its start: a tuple.
    type Args: DeserializeOwned;

    /// Runs in the new manager before anybody knows it: the place to register a name.
    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<(), InitError>;
}

/// A [`GenEvent`] as the boundary sees it.
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

/// An [`EventManager`] as the boundary sees it.
pub struct ManagerAdapter<T>(PhantomData<T>);

impl<T: EventManager> crate::adapter::Stateless for ManagerAdapter<T> {
    type Module = T;
    const KIND: Kind = Kind::EventManager;

    fn answer(ctx: &mut Ctx<'_>, function: &str, args: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        (function == "init").then(|| {
            let args = decode(args)?;
            // That it came up is the whole answer.
            T::init(args, ctx)
                .map(|()| Vec::new())
                .map_err(|error| match error {
                    InitError::Stop(reason) => refusal(reason),
                    InitError::Ignore => Refusal::Ignore,
                })
        })
    }
}
