//! `pq relup`: compiles the appups of applications into the relup between releases.
//!
//! This is the command line of `systools:make_relup/4`; the compiler is `pq_release::systools`. The command also
//! warns about errors that OTP ignores.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use pq_release::judge::reach::table;
use pq_release::judge::{Judgement, author};
use pq_release::rel::Rel;
use pq_release::relup::Relup;
use pq_release::systools::{Folders, Options, RelFile, SystoolsError, lint, make_relup};
use pq_term::Term;

use super::explain::explain;
use super::{same, warn};
use crate::{boot, streams};

/// The options of `pq relup`.
#[derive(Args, Debug)]
#[command(after_long_help = reach())]
pub(crate) struct Command {
    /// The .rel file of the new release
    #[arg(value_name = "NEW.rel")]
    new: PathBuf,
    /// The .rel files of releases that can be upgraded to the new release
    #[arg(long, value_name = "OLD.rel", num_args = 1..)]
    up_from: Vec<PathBuf>,
    /// The .rel files of releases to which the new release can be downgraded
    #[arg(long, value_name = "OLD.rel", num_args = 1..)]
    down_to: Vec<PathBuf>,
    /// Directories with .app and .appup files: release trees, lib, ebin or source directories
    #[arg(long, value_name = "LIBDIR", num_args = 1..)]
    path: Vec<PathBuf>,
    /// The directory for `relup` [default: that of NEW.rel, where `pq build` and `pq tar` find the file]
    #[arg(long, value_name = "DIR", conflicts_with = "stdout")]
    outdir: Option<PathBuf>,
    /// Write the relup to stdout, and errors as an OTP term on the last line
    #[arg(long)]
    stdout: bool,
    /// Show the versions and modules of each way, also those in between, and write no file
    #[arg(long, conflicts_with_all = ["stdout", "outdir"])]
    explain: bool,
    /// End each way with a restart of the node
    #[arg(long)]
    restart_emulator: bool,
    /// Treat warnings as errors
    #[arg(long)]
    warnings_as_errors: bool,
    /// The description of the ways, shown in the plan of an install
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Command {
    /// The options for a relup from and to these releases, with applications in these directories.
    pub(crate) fn between(
        new: PathBuf,
        olds: Vec<PathBuf>,
        path: Vec<PathBuf>,
        description: Option<String>,
    ) -> Command {
        Command {
            new,
            up_from: olds.clone(),
            down_to: olds,
            path,
            outdir: None,
            stdout: false,
            explain: false,
            restart_emulator: false,
            warnings_as_errors: false,
            description,
        }
    }
}

/// Compiles and writes the relup, or reports the error.
pub(crate) fn relup(command: &Command) -> anyhow::Result<()> {
    for path in command.path.iter().filter(|path| !path.is_dir()) {
        warn(format_args!("--path {}: no such directory", path.display()));
    }
    match compile(command)? {
        Ok(relup) => finish(&relup, command),
        Err(error) => {
            if command.stdout {
                print(&last_line(&error.to_term()))?;
            }
            anyhow::bail!("failed to {error}")
        }
    }
}

/// Compiles a relup that passes the judge.
pub(super) fn passing(command: &Command) -> anyhow::Result<Relup> {
    let relup = compile(command)?.map_err(|error| anyhow::anyhow!("failed to {error}"))?;
    super::pronounce(&judged(&relup, command)?, "the relup")?;
    Ok(relup)
}

/// Judges the relup and writes it if it passes.
fn finish(relup: &Relup, command: &Command) -> anyhow::Result<()> {
    let judgement = judged(relup, command)?;
    if let Some(first) = judgement.refusals.first().filter(|_| command.stdout) {
        let term = [Term::atom("error"), Term::atom("judge"), first.term.clone()];
        print(&last_line(&Term::tuple(term)))?;
    }
    super::pronounce(&judgement, "the relup")?;
    match (command.explain, command.stdout) {
        (true, _) => print(&explained(relup, command)?),
        (false, true) => print(&relup.to_text()),
        (false, false) => write(relup, command),
    }
}

/// The steps of the ways, as text.
fn explained(relup: &Relup, command: &Command) -> anyhow::Result<String> {
    let read =
        |file: &PathBuf| Rel::read(file).map_err(|error| anyhow::anyhow!("failed to {error}"));
    let others = command.up_from.iter().chain(&command.down_to);
    let others: Vec<Rel> = others.map(read).collect::<anyhow::Result<_>>()?;
    Ok(explain(relup, &read(&command.new)?, &others))
}

/// Judges the ways of a relup.
fn judged(relup: &Relup, command: &Command) -> anyhow::Result<Judgement> {
    let files = Folders::new(command.path.clone(), boot::runtime()?.built_in);
    let others: Vec<RelFile> = command
        .up_from
        .iter()
        .chain(&command.down_to)
        .map(RelFile::from)
        .collect();
    let judged = author::relup(relup, &RelFile::from(&command.new), &others, &files);
    judged.map_err(|error| anyhow::anyhow!("failed to {error}"))
}

/// The functions that a script may call: the last part of the help.
fn reach() -> String {
    format!(
        "Allowed calls of {{apply, {{Module, Function, Args}}}}: functions that modules of the release export, and\n{}\n\
         A ChildSpec is a map or a tuple as in supervisor(3), whose start is {{Module, start_link, Args}}; Args is\n\
         the argument list of the module's init. This command, check-install and install refuse all other calls.",
        table()
    )
}

/// Compiles the relup and writes warnings to stderr.
///
/// # Errors
/// The inner error is a refusal of systools.
pub(crate) fn compile(command: &Command) -> anyhow::Result<Result<Relup, SystoolsError>> {
    let files = Folders::new(command.path.clone(), boot::runtime()?.built_in);
    let options = Options {
        restart_emulator: command.restart_emulator,
        warnings_as_errors: command.warnings_as_errors,
    };
    let base = |file: &PathBuf| match &command.description {
        Some(text) => RelFile {
            file: file.clone(),
            description: Term::string(text.as_str()),
        },
        None => RelFile::from(file),
    };
    let rel_files = |files: &[PathBuf]| -> Vec<RelFile> { files.iter().map(base).collect() };
    let (up_from, down_to) = (rel_files(&command.up_from), rel_files(&command.down_to));
    let made = make_relup(
        &RelFile::from(&command.new),
        &up_from,
        &down_to,
        options,
        &files,
    );
    if made.is_ok() {
        say_same_vsn(command, &files);
    }
    Ok(made.map(|(relup, warnings)| {
        let removed = lint::loaded_then_removed(&relup);
        let warnings = warnings.iter().map(ToString::to_string);
        let mut sentences: Vec<String> = warnings
            .chain(removed.iter().map(ToString::to_string))
            .collect();
        // An error in an appup is found on the way up and again on the way down.
        sentences.dedup();
        sentences.iter().for_each(warn);
        relup
    }))
}

/// Warns about modules that changed without a new version, if the libraries are in the directories.
fn say_same_vsn(command: &Command, files: &Folders) {
    let Ok(newer) = Rel::read(&command.new) else {
        return;
    };
    let mut older: Vec<&PathBuf> = command.up_from.iter().chain(&command.down_to).collect();
    older.sort();
    older.dedup();
    for older in older.into_iter().filter_map(|file| Rel::read(file).ok()) {
        same::say_between(files, &newer, &older);
    }
}

/// Formats an error as OTP does: `{error,Module,Reason}.`
fn last_line(error: &Term) -> String {
    format!("{error}.\n")
}

fn print(text: &str) -> anyhow::Result<()> {
    streams::result(text).context("failed to write to standard output")
}

fn write(relup: &Relup, command: &Command) -> anyhow::Result<()> {
    let beside = command.new.parent().unwrap_or(Path::new(""));
    let folder = command.outdir.as_deref().unwrap_or(beside);
    // In the directory of a release in a tree, the relup gets a checksum as well.
    let written = pq_release::put(folder, "relup", relup.to_text().as_bytes());
    written.map_err(|error| anyhow::anyhow!("failed to {error}"))
}
