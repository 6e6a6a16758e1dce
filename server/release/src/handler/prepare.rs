//! Prepares an install without any change: reads and verifies files, and loads libraries beside the running ones.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pq_code::{LibraryId, Wanted};
use pq_otp::Module;
use pq_otp::upgrade::Driver;
use pq_term::Atom;

use super::converters::Converter;
use super::error::FailedStep;
use super::{ASK_TIMEOUT_MS, ReleaseHandler, apply, drift, memory};
use crate::boot::{BootApp, BootRelease, Code};
use crate::judge::{self, Judgement, Passage, Side};
use crate::registry::Planned;
use crate::script::{CodeChange, Script};

/// Reads the running release; `None` when its files are unreadable.
pub(super) type ReadRelease<'a> = dyn Fn(&ReleaseHandler) -> Option<BootRelease> + 'a;

/// An install that is ready to start.
pub(super) struct Prepared {
    pub(super) planned: Planned,
    pub(super) boot: BootRelease,
    pub(super) script: Script,
    /// The library of each module that the script loads.
    pub(super) libraries: BTreeMap<Atom, LibraryId>,
    /// The versions in between through which states go, in the order of the way.
    pub(super) converters: Vec<Converter>,
    /// Sentences about oddities that do not prevent the install.
    pub(super) warnings: Vec<String>,
    /// Code of the running release that would stay, as sentences.
    pub(super) left: Vec<String>,
    /// The result of the judge.
    pub(super) judgement: Judgement,
    pub(super) purpose: Purpose,
}

/// The purpose of the preparation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Install,
    Check,
}

/// How long a shard with a slow callback may take to answer, in ms.
const PATIENCE_MS: u64 = 5_000;

/// Refuses the request when a shard is blocked, before any process is affected.
pub(super) fn all_answer(driver: &dyn Driver) -> Result<(), FailedStep> {
    match driver.node().stalled_soon(PATIENCE_MS) {
        Some(stall) => Err(FailedStep::Stalled(stall.to_string())),
        None => Ok(()),
    }
}

impl ReleaseHandler {
    pub(super) fn prepare(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        purpose: Purpose,
    ) -> Result<Prepared, FailedStep> {
        all_answer(driver)?;
        let planned = self.registry.way_to(vsn)?;
        self.watch
            .begin(&planned.from, &planned.to, planned.direction, purpose);
        let boot = self.registry.tree().boot_vsn(vsn)?;
        boot.standing.is_trusted(vsn)?;
        let script = Script::read(&planned.script)?;
        let libraries = self.read_code(&boot.applications, &script)?;
        let converters = self.read_converters(&script)?;
        let mut prepared = Prepared {
            warnings: Vec::new(),
            left: Vec::new(),
            judgement: Judgement::default(),
            purpose,
            planned,
            boot,
            script,
            libraries,
            converters,
        };
        let from = prepared.planned.from.clone();
        let from = |handler: &ReleaseHandler| handler.registry.tree().boot_vsn(&from).ok();
        let to = self.look_ahead(driver, &from, &mut prepared)?;
        prepared.left = drift::left(&self.code, &prepared, &to)?;
        prepared.warnings = prepared.boot.remarks.clone();
        prepared
            .warnings
            .extend(prepared.judgement.warnings.clone());
        Ok(prepared)
    }

    /// `load_object_code`: loads the libraries of the release, verified against its checksums; no code becomes current.
    pub(super) fn read_code(
        &self,
        applications: &[BootApp],
        script: &Script,
    ) -> Result<BTreeMap<Atom, LibraryId>, FailedStep> {
        let mut found = BTreeMap::new();
        for (lib, vsn, modules) in &script.object_code {
            let library = self.library(applications, *lib, vsn)?;
            for module in modules {
                self.code.module(library, module.as_str())?;
                found.insert(*module, library);
            }
        }
        Ok(found)
    }

    fn library(
        &self,
        applications: &[BootApp],
        lib: Atom,
        vsn: &str,
    ) -> Result<LibraryId, FailedStep> {
        let bad = |found: String| FailedStep::BadLibVsn {
            lib,
            vsn: vsn.to_string(),
            found,
        };
        let listed = applications.iter().find(|app| app.app.name == lib);
        let app = listed.ok_or_else(|| bad("no such application".to_string()))?;
        if app.app.vsn != vsn {
            return Err(bad(format!("version {}", app.app.vsn)));
        }
        let (path, wanted) = file_of(app).ok_or_else(|| bad("no library of it".to_string()))?;
        Ok(self.code.load_library(&path, wanted)?)
    }

    /// Looks before the first step for faults that would stop the script in the middle.
    pub(super) fn look_ahead(
        &self,
        driver: &mut dyn Driver,
        from: &ReadRelease<'_>,
        prepared: &mut Prepared,
    ) -> Result<Side, FailedStep> {
        (self.judge)(&prepared.boot).map_err(|why| FailedStep::Settings {
            vsn: prepared.planned.to.clone(),
            why,
        })?;
        let to = Side::of_tree(&prepared.boot, &self.code)?;
        prepared.judgement = self.judgement(driver, from, &to, prepared)?;
        let old = prepared.script.soft.iter();
        let old: Vec<Module> = old
            .filter_map(|module| self.code.old(module.as_str()))
            .collect();
        for module in old {
            if !driver.who_runs(module, ASK_TIMEOUT_MS)?.is_empty() {
                return Err(FailedStep::OldProcesses(module));
            }
        }
        memory::check(&self.code, &prepared.loads().collect::<Vec<_>>())?;
        for check in &prepared.script.checks {
            apply::apply(driver, &prepared.boot, check)?;
        }
        Ok(to)
    }

    /// The judge's result; a refusal is an error.
    fn judgement(
        &self,
        driver: &mut dyn Driver,
        from: &ReadRelease<'_>,
        to: &Side,
        prepared: &Prepared,
    ) -> Result<Judgement, FailedStep> {
        // The damaged files of the running release must not prevent an upgrade to another release.
        let from = || {
            let side = from(self).and_then(|boot| Side::of_tree(&boot, &self.code).ok());
            side.unwrap_or_default()
        };
        let between = prepared.converters.iter().map(|it| it.side(&self.code));
        let between = between.collect::<Result<Vec<_>, _>>()?;
        let passage = Passage {
            from: &from,
            to,
            between: &between,
            script: &prepared.script,
        };
        let looks_at_processes = prepared.purpose == Purpose::Check;
        let judgement = judge::judge_live(driver, &self.code, &passage, looks_at_processes)?;
        match judgement.refusals.is_empty() {
            true => Ok(judgement),
            false => Err(FailedStep::Judged(judgement.refusals)),
        }
    }
}

impl Prepared {
    /// The names of all modules that the script loads.
    fn loads(&self) -> impl Iterator<Item = &'static str> {
        let changes = self
            .script
            .exchanges()
            .flat_map(|exchange| &exchange.changes);
        changes.filter_map(|change| match change {
            CodeChange::Load(module, _) => Some(module.as_str()),
            _ => None,
        })
    }
}

/// The path of an application's library, and its expected checksum, name and version.
pub(super) fn file_of(app: &BootApp) -> Option<(PathBuf, Wanted<'_>)> {
    match &app.code {
        Code::Library { path, sha256 } => {
            let wanted = Wanted {
                checksum: Some(sha256.parse().ok()?),
                owner: Some((app.app.name.as_str(), &app.app.vsn)),
            };
            Some((path.clone(), wanted))
        }
        Code::BuiltIn | Code::None => None,
    }
}
