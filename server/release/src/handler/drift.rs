//! Whether a node that has carried out a relup runs what a node runs that boots the release.
//!
//! In OTP a module that the relup forgets stays what it is until somebody calls a function of a module that is not
//! loaded yet; then the new version comes by itself, or at the next boot. Here nothing comes by itself, so what a relup
//! forgets is said before and after it.

use std::collections::BTreeMap;

use pq_code::{Change, CodeServer};
use pq_otp::Modules;

use super::error::FailedStep;
use super::prepare::Prepared;
use crate::judge::{Side, SideApp};

/// A sentence for each module that the release boots with in another version than the relup leaves.
pub(super) fn sentences(
    code: &CodeServer,
    prepared: &Prepared,
    to: &Side,
) -> Result<Vec<String>, FailedStep> {
    let mut changes: Vec<Change<'static>> = Vec::new();
    for exchange in prepared.script.exchanges() {
        changes.extend(exchange.code_changes(&prepared.libraries)?);
    }
    let after = code.preview(&changes)?;
    let booted = booted_with(to);
    let mut sentences = Vec::new();
    for (module, vsn) in &booted {
        let left = after.current(module).map(|module| module.vsn());
        if left != Some(*vsn) {
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
fn booted_with(to: &Side) -> BTreeMap<&str, &str> {
    let known = to.applications.iter().filter(|app| app.is_of_tree());
    let entries = known
        .filter_map(SideApp::known)
        .flat_map(|(_, entries)| entries);
    entries.map(|entry| (&*entry.name, &*entry.vsn)).collect()
}
