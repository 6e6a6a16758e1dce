//! One conversion: the exported state of a process in the old versions becomes a state in the new versions.
//!
//! INVARIANT: a conversion is pure (`tests/runtime/transaction.rs`, `one_state_that_does_not_convert_leaves_all_as_they_were`).
//! An effect that a conversion asks for makes it fail (`host`). So a converted state can be dropped and made again.

use pq_abi::{Failure, Module, Reason, State};
use pq_term::{Pid, shorten};
use smallvec::SmallVec;

use super::{Conversion, Failed, Plan, Target};
use crate::code_change::CodeChange;
use crate::export::{Export, Part, What};
use crate::node::Node;
use crate::process::Handler;
use crate::residue::Residues;

mod host;

pub(crate) use host::{ConversionHost, Salt};

/// How many characters an error shows of a state that does not convert: five lines of a terminal.
const STATE_CHARS_MAX: usize = 400;

/// The converted form of a [`Part`].
pub(crate) enum NewPart {
    State(State, Option<Box<Residues>>),
    Handler(usize, Handler),
    /// A specification; `None` when the module answers `ignore`.
    Supervisor(Option<Vec<u8>>),
}

/// The converted parts of a process, which wait for the decision.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) parts: SmallVec<[NewPart; 1]>,
}

/// The outcome of a conversion.
pub(crate) enum Outcome {
    Staged(Staged),
    Failed(Box<Failed>),
    /// A trial converted the state and converted it back; `same` is true when the result is the original state.
    Tried {
        same: bool,
    },
    /// The conversion does not end, and the plan says to kill the process ([`super::OnOverrun::Kill`]).
    Kill,
}

/// The outcome of a conversion, with its process.
pub(crate) struct Converted {
    pub(crate) pid: Pid,
    /// The number of the export ([`Export`]).
    pub(crate) number: u32,
    pub(crate) outcome: Outcome,
}

/// Converts the exported parts of one process.
pub(super) fn convert(node: &Node, plan: &Plan, job: Export) -> Converted {
    let (pid, number) = (job.pid, job.number);
    let outcome = match convert_parts(node, plan, job) {
        Ok(outcome) => outcome,
        Err(failed) => Outcome::Failed(failed),
    };
    Converted {
        pid,
        number,
        outcome,
    }
}

fn convert_parts(node: &Node, plan: &Plan, job: Export) -> Result<Outcome, Box<Failed>> {
    let mut host = ConversionHost::new(node, plan, &job);
    let mut staged = Staged::default();
    let mut same = true;
    for part in &job.parts {
        let Some(target) = plan.target_of(part.from) else {
            continue;
        };
        let new = new_part(&mut host, part, target).and_then(|new| {
            same &= !plan.trial || comes_back(&mut host, part, target, &new)?;
            Ok(new)
        });
        let new = new.map_err(|reason| failed(node, job.pid, part, target.module, reason))?;
        staged.parts.push(new);
    }
    Ok(match plan.trial {
        true => Outcome::Tried { same },
        false => Outcome::Staged(staged),
    })
}

fn failed(node: &Node, pid: Pid, part: &Part, to: Module, reason: Reason) -> Box<Failed> {
    let bytes = match &part.what {
        What::State(bytes) | What::Handler(_, bytes) => &bytes[..],
        What::Supervisor(args) => args,
    };
    Box::new(Failed {
        pid,
        called: node.called(pid),
        from: part.from,
        to,
        reason,
        state: show(bytes),
    })
}

/// A state as text for people.
fn show(bytes: &[u8]) -> String {
    let text = match pq_term::msgpack::from_msgpack(bytes) {
        Ok(term) => term.to_string(),
        Err(_) => return format!("{} bytes", bytes.len()),
    };
    shorten(&text, STATE_CHARS_MAX).into_owned()
}

fn new_part(
    host: &mut ConversionHost<'_>,
    part: &Part,
    target: &Target,
) -> Result<NewPart, Reason> {
    let new = match &part.what {
        What::State(bytes) => {
            new_state(host, part, target, bytes).map(|new| NewPart::State(new.state, new.residues))
        }
        What::Handler(at, bytes) => {
            new_state(host, part, target, bytes).map(|new| NewPart::Handler(*at, new))
        }
        What::Supervisor(args) => new_spec(host, target.module, args),
    };
    let new = new.map_err(Failure::into_reason)?;
    host.only_read().map(|()| new)
}

fn new_state(
    host: &mut ConversionHost<'_>,
    part: &Part,
    target: &Target,
    bytes: &[u8],
) -> Result<Handler, Failure> {
    let (state, residues) = match way(part.from, target) {
        // No function converts the state, so the residues beside it are kept as they are.
        None => (target.module.import(host, bytes)?, part.residues.clone()),
        Some(way) => way.state(host, bytes, part.residues.as_deref())?,
    };
    Ok(Handler { state, residues })
}

/// The conversion from a version to its target; `None` when states are carried without a conversion.
fn way(from: Module, target: &Target) -> Option<CodeChange<'_>> {
    match &target.conversion {
        Conversion::Carry => None,
        Conversion::CodeChange { direction, extra } => Some(CodeChange {
            from,
            to: target.module,
            direction: *direction,
            extra,
        }),
    }
}

fn new_spec(
    host: &mut ConversionHost<'_>,
    module: Module,
    args: &[u8],
) -> Result<NewPart, Failure> {
    match module.call(host, "init", args) {
        Ok(spec) => Ok(NewPart::Supervisor(Some(spec))),
        Err(Failure::Ignore) => Ok(NewPart::Supervisor(None)),
        Err(failure) => Err(failure),
    }
}

/// Whether the conversion back turns a new state into the original state.
fn comes_back(
    host: &mut ConversionHost<'_>,
    part: &Part,
    target: &Target,
    new: &NewPart,
) -> Result<bool, Reason> {
    let (bytes, state, residues) = match (&part.what, new) {
        (What::State(bytes), NewPart::State(state, residues)) => (bytes, state, residues),
        (What::Handler(_, bytes), NewPart::Handler(_, new)) => (bytes, &new.state, &new.residues),
        _ => return Ok(true),
    };
    let back = state.export(host).and_then(|new| {
        let old = match way(part.from, target) {
            None => new,
            Some(way) => way.back().convert(host, &new, residues.as_deref())?.0,
        };
        part.from.import(host, &old)?.export(host)
    });
    back.map(|back| back == *bytes)
        .map_err(|failure| Reason::tagged("way_back", &failure.into_reason().to_string()))
}
