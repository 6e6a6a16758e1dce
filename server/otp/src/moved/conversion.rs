//! Conversions of a part that another version has written, one step at a time. A chain of steps leads over several versions.

use pq_abi::{Direction, Failure, Module, Reason};

use super::opens::{Closed, Part, Residue};
use crate::code_change::CodeChange;
use crate::node::Node;
use crate::residue::Residues;
use crate::upgrade::convert::{ConversionHost, Salt};

impl<'a> Closed<'a> {
    /// Converts the part to a newer version, which does the conversion (`code_change`). `extra` is the appup's argument `Extra`
    /// in plain MessagePack ([`NO_EXTRA`]).
    ///
    /// # Errors
    /// A sentence, when the version does not convert the part.
    pub fn up(self, node: &Node, to: Module, extra: &[u8]) -> Result<Closed<'a>, String> {
        let step = CodeChange {
            newer: to,
            older: self.vsn,
            to,
            direction: Direction::Up,
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
        let step = CodeChange::between(from, to, Direction::Down, extra);
        self.step(node, step)
    }

    /// The same part for a version that has the same states, or that needs none.
    pub fn kept(self, by: Module) -> Closed<'a> {
        let vsn = by.vsn();
        Closed { vsn, ..self }
    }

    fn step(self, node: &Node, step: CodeChange<'_>) -> Result<Closed<'a>, String> {
        let to = step.to;
        if matches!(self.part, Part::Manager | Part::Supervisor) {
            return Ok(self.kept(to));
        }
        let residues = Residue::into_residues(&self.residues)?;
        let mut host =
            ConversionHost::outside(node, &*node.config().modules, Salt::Name(self.name));
        let converted = convert(&mut host, step, &self.bytes, residues.as_deref());
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
    step: CodeChange<'_>,
    bytes: &[u8],
    residues: Option<&Residues>,
) -> Result<State, Reason> {
    let converted = step.convert(host, bytes, residues);
    let converted = converted.map_err(Failure::into_reason)?;
    host.only_read()?;
    Ok(converted)
}

/// The argument `Extra` of an appup that has none: an empty list, as MessagePack.
pub const NO_EXTRA: &[u8] = &[0x90];
