//! Which way leads from the release that runs to another.

use pq_otp::Direction;
use pq_term::Term;

use super::{RegistryError, ReleaseRegistry};
use crate::instruction::Instruction;
use crate::relup::Way;

/// The way to a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The release that runs.
    pub from: String,
    /// The release that is to run.
    pub to: String,
    /// Up: the way stands in the `relup` of `to`; down: in that of `from`.
    pub direction: Direction,
    /// What the author had to say about it.
    pub description: Term,
    /// The steps.
    pub script: Vec<Instruction>,
}

impl ReleaseRegistry {
    /// The way from the release that runs to this one, as `release_handler:install_release/1` finds it: up in the
    /// `relup` of that release, else down in the `relup` of the one that runs. Versions are names; none is greater.
    ///
    /// # Errors
    /// `{already_installed,Vsn}`, `{no_such_release,Vsn}`, `{bad_relup_file,File}`, and `{no_matching_relup,Vsn,Running}`
    /// with all ways that there are.
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
        Err(RegistryError::NoWay {
            from: self.running.clone(),
            to: to.to_string(),
            ways: self.ways(),
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

    /// All ways between releases of the tree, from and to. A `relup` that cannot be read has none.
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
