//! Adapters from the traits that authors implement to the callbacks of the ABI (`pq_abi`): one for modules with a
//! state, one for modules without. Code for one behaviour is in the file of its trait.

use std::marker::PhantomData;

use pq_abi::plugin::{CallbackData, Refusal};
use pq_abi::{Callback, Callbacks, Direction, HostRef, Kind, OldVsn, OpCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{decode, encode_state};
use crate::ctx::Ctx;
use crate::migrate::{Migration, convert, upgrade};
use crate::module::{Functions, Module};

/// A kind of module that has a state and runs in a process.
pub trait Stateful: 'static {
    /// The module of the author.
    type Module: Module;
    /// The state that the process keeps.
    type State: Serialize + DeserializeOwned + Send + 'static;
    /// The kind of module, as the manifest lists it.
    const KIND: Kind;
    /// The older versions whose state it converts or keeps.
    const MIGRATIONS: &'static [Migration];
    /// Makes the state of a new process.
    fn init(host: &mut HostRef, args: &[u8]) -> Result<Self::State, Refusal>;
    /// Runs one callback and puts its effects and its decision into `host`.
    fn handle(
        state: &mut Self::State,
        host: &mut HostRef,
        callback: Callback,
        call: CallbackData<'_>,
    ) -> Result<(), Refusal>;
}

/// A [`Stateful`] module in the form of the ABI.
pub struct StatefulAdapter<S>(PhantomData<S>);

impl<S: Stateful> Callbacks for StatefulAdapter<S> {
    type State = S::State;
    const NAME: &'static str = S::Module::NAME;
    const VSN: &'static str = S::Module::VSN;
    const KIND: Kind = S::KIND;
    const REGISTERED: &'static str = S::Module::REGISTERED;

    fn init(host: &mut HostRef, args: &[u8]) -> Result<S::State, Refusal> {
        S::init(host, args)
    }

    fn handle(
        state: &mut S::State,
        host: &mut HostRef,
        callback: Callback,
        call: CallbackData<'_>,
    ) -> Result<(), Refusal> {
        S::handle(state, host, callback, call)
    }

    fn call(host: &mut HostRef, function: &str, args: &[u8]) -> Result<(), Refusal> {
        call::<S::Module>(host, function, args)
    }

    fn export(state: &S::State) -> Result<Vec<u8>, Refusal> {
        Ok(encode_state(state))
    }

    fn import(bytes: &[u8]) -> Result<S::State, Refusal> {
        decode(bytes)
    }

    fn code_change(
        host: &mut HostRef,
        direction: Direction,
        vsn: &str,
        bytes: &[u8],
        extra: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let way = OldVsn { direction, vsn };
        let mut ctx = Ctx::converting(host, extra);
        convert(S::MIGRATIONS, Self::VSN, way, bytes, &mut ctx)
    }

    fn upgrade(
        host: &mut HostRef,
        vsn: &str,
        bytes: &[u8],
        extra: &[u8],
    ) -> Result<S::State, Refusal> {
        let mut ctx = Ctx::converting(host, extra);
        upgrade(S::MIGRATIONS, Self::VSN, vsn, bytes, &mut ctx)
    }
}

/// A kind of module that has no state and only answers calls.
pub trait Stateless: 'static {
    /// The module of the author.
    type Module: Module;
    /// The kind of module, as the manifest lists it.
    const KIND: Kind;
    /// Answers the functions that belong to its behaviour; `None` for all others.
    fn answer(ctx: &mut Ctx<'_>, function: &str, args: &[u8]) -> Option<Result<Vec<u8>, Refusal>>;
}

/// A [`Stateless`] module in the form of the ABI.
pub struct StatelessAdapter<S>(PhantomData<S>);

impl<S: Stateless> Callbacks for StatelessAdapter<S> {
    type State = ();
    const NAME: &'static str = S::Module::NAME;
    const VSN: &'static str = S::Module::VSN;
    const KIND: Kind = S::KIND;
    const REGISTERED: &'static str = S::Module::REGISTERED;

    fn init(_host: &mut HostRef, _args: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }

    fn handle(
        _: &mut (),
        _: &mut HostRef,
        callback: Callback,
        _: CallbackData<'_>,
    ) -> Result<(), Refusal> {
        Err(Refusal::Undefined(format!(
            "{callback:?} of {}",
            Self::NAME
        )))
    }

    fn call(host: &mut HostRef, function: &str, args: &[u8]) -> Result<(), Refusal> {
        match S::answer(&mut Ctx::new(host), function, args) {
            Some(answer) => {
                host.op(OpCode::Out, 0, 0, &answer?);
                Ok(())
            }
            None => call::<S::Module>(host, function, args),
        }
    }

    fn export(_: &()) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }

    fn import(_: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }

    fn code_change(
        _: &mut HostRef,
        _: Direction,
        _: &str,
        _: &[u8],
        _: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }

    fn upgrade(_: &mut HostRef, _: &str, _: &[u8], _: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }
}

/// The declarations of a module for upgrades, independent of its kind.
#[doc(hidden)]
pub trait Declares {
    /// The module of the author.
    type Module: Module;
    /// The older versions whose state it converts or keeps.
    const MIGRATIONS: &'static [Migration];
}

impl<S: Stateful> Declares for StatefulAdapter<S> {
    type Module = S::Module;
    const MIGRATIONS: &'static [Migration] = S::MIGRATIONS;
}

impl<S: Stateless> Declares for StatelessAdapter<S> {
    type Module = S::Module;
    const MIGRATIONS: &'static [Migration] = &[];
}

/// A module of functions in the form of the ABI.
pub struct FunctionsAdapter<T>(PhantomData<T>);

impl<T: Functions> Stateless for FunctionsAdapter<T> {
    type Module = T;
    const KIND: Kind = Kind::Functions;

    fn answer(_: &mut Ctx<'_>, _: &str, _: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        None
    }
}

/// Calls the exported function of `M` with this name.
fn call<M: Module>(host: &mut HostRef, function: &str, args: &[u8]) -> Result<(), Refusal> {
    let result = crate::export::invoke(M::FUNCTIONS, &mut Ctx::new(host), function, args)?;
    host.op(OpCode::Out, 0, 0, &result);
    Ok(())
}
