//! Checks that the appups of an application fit its libraries: the appup of the new version, or, where that has no way of its own,
//! those of all steps through versions in between.

use pq_code::{CodeServer, Manifest};
use pq_otp::Direction;
use pq_term::Term;

use crate::app::App;
use crate::appup::Appup;
use crate::appup::generate::{self, Misfit};
use crate::judge::finding::{Finding, Judgement};
use crate::judge::side::{Side, SideApp};
use crate::rel::RelStart;
use crate::systools::{Location, Lookup, Versions};

/// An appup of one version, for the way between that version and an older one.
struct Step {
    appup: Appup,
    older: Option<Manifest>,
    newer: Option<Manifest>,
}

/// Judges the appups between an application and its version in another release.
pub(super) fn appups(
    code: &CodeServer,
    app: &SideApp,
    other: &Side,
    files: &dyn Lookup,
) -> Judgement {
    let mut judgement = Judgement::default();
    let older = other.application(app.app.name.as_str());
    let Some(older) = older.filter(|older| older.app.vsn != app.app.vsn) else {
        return judgement;
    };
    for direction in [Direction::Up, Direction::Down] {
        for step in steps(code, direction, app, older, files) {
            for misfit in step.misfits(direction) {
                judgement.refuse(of_misfit(misfit));
            }
        }
    }
    judgement
}

/// The application of an `.app` file, with its library if there is one.
pub(super) fn side_app(code: &CodeServer, app: &App) -> SideApp {
    SideApp::of_author(app, RelStart::None, code)
}

/// The steps of the way between two versions: one, or several without an entry for the older version in the newest appup.
fn steps(
    code: &CodeServer,
    direction: Direction,
    newer: &SideApp,
    older: &SideApp,
    files: &dyn Lookup,
) -> Vec<Step> {
    let versions = Versions::of(newer.app.name, files);
    // `systools` has already refused an unreadable appup, and one without any way.
    let Some(appup) = Versions::beside(&newer.app, files) else {
        return Vec::new();
    };
    let manifest = |vsn: &str| {
        let known = [newer, older];
        match known.into_iter().find(|it| it.app.vsn == vsn) {
            Some(own) => manifest(code, own),
            None => manifest(code, &side_app(code, versions.app(vsn)?)),
        }
    };
    let steps = versions.steps(direction, &newer.app, &appup, &older.app.vsn);
    let steps = steps.into_iter().map(|step| Step {
        older: manifest(&step.older),
        newer: manifest(&step.newer),
        appup: step.appup,
    });
    steps.collect()
}

impl Step {
    fn misfits(&self, direction: Direction) -> Vec<Misfit> {
        let (Some(older), Some(newer)) = (&self.older, &self.newer) else {
            return Vec::new();
        };
        let misfits = generate::check_way(&self.appup, direction, older, newer);
        misfits.unwrap_or_default()
    }
}

fn of_misfit(misfit: Misfit) -> Finding {
    let location = Location {
        file: misfit.file,
        line: Some(misfit.line),
    };
    Finding::new(misfit.sentence, Term::atom("bad_appup")).at(location)
}

fn manifest(code: &CodeServer, app: &SideApp) -> Option<Manifest> {
    let (library, entries) = app.known()?;
    let library = code.library(library)?;
    Some(Manifest {
        application: library.application,
        vsn: library.vsn,
        abi: 0,
        modules: entries.to_vec(),
    })
}
