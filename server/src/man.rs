//! `pq man`: the manual pages, one for the program and one for each command, made from the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use crate::cli::Cli;
use crate::streams::say;

#[derive(Args, Debug)]
pub(crate) struct Man {
    /// The directory for the pages, which is created if it is missing
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes `pq.1`, `pq-install.1` and so on. The pages have the general words, because they belong to the program and not to
/// one game.
pub(crate) fn man(command: &Man) -> anyhow::Result<()> {
    let dir = &command.dir;
    let written =
        std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Cli::command(), dir));
    written.with_context(|| format!("failed to write the manual pages to {}", dir.display()))?;
    say(format_args!("the manual pages are in {}", dir.display()));
    Ok(())
}
