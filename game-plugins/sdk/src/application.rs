//! `application(3)`: a module that names the top process of the application's tree.

use std::marker::PhantomData;

use pq_abi::Kind;
use pq_abi::plugin::Refusal;
use pq_abi::spec::{self, TopSupervisor};
use pq_term::Term;

use crate::Reason;
use crate::codec::{decode, encode, refusal};
use crate::ctx::Ctx;
use crate::module::Module;

/// The callback module of an application, named by `{mod, {Module, Args}}` in its `.app` file.
pub trait Application: Module {
    /// `Module:start/2`: returns the top supervisor. `args` comes from the `.app` file.
    fn start(args: Term, ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason>;

    /// `Module:stop/1`: runs after all processes of the application have ended.
    fn stop(_ctx: &mut Ctx<'_>) {}

    /// `Module:config_change/3`: gets lists of changed `{Key, Value}`, new `{Key, Value}` and removed `Key`.
    fn config_change(
        _changed: Term,
        _new: Term,
        _removed: Term,
        _ctx: &mut Ctx<'_>,
    ) -> Result<(), Reason> {
        Ok(())
    }
}

/// An [`Application`] in the form of the ABI.
pub struct Adapter<T>(PhantomData<T>);

impl<T: Application> crate::adapter::Stateless for Adapter<T> {
    type Module = T;
    const KIND: Kind = Kind::Application;

    fn answer(ctx: &mut Ctx<'_>, function: &str, args: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        Some(match function {
            "start" => start::<T>(ctx, args),
            "stop" => {
                T::stop(ctx);
                Ok(encode(&()))
            }
            "config_change" => config_change::<T>(ctx, args),
            _ => return None,
        })
    }
}

fn start<T: Application>(ctx: &mut Ctx<'_>, args: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (args,): (Term,) = decode(args)?;
    T::start(args, ctx)
        .map(|top| spec::encode(&top))
        .map_err(refusal)
}

fn config_change<T: Application>(ctx: &mut Ctx<'_>, args: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (changed, new, removed) = decode(args)?;
    T::config_change(changed, new, removed, ctx)
        .map(|()| encode(&()))
        .map_err(refusal)
}
