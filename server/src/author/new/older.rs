//! The older version of an application: the modules of its library, and the crates that have them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::digest::{Listed, listed};
use crate::libraries::{Source, Workspace};

/// A crate with an older version of the application.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Krate {
    /// The name of the package, such as `shop-1_0_0`.
    pub(super) package: String,
    /// The name of the crate in Rust, such as `shop_1_0_0`.
    pub(super) name: String,
    /// The name that the new crate gives it: `v1_0_0`.
    pub(super) alias: String,
    /// The directory of the package.
    pub(super) folder: PathBuf,
}

/// A module of the older version.
#[derive(Clone, Debug)]
pub(super) struct Module {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) krate: Krate,
}

/// The modules of an application's library, with their crates.
///
/// # Errors
/// Fails if the list cannot be read, or names a crate that is no package of the workspace.
pub(super) fn modules(workspace: &Workspace, source: &Source) -> anyhow::Result<Vec<Module>> {
    let entries = listed(source.folder())?;
    anyhow::ensure!(
        !entries.is_empty(),
        "failed to read the modules of {}: {} has no `pq_sdk::library!`",
        source.app.name,
        source.folder().join("src/lib.rs").display()
    );
    entries
        .into_iter()
        .map(|entry| module(workspace, source, entry))
        .collect()
}

fn module(workspace: &Workspace, source: &Source, entry: Listed) -> anyhow::Result<Module> {
    let name = entry.krate.as_deref().unwrap_or(source.package());
    let (package, folder) = workspace.package_folder(name).with_context(|| {
        format!(
            "failed to find the crate {name} of module {}, which {} lists: it is no package of the workspace",
            entry.module,
            source.folder().join("src/lib.rs").display()
        )
    })?;
    let application = source.app.name.as_str();
    Ok(Module {
        kind: entry.kind,
        name: entry.module,
        type_name: entry.type_name,
        krate: krate(application, package, folder),
    })
}

fn krate(application: &str, package: &str, folder: &Path) -> Krate {
    let name = package.replace('-', "_");
    let rest = package.strip_prefix(application).unwrap_or(package);
    Krate {
        alias: format!("v{}", rest.trim_start_matches(['-', '_']).replace('-', "_")),
        package: package.to_string(),
        name,
        folder: folder.to_path_buf(),
    }
}

/// The crates of these modules, each once.
pub(super) fn krates<'a>(modules: impl IntoIterator<Item = &'a Module>) -> BTreeSet<Krate> {
    modules
        .into_iter()
        .map(|module| module.krate.clone())
        .collect()
}
