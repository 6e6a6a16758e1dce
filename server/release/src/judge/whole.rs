//! Checks a release by itself, as it boots: `.app` files and libraries list the same modules, each application starts with an
//! application module, child specifications name modules of processes, and every called function exists.

use pq_term::Term;

use super::calls;
use super::finding::Finding;
use super::side::{Side, SideApp};
use super::tree;
use super::world::World;
use crate::rel::RelStart;
use crate::systools::Location;
use crate::terms::tagged;

/// All faults of the release.
pub(super) fn findings(world: &World<'_>, side: &Side) -> Vec<Finding> {
    let mut all: Vec<Finding> = side.judged().flat_map(modules).collect();
    all.extend(side.judged().filter_map(|app| trees(world, app)));
    for (call, why) in world.lost_calls() {
        if is_judged(side, &call) {
            all.push(calls::lost_call_finding(&call, &why, &side.vsn));
        }
    }
    all
}

/// When only one application is judged, other applications may be missing, or have versions of another release.
pub(super) fn is_judged(side: &Side, (caller, callee): &(String, String)) -> bool {
    let callee = callee.split(':').next().unwrap_or_default();
    match &side.only {
        Some(only) => only.modules.contains(caller) && only.modules.contains(callee),
        None => true,
    }
}

/// The `.app` file and the library have to list the same modules: systools reads the one, a boot the other.
fn modules(app: &SideApp) -> Vec<Finding> {
    let Some((_, entries)) = app.known() else {
        return Vec::new();
    };
    let location = || Location {
        file: app.app.file.clone(),
        line: Some(app.app.line("modules")),
    };
    let listed = app.app.modules.iter().map(|name| name.as_str());
    let ghosts = listed.filter(|name| entries.iter().all(|entry| entry.name != *name));
    let ghosts = ghosts.map(|name| {
        let sentence = format!(
            "`{name}` is listed, and the library of {}-{} does not have it; take it from the list, or put it into the library",
            app.app.name, app.app.vsn
        );
        Finding::new(sentence, tagged("no_such_module", Term::string(name))).at(location())
    });
    let is_listed = |name: &str| app.app.modules.iter().any(|it| it.as_str() == name);
    let strays = entries.iter().filter(|entry| !is_listed(&entry.name));
    let strays = strays.map(|entry| {
        let sentence = format!(
            "the library of {}-{} has `{}`, which is not listed, so no appup can name it; put it on the list",
            app.app.name, app.app.vsn, entry.name
        );
        Finding::new(sentence, tagged("module_not_listed", Term::string(entry.name.as_str()))).at(location())
    });
    ghosts.chain(strays).collect()
}

/// Checks that the processes of an application can start.
fn trees(world: &World<'_>, app: &SideApp) -> Option<Finding> {
    if app.start == RelStart::None {
        return None;
    }
    let location = Location {
        file: app.app.file.clone(),
        line: Some(app.app.line("mod")),
    };
    tree::top(world, &app.app.spec())
        .err()
        .map(|finding| finding.at(location))
}
