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
    /// Older versions of the module whose state differs from this version's. `migrations` of its behaviour has a
    /// conversion for each of them, and an upgrade between the two versions converts: `{update, Mod, {advanced,
    /// Extra}}`.
    const CONVERTS: &'static [&'static str] = &[];
    /// Older versions of the module whose state has the same encoding and meaning as this version's. An upgrade between
    /// the two is `{load_module, Mod}`. `migrations` also lists these versions, with conversions that change nothing.
    const KEEPS: &'static [&'static str] = &[];
    /// The functions that the module calls at their current version ([`Function`](crate::Function),
    /// [`Remote`](crate::Remote)), as `Module:Function/Arity`. The list includes calls in code that it imports from an
    /// older version. The dependencies in an appup come from this list, so a test compares it with the sources of all
    /// libraries.
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
