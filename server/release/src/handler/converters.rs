//! The versions in between through which states go: their libraries are loaded as converters, and none of their modules becomes
//! current.

use std::collections::BTreeSet;
use std::sync::Arc;

use pq_code::{Change, CodeServer, LibraryId};
use pq_otp::upgrade::{Conversion, Through};
use pq_otp::{Direction, Module, Modules};
use pq_term::msgpack;

use super::ReleaseHandler;
use super::error::FailedStep;
use super::exchange::Changes;
use super::prepare::file_of;
use crate::boot::{BootApp, BootError};
use crate::instruction::{self, Converters};
use crate::judge::SideApp;
use crate::script::Script;

/// A version in between with its loaded library.
pub(super) struct Converter {
    of: Converters,
    app: BootApp,
    library: LibraryId,
}

/// A version in between, with the modules as they are after its step.
pub(super) struct StepTo<'a> {
    converter: &'a Converter,
    modules: Arc<dyn Modules>,
}

impl ReleaseHandler {
    /// Loads the versions in between of a script, verified against their checksums.
    pub(super) fn read_converters(&self, script: &Script) -> Result<Vec<Converter>, FailedStep> {
        let read = |of: &Converters| {
            let unread = |error| FailedStep::Converter {
                lib: of.lib,
                vsn: of.vsn.clone(),
                error: Box::new(error),
            };
            let app = self.registry.tree().converter(of.lib, &of.vsn);
            let app = app.map_err(unread)?;
            let (path, wanted) = file_of(&app).ok_or_else(|| {
                let file = app.app.file.clone();
                unread(BootError::NoModules { file })
            })?;
            let library = self.code.load_library(&path, wanted)?;
            let of = of.clone();
            Ok(Converter { of, app, library })
        };
        script.converters.iter().map(read).collect()
    }
}

impl Converter {
    /// The version for the judge.
    pub(super) fn side(&self, code: &CodeServer) -> Result<SideApp, FailedStep> {
        Ok(SideApp::of_tree(&self.app, code)?)
    }

    /// This module in the version in between; `None` when the step does not change the module.
    pub(super) fn module(&self, code: &CodeServer, module: &str) -> Option<Module> {
        let mut names = self.of.changes.iter().map(|(name, _)| name.as_str());
        let module = names.find(|name| *name == module)?;
        code.module(self.library, module).ok()
    }

    /// The version of this module in between; `None` when the step does not change the module.
    pub(super) fn vsn_of(&self, code: &CodeServer, module: &str) -> Option<&'static str> {
        self.module(code, module).map(|module| module.vsn())
    }

    /// The step to this version, on top of the code that the exchange leads to: the application has exactly the modules of this
    /// version, and other applications have those of the release that is reached.
    pub(super) fn step(
        &self,
        code: &CodeServer,
        changes: &Changes<'_>,
    ) -> Result<StepTo<'_>, FailedStep> {
        let own = self.changes(code);
        let modules = code.preview(&[changes.before, changes.own, &own].concat())?;
        Ok(StepTo {
            converter: self,
            modules: Arc::new(modules),
        })
    }

    fn changes(&self, code: &CodeServer) -> Vec<Change<'static>> {
        let name = self.of.lib.as_str();
        let libraries = code.libraries();
        let own = libraries.iter().filter(|it| it.application == name);
        let all: BTreeSet<&'static str> = own
            .flat_map(|library| library.modules.iter().map(|module| module.name()))
            .collect();
        let change = |name| match code.module(self.library, name) {
            Ok(_) => Change::MakeCurrent(self.library, name),
            Err(_) => Change::Delete(name),
        };
        all.into_iter().map(change).collect()
    }
}

impl StepTo<'_> {
    /// How the states of a module go through this version; `None` when the step does not change the module.
    pub(super) fn through(
        &self,
        code: &CodeServer,
        module: &str,
    ) -> Result<Option<Through>, FailedStep> {
        let Converter { of, library, .. } = self.converter;
        let mut changes = of.changes.iter();
        let Some((name, change)) = changes.find(|(name, _)| name.as_str() == module) else {
            return Ok(None);
        };
        Ok(Some(Through {
            module: code.module(*library, name.as_str())?,
            conversion: conversion(of.direction, change),
            modules: self.modules.clone(),
        }))
    }
}

fn conversion(direction: Direction, change: &instruction::Change) -> Conversion {
    match change {
        instruction::Change::Soft => Conversion::Carry,
        instruction::Change::Advanced(extra) => Conversion::CodeChange {
            direction,
            extra: msgpack::to_plain_msgpack(extra),
        },
    }
}
