//! `code_change` of one state, with the residues beside the state: for `sys`, for each step of a transaction, and for states that
//! another version has saved.

use pq_abi::{Direction, Failure, Host, Module, OldVsn, State};

use crate::residue::{Beside, Residues};

/// A conversion of a state from one version to the next: the only step of a way, or one of several.
#[derive(Clone, Copy)]
pub(crate) struct CodeChange<'a> {
    /// The newer of the two versions, which converts in both directions.
    pub(crate) newer: Module,
    /// The older version. Its library is not needed on the way up.
    pub(crate) older: &'a str,
    /// The version that the state reaches.
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

impl<'a> CodeChange<'a> {
    /// The conversion between two loaded versions.
    pub(crate) fn between(
        from: Module,
        to: Module,
        direction: Direction,
        extra: &'a [u8],
    ) -> CodeChange<'a> {
        let (newer, older) = match direction {
            Direction::Up => (to, from),
            Direction::Down => (from, to),
        };
        CodeChange {
            newer,
            older: older.vsn(),
            to,
            direction,
            extra,
        }
    }

    /// The same conversion in the opposite direction, to the version that the state came from.
    pub(crate) fn back(self, from: Module) -> CodeChange<'a> {
        CodeChange {
            to: from,
            direction: match self.direction {
                Direction::Up => Direction::Down,
                Direction::Down => Direction::Up,
            },
            ..self
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
        let way = OldVsn {
            direction: self.direction,
            vsn: self.older,
        };
        with_residues(host, self.beside(residues), |host| {
            self.newer.code_change(host, way, bytes, self.extra)
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
                self.to.upgrade(host, self.older, bytes, self.extra)
            }),
            Direction::Down => {
                let (new, residues) = self.convert(host, bytes, residues)?;
                Ok((self.to.import(host, &new)?, residues))
            }
        }
    }

    fn beside(self, residues: Option<&Residues>) -> Beside {
        Beside::begin(residues, self.newer, self.to)
    }
}

/// Runs a conversion with the residues at hand. Also returns the residues beside the new state.
fn with_residues<H: Converts, R>(
    host: &mut H,
    beside: Beside,
    convert: impl FnOnce(&mut H) -> Result<R, Failure>,
) -> Result<(R, Option<Box<Residues>>), Failure> {
    *host.beside() = Some(Box::new(beside));
    let new = convert(host)?;
    let residues = host.beside().take().map(|beside| beside.end()).transpose();
    Ok((new, residues.map_err(Failure::Reason)?.flatten()))
}
