//! Conversions of a part that another version has written, one step at a time. A chain of steps leads over several versions.

use pq_abi::{Direction, Failure, Module, OldVsn, Reason};

use super::opens::{Closed, Part, Residue};
use crate::code_change::with_residues;
use crate::node::Node;
use crate::residue::{Beside, Residues};
use crate::upgrade::convert::{ConversionHost, Salt};

/// One conversion: `newer` converts the way between its own version and the older one, for `to`.
#[derive(Clone, Copy)]
struct Step<'a> {
    newer: Module,
    way: OldVsn<'a>,
    to: Module,
    extra: &'a [u8],
}

impl<'a> Closed<'a> {
    /// Converts the part to a newer version, which does the conversion (`code_change`). `extra` is the appup's argument `Extra`
    /// in plain MessagePack ([`NO_EXTRA`]).
    ///
    /// # Errors
    /// A sentence, when the version does not convert the part.
    pub fn up(self, node: &Node, to: Module, extra: &[u8]) -> Result<Closed<'a>, String> {
        let (direction, vsn) = (Direction::Up, self.vsn);
        let step = Step {
            newer: to,
            way: OldVsn { direction, vsn },
            to,
            extra,
        };
        self.step(node, step)
    }

    /// Converts the part to an older version; `from` is the version that wrote it, and does the conversion.
    ///
    /// # Errors
    /// A sentence, when the version does not convert the part.
    pub fn down(
        self,
        node: &Node,
        from: Module,
        to: Module,
        extra: &[u8],
    ) -> Result<Closed<'a>, String> {
        let (direction, vsn) = (Direction::Down, to.vsn());
        let step = Step {
            newer: from,
            way: OldVsn { direction, vsn },
            to,
            extra,
        };
        self.step(node, step)
    }

    /// The same part for a version that has the same states, or that needs none.
    pub fn kept(self, by: Module) -> Closed<'a> {
        let vsn = by.vsn();
        Closed { vsn, ..self }
    }

    fn step(self, node: &Node, step: Step<'_>) -> Result<Closed<'a>, String> {
        let Step { newer, to, .. } = step;
        if matches!(self.part, Part::Manager | Part::Supervisor) {
            return Ok(self.kept(to));
        }
        let residues = Residue::into_residues(&self.residues)?;
        let beside = Beside::begin(residues.as_deref(), newer, to);
        let mut host =
            ConversionHost::outside(node, &*node.config().modules, Salt::Name(self.name));
        let converted = convert(&mut host, step, &self.bytes, beside);
        let (bytes, residues) = converted.map_err(|why| {
            let (name, from, to) = (self.module, self.vsn, to.vsn());
            format!("the state of {name} does not convert from {from} to {to}: {why}")
        })?;
        Ok(Closed {
            vsn: to.vsn(),
            bytes,
            residues: Residue::all_of(residues.as_deref()),
            ..self
        })
    }
}

type State = (Vec<u8>, Option<Box<Residues>>);

/// Runs the conversion; a conversion may only read.
fn convert(
    host: &mut ConversionHost<'_>,
    step: Step<'_>,
    bytes: &[u8],
    beside: Beside,
) -> Result<State, Reason> {
    let converted = with_residues(host, beside, |host| {
        step.newer.code_change(host, step.way, bytes, step.extra)
    });
    let converted = converted.map_err(Failure::into_reason)?;
    host.only_read()?;
    Ok(converted)
}

/// The argument `Extra` of an appup that has none: an empty list, as MessagePack.
pub const NO_EXTRA: &[u8] = &[0x90];
