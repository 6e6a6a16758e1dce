//! The judge for the author of a release: the same checks on files, in a world like that of the booted release.
//!
//! The libraries are loaded into this program, which runs no node: the exports of a module, and the children that its `init`
//! returns, can be read without a process. Without a library beside an `.app` file, only the contents of that file are known. A
//! name that cannot be looked up is then a warning, and an install looks it up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pq_code::{CodeServer, LoadError};
use pq_otp::Direction;
use pq_otp::application::StartType;
use pq_protocol::Exit;
use pq_term::Atom;

use super::finding::{Finding, Judgement};
use super::side::{Only, Passage, Side, SideApp};
use super::world::World;
use super::{judge, whole};
use crate::app::App;
use crate::appup::Appup;
use crate::boot::{BootError, BootRelease, BuiltIn, ReleaseTree};
use crate::file_error::FileError;
use crate::fit::Member;
use crate::instruction::Instruction;
use crate::layout;
use crate::rel::RelStart;
use crate::relup::{Relup, Way};
use crate::script::{Script, ScriptError};
use crate::systools::{self, Lookup, RelFile, SystoolsError, Versions};

mod fits;

/// All faults of a release as it boots; `code` contains its libraries.
///
/// # Errors
/// When a library of the release cannot be loaded.
pub fn release(boot: &BootRelease, code: &CodeServer) -> Result<Vec<Finding>, LoadError> {
    let side = Side::of_tree(boot, code)?;
    Ok(whole::findings(&World::booted(code, &side), &side))
}

/// A release that cannot be judged. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum Unjudged {
    /// The release cannot boot.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The relup of the release cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A library of the release is refused.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Unjudged {
    /// The exit code of a command with this error: the same as for an install of the release.
    pub fn exit(&self) -> Exit {
        let is_checksum = match self {
            Unjudged::Boot(error) => error.is_checksum(),
            Unjudged::File(error) => error.is_checksum(),
            Unjudged::Load(error) => is_checksum(error),
        };
        match is_checksum {
            true => Exit::Checksum,
            false => Exit::Refused,
        }
    }
}

/// True when a library is refused because its file was changed after the build.
pub(crate) fn is_checksum(error: &LoadError) -> bool {
    matches!(error.step, pq_code::FailedStep::Checksum { .. })
}

/// Judges a release of a tree: as it boots, and with its ways from and to the other releases of the tree. A release for another
/// node is not judged.
///
/// # Errors
/// When the release cannot boot, or a library of it cannot be loaded.
pub fn of_tree(tree: &ReleaseTree, vsn: &str) -> Result<Judgement, Unjudged> {
    let code = CodeServer::new();
    let boot = match tree.boot_vsn(vsn) {
        Err(BootError::OtherNode { .. }) => return Ok(Judgement::default()),
        boot => boot?,
    };
    let side = Side::of_tree(&boot, &code)?;
    let mut judgement = Judgement {
        refusals: whole::findings(&World::booted(&code, &side), &side),
        ..Judgement::default()
    };
    if let Some(relup) = tree.relup(vsn)? {
        let mut others = BTreeMap::new();
        for way in relup.up.iter().chain(&relup.down) {
            let other = tree.boot_vsn(&way.vsn).ok();
            if let Some(other) = other.and_then(|other| Side::of_tree(&other, &code).ok()) {
                others.insert(way.vsn.clone(), other);
            }
        }
        let between = |name: Atom, vsn: &str| {
            let app = tree.converter(name, vsn).ok()?;
            SideApp::of_tree(&app, &code).ok()
        };
        judgement.add(ways(&code, &relup, &side, &others, &between));
    }
    Ok(judgement)
}

/// Judges the ways of a relup that was compiled from these releases.
///
/// # Errors
/// When a release cannot be read.
pub fn relup(
    relup: &Relup,
    new: &RelFile,
    others: &[RelFile],
    files: &dyn Lookup,
) -> Result<Judgement, SystoolsError> {
    let code = CodeServer::new();
    let read = |file: &Path| -> Result<Side, SystoolsError> {
        let (rel, members) = systools::release(file, files)?;
        Ok(Side::of_members(&rel.vsn, &members, &code))
    };
    let side = read(&new.file)?;
    let mut judgement = Judgement::default();
    let mut known = BTreeMap::new();
    for other in others {
        let other = read(&other.file)?;
        for app in &side.applications {
            judgement.add(fits::appups(&code, app, &other, files));
        }
        known.insert(other.vsn.clone(), other);
    }
    let between = |name: Atom, vsn: &str| {
        let versions = Versions::of(name, files);
        Some(fits::side_app(&code, versions.app(vsn)?))
    };
    judgement.add(ways(&code, relup, &side, &known, &between));
    Ok(judgement)
}

/// Reads a version in between; `None` when it is missing.
type Between<'a> = dyn Fn(Atom, &str) -> Option<SideApp> + 'a;

fn ways(
    code: &CodeServer,
    relup: &Relup,
    side: &Side,
    others: &BTreeMap<String, Side>,
    between: &Between<'_>,
) -> Judgement {
    let mut judgement = Judgement::default();
    let up = relup.up.iter().map(|way| (Direction::Up, way));
    let down = relup.down.iter().map(|way| (Direction::Down, way));
    for (direction, way) in up.chain(down) {
        let Some(other) = others.get(&way.vsn) else {
            continue;
        };
        let converters = way.converters();
        let between = converters.filter_map(|it| between(it.lib, &it.vsn));
        let known = Known {
            code,
            between: &between.collect::<Vec<_>>(),
        };
        judgement.add(one_way(known, direction, way, side, other));
    }
    judgement
}

