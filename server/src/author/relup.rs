//! `pq relup`: how a release is reached from others, compiled from the appups of its applications.
//!
//! The command line of `systools:make_relup/4`; the compiler is `pq_release::systools`. What OTP only lets pass is
//! named too.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use pq_release::judge::reach::table;
use pq_release::judge::{Judgement, author};
use pq_release::rel::Rel;
use pq_release::relup::Relup;
use pq_release::systools::{Folders, Options, RelFile, SystoolsError, lint, make_relup};
use pq_term::Term;

use super::{same, warn};
use crate::{boot, streams};

/// The words of the command.
#[derive(Args, Debug)]
#[command(after_long_help = reach())]
pub(crate) struct Command {
    /// The .rel file of the new release
    #[arg(value_name = "NEW.rel")]
    new: PathBuf,
    /// Releases that are upgraded to it
    #[arg(long, value_name = "OLD.rel", num_args = 1..)]
    up_from: Vec<PathBuf>,
    /// Releases that it is downgraded to
    #[arg(long, value_name = "OLD.rel", num_args = 1..)]
    down_to: Vec<PathBuf>,
    /// Where .app and .appup files are: release trees, lib or ebin folders, folders of sources
    #[arg(long, value_name = "LIBDIR", num_args = 1..)]
    path: Vec<PathBuf>,
    /// Where `relup` is written [default: beside NEW.rel, where `pq build` and `pq tar` take it from]
    #[arg(long, value_name = "DIR", conflicts_with = "stdout")]
    outdir: Option<PathBuf>,
    /// Write the relup to stdout; an error too, as OTP's term on the last line
    #[arg(long)]
    stdout: bool,
    /// End each way with a restart of the node
    #[arg(long)]
    restart_emulator: bool,
    /// A warning is as bad as an error
    #[arg(long)]
    warnings_as_errors: bool,
    /// What the relup says of its ways; the plan of an install shows it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Command {
    /// The relup between two releases, up and down, with applications in these folders.
    pub(crate) fn between(new: PathBuf, old: PathBuf, path: Vec<PathBuf>) -> Command {
        Command {
            new,
            up_from: vec![old.clone()],
            down_to: vec![old],
            path,
            outdir: None,
            stdout: false,
            restart_emulator: false,
            warnings_as_errors: false,
            description: None,
        }
    }
}

/// Compiles and writes, or says what is wrong.
pub(crate) fn relup(command: &Command) -> anyhow::Result<()> {
    for path in command.path.iter().filter(|path| !path.is_dir()) {
        warn(format_args!("--path {}: no such folder", path.display()));
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

/// Writes what the judge lets pass.
fn finish(relup: &Relup, command: &Command) -> anyhow::Result<()> {
    let judgement = judged(relup, command)?;
    if let Some(first) = judgement.refusals.first().filter(|_| command.stdout) {
        let term = [Term::atom("error"), Term::atom("judge"), first.term.clone()];
        print(&last_line(&Term::tuple(term)))?;
    }
    super::pronounce(&judgement, "the relup")?;
    match command.stdout {
        true => print(&relup.to_text()),
        false => write(relup, command),
    }
}

/// What the ways of a relup would come to.
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

/// What a script may call: the end of the help.
fn reach() -> String {
    format!(
        "What {{apply, {{Module, Function, Args}}}} may call: functions that modules of the release export, and\n{}\n\
         A ChildSpec is a map or a tuple as in supervisor(3), whose start is {{Module, start_link, Args}}: Args is the list of\n\
         what the module's init gets. Everything else is refused, here as well as by check-install and install.",
        table()
    )
}

/// Compiles, and says on stderr what deserves a second look.
///
/// # Errors
/// Inside, what systools refuses.
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
        // What is wrong with an appup is so for the way up and for the way down.
        sentences.dedup();
        sentences.iter().for_each(warn);
        relup
    }))
}

/// Modules whose code changed under one version, where the libraries are at hand.
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

/// `{error,Module,Reason}.`
fn last_line(error: &Term) -> String {
    format!("{error}.\n")
}

fn print(text: &str) -> anyhow::Result<()> {
    streams::result(text).context("failed to write to standard output")
}

fn write(relup: &Relup, command: &Command) -> anyhow::Result<()> {
    let beside = command.new.parent().unwrap_or(Path::new(""));
    let folder = command.outdir.as_deref().unwrap_or(beside);
    // In the folder of a release in a tree it gets a checksum too.
    let written = pq_release::put(folder, "relup", relup.to_text().as_bytes());
    written.map_err(|error| anyhow::anyhow!("failed to {error}"))
}
