//! Links two releases to one way: finds the changed, added and removed applications, and orders their scripts
//! (`systools_relup`). `rc` compiles the scripts to instructions.

use pq_otp::Direction;
use pq_term::Term;

use super::chain::Versions;
use super::rc::{self, Script};
use super::release::{self, Release};
use super::{Location, Lookup, Options, Problem, RelFile, SystoolsError, Warning};
use crate::app::App;
use crate::appup::{self, Appup};
use crate::file_error::{FileError, path_term};
use crate::fit::Member;
use crate::rel::RelApp;
use crate::relup::{Relup, Way};
use crate::terms;

/// Makes the ways of one new release.
pub(super) struct Linker<'a> {
    new: Release,
    options: Options,
    files: &'a dyn Lookup,
    warnings: Vec<Warning>,
}

impl<'a> Linker<'a> {
    pub(super) fn new(
        new: &RelFile,
        options: Options,
        files: &'a dyn Lookup,
    ) -> Result<Linker<'a>, SystoolsError> {
        let new = Release::read(&new.file, files)?;
        Ok(Linker {
            new,
            options,
            files,
            warnings: Vec::new(),
        })
    }

    pub(super) fn relup(
        mut self,
        up_from: &[RelFile],
        down_to: &[RelFile],
    ) -> Result<(Relup, Vec<Warning>), SystoolsError> {
        let up = self.ways(Direction::Up, up_from)?;
        let down = self.ways(Direction::Down, down_to)?;
        self.warnings.reverse();
        let relup = Relup {
            vsn: self.new.rel.vsn,
            up,
            down,
        };
        Ok((relup, self.warnings))
    }

    /// FIDELITY: the last base release comes first.
    fn ways(&mut self, direction: Direction, bases: &[RelFile]) -> Result<Vec<Way>, SystoolsError> {
        let ways = bases.iter().map(|base| self.way(direction, base));
        let mut ways = ways.collect::<Result<Vec<Way>, _>>()?;
        ways.reverse();
        Ok(ways)
    }

    fn way(&mut self, direction: Direction, base: &RelFile) -> Result<Way, SystoolsError> {
        let base_release = Release::read(&base.file, self.files)?;
        let scripts = self.scripts(direction, &base_release)?;
        let (target, source) = match direction {
            Direction::Up => (&self.new, &base_release),
            Direction::Down => (&base_release, &self.new),
        };
        let script = rc::translate(
            direction,
            scripts,
            &target.applications,
            &source.applications,
        );
        Ok(Way {
            vsn: base_release.rel.vsn.clone(),
            description: base.description.clone(),
            script: script.map_err(SystoolsError::Rc)?,
        })
    }

    /// Added applications come first, then changed ones in the start order of the new release (in both directions), then
    /// removed ones.
    fn scripts(
        &mut self,
        direction: Direction,
        base: &Release,
    ) -> Result<Vec<Script>, SystoolsError> {
        let changed = self.appup_scripts(direction, base)?;
        let (target, source) = match direction {
            Direction::Up => (&self.new, base),
            Direction::Down => (base, &self.new),
        };
        let add = |app: &RelApp| {
            let parts = [
                Term::atom("add_application"),
                Term::Atom(app.name),
                Term::atom(app.start.word()),
            ];
            Script::made(Term::tuple(parts))
        };
        let remove = |app: &RelApp| Script::made(terms::tagged("remove_application", app.name));
        let mut scripts: Vec<Script> = only_in(target, source).map(add).collect();
        scripts.extend(changed);
        scripts.extend(only_in(source, target).map(remove));
        let (new, other) = (&self.new.rel, &base.rel);
        if new.erts_vsn != other.erts_vsn {
            scripts.insert(0, Script::made(Term::atom("restart_new_emulator")));
            self.warnings.push(Warning::ErtsVsnChanged {
                new: (new.name.clone(), new.erts_vsn.clone()),
                other: (other.name.clone(), other.erts_vsn.clone()),
            });
        }
        if self.options.restart_emulator {
            scripts.push(Script::made(Term::atom("restart_emulator")));
        }
        Ok(scripts)
    }

    fn appup_scripts(
        &mut self,
        direction: Direction,
        base: &Release,
    ) -> Result<Vec<Script>, SystoolsError> {
        let mut scripts = Vec::new();
        for Member { app, .. } in &self.new.applications {
            let Some(old) = base.rel.application(app.name.as_str()) else {
                continue;
            };
            if old.vsn != app.vsn {
                let appup = self.appup(app, &old.vsn)?;
                if terms::text(&appup.vsn).as_ref() != Some(&app.vsn) {
                    self.warnings.push(Warning::BadVsn {
                        file: appup.file().to_path_buf(),
                        line: appup.vsn_line(),
                        appup: appup.vsn.clone(),
                        app: app.vsn.clone(),
                    });
                }
                let way = appup
                    .way(direction, &old.vsn)
                    .map_err(|error| relup_error(&error))?;
                let Some(way) = way else {
                    scripts.push(self.composed(direction, app, &appup, &old.vsn)?);
                    continue;
                };
                let unusable = way.passed_over.iter().cloned().map(Warning::BadPattern);
                self.warnings.extend(unusable);
                scripts.push(Script::of_appup(way));
            }
        }
        Ok(scripts)
    }

    /// The way through versions in between, for an appup without a way of its own.
    fn composed(
        &self,
        direction: Direction,
        app: &App,
        appup: &Appup,
        old_vsn: &str,
    ) -> Result<Script, SystoolsError> {
        let versions = Versions::of(app.name, self.files);
        let way = versions.way(direction, app, appup, old_vsn)?;
        way.ok_or_else(|| no_relup(direction, appup, app.name, &app.vsn, old_vsn))
    }

    fn appup(&self, app: &App, old_vsn: &str) -> Result<Appup, SystoolsError> {
        let file = app.folder().join(format!("{}.appup", app.name.as_str()));
        let appup = release::read(&file, self.files).and_then(|text| Appup::parse(&file, &text));
        appup.map_err(|error| {
            let mut problem = Problem::of_file(&error, appup::file_problem(&error));
            if let FileError::Read { .. } = error {
                let (name, vsn) = (app.name, &app.vsn);
                problem.sentence.push_str(&format!("; `{name}` is {old_vsn} in one release and {vsn} in the other, so it needs an appup"));
            }
            SystoolsError::Relup(problem)
        })
    }
}

