//! One conversion: the exported state of a process in the old versions becomes a state in the new versions.
//!
//! INVARIANT: a conversion is pure (`tests/runtime/transaction.rs`, `one_state_that_does_not_convert_leaves_all_as_they_were`).
//! An effect that a conversion asks for makes it fail (`host`). So a converted state can be dropped and made again.

use pq_abi::{Reason, State};
use pq_term::{Pid, shorten};
use smallvec::SmallVec;

use super::{Failed, Plan, Target};
use crate::export::{Export, Part, What};
use crate::node::Node;
use crate::process::Handler;
use crate::residue::Residues;

mod host;
mod way;

pub(crate) use host::{ConversionHost, Salt};

use way::{Hosts, Stuck, Way};

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
    let mut hosts = Hosts::new(node, &job);
    let mut staged = Staged::default();
    let mut same = true;
    for part in &job.parts {
        let Some(target) = plan.target_of(part.from) else {
            continue;
        };
        let way = Way::new(part.from, target, plan);
        let new = new_part(&mut hosts, part, &way).and_then(|new| {
            same &= !plan.trial || comes_back(&mut hosts, part, &way, &new)?;
            Ok(new)
        });
        let new = new.map_err(|stuck| failed(node, job.pid, part, target, stuck))?;
        staged.parts.push(new);
    }
    Ok(match plan.trial {
        true => Outcome::Tried { same },
        false => Outcome::Staged(staged),
    })
}

fn failed(node: &Node, pid: Pid, part: &Part, target: &Target, stuck: Stuck) -> Box<Failed> {
    let bytes = match &part.what {
        What::State(bytes) | What::Handler(_, bytes) => &bytes[..],
        What::Supervisor(args) => args,
    };
    Box::new(Failed {
        pid,
        called: node.called(pid),
        from: part.from,
        to: target.module,
        step: stuck.step,
        reason: stuck.reason,
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

fn new_part<'a>(hosts: &mut Hosts<'a>, part: &Part, way: &Way<'a>) -> Result<NewPart, Stuck> {
    let residues = part.residues.as_deref();
    match &part.what {
        What::State(bytes) => {
            let Handler { state, residues } = way.go(hosts, bytes, residues)?;
            Ok(NewPart::State(state, residues))
        }
        What::Handler(at, bytes) => {
            let new = way.go(hosts, bytes, residues)?;
            Ok(NewPart::Handler(*at, new))
        }
        What::Supervisor(args) => way.specification(hosts, args).map(NewPart::Supervisor),
    }
}

/// Whether the conversion back turns a new state into the original state.
fn comes_back<'a>(
    hosts: &mut Hosts<'a>,
    part: &Part,
    way: &Way<'a>,
    new: &NewPart,
) -> Result<bool, Stuck> {
    let (bytes, state, residues) = match (&part.what, new) {
        (What::State(bytes), NewPart::State(state, residues)) => (bytes, state, residues),
        (What::Handler(_, bytes), NewPart::Handler(_, new)) => (bytes, &new.state, &new.residues),
        _ => return Ok(true),
    };
    let back = way.back(hosts, state, residues.as_deref());
    back.map(|back| back == *bytes).map_err(|failure| {
        let reason = failure.into_reason().to_string();
        Stuck::from(Reason::tagged("way_back", &reason))
    })
}
