//! `code_change` of one state, for `sys` and for a transaction: with the residues beside the state.

use pq_abi::{Direction, Failure, Host, Module, OldVsn, State};

use crate::residue::{Beside, Residues};

/// The two versions and the direction of a conversion.
#[derive(Clone, Copy)]
pub(crate) struct CodeChange<'a> {
    pub(crate) from: Module,
    pub(crate) to: Module,
    pub(crate) direction: Direction,
    /// The appup's extra argument for the conversion, MessagePack.
    pub(crate) extra: &'a [u8],
}

/// A host for callbacks that convert states.
pub(crate) trait Converts: Host {
    /// The residues beside the state that is converted.
    fn beside(&mut self) -> &mut Option<Box<Beside>>;
}

impl CodeChange<'_> {
    /// The same conversion in the opposite direction.
    pub(crate) fn back(self) -> Self {
        CodeChange {
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

    /// Converts an exported state; the newer of the two versions converts in both directions. Also returns the residues
    /// beside the new state.
    pub(crate) fn convert<H: Converts>(
        self,
        host: &mut H,
        bytes: &[u8],
        residues: Option<&Residues>,
    ) -> Result<(Vec<u8>, Option<Box<Residues>>), Failure> {
        let (newer, older) = self.newer_and_older();
        let way = OldVsn {
            direction: self.direction,
            vsn: older.vsn(),
        };
        with_residues(host, self.beside(residues), |host| {
            newer.code_change(host, way, bytes, self.extra)
        })
    }

    /// Converts an exported state to a state of the other version.
    pub(crate) fn state<H: Converts>(
        self,
        host: &mut H,
        bytes: &[u8],
        residues: Option<&Residues>,
    ) -> Result<(State, Option<Box<Residues>>), Failure> {
        match self.direction {
            Direction::Up => with_residues(host, self.beside(residues), |host| {
                self.to.upgrade(host, self.from.vsn(), bytes, self.extra)
            }),
            Direction::Down => {
                let (new, residues) = self.convert(host, bytes, residues)?;
                Ok((self.to.import(host, &new)?, residues))
            }
        }
    }

    fn beside(self, residues: Option<&Residues>) -> Beside {
        let (newer, _) = self.newer_and_older();
        Beside::begin(residues, newer, self.to)
    }
}

/// Runs a conversion with the residues at hand. Also returns the residues beside the new state.
pub(crate) fn with_residues<H: Converts, R>(
    host: &mut H,
    beside: Beside,
    convert: impl FnOnce(&mut H) -> Result<R, Failure>,
) -> Result<(R, Option<Box<Residues>>), Failure> {
    *host.beside() = Some(Box::new(beside));
    let new = convert(host)?;
    let residues = host.beside().take().map(|beside| beside.end()).transpose();
    Ok((new, residues.map_err(Failure::Reason)?.flatten()))
}
