//! Finds the way from the running release to another one.

use pq_otp::Direction;
use pq_term::Term;

use super::{RegistryError, ReleaseRegistry};
use crate::instruction::Instruction;
use crate::relup::Way;

/// The way to a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The version of the running release.
    pub from: String,
    /// The version of the release to install.
    pub to: String,
    /// Up: the way is in the `relup` of `to`, or in its appups; down: in the `relup` of `from`, or in its appups.
    pub direction: Direction,
    /// The author's description of the way; any term.
    pub description: Term,
    /// The instructions of the way, in order.
    pub script: Vec<Instruction>,
}

impl ReleaseRegistry {
    /// The way from the running release to this one, as `release_handler:install_release/1` finds it: up in the `relup` of the
    /// new release, else down in the `relup` of the running one. Versions are names without an order. Where no relup has the way,
    /// it is composed from the appups in the tree.
    ///
    /// # Errors
    /// `{already_installed,Vsn}`, `{no_such_release,Vsn}`, `{bad_relup_file,File}`, and `{no_matching_relup,Vsn,Running}` with
    /// all existing ways.
    pub fn way_to(&self, to: &str) -> Result<Planned, RegistryError> {
        self.find(to)?;
        if to == self.running {
            return Err(RegistryError::AlreadyInstalled {
                vsn: to.to_string(),
            });
        }
        let relup = |vsn| self.tree.relup(vsn).map_err(RegistryError::Relup);
        if let Some(way) = relup(to)?.and_then(|relup| relup.up_from(&self.running).cloned()) {
            return Ok(self.planned(to, Direction::Up, way));
        }
        if let Some(way) = relup(&self.running)?.and_then(|relup| relup.down_to(to).cloned()) {
            return Ok(self.planned(to, Direction::Down, way));
        }
        self.composed(to).map_err(|why| RegistryError::NoWay {
            from: self.running.clone(),
            to: to.to_string(),
            ways: self.ways(),
            why,
        })
    }

    fn planned(&self, to: &str, direction: Direction, way: Way) -> Planned {
        Planned {
            from: self.running.clone(),
            to: to.to_string(),
            direction,
            description: way.description,
            script: way.script,
        }
    }

    /// All ways between releases of the tree, as pairs (from, to). An unreadable `relup` has none.
    fn ways(&self) -> Vec<(String, String)> {
        let mut ways = Vec::new();
        for release in &self.releases.0 {
            let Ok(Some(relup)) = self.tree.relup(&release.vsn) else {
                continue;
            };
            let is_here = |way: &&Way| self.releases.find(&way.vsn).is_some();
            let here = |way: &Way| (way.vsn.clone(), release.vsn.clone());
            ways.extend(relup.up.iter().filter(is_here).map(here));
            let away = |way: &Way| (release.vsn.clone(), way.vsn.clone());
            ways.extend(relup.down.iter().filter(is_here).map(away));
        }
        ways
    }
}
