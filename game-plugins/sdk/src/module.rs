//! The common properties of modules: a name, a version, exported functions, and declarations for upgrades.

use pq_abi::Reason;

use crate::export::Export;

/// A module: the unit that is loaded, replaced and named in an appup.
pub trait Module: Sized + 'static {
    /// The name of the module as in OTP, such as `pq_player`.
    const NAME: &'static str;
    /// The version of the module; by custom, the version of the application that last changed the module.
    const VSN: &'static str;
    /// The local name under which its process is registered before `init` runs (`{local, Name}`); empty for none.
    const REGISTERED: &'static str = "";
    /// The functions that other modules and operators may call.
    const FUNCTIONS: &'static [&'static dyn Export] = &[];
    /// The functions that the module calls at their current version, as `Module:Function/Arity`. The list includes calls
    /// in code that it imports from an older version. The dependencies in an appup come from this list, and
    /// [`calls!`](crate::calls!) makes the list from the called functions.
    ///
    /// Services of the node ([`crate::regis`], requests of a [`crate::Ctx`]) are not listed.
    const CALLS: &'static [&'static str] = &[];
}

/// A module that consists of functions.
pub trait Functions: Module {}

/// Reasons why `init` made no process.
#[derive(Debug)]
pub enum InitError {
    /// `{stop, Reason}`: the start has failed.
    Stop(Reason),
    /// `ignore`: the start succeeds without a process.
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
