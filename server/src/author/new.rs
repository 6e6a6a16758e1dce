//! `pq new`: the files of the next version, and of a workspace of one's own.
//!
//! ```text
//!   pq new 1.3.0 --module shop_till --new shop_cart
//!     newest release ─► its applications ─► package NAME-1.3.0: changed modules, and the rest from the older package
//!                   └─► releases/1.3.0: the .rel file and the settings of the older release
//!   pq new app NAME ─► a workspace with an application, its release and a test
//! ```
//! The new files build at once, and behave as the older version does. Their text is in `new/templates`.
//!
//! | module | contents |
//! |---|---|
//! | [`older`] | the older version: which modules it lists, and where they are |
//! | [`package`] | the package of the next version |
//! | [`release`] | the directory of the next release |
//! | [`manifest`] | changes of `Cargo.toml` |
//! | [`app`] | a workspace of one's own |
//! | [`template`] | texts with names to be filled in |
//! | [`written`] | writing new files only, and the answer |

use std::path::Path;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use pq_release::rel::Rel;

use super::answer::answer;
use super::vsn::{newest_first, parts};
use crate::boot;
use crate::libraries::{Source, Workspace};

mod app;
mod manifest;
mod older;
mod package;
mod relative;
mod release;
mod template;
pub(crate) mod written;

use package::Next;
use written::{Created, Files};

/// The options of `pq new`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: Option<What>,
    /// The version of the new release, and of its new applications
    #[arg(value_name = "VSN", required = true)]
    vsn: Option<String>,
    /// The applications with a new version [default: those of the modules]
    #[arg(value_name = "APP")]
    applications: Vec<String>,
    /// A module that changes
    #[arg(long = "module", value_name = "MODULE")]
    modules: Vec<String>,
    /// A new module, a gen_server unless `:functions` stands behind its name
    #[arg(long = "new", value_name = "MODULE[:KIND]", value_parser = package::new_module)]
    new: Vec<package::NewModule>,
    /// The release that the new one is made from [default: the newest one before VSN]
    #[arg(long, value_name = "OLD")]
    from: Option<String>,
    /// Write the answer as one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Write a workspace with one application of your own into the current directory, which must be empty
    #[command(after_help = "Example:\n  pq new app lamp")]
    App(app::Command),
}

/// Writes the files of the next version, or of a new workspace.
pub(crate) fn new(command: &Command) -> anyhow::Result<()> {
    match (&command.what, &command.vsn) {
        (Some(What::App(app)), _) => answer(app.json, app::app(app)),
        (None, Some(vsn)) => answer(command.json, next(command, vsn)),
        (None, None) => bail!("failed to read the command: it has no version"),
    }
}

fn next(command: &Command, vsn: &str) -> anyhow::Result<Created> {
    let workspace = Workspace::at(Path::new("."))?;
    let older = older_release(&workspace, command, vsn)?;
    let chosen = chosen(&workspace, &older, command)?;
    let mut files = Files::below(workspace.root());
    let mut packages = Vec::new();
    for source in &chosen {
        let modules = command.modules.iter().filter(|module| has(source, module));
        let next = Next {
            workspace: &workspace,
            source,
            vsn,
            modules: modules.cloned().collect(),
            new: match chosen.len() {
                1 => command.new.clone(),
                _ => Vec::new(),
            },
        };
        packages.push(next.write(&mut files)?);
    }
    release::write(&mut files, &older, vsn, &chosen)?;
    manifest::add_members(&workspace, &mut files, &packages)?;
    let written = files.write()?;
    Ok(Created::next(vsn, written, &packages))
}

/// The release that the new one is made from.
fn older_release(workspace: &Workspace, command: &Command, vsn: &str) -> anyhow::Result<Rel> {
    ensure!(
        pq_release::layout::is_plain(vsn) && vsn.split('.').all(|part| part.parse::<u64>().is_ok()),
        "failed to make release {vsn}: a version has numbers with points between them, such as 1.3.0"
    );
    let mut vsns = workspace.release_vsns();
    newest_first(&mut vsns, |vsn| vsn);
    let older = match &command.from {
        Some(from) => from.clone(),
        None => {
            let mut vsns = vsns.into_iter();
            let older = vsns.find(|older| parts(older) < parts(vsn));
            older.with_context(|| {
                format!(
                    "failed to make release {vsn}: {} has no release before it; `pq new app NAME` makes a workspace with a first \
                     release",
                    workspace.root().join("releases").display()
                )
            })?
        }
    };
    Rel::read(&workspace.rel_file(&older)?).map_err(|error| anyhow::anyhow!("failed to {error}"))
}

/// The applications that get a new version: those that are named, and those of the modules.
fn chosen(workspace: &Workspace, older: &Rel, command: &Command) -> anyhow::Result<Vec<Source>> {
    let runtime = boot::runtime()?;
    let sources = runtime.foreign(older);
    let sources = sources.map(|entry| workspace.source(entry.name.as_str(), &entry.vsn));
    let mut sources = sources.collect::<anyhow::Result<Vec<Source>>>()?;
    for name in &command.applications {
        ensure!(
            sources
                .iter()
                .any(|source| source.app.name == name.as_str()),
            "failed to find application {name}: {} has {}",
            older.file.display(),
            names(&sources)
        );
    }
    for module in &command.modules {
        ensure!(
            sources.iter().any(|source| has(source, module)),
            "failed to find module {module}: no application of release {} lists it; `--new {module}` makes a new module",
            older.vsn
        );
    }
    let is_alone = sources.len() == 1 && !(command.modules.is_empty() && command.new.is_empty());
    let is_chosen = |source: &Source| {
        let is_named = command
            .applications
            .iter()
            .any(|name| source.app.name == name.as_str());
        is_alone || is_named || command.modules.iter().any(|module| has(source, module))
    };
    sources.retain(is_chosen);
    ensure!(
        command.new.is_empty() || sources.len() == 1,
        "failed to choose the application of {}: name the one application that gets the new module behind the version",
        command.new[0].name
    );
    Ok(sources)
}

fn has(source: &Source, module: &str) -> bool {
    source
        .app
        .modules
        .iter()
        .any(|listed| listed.as_str() == module)
}

fn names(sources: &[Source]) -> String {
    let names: Vec<&str> = sources
        .iter()
        .map(|source| source.app.name.as_str())
        .collect();
    names.join(", ")
}

/// Whether this is the name of an application or a module: an atom that is a name in Rust, too.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_part)
}
