//! The way of a state from the version that its process runs to the target: one step, or several through versions in between.
//!
//! ```text
//!   bytes ─ the next version converts or imports them ─► its state ─ exported ─► bytes ─ … ─► the state of the target
//! ```
//! Each step has a host of its own, with the modules and the random numbers that an upgrade of this step alone would have.
//!
//! INVARIANT: a way of several steps makes the same state and leaves the same residues as one upgrade after the other
//! (`tests/runtime/transaction/through.rs`, `several_steps_at_once_are_one_upgrade_after_the_other`).

use std::sync::Arc;

use pq_abi::{Failure, Module, Modules, Reason, State};
use smallvec::SmallVec;

use super::ConversionHost;
use crate::code_change::CodeChange;
use crate::export::Export;
use crate::node::Node;
use crate::process::Handler;
use crate::residue::Residues;
use crate::upgrade::{Conversion, Plan, Target};

/// The hosts of the conversions of one process, one for each list of modules.
pub(super) struct Hosts<'a> {
    node: &'a Node,
    job: &'a Export,
    hosts: SmallVec<[(&'a Arc<dyn Modules>, ConversionHost<'a>); 1]>,
}

/// The steps of a way.
pub(super) struct Way<'a> {
    through: Vec<Step<'a>>,
    last: Step<'a>,
}

/// One step of a way.
#[derive(Clone, Copy)]
struct Step<'a> {
    from: Module,
    to: Module,
    conversion: &'a Conversion,
    modules: &'a Arc<dyn Modules>,
}

/// An exported state, with the residues beside it.
type Made = (Vec<u8>, Option<Box<Residues>>);

/// What the last step has made; before the first one, what the process has.
fn latest<'s>(
    made: &'s Option<Made>,
    bytes: &'s [u8],
    residues: Option<&'s Residues>,
) -> (&'s [u8], Option<&'s Residues>) {
    match made {
        Some((bytes, residues)) => (bytes, residues.as_deref()),
        None => (bytes, residues),
    }
}

/// A conversion that failed.
pub(super) struct Stuck {
    /// The versions of the step, on a way of several steps.
    pub(super) step: Option<(Module, Module)>,
    pub(super) reason: Reason,
}

impl From<Reason> for Stuck {
    fn from(reason: Reason) -> Stuck {
        Stuck { step: None, reason }
    }
}

impl<'a> Hosts<'a> {
    pub(super) fn new(node: &'a Node, job: &'a Export) -> Hosts<'a> {
        let hosts = SmallVec::new();
        Hosts { node, job, hosts }
    }

    /// The host of the steps with these modules.
    pub(super) fn of(&mut self, modules: &'a Arc<dyn Modules>) -> &mut ConversionHost<'a> {
        let mut known = self.hosts.iter();
        let at = known.position(|(own, _)| Arc::ptr_eq(own, modules));
        let at = at.unwrap_or_else(|| {
            let host = ConversionHost::new(self.node, &**modules, self.job);
            self.hosts.push((modules, host));
            self.hosts.len() - 1
        });
        &mut self.hosts[at].1
    }
}

impl<'a> Way<'a> {
    pub(super) fn new(from: Module, target: &'a Target, plan: &'a Plan) -> Way<'a> {
        let mut from = from;
        let mut step = |to, conversion, modules| Step {
            from: std::mem::replace(&mut from, to),
            to,
            conversion,
            modules,
        };
        let through = target.through.iter();
        let through = through.map(|it| step(it.module, &it.conversion, &it.modules));
        Way {
            through: through.collect(),
            last: step(target.module, &target.conversion, &plan.modules),
        }
    }

    /// The state of the target, with the residues beside it.
    pub(super) fn go(
        &self,
        hosts: &mut Hosts<'a>,
        bytes: &[u8],
        residues: Option<&Residues>,
    ) -> Result<Handler, Stuck> {
        let mut made: Option<Made> = None;
        for step in &self.through {
            let (bytes, residues) = latest(&made, bytes, residues);
            let next = step.export(hosts, bytes, residues);
            made = Some(next.map_err(|reason| self.stuck(step, reason))?);
        }
        let (bytes, residues) = latest(&made, bytes, residues);
        let new = self.last.state(hosts, bytes, residues);
        new.map_err(|reason| self.stuck(&self.last, reason))
    }

    /// The specification that the target gives its supervisor, which has no state that goes the way; `None` when it answers
    /// `ignore`.
    pub(super) fn specification(
        &self,
        hosts: &mut Hosts<'a>,
        args: &[u8],
    ) -> Result<Option<Vec<u8>>, Stuck> {
        let host = hosts.of(self.last.modules);
        let spec = match self.last.to.call(host, "init", args) {
            Ok(spec) => Some(spec),
            Err(Failure::Ignore) => None,
            Err(failure) => return Err(failure.into_reason().into()),
        };
        host.only_read()?;
        Ok(spec)
    }

    fn stuck(&self, step: &Step<'_>, reason: Reason) -> Stuck {
        let is_one_of_many = !self.through.is_empty();
        Stuck {
            step: is_one_of_many.then_some((step.from, step.to)),
            reason,
        }
    }

    /// The way back: the bytes that the first version exports again.
    pub(super) fn back(
        &self,
        hosts: &mut Hosts<'a>,
        state: &State,
        residues: Option<&Residues>,
    ) -> Result<Vec<u8>, Failure> {
        let mut bytes = state.export(hosts.of(self.last.modules))?;
        let mut residues = residues.cloned().map(Box::new);
        for step in self.through.iter().chain([&self.last]).rev() {
            let host = hosts.of(step.modules);
            if let Some(change) = step.change() {
                (bytes, residues) =
                    change
                        .back(step.from)
                        .convert(host, &bytes, residues.as_deref())?;
            }
            bytes = step.from.import(host, &bytes)?.export(host)?;
        }
        Ok(bytes)
    }
}

impl<'a> Step<'a> {
    /// The state after the step as bytes, for the next step.
    fn export(
        &self,
        hosts: &mut Hosts<'a>,
        bytes: &[u8],
        residues: Option<&Residues>,
    ) -> Result<Made, Reason> {
        let Handler { state, residues } = self.state(hosts, bytes, residues)?;
        let bytes = state.export(hosts.of(self.modules));
        Ok((bytes.map_err(Failure::into_reason)?, residues))
    }

    /// The state after the step; a conversion may only read.
    fn state(
        &self,
        hosts: &mut Hosts<'a>,
        bytes: &[u8],
        residues: Option<&Residues>,
    ) -> Result<Handler, Reason> {
        let host = hosts.of(self.modules);
        let made = match self.change() {
            // No function converts the state, so the residues beside it are kept as they are.
            None => {
                let state = self.to.import(host, bytes);
                state.map(|state| (state, residues.cloned().map(Box::new)))
            }
            Some(change) => change.state(host, bytes, residues),
        };
        let (state, residues) = made.map_err(Failure::into_reason)?;
        host.only_read()?;
        Ok(Handler { state, residues })
    }

    /// The conversion of the step; `None` when states are carried without one.
    fn change(&self) -> Option<CodeChange<'a>> {
        match self.conversion {
            Conversion::Carry => None,
            Conversion::CodeChange { direction, extra } => {
                Some(CodeChange::between(self.from, self.to, *direction, extra))
            }
        }
    }
}
