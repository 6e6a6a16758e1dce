//! One conversion: what an export becomes in the versions that come.
//!
//! INVARIANT: a conversion is pure (`tests/runtime/transaction.rs`, `one_state_that_does_not_convert_leaves_all_as_they_were`).
//! A wish makes it fail (`host`); so a converted state can be dropped, and made again.

use pq_abi::{Failure, Module, Reason, State};
use pq_term::{Pid, shorten};
use smallvec::SmallVec;

use super::{Conversion, Failed, Plan, Target};
use crate::code_change::Way;
use crate::export::{Export, Part, What};
use crate::node::Node;
use crate::process::Handler;
use crate::residue::Residues;

mod host;

use host::ConversionHost;

/// How much of a state is shown that does not convert: its beginning, some lines of a terminal.
const STATE_CHARS_MAX: usize = 400;

/// What came of a part.
pub(crate) enum NewPart {
    State(State, Option<Box<Residues>>),
    Handler(usize, Handler),
    /// A specification; `None` when the module answers `ignore`.
    Supervisor(Option<Vec<u8>>),
}

/// What waits beside a process for the decision.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) parts: SmallVec<[NewPart; 1]>,
}

/// How a conversion came out.
pub(crate) enum Outcome {
    Staged(Staged),
    Failed(Box<Failed>),
    /// It was only tried: there and back again, to the same state or to another.
    Tried {
        same: bool,
    },
    /// It does not end.
    Kill,
}

/// The outcome for a process.
pub(crate) struct Converted {
    pub(crate) pid: Pid,
    /// That of the export.
    pub(crate) number: u32,
    pub(crate) outcome: Outcome,
}

/// Converts one process.
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

/// A state as people read it.
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
    match host.take_wanted() {
        None => Ok(new),
        Some(code) => Err(Reason::tagged(
            "not_pure",
            &format!("a conversion may only read, and this one wanted {code:?}"),
        )),
    }
}

fn new_state(
    host: &mut ConversionHost<'_>,
    part: &Part,
    target: &Target,
    bytes: &[u8],
) -> Result<Handler, Failure> {
    let state = |host: &mut _, bytes: &[u8]| target.module.import(host, bytes);
    match way(part.from, target) {
        // Nobody converts, and what lies beside the state waits on.
        None => Ok(Handler {
            state: state(host, bytes)?,
            residues: part.residues.clone(),
        }),
        Some(way) => {
            let (new, residues) = way.convert(host, bytes, part.residues.as_deref())?;
            let state = state(host, &new)?;
            Ok(Handler { state, residues })
        }
    }
}

/// How a state gets from one version to its target; `None` when it is carried.
fn way(from: Module, target: &Target) -> Option<Way<'_>> {
    match &target.conversion {
        Conversion::Carry => None,
        Conversion::CodeChange { direction, extra } => Some(Way {
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

/// Whether the way back leads from a new state to the one it was made of.
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
