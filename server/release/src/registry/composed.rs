//! Makes the way between two releases of a tree from the appups in it, where no relup has it. Only instructions about code and
//! states may be on such a way: all others need a relup, which an author has compiled and judged.

use pq_otp::Direction;
use pq_term::Term;

use super::{Planned, ReleaseRegistry};
use crate::instruction::Instruction;
use crate::relup::Way;
use crate::systools::{Folders, Options, RelFile, SystoolsError, make_relup};

impl ReleaseRegistry {
    /// The way from the running release to this one: up by the appups of the new release, else down by those of the running one.
    ///
    /// # Errors
    /// A clause with the reason.
    pub(super) fn composed(&self, to: &str) -> Result<Planned, String> {
        let from = &self.running;
        let up = self.made(Direction::Up, to, from);
        let made = up.or_else(|no_way_up| {
            let down = self.made(Direction::Down, from, to);
            down.map_err(|no_way_down| match no_way_up {
                Unmade::NoWay(up) => no_way_down.or(up),
                Unmade::Refused(up) => up,
            })
        });
        let below = format!("{}/", self.root().display());
        let (direction, script) = made.map_err(|why| why.replace(&below, ""))?;
        Ok(Planned {
            from: from.clone(),
            to: to.to_string(),
            direction,
            description: Term::list([]),
            script,
        })
    }

    /// The script of the way between two releases, by the appups of the newer one.
    fn made(
        &self,
        direction: Direction,
        newer: &str,
        older: &str,
    ) -> Result<(Direction, Vec<Instruction>), Unmade> {
        let file = |vsn: &str| -> Result<RelFile, Unmade> {
            let rel = self.tree.rel(vsn);
            let rel = rel.map_err(|error| Unmade::Refused(error.to_string()))?;
            Ok(RelFile::from(rel.file))
        };
        let (newer_file, older_file) = (file(newer)?, [file(older)?]);
        let (up, down): (&[_], &[_]) = match direction {
            Direction::Up => (&older_file, &[]),
            Direction::Down => (&[], &older_file),
        };
        let files = self.files();
        let (relup, _) = make_relup(&newer_file, up, down, Options::default(), &files)?;
        let way = relup.up.into_iter().chain(relup.down).last();
        let script = way.map_or(Vec::new(), |way: Way| way.script);
        match script.iter().find(|it| !is_of_code(it)) {
            None => Ok((direction, script)),
            Some(other) => Err(Unmade::Refused(format!(
                "`{}` needs a relup of release {newer}",
                other.to_term()
            ))),
        }
    }

    /// The applications of the tree, and those of its releases that are elsewhere.
    fn files(&self) -> Folders {
        let root = self.root();
        let libs = self.releases.0.iter().flat_map(|release| &release.libs);
        let folders = libs.map(|lib| root.join(&lib.folder));
        let elsewhere = folders.filter(|folder| !folder.starts_with(root));
        let paths = [root.to_path_buf()].into_iter().chain(elsewhere).collect();
        Folders::new(paths, self.tree.built_in_applications().to_vec())
    }
}

/// The reason why there is no script.
enum Unmade {
    /// The appups have no such way.
    NoWay(String),
    /// A file is faulty, or an instruction needs a relup.
    Refused(String),
}

impl Unmade {
    /// This reason, unless it only says that there is no way.
    fn or(self, other: String) -> String {
        match self {
            Unmade::Refused(why) => why,
            Unmade::NoWay(_) => other,
        }
    }
}

impl From<SystoolsError> for Unmade {
    fn from(error: SystoolsError) -> Unmade {
        let problem = error.problem();
        let is_tagged =
            |tag| matches!(problem.term.as_tuple(), Some([word, ..]) if word.is_atom(tag));
        match is_tagged("no_relup") || is_tagged("file_problem") {
            true => Unmade::NoWay(problem.to_string()),
            false => Unmade::Refused(problem.to_string()),
        }
    }
}

/// True for an instruction that only changes code and states.
fn is_of_code(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::LoadObjectCode { .. }
            | Instruction::LoadConverters(_)
            | Instruction::PointOfNoReturn
            | Instruction::Suspend(_)
            | Instruction::Load { .. }
            | Instruction::CodeChange { .. }
            | Instruction::Resume(_)
            | Instruction::Remove { .. }
            | Instruction::Purge(_)
    )
}