/// The loaded libraries, and the versions in between of one way.
#[derive(Clone, Copy)]
struct Known<'a> {
    code: &'a CodeServer,
    between: &'a [SideApp],
}

fn one_way(
    known: Known<'_>,
    direction: Direction,
    way: &Way,
    side: &Side,
    other: &Side,
) -> Judgement {
    let (from, to, name) = match direction {
        Direction::Up => (other, side, format!("the way up from {}", other.vsn)),
        Direction::Down => (side, other, format!("the way down to {}", other.vsn)),
    };
    let mut judged = script(known, from, to, &way.script);
    for finding in &mut judged.refusals {
        finding.sentence = match finding.location {
            Some(_) => std::mem::take(&mut finding.sentence),
            None => format!("{name}: {}", finding.sentence),
        };
    }
    judged
}

fn script(known: Known<'_>, from: &Side, to: &Side, script: &[Instruction]) -> Judgement {
    match Script::read(script) {
        Ok(script) => {
            let from_again = || from.clone();
            let passage = Passage {
                from: &from_again,
                to,
                between: known.between,
                script: &script,
            };
            judge(World::booted(known.code, from), &passage)
        }
        // The node restarts on the way with another program: this program carries out no step of it.
        Err(ScriptError::OtherEmulator) => Judgement::default(),
        Err(error) => {
            let mut judgement = Judgement::default();
            judgement.refuse(Finding::new(error.to_string(), error.to_term()));
            judgement
        }
    }
}

/// Judges the appup of an application between two versions, together with the neighbouring applications of both directories.
///
/// # Errors
/// With the error of systools, including its line.
pub fn appup(
    appup: &Appup,
    older: &App,
    newer: &App,
    built_in: &[BuiltIn],
) -> Result<Judgement, SystoolsError> {
    let code = CodeServer::new();
    let (from, to) = (
        members(older, newer, built_in),
        members(newer, older, built_in),
    );
    let names = older.modules.iter().chain(&newer.modules);
    let only = Only {
        application: newer.name,
        modules: names.map(|name| name.as_str().to_string()).collect(),
    };
    let side = |app: &App, members: &[Member]| Side {
        only: Some(only.clone()),
        ..Side::of_members(&app.vsn, members, &code)
    };
    let (from_side, to_side) = (side(older, &from), side(newer, &to));
    let mut judgement = Judgement::default();
    for direction in [Direction::Up, Direction::Down] {
        let (target, source) = match direction {
            Direction::Up => (&to, &from),
            Direction::Down => (&from, &to),
        };
        // A missing way is reported by the check of the appup.
        let Some(made) = systools::way(appup, direction, &older.vsn, target, source)? else {
            continue;
        };
        let way = Way {
            vsn: older.vsn.clone(),
            description: pq_term::Term::list([]),
            script: made,
        };
        let known = Known {
            code: &code,
            between: &[],
        };
        judgement.add(one_way(known, direction, &way, &to_side, &from_side));
    }
    Ok(judgement)
}

/// The application, the applications of the node, and the neighbours of the application's directory and of its other version's
/// directory. Of several versions of an application, the last counts.
fn members(app: &App, other: &App, built_in: &[BuiltIn]) -> Vec<Member> {
    let mut found: BTreeMap<Atom, App> = BTreeMap::new();
    for own in built_in {
        if let Ok(own) = App::parse(Path::new("built-in"), &own.app_text) {
            found.insert(own.name, own);
        }
    }
    for beside in neighbours(other).into_iter().chain(neighbours(app)) {
        found.insert(beside.name, beside);
    }
    found.insert(app.name, app.clone());
    let member = |app: App| Member {
        app,
        start: RelStart::Start(StartType::Permanent),
    };
    let members: Vec<Member> = found.into_values().map(member).collect();
    in_start_order(members)
}

/// Sorts applications behind their dependencies; dependencies that are missing do not count.
fn in_start_order(mut waiting: Vec<Member>) -> Vec<Member> {
    let mut ordered: Vec<Member> = Vec::new();
    while !waiting.is_empty() {
        let waits_for = |member: &Member| {
            let mut needs = member.app.applications.iter();
            needs.any(|need| waiting.iter().any(|other| other.app.name == *need))
        };
        let (later, now): (Vec<_>, Vec<_>) = waiting.iter().cloned().partition(waits_for);
        if now.is_empty() {
            ordered.extend(later);
            break;
        }
        ordered.extend(now);
        waiting = later;
    }
    ordered
}

/// The applications in the directory above that of this application: `lib/*/ebin/*.app`.
fn neighbours(app: &App) -> Vec<App> {
    let above = app.folder().parent().and_then(Path::parent);
    let entries = above
        .into_iter()
        .flat_map(std::fs::read_dir)
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    let named = |folder: &PathBuf| {
        let name = folder.file_name()?.to_str()?;
        let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
        App::read(&folder.join(layout::app_name(name))).ok()
    };
    folders.iter().filter_map(named).collect()
}

impl Judgement {
    fn add(&mut self, other: Judgement) {
        other
            .refusals
            .into_iter()
            .for_each(|finding| self.refuse(finding));
        for warning in other.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }
}
