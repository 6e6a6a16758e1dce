//! The command line: its words, their defaults, their help.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pq_protocol::answer::Planned;

use crate::play::address::Address;

/// A node that upgrades its code while it runs, and Process Quest, the telnet game it is shown with.
#[derive(Parser, Debug)]
#[command(version, arg_required_else_help = true, after_help = pq_protocol::EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Build release 1.0.0 of Process Quest and the package of 1.1.0, and play it here
    Demo(Demo),
    /// Start a node from a release tree
    Start(Start),
    /// Play in this terminal, on a node here or elsewhere
    Play(Play),
    /// Make or check the appup between two versions of an application
    Appup(crate::author::appup::AppupOptions),
    /// Compile the appups between releases into a relup
    Relup(crate::author::relup::Command),
    /// Build a release from its sources into a release tree
    Build(crate::author::build::Command),
    /// Pack a release of a tree
    Tar(crate::author::tar::Command),
    #[command(flatten)]
    Operator(crate::client::Command),
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Where the release tree is made [default: rel in cargo's target folder]
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: Node,
}

#[derive(Args, Debug)]
pub(crate) struct Start {
    /// The release tree
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// The release to start [default: the permanent one]
    #[arg(long, value_name = "VSN")]
    pub(crate) release: Option<String>,
    /// When that release does not boot, start the permanent one
    #[arg(long, requires = "release")]
    pub(crate) or_permanent: bool,
    /// The shutdown that was planned when the node started itself again, as JSON.
    #[arg(long, hide = true, value_name = "JSON", value_parser = planned)]
    pub(crate) shutdown: Option<Planned>,
    #[command(flatten)]
    pub(crate) node: Node,
}

fn planned(text: &str) -> serde_json::Result<Planned> {
    serde_json::from_str(text)
}

#[derive(Args, Debug)]
pub(crate) struct Play {
    /// Where: HOST:PORT, HOST or PORT
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8082")]
    pub(crate) address: Address,
    /// The text is read aloud: no colours, and no pictures
    #[arg(long)]
    pub(crate) screen_reader: bool,
}

/// How the node runs.
#[derive(Args, Clone, Debug)]
pub(crate) struct Node {
    /// The port for players; 0 picks a free one [default: what the release says: 8082]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// The address for players
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// The port for players who come by TLS; 0 picks a free one [default: what the release says: none]
    #[arg(long, value_name = "N")]
    pub(crate) tls_port: Option<u16>,
    /// Open the port for TLS with a certificate that the node makes for itself, to try it
    #[arg(long)]
    pub(crate) self_signed: bool,
    /// The port for players who come with a browser; 0 picks a free one [default: what the release says: none]
    #[arg(long, value_name = "N")]
    pub(crate) web_port: Option<u16>,
    /// The same for a command that has a port of its own for it; without the page when somebody else has that port.
    #[arg(skip)]
    pub(crate) usual_web_port: Option<u16>,
    /// Avatars that play without a socket; the release says how they are started, and may have a word of its own for them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) avatars: u64,
    /// The pace of those avatars: the game's unit of time in milliseconds; 0 never pauses
    #[arg(long, value_name = "MS", default_value_t = 800)]
    pub(crate) pace: u32,
    /// Scheduler threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) shards: Option<u8>,
    /// The seed of all dice [default: another one each time]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Say every so many seconds on stdout what the node has done since [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) report_every: Option<u64>,
    /// How log lines are written to stderr; RUST_LOG says which
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum LogFormat {
    /// One line for people.
    Text,
    /// One JSON object per line.
    Json,
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::CommandFactory;

    use super::*;

    /// What `pq start` makes of these words.
    pub(crate) fn node(words: &[&str]) -> Node {
        let typed = [&["pq", "start", "--root", "r"], words].concat();
        match Cli::parse_from(typed).command {
            Command::Start(start) => start.node,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_words_of_all_commands_fit_together() {
        Cli::command().debug_assert();
    }
}
