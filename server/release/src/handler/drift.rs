//! Whether a node that has carried out a relup runs what a node runs that boots the release.
//!
//! In OTP a module that the relup forgets stays what it is until somebody calls a function of a module that is not
//! loaded yet; then the new version comes by itself, or at the next boot. Here nothing comes by itself, so a relup that
//! forgets something is refused, unless the operator says that a part of the release will do.

use std::collections::BTreeMap;

use pq_code::{Change, CodeServer, ModuleEntry, Origin, Preview};
use pq_otp::{Module, Modules};

use super::Options;
use super::error::FailedStep;
use super::prepare::Prepared;
use crate::judge::{Side, SideApp};

/// What a relup leaves of the release that runs: a refusal, or warnings for who wants it nevertheless. A node that
/// starts again at its end leaves nothing.
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

/// A sentence for each module that is another one than the release boots with.
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

/// The modules that would still be there and are no part of the release or of the node.
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

/// The modules of the release's libraries, by what the libraries say of themselves.
fn booted_with(to: &Side) -> BTreeMap<&str, &ModuleEntry> {
    let known = to.applications.iter().filter(|app| app.is_of_tree());
    let entries = known
        .filter_map(SideApp::known)
        .flat_map(|(_, entries)| entries);
    entries.map(|entry| (&*entry.name, entry)).collect()
}

/// What the libraries of the node say about their code.
struct Loaded(Vec<pq_code::Library>);

impl Loaded {
    fn of(code: &CodeServer) -> Loaded {
        Loaded(code.libraries())
    }

    /// True when this version of a module is known to have other code than that entry.
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
