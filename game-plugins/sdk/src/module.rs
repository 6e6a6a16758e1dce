//! What every module has: a name, a version, exported functions, and what an upgrade must know of it.

use pq_abi::Reason;

use crate::export::Export;

/// A module: the unit that is loaded, replaced and named in an appup.
pub trait Module: Sized + 'static {
    /// Its name, as OTP writes it: `pq_player`.
    const NAME: &'static str;
    /// Its version; by custom that of the application version which changed it last.
    const VSN: &'static str;
    /// The local name its process is registered under before `init` runs (`{local, Name}`); empty for none.
    const REGISTERED: &'static str = "";
    /// The functions that other modules and the operator may call.
    const FUNCTIONS: &'static [&'static dyn Export] = &[];
    /// The functions that it calls at their current version, as `Module:Function/Arity`, also those that it takes from an
    /// older version and that call them. An appup's dependencies come from here, and [`calls!`](crate::calls!) makes it
    /// of the functions that are called.
    ///
    /// Not here: what the node itself does for a module ([`crate::regis`], requests of a [`crate::Ctx`]).
    const CALLS: &'static [&'static str] = &[];
}

/// A module that has functions only.
pub trait Functions: Module {}

/// Why `init` made no process.
#[derive(Debug)]
pub enum InitError {
    /// `{stop, Reason}`: the start failed.
    Stop(Reason),
    /// `ignore`: no process is wanted.
    Ignore,
}

impl From<Reason> for InitError {
    fn from(reason: Reason) -> InitError {
        InitError::Stop(reason)
    }
}

impl From<InitError> for pq_abi::plugin::Refusal {
    fn from(error: InitError) -> Self {
        match error {
            InitError::Stop(reason) => crate::codec::refusal(reason),
            InitError::Ignore => Self::Ignore,
        }
    }
}
