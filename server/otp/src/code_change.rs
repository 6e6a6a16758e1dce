//! `code_change` of one state, as `sys` and a transaction have it done: with what lies beside the state.

use pq_abi::{Direction, Failure, Host, Module};

use crate::residue::{Beside, Residues};

/// From which version to which.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) from: Module,
    pub(crate) to: Module,
    pub(crate) direction: Direction,
    /// The `Extra` of the appup, MessagePack.
    pub(crate) extra: &'a [u8],
}

/// A host in which states are converted.
pub(crate) trait Converts: Host {
    /// The residues of the state that is converted, while it is.
    fn beside(&mut self) -> &mut Option<Box<Beside>>;
}

impl Way<'_> {
    /// Back again.
    pub(crate) fn back(self) -> Self {
        Way {
            from: self.to,
            to: self.from,
            direction: match self.direction {
                Direction::Up => Direction::Down,
                Direction::Down => Direction::Up,
            },
            ..self
        }
    }

    /// The newer of the two versions, and the older one.
    pub(crate) fn newer_and_older(self) -> (Module, Module) {
        match self.direction {
            Direction::Up => (self.to, self.from),
            Direction::Down => (self.from, self.to),
        }
    }

    /// Converts an exported state; the newer of the two versions does it, in both directions. Answers what lies beside
    /// the new state, too.
    pub(crate) fn convert<H: Converts>(
        self,
        host: &mut H,
        bytes: &[u8],
        residues: Option<&Residues>,
    ) -> Result<(Vec<u8>, Option<Box<Residues>>), Failure> {
        let (newer, older) = self.newer_and_older();
        *host.beside() = Some(Box::new(Beside::begin(residues, newer, self.to)));
        let way = pq_abi::Way {
            direction: self.direction,
            vsn: older.vsn(),
        };
        let new = newer.code_change(host, way, bytes, self.extra)?;
        let residues = host.beside().take().map(|beside| beside.end()).transpose();
        Ok((new, residues.map_err(Failure::Reason)?.flatten()))
    }
}
