//! `pq appup`: the appup between two versions of an application, from the manifests of their libraries.
//!
//! ```text
//!   OLDDIR/ebin/App.app, priv/App.so ─┐             ┌─► stdout, or NEWDIR/ebin/App.appup
//!   NEWDIR/ebin/App.app, priv/App.so ─┴─► compare ──┼─► stderr: warnings about unknown changes
//!   NEWDIR/ebin/App.appup ─ --check ──────┘         └─► stdout: differences from the appup
//! ```
//! `pq_release::appup::generate` compares the versions; this file has files and messages. Only
//! `--check` loads the libraries, for the judge (`pq_release::judge::author`).

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use pq_code::{Manifest, inspect};
use pq_files::durable;
use pq_release::app::App;
use pq_release::appup::Appup;
use pq_release::appup::generate::{Generated, check, generate};
use pq_release::judge::author;
use pq_release::{checksums, layout};

use super::warn;
use crate::libraries::text_if_there;
use crate::{boot, streams};

/// The options of `pq appup`.
#[derive(Args, Debug)]
pub(crate) struct AppupOptions {
    /// The older version: a directory lib/App-Vsn of a release tree
    #[arg(value_name = "OLDDIR")]
    old: PathBuf,
    /// The newer version: a directory like OLDDIR
    #[arg(value_name = "NEWDIR")]
    new: PathBuf,
    /// Only report differences between NEWDIR/ebin/App.appup and the libraries
    #[arg(long, conflicts_with_all = ["write", "force"])]
    check: bool,
    /// Write to NEWDIR/ebin/App.appup [default: to stdout]
    #[arg(long)]
    write: bool,
    /// Overwrite an existing appup
    #[arg(long, requires = "write")]
    force: bool,
}

/// Creates an appup, or checks the existing one.
pub(crate) fn appup(options: &AppupOptions) -> anyhow::Result<()> {
    let (old, new) = (Version::read(&options.old)?, Version::read(&options.new)?);
    let made = generate(&old.library, &new.library).map_err(failed)?;
    made.notes.iter().for_each(warn);
    match options.check {
        true => say_misfits(&old, &new),
        false if options.write => write(&new, &made, options.force),
        false => print(&made.to_text()),
    }
}

/// One version of an application in a release tree.
struct Version {
    folder: PathBuf,
    app: App,
    library: Manifest,
}

impl Version {
    fn read(folder: &Path) -> anyhow::Result<Version> {
        let app = App::read(&app_file(folder)?).map_err(failed)?;
        let name = app.name.as_str();
        let file = folder.join(layout::library_name(name));
        let library = inspect(&file, None).map_err(failed)?;
        ensure!(
            (&*library.application, &*library.vsn) == (name, &*app.vsn),
            "failed to read {}: its library is of {} {}, and {} is of {name} {}",
            folder.display(),
            library.application,
            library.vsn,
            app.file.display(),
            app.vsn
        );
        let version = Version {
            folder: folder.to_path_buf(),
            app,
            library,
        };
        version.compare_modules();
        Ok(version)
    }

    /// Compares the modules of the `.app` file with those of the library: systools loads only modules of the `.app`
    /// file.
    fn compare_modules(&self) {
        let file = self.app.file.display();
        let listed = |name: &str| self.app.modules.iter().any(|module| *module == name);
        let held = |name: &str| {
            self.library
                .modules
                .iter()
                .any(|module| module.name == name)
        };
        for module in self
            .library
            .modules
            .iter()
            .filter(|module| !listed(&module.name))
        {
            warn(format_args!(
                "{file} does not list `{}`, which its library has",
                module.name
            ));
        }
        for module in self
            .app
            .modules
            .iter()
            .filter(|module| !held(module.as_str()))
        {
            warn(format_args!(
                "{file} lists `{module}`, which its library does not have"
            ));
        }
    }

    fn appup_file(&self) -> PathBuf {
        self.app.file.with_extension("appup")
    }
}

/// Finds the single `.app` file in an application's directory.
fn app_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let ebin = folder.join("ebin");
    let entries = std::fs::read_dir(&ebin).with_context(|| {
        format!(
            "failed to list {}, the place of the .app file in a directory lib/App-Vsn of a release tree",
            ebin.display()
        )
    })?;
    let files = entries.flatten().map(|entry| entry.path());
    let apps: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "app"))
        .collect();
    match &apps[..] {
        [app] => Ok(app.clone()),
        found => bail!(
            "failed to find the application of {}: it has {} .app files instead of one",
            ebin.display(),
            found.len()
        ),
    }
}

fn say_misfits(old: &Version, new: &Version) -> anyhow::Result<()> {
    let file = new.appup_file();
    let text = text_if_there(&file)?;
    let text = text.with_context(|| format!("failed to read {}: no such file", file.display()))?;
    let appup = Appup::parse(&file, &text).map_err(failed)?;
    let built_in = boot::runtime()?.built_in;
    let judged = author::appup(&appup, &old.app, &new.app, &built_in).map_err(failed)?;
    judged.warnings.iter().for_each(warn);
    let misfits = check(&appup, &old.library, &new.library).map_err(failed)?;
    let mut misfits: Vec<String> = misfits.iter().map(ToString::to_string).collect();
    misfits.extend(judged.refusals.iter().map(ToString::to_string));
    let lines: String = misfits.iter().map(|misfit| format!("{misfit}\n")).collect();
    streams::data(&lines);
    ensure!(
        misfits.is_empty(),
        "{} does not fit its libraries in {} {}",
        file.display(),
        misfits.len(),
        if misfits.len() == 1 {
            "place"
        } else {
            "places"
        }
    );
    Ok(())
}

fn write(new: &Version, made: &Generated, force: bool) -> anyhow::Result<()> {
    let file = new.appup_file();
    ensure!(
        force || !file.exists(),
        "failed to write {}: the file exists; --check compares it with the libraries, --force overwrites it",
        file.display()
    );
    durable::write(&file, made.to_text().as_bytes()).map_err(failed)?;
    if new.folder.join(checksums::FILE_NAME).exists() {
        warn(format_args!(
            "{} has no checksum of this appup: lay out the release again",
            new.folder.display()
        ));
    }
    Ok(())
}

fn print(text: &str) -> anyhow::Result<()> {
    streams::result(text).context("failed to write to standard output")
}

fn failed(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("failed to {error}")
}
