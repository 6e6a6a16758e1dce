//! Conversions of a part that another version has written, one step at a time. A chain of steps leads over several versions.

use std::hash::{DefaultHasher, Hash, Hasher};

use pq_abi::{Direction, Module, OldVsn};
use serde_bytes::ByteBuf;

use super::opens::{Closed, Part, Residue};
use crate::code_change::Converts;
use crate::node::Node;
use crate::residue::{Beside, Residues};
use crate::upgrade::convert::ConversionHost;

impl Closed {
    /// Converts the part to a newer version, which does the conversion (`code_change`).
    ///
    /// # Errors
    /// A sentence, when the version does not convert the part.
    pub fn up(self, node: &Node, to: Module) -> Result<Closed, String> {
        let older = self.vsn.clone();
        self.step(node, (to, Direction::Up, &older), to)
    }

    /// Converts the part to an older version; `from` is the version that wrote it, and does the conversion.
    ///
    /// # Errors
    /// A sentence, when the version does not convert the part.
    pub fn down(self, node: &Node, from: Module, to: Module) -> Result<Closed, String> {
        self.step(node, (from, Direction::Down, to.vsn()), to)
    }

    /// The same part for a version that has the same states, or that needs none.
    pub fn kept(self, by: Module) -> Closed {
        let vsn = by.vsn().to_string();
        Closed { vsn, ..self }
    }

    fn step(
        self,
        node: &Node,
        (newer, direction, older): (Module, Direction, &str),
        to: Module,
    ) -> Result<Closed, String> {
        if matches!(self.part, Part::Manager | Part::Supervisor) {
            return Ok(self.kept(to));
        }
        let residues = self.residues.iter();
        let residues = residues.map(|residue| (&*residue.vsn, &residue.bytes[..]));
        let residues = Residues::moved(residues)?;
        let modules = &*node.config().modules;
        let mut host = ConversionHost::outside(node, modules, salt(&self.bytes));
        *host.beside() = Some(Box::new(Beside::begin(residues.as_deref(), newer, to)));
        let way = OldVsn {
            direction,
            vsn: older,
        };
        let failed = |why: String| {
            let (name, from, to) = (&self.module, &self.vsn, to.vsn());
            format!("the state of {name} does not convert from {from} to {to}: {why}")
        };
        let bytes = newer.code_change(&mut host, way, &self.bytes, NO_EXTRA);
        let bytes = bytes.map_err(|failure| failed(failure.into_reason().to_string()))?;
        host.only_read().map_err(|why| failed(why.to_string()))?;
        let beside = host.beside().take().map(|beside| beside.end()).transpose();
        let beside = beside.map_err(|why| failed(why.to_string()))?.flatten();
        let residue = |(vsn, bytes): (&str, &[u8])| Residue {
            vsn: vsn.to_string(),
            bytes: ByteBuf::from(bytes),
        };
        let residues = beside.iter().flat_map(|beside| beside.iter());
        Ok(Closed {
            vsn: to.vsn().to_string(),
            bytes,
            residues: residues.map(residue).collect(),
            ..self
        })
    }
}

/// The argument `Extra` of an appup that has none: an empty list, as MessagePack.
const NO_EXTRA: &[u8] = &[0x90];

/// A number that depends on the state, and on nothing else.
fn salt(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
