//! `pq new app`: a workspace with one application, its first release and a test, in an empty directory.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

use super::is_name;
use super::template::{Template, type_name};
use super::written::{Created, Files};
use crate::boot;
use crate::libraries::text_if_there;

/// The checkout from which this program was built. The new workspace depends on its packages.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The version of the first release.
const FIRST: &str = "1.0.0";

/// The files with their templates. `NAME` in a path is the name of the application.
const FILES: [(&str, &str, Option<&str>); 11] = [
    (
        "Cargo.toml",
        include_str!("templates/app/workspace.toml.txt"),
        None,
    ),
    (
        ".gitignore",
        include_str!("templates/app/gitignore.txt"),
        None,
    ),
    (
        "NAME-1.0.0/Cargo.toml",
        include_str!("templates/app/Cargo.toml.txt"),
        None,
    ),
    (
        "NAME-1.0.0/NAME.app",
        include_str!("templates/app/app.txt"),
        None,
    ),
    (
        "NAME-1.0.0/src/lib.rs",
        include_str!("templates/app/lib.rs.txt"),
        None,
    ),
    (
        "NAME-1.0.0/src/NAME.rs",
        include_str!("templates/app/application.rs.txt"),
        Some("the functions that others call"),
    ),
    (
        "NAME-1.0.0/src/NAME_sup.rs",
        include_str!("templates/app/sup.rs.txt"),
        Some("the children"),
    ),
    (
        "NAME-1.0.0/src/NAME_server.rs",
        include_str!("templates/app/server.rs.txt"),
        Some("the state, and its callbacks"),
    ),
    (
        "NAME-1.0.0/tests/node.rs",
        include_str!("templates/app/test.rs.txt"),
        Some("the test"),
    ),
    (
        "releases/1.0.0/NAME.rel",
        include_str!("templates/app/rel.txt"),
        None,
    ),
    (
        "releases/1.0.0/sys.config",
        include_str!("templates/app/sys.config.txt"),
        None,
    ),
];

#[derive(Args, Debug)]
pub(super) struct Command {
    /// The name of the application: lower-case letters, digits and `_`
    #[arg(value_name = "APPLICATION", value_parser = application)]
    name: String,
    /// Write the answer as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Reads the name of an application.
fn application(name: &str) -> Result<String, String> {
    match is_name(name) {
        true => Ok(name.to_string()),
        false => {
            Err("an application has lower-case letters, digits and `_`, such as `lamp`".to_string())
        }
    }
}

/// Writes the workspace into the current directory.
pub(super) fn app(command: &Command) -> anyhow::Result<Created> {
    let here = std::env::current_dir().context("failed to find the current directory")?;
    is_empty(&here)?;
    let checkout = checkout()?;
    let name = &command.name;
    let runtime = boot::runtime()?;
    ensure!(
        runtime.built_in(name).is_none(),
        "failed to make {name}: the node has an application of this name; choose another name"
    );
    let mut files = Files::below(&here);
    for (path, text, edit) in FILES {
        let text = Template::of(text)
            .with("name", name)
            .with("Type", &type_name(name))
            .with("krate", &format!("{name}_1_0_0"))
            .with("node", &runtime.erts_vsn)
            .with("checkout", &checkout.display().to_string());
        files.add(here.join(path.replace("NAME", name)), text.text(), edit);
    }
    // The versions of the checkout's dependencies are those with which its packages are tested.
    for name in ["Cargo.lock", "rust-toolchain.toml"] {
        if let Some(text) = text_if_there(&checkout.join(name))? {
            files.add(here.join(name), text, None);
        }
    }
    let next = [
        "cargo test".to_string(),
        format!("pq build releases/{FIRST}/{name}.rel --root rel && pq start --root rel"),
        format!("pq call {name} add '[5]' --root rel"),
        format!("pq new 1.1.0 --module {name}_server"),
    ];
    Ok(Created::first(FIRST, files.write()?, next.to_vec()))
}

/// Checks that the directory has no files; those of a version control system are none.
fn is_empty(folder: &Path) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("failed to read {}", folder.display()))?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().display().to_string());
    let found = names
        .into_iter()
        .find(|name| !matches!(&**name, ".git" | ".hg" | ".jj"));
    ensure!(
        found.is_none(),
        "failed to make a workspace in {}: the directory has {}; an empty one would be right",
        folder.display(),
        found.unwrap_or_default()
    );
    Ok(())
}

/// The checkout with the packages that the new workspace needs.
fn checkout() -> anyhow::Result<PathBuf> {
    let place = Path::new(CHECKOUT);
    let checkout = place
        .canonicalize()
        .ok()
        .filter(|root| root.join("game-plugins/sdk").is_dir());
    checkout.with_context(|| {
        format!(
            "failed to find the packages that a workspace needs: this program was built from {}, which is not there; build `pq` \
             from a checkout, and run that one",
            place.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_has_a_name_that_is_an_atom_and_a_crate() {
        assert_eq!(application("lamp_2"), Ok("lamp_2".to_string()));
        for odd in ["", "Lamp", "2lamps", "my-lamp", "_lamp"] {
            assert!(application(odd).is_err(), "{odd}");
        }
    }
}
