//! Finds the way of an application between two versions through versions in between, each with an appup for the one before it.
//!
//! ```text
//!   1.0.0 ◄─ appup of 1.0.1 ─► 1.0.1 ◄─ appup of 1.1.0 ─► 1.1.0
//! ```
//! The shortest way counts. An appup with an entry for the version is never passed over: this search follows when there is none.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pq_otp::Direction;
use pq_term::Atom;

use super::rc::Script;
use super::rc::composed::{Ends, composed};
use super::{Lookup, SystoolsError, release};
use crate::app::App;
use crate::appup::Appup;
use crate::terms;

/// A version of an application, with the appup beside its `.app` file.
#[derive(Clone)]
struct Version {
    app: App,
    appup: Appup,
}

/// A step between neighbouring versions: the appup is that of the newer one.
pub(crate) struct Step {
    pub(crate) appup: Appup,
    pub(crate) newer: String,
    pub(crate) older: String,
}

/// The versions of an application in the directories of a make.
pub(crate) struct Versions<'a> {
    application: Atom,
    apps: Vec<App>,
    files: &'a dyn Lookup,
}

impl<'a> Versions<'a> {
    pub(crate) fn of(application: Atom, files: &'a dyn Lookup) -> Versions<'a> {
        let apps = files.app_files(application.as_str()).into_iter();
        let read = |file: PathBuf| {
            let text = release::read(&file, files).ok()?;
            let app = App::parse(&file, &text).ok()?;
            (app.name == application).then_some(app)
        };
        Versions {
            application,
            apps: apps.filter_map(read).collect(),
            files,
        }
    }

    /// The first `.app` file of this version.
    pub(crate) fn app(&self, vsn: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.vsn == vsn)
    }

    /// The appup beside an `.app` file; `None` when it is missing or faulty.
    pub(crate) fn beside(app: &App, files: &dyn Lookup) -> Option<Appup> {
        let file = app.file.with_extension("appup");
        let text = release::read(&file, files).ok()?;
        Appup::parse(&file, &text).ok()
    }

    /// The steps between two versions, the newest first: one where the appup of the newer version has a way, or no appup has.
    pub(crate) fn steps(
        &self,
        direction: Direction,
        newer: &App,
        appup: &Appup,
        older: &str,
    ) -> Vec<Step> {
        let newest = Version {
            app: newer.clone(),
            appup: appup.clone(),
        };
        let chain = self.chain(direction, newest.clone(), older);
        in_steps(&chain.unwrap_or_else(|| vec![newest]), older)
    }

    /// The way of this application between two versions, as one script. `None` when no chain of appups has such a way.
    ///
    /// # Errors
    /// When an instruction of a step cannot be composed with others.
    pub(super) fn way(
        &self,
        direction: Direction,
        newer: &App,
        appup: &Appup,
        older: &str,
    ) -> Result<Option<Script>, SystoolsError> {
        let newest = Version {
            app: newer.clone(),
            appup: appup.clone(),
        };
        let Some(oldest) = self.app(older) else {
            return Ok(None);
        };
        let Some(chain) = self.chain(direction, newest, older) else {
            return Ok(None);
        };
        let (source, target) = match direction {
            Direction::Up => (oldest, newer),
            Direction::Down => (newer, oldest),
        };
        let ends = Ends {
            direction,
            application: self.application,
            source: &source.modules,
            target: &target.modules,
            remedy: remedy(direction, &chain, older),
        };
        let script = composed(&ends, scripts(direction, in_steps(&chain, older)));
        script.map(Some).map_err(SystoolsError::Relup)
    }

    /// The versions from the newest one on, each with a way to or from the next; the last has one to or from `older`.
    fn chain(&self, direction: Direction, newest: Version, older: &str) -> Option<Vec<Version>> {
        let mut reached = BTreeSet::from([newest.app.vsn.clone(), older.to_string()]);
        let mut chains = vec![vec![newest]];
        while !chains.is_empty() {
            let leads = |chain: &Vec<Version>| has_way(chain.last(), direction, older);
            if let Some(at) = chains.iter().position(leads) {
                return Some(chains.swap_remove(at));
            }
            chains = self.longer(direction, &chains, &mut reached);
        }
        None
    }

    /// The chains with one more version that was not reached before.
    fn longer(
        &self,
        direction: Direction,
        chains: &[Vec<Version>],
        reached: &mut BTreeSet<String>,
    ) -> Vec<Vec<Version>> {
        let mut longer = Vec::new();
        for chain in chains {
            for app in &self.apps {
                if reached.contains(&app.vsn) || !has_way(chain.last(), direction, &app.vsn) {
                    continue;
                }
                reached.insert(app.vsn.clone());
                let appup = Versions::beside(app, self.files);
                let is_own = |appup: &Appup| terms::text(&appup.vsn).as_ref() == Some(&app.vsn);
                if let Some(appup) = appup.filter(is_own) {
                    let app = app.clone();
                    let known = chain.iter().cloned();
                    longer.push(known.chain([Version { app, appup }]).collect());
                }
            }
        }
        longer
    }
}

/// Whether the appup of a version has a way from or to an older one.
fn has_way(version: Option<&Version>, direction: Direction, older: &str) -> bool {
    let way = version.map(|version| version.appup.way(direction, older));
    matches!(way, Some(Ok(Some(_))))
}

/// The steps from each version of a chain to the next, and from the last one to `older`.
fn in_steps(chain: &[Version], older: &str) -> Vec<Step> {
    let vsns = chain.iter().map(|version| &*version.app.vsn);
    let befores = vsns.skip(1).chain([older]);
    let step = |(version, before): (&Version, &str)| Step {
        appup: version.appup.clone(),
        newer: version.app.vsn.clone(),
        older: before.to_string(),
    };
    chain.iter().zip(befores).map(step).collect()
}

/// The script of each step with the version that it reaches, in the order of the way.
fn scripts(direction: Direction, steps: Vec<Step>) -> Vec<(String, Script)> {
    let script = |step: Step| {
        let way = step.appup.way(direction, &step.older).ok()??;
        let to = match direction {
            Direction::Up => step.newer,
            Direction::Down => step.older,
        };
        Some((to, Script::of_appup(way)))
    };
    let mut scripts: Vec<_> = steps.into_iter().filter_map(script).collect();
    if direction == Direction::Up {
        scripts.reverse();
    }
    scripts
}

/// The clause about the way, for an instruction that cannot be composed.
fn remedy(direction: Direction, chain: &[Version], older: &str) -> String {
    let Some((newest, between)) = chain.split_first() else {
        return String::new();
    };
    let way = match direction {
        Direction::Up => "up from",
        Direction::Down => "down to",
    };
    let between: Vec<&str> = between.iter().map(|version| &*version.app.vsn).collect();
    let (name, newer) = (newest.app.name, &newest.app.vsn);
    format!(
        "{name}-{newer} has no way {way} {older} of its own, only through {}; an entry `{{\"{older}\", Instructions}}` in {} \
         would be right",
        between.join(", "),
        newest.appup.file().display()
    )
}
