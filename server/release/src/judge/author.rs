//! The judge for whoever makes a release: the same judgement from files, in a world as the releases boot.
//!
//! Libraries are loaded into this program, which has no node: to ask what a module exports, and which children its `init`
//! names, nothing has to run. Where there is no library beside an `.app` file, only what that file says is known; what
//! cannot be looked up is a warning then, and an install looks it up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pq_code::{CodeServer, LoadError, Manifest};
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
use crate::appup::generate;
use crate::boot::{BootError, BootRelease, BuiltIn, ReleaseTree};
use crate::file_error::FileError;
use crate::fit::Member;
use crate::instruction::Instruction;
use crate::layout;
use crate::rel::RelStart;
use crate::relup::{Relup, Way};
use crate::script::{Script, ScriptError};
use crate::systools::{self, Location, Lookup, RelFile, SystoolsError};

/// What is wrong with a release as it boots; `code` has its libraries.
///
/// # Errors
/// When a library of it cannot be loaded.
pub fn release(boot: &BootRelease, code: &CodeServer) -> Result<Vec<Finding>, LoadError> {
    let side = Side::of_tree(boot, code)?;
    Ok(whole::findings(&World::booted(code, &side), &side))
}

/// Why a release cannot be judged. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum Unjudged {
    /// It cannot boot.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// Its relup cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A library of it is refused.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Unjudged {
    /// How a command ends for it: as an install of that release would.
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

/// True when a library is refused because somebody has changed its file.
pub(crate) fn is_checksum(error: &LoadError) -> bool {
    matches!(error.step, pq_code::FailedStep::Checksum { .. })
}

/// A release of a tree: as it boots, and its ways from and to those releases that are in the tree too. One for another
/// node is not judged here.
///
/// # Errors
/// When it cannot boot, or a library of it cannot be loaded.
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
        judgement.add(ways(&code, &relup, &side, &others));
    }
    Ok(judgement)
}

/// The ways of a relup that was compiled from these releases.
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
            judgement.add(appup_fits(&code, app, &other, files));
        }
        known.insert(other.vsn.clone(), other);
    }
    judgement.add(ways(&code, relup, &side, &known));
    Ok(judgement)
}

fn ways(
    code: &CodeServer,
    relup: &Relup,
    side: &Side,
    others: &BTreeMap<String, Side>,
) -> Judgement {
    let mut judgement = Judgement::default();
    let up = relup.up.iter().map(|way| (Direction::Up, way));
    let down = relup.down.iter().map(|way| (Direction::Down, way));
    for (direction, way) in up.chain(down) {
        if let Some(other) = others.get(&way.vsn) {
            judgement.add(one_way(code, direction, way, side, other));
        }
    }
    judgement
}

fn one_way(
    code: &CodeServer,
    direction: Direction,
    way: &Way,
    side: &Side,
    other: &Side,
) -> Judgement {
    let (from, to, name) = match direction {
        Direction::Up => (other, side, format!("the way up from {}", other.vsn)),
        Direction::Down => (side, other, format!("the way down to {}", other.vsn)),
    };
    let mut judged = script(code, from, to, &way.script);
    for finding in &mut judged.refusals {
        finding.sentence = match finding.location {
            Some(_) => std::mem::take(&mut finding.sentence),
            None => format!("{name}: {}", finding.sentence),
        };
    }
    judged
}

fn script(code: &CodeServer, from: &Side, to: &Side, script: &[Instruction]) -> Judgement {
    match Script::read(script) {
        Ok(script) => {
            let from_again = || from.clone();
            let passage = Passage {
                from: &from_again,
                to,
                script: &script,
            };
            judge(World::booted(code, from), &passage)
        }
        // The node starts again on the way, with another program: nothing of it is carried out by this one.
        Err(ScriptError::OtherEmulator) => Judgement::default(),
        Err(error) => {
            let mut judgement = Judgement::default();
            judgement.refuse(Finding::new(error.to_string(), error.to_term()));
            judgement
        }
    }
}

/// Where the appup of an application does not fit its libraries.
fn appup_fits(code: &CodeServer, app: &SideApp, other: &Side, files: &dyn Lookup) -> Judgement {
    let mut judgement = Judgement::default();
    let older = other.application(app.app.name.as_str());
    let older = older.filter(|older| older.app.vsn != app.app.vsn);
    let manifests = older.and_then(|older| Some((manifest(code, older)?, manifest(code, app)?)));
    let file = app.app.file.with_extension("appup");
    let text = files
        .read(&file)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let (Some((older, newer)), Some(text)) = (manifests, text) else {
        return judgement;
    };
    // What cannot be read, or has no such way, systools has refused before.
    if let Ok(appup) = Appup::parse(&file, &text) {
        for misfit in generate::check(&appup, &older, &newer)
            .into_iter()
            .flatten()
        {
            judgement.refuse(of_misfit(misfit));
        }
    }
    judgement
}

fn of_misfit(misfit: generate::Misfit) -> Finding {
    let location = Location {
        file: misfit.file,
        line: Some(misfit.line),
    };
    Finding::new(misfit.sentence, pq_term::Term::atom("bad_appup")).at(location)
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

/// The appup of one application between two of its versions, beside the other applications of their folders.
///
/// # Errors
/// With what systools refuses, in its words and with its line.
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
        // A way that is missing is a place where the appup does not fit, which is said elsewhere.
        let Some(made) = systools::way(appup, direction, &older.vsn, target, source)? else {
            continue;
        };
        let way = Way {
            vsn: older.vsn.clone(),
            description: pq_term::Term::list([]),
            script: made,
        };
        judgement.add(one_way(&code, direction, &way, &to_side, &from_side));
    }
    Ok(judgement)
}

/// An application, the parts of the node, and what stands beside the application's folder or beside that of its other
/// version. Of several versions the last counts.
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

/// What needs nothing that is missing comes first; what needs others comes behind them.
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

/// The applications in the folder above that of this one: `lib/*/ebin/*.app`.
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
