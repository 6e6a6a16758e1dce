//! `supervisor(3)`: a module that describes child processes; the runtime starts and restarts them.

use std::borrow::Cow;
use std::marker::PhantomData;

use pq_abi::Kind;
use pq_abi::plugin::Refusal;
pub use pq_abi::spec::TopSupervisor;
use pq_abi::spec::{
    self, ChildSpec, ChildType, Modules, Restart, Shutdown, Start, Strategy, SupFlags, SupSpec,
};
use pq_term::{Atom, Term};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{decode, encode};
use crate::ctx::Ctx;
use crate::module::{InitError, Module};

/// The callback module of a supervisor.
pub trait Supervisor: Module {
    /// The arguments of `init`, as a tuple.
    type Args: DeserializeOwned;

    /// `Module:init/1`: returns the specification. An upgrade calls it again with the same arguments, so it must only
    /// compute.
    fn init(args: Self::Args) -> Result<SupSpec, InitError>;
}

/// Makes the specification of a supervisor: `supervise(Strategy::OneForAll, 2, 3600, [child…])`.
pub fn supervise<const N: usize>(
    strategy: Strategy,
    intensity: u32,
    period_s: u32,
    children: [ChildSpec; N],
) -> SupSpec {
    SupSpec {
        flags: SupFlags {
            strategy,
            intensity,
            period_s,
        },
        children: children.into(),
    }
}

/// The specification of a worker of module `M`: permanent, with 5 s to end (the defaults of `supervisor(3)`).
pub fn worker<M: Module>(id: &'static str, args: &impl Serialize) -> ChildSpec {
    child(id, start::<M>(args))
}

/// The specification of a supervisor of module `M`: permanent, with unlimited time to end.
pub fn supervisor<M: Module>(id: &'static str, args: &impl Serialize) -> ChildSpec {
    ChildSpec {
        kind: ChildType::Supervisor,
        shutdown: Shutdown::Infinity,
        ..child(id, start::<M>(args))
    }
}

/// The specification of an event manager of module `M`: permanent, with 5 s to end. Its modules are those of its
/// handlers.
pub fn event_manager<M: Module>(id: &'static str, args: &impl Serialize) -> ChildSpec {
    ChildSpec {
        modules: Modules::Dynamic,
        ..child(id, start::<M>(args))
    }
}

/// The defaults of `supervisor(3)`, with an explicit time to end.
fn child(id: &'static str, start: Start) -> ChildSpec {
    ChildSpec {
        id: Term::atom(id),
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(5_000),
        kind: ChildType::Worker,
        modules: Modules::Of(vec![start.module]),
        start,
    }
}

/// Changes to the defaults of a child specification: `worker::<X>("x", &()).restart(…)`.
pub trait Refine {
    /// Sets the restart type.
    fn restart(self, restart: Restart) -> Self;
    /// Sets the time for the child's end.
    fn shutdown(self, shutdown: Shutdown) -> Self;
}

impl Refine for ChildSpec {
    fn restart(mut self, restart: Restart) -> ChildSpec {
        self.restart = restart;
        self
    }

    fn shutdown(mut self, shutdown: Shutdown) -> ChildSpec {
        self.shutdown = shutdown;
        self
    }
}

/// The start of a process of module `M` with these arguments.
pub fn start<M: Module>(args: &impl Serialize) -> Start {
    Start {
        module: atom(M::NAME),
        args: encode(args),
    }
}

fn atom(name: &'static str) -> Atom {
    Atom::new(name).unwrap_or_else(|error| panic!("{}: {error}", Cow::Borrowed(name)))
}

/// A [`Supervisor`] in the form of the ABI.
pub struct Adapter<T>(PhantomData<T>);

impl<T: Supervisor> crate::adapter::Stateless for Adapter<T> {
    type Module = T;
    const KIND: Kind = Kind::Supervisor;

    fn answer(_ctx: &mut Ctx<'_>, function: &str, args: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        (function == "init").then(|| Ok(spec::encode_supervisor(&T::init(decode(args)?)?)))
    }
}
