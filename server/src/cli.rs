//! The command line: commands, options, defaults and help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::options::{Node, Start};
use crate::play::address::Address;

/// A node that upgrades its code while the game runs, and Process Quest, the telnet game that runs on the node
#[derive(Parser, Debug)]
#[command(version, arg_required_else_help = true, after_help = pq_protocol::EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Build release 1.0.0 of Process Quest and the package of 1.1.0, and run release 1.0.0
    Demo(Demo),
    /// Start a node from a release tree
    Start(Start),
    /// Connect to a node and play in this terminal
    Play(Play),
    /// Create or check the appup between two versions of an application
    Appup(crate::author::appup::AppupOptions),
    /// Compile the appups between releases into a relup
    Relup(crate::author::relup::Command),
    /// Build a release from its sources into a release tree
    Build(crate::author::build::Command),
    /// Pack a release of a tree
    Tar(crate::author::tar::Command),
    #[command(flatten)]
    Operator(crate::commands::Command),
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// The directory for the release tree [default: rel in cargo's target directory]
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Begin anew: the directory with the saves gets a name with the time, and nothing is deleted
    #[arg(long)]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) node: Node,
}

#[derive(Args, Debug)]
pub(crate) struct Play {
    /// The address of the node: HOST:PORT, HOST or PORT
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8082")]
    pub(crate) address: Address,
    /// Write plain text without colours and pictures, for a screen reader
    #[arg(long)]
    pub(crate) screen_reader: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_words_of_all_commands_fit_together() {
        Cli::command().debug_assert();
    }
}
