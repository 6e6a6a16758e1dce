//! Whether a node that has carried out a relup runs what a node runs that boots the release.
//!
//! In OTP a module that the relup forgets stays what it is until somebody calls a function of a module that is not
//! loaded yet; then the new version comes by itself, or at the next boot. Here nothing comes by itself, so what a relup
//! forgets is said before and after it.

use std::collections::BTreeMap;

use pq_code::{Change, CodeServer, Manifest, inspect};
use pq_otp::Modules;

use super::error::FailedStep;
use super::prepare::{Prepared, file_of};

/// A sentence for each module that the release boots with in another version than the relup leaves.
pub(super) fn sentences(code: &CodeServer, prepared: &Prepared) -> Result<Vec<String>, FailedStep> {
    let mut changes: Vec<Change<'static>> = Vec::new();
    for exchange in prepared.script.exchanges() {
        changes.extend(exchange.code_changes(&prepared.libraries)?);
    }
    let after = code.preview(&changes)?;
    let booted = booted_with(prepared)?;
    let mut sentences = Vec::new();
    for (module, vsn) in &booted {
        let left = after.current(module).map(|module| module.vsn());
        if left != Some(vsn) {
            let left = left.map_or("no version".to_string(), |vsn| format!("version {vsn}"));
            let to = &prepared.planned.to;
            sentences.push(format!(
                "the relup leaves {left} of {module}, and release {to} boots with version {vsn}"
            ));
        }
    }
    Ok(sentences)
}

/// The modules of the release's libraries, by what the libraries say of themselves.
fn booted_with(prepared: &Prepared) -> Result<BTreeMap<String, String>, FailedStep> {
    let mut booted = BTreeMap::new();
    for app in &prepared.boot.applications {
        if let Some((path, checksum)) = file_of(app) {
            let Manifest { modules, .. } = inspect(&path, Some(checksum))?;
            let entries = modules.into_iter().map(|module| (module.name, module.vsn));
            booted.extend(entries);
        }
    }
    Ok(booted)
}