fn relup_error(error: &FileError) -> SystoolsError {
    SystoolsError::Relup(Problem::of_file(error, appup::file_problem(error)))
}

/// The applications that only the first release contains, in the order of its `.rel` file.
fn only_in<'r>(one: &'r Release, other: &'r Release) -> impl Iterator<Item = &'r RelApp> {
    one.rel
        .applications
        .iter()
        .filter(|app| other.rel.application(app.name.as_str()).is_none())
}

fn no_relup(
    direction: Direction,
    appup: &Appup,
    name: pq_term::Atom,
    vsn: &str,
    base: &str,
) -> SystoolsError {
    let way = match direction {
        Direction::Up => "up from",
        Direction::Down => "down to",
    };
    let application = Term::tuple([
        Term::atom("#application"),
        Term::Atom(name),
        Term::string(vsn),
    ]);
    SystoolsError::Relup(Problem {
        location: Some(Location {
            file: appup.file().to_path_buf(),
            line: Some(appup.line(direction)),
        }),
        sentence: format!(
            "there is no way {way} {name}-{base}, only {way}: {}; an entry `{{\"{base}\", Instructions}}` would be right, or \
             appups of versions in between that lead there",
            appup.versions(direction),
        ),
        term: Term::tuple([
            Term::atom("no_relup"),
            path_term(appup.file()),
            application,
            Term::string(base),
        ]),
    })
}
