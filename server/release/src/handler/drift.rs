//! Compares a node that has carried out a relup with a node that boots the release.
//!
//! In OTP, a module that the relup forgets stays old until a function of a module is called that is not loaded yet; then its
//! new version is loaded implicitly, or at the next boot. Here no code is loaded implicitly. So a relup that forgets something
//! is refused, unless the operator accepts a part of the release.

use std::collections::BTreeMap;

use pq_code::{Change, CodeServer, ModuleEntry, Origin, Preview};
use pq_otp::{Module, Modules};

use super::Options;
use super::error::FailedStep;
use super::prepare::Prepared;
use crate::judge::{Side, SideApp};

/// Refuses a relup that leaves code of the running release, or warns when `partial` permits it. A relup that restarts the node
/// at its end leaves nothing.
pub(super) fn permit(mut prepared: Prepared, options: &Options) -> Result<Prepared, FailedStep> {
    let left = std::mem::take(&mut prepared.left);
    if prepared.script.restart {
        return Ok(prepared);
    }
    match left.is_empty() || options.partial {
        true => {
            prepared.warnings.extend(left);
            Ok(prepared)
        }
        false => Err(FailedStep::Partial {
            to: prepared.planned.to,
            left,
        }),
    }
}

/// One sentence for each module whose version differs from the one that the release boots with.
pub(super) fn left(
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
    let to = &prepared.planned.to;
    let loaded = Loaded::of(code);
    let mut sentences = Vec::new();
    for (module, entry) in &booted {
        let Some(current) = after.current(module) else {
            sentences.push(format!(
                "the relup leaves no version of {module}, and release {to} boots with version {}",
                entry.vsn
            ));
            continue;
        };
        if current.vsn() != entry.vsn {
            sentences.push(format!(
                "the relup leaves version {} of {module}, and release {to} boots with version {}",
                current.vsn(),
                entry.vsn
            ));
        } else if loaded.is_other_code(current, entry) {
            sentences.push(format!(
                "the relup leaves the code of {module} that runs, and release {to} boots with other code under the same \
                 version {}: its VSN was not raised",
                entry.vsn
            ));
        }
    }
    sentences.extend(gone(code, &after, &booted).map(|module| {
        let (name, vsn) = (module.name(), module.vsn());
        format!("the relup leaves version {vsn} of {name}, and release {to} has no such module")
    }));
    Ok(sentences)
}

/// Modules that would still be loaded and belong neither to the release nor to the node.
fn gone(
    code: &CodeServer,
    after: &Preview,
    booted: &BTreeMap<&str, &ModuleEntry>,
) -> impl Iterator<Item = Module> {
    let loaded = code.loaded().into_iter().map(|module| module.name);
    let foreign = loaded.filter(|name| !booted.contains_key(*name));
    let of_file = |name: &&str| matches!(code.which(name), Some(Origin::File(_)));
    foreign
        .filter(of_file)
        .filter_map(|name| after.current(name))
}

/// The modules in the manifests of the release's libraries.
fn booted_with(to: &Side) -> BTreeMap<&str, &ModuleEntry> {
    let known = to.applications.iter().filter(|app| app.is_of_tree());
    let entries = known
        .filter_map(SideApp::known)
        .flat_map(|(_, entries)| entries);
    entries.map(|entry| (&*entry.name, entry)).collect()
}

/// The manifests of the node's libraries, with the digests of their code.
struct Loaded(Vec<pq_code::Library>);

impl Loaded {
    fn of(code: &CodeServer) -> Loaded {
        Loaded(code.libraries())
    }

    /// True when this version of a module has other code than the manifest entry; false when that is unknown.
    fn is_other_code(&self, module: Module, entry: &ModuleEntry) -> bool {
        let own = self
            .0
            .iter()
            .find(|library| library.modules.contains(&module));
        let mut entries = own.iter().flat_map(|library| &library.entries);
        let running = entries.find(|running| running.name == module.name());
        let digest = running.and_then(|running| running.digest.as_ref());
        matches!((digest, &entry.digest), (Some(one), Some(other)) if one != other)
    }
}
