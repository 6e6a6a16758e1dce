//! How a node is started, as the command line has it; and how it starts itself again.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pq_protocol::answer::Planned;

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
    use std::ffi::OsString;

    use clap::{Parser, Subcommand};

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Subcommand)]
    enum Command {
        Start(Start),
    }

    /// What `pq` makes of these words, of which the first is `start`.
    pub(crate) fn start(words: Vec<OsString>) -> Start {
        let typed = [OsString::from("pq")].into_iter().chain(words);
        let Command::Start(start) = Typed::parse_from(typed).command;
        start
    }

    /// What `pq start` makes of these words.
    pub(crate) fn node(words: &[&str]) -> Node {
        let typed = [&["start", "--root", "r"], words].concat();
        start(typed.into_iter().map(OsString::from).collect()).node
    }
}
