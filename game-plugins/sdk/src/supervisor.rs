//! `supervisor(3)`: a module that says which children there are; the runtime starts and restarts them.

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

/// A supervisor's callback module.
pub trait Supervisor: Module {
    /// The arguments of `init`: a tuple.
    type Args: DeserializeOwned;

    /// `Module:init/1`. It is asked again at an upgrade, with the same arguments: it must only compute.
    fn init(args: Self::Args) -> Result<SupSpec, InitError>;
}

/// Starts a supervisor's description: `supervise(Strategy::OneForAll, 2, 3600, [child…])`.
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

/// A worker of module `M`: permanent, 5 seconds to end (the defaults of `supervisor(3)`).
pub fn worker<M: Module>(id: &'static str, args: &impl Serialize) -> ChildSpec {
    child(id, start::<M>(args))
}

/// A supervisor of module `M`: permanent, with all the time it needs.
pub fn supervisor<M: Module>(id: &'static str, args: &impl Serialize) -> ChildSpec {
    ChildSpec {
        kind: ChildType::Supervisor,
        shutdown: Shutdown::Infinity,
        ..child(id, start::<M>(args))
    }
}

/// An event manager of module `M`: permanent, 5 seconds to end, its handlers tell their modules.
pub fn event_manager<M: Module>(id: &'static str, args: &impl Serialize) -> ChildSpec {
    ChildSpec {
        modules: Modules::Dynamic,
        ..child(id, start::<M>(args))
    }
}

/// The defaults of `supervisor(3)`, but that it is said how long a child has to end.
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

/// What a child spec is refined with: `worker::<X>("x", &()).restart(…)`.
pub trait Refine {
    /// Another restart type.
    fn restart(self, restart: Restart) -> Self;
    /// Another time to end.
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

/// A process of module `M` with these arguments.
pub fn start<M: Module>(args: &impl Serialize) -> Start {
    Start {
        module: atom(M::NAME),
        args: encode(args),
    }
}

fn atom(name: &'static str) -> Atom {
    Atom::new(name).unwrap_or_else(|error| panic!("{}: {error}", Cow::Borrowed(name)))
}

/// A [`Supervisor`] as the boundary sees it.
pub struct Adapter<T>(PhantomData<T>);

impl<T: Supervisor> crate::adapter::Stateless for Adapter<T> {
    type Module = T;
    const KIND: Kind = Kind::Supervisor;

    fn answer(_ctx: &mut Ctx<'_>, function: &str, args: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        (function == "init").then(|| Ok(spec::encode_supervisor(&T::init(decode(args)?)?)))
    }
}
