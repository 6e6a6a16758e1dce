//! The command-line options that start a node, and the command line of a node that restarts itself.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pq_protocol::answer::Planned;

#[derive(Args, Debug)]
pub(crate) struct Start {
    /// The directory of the release tree
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// The version of the release to start [default: the permanent release]
    #[arg(long, value_name = "VSN")]
    pub(crate) release: Option<String>,
    /// Start the permanent release if the release of --release fails to boot
    #[arg(long, requires = "release")]
    pub(crate) or_permanent: bool,
    /// The planned shutdown of the node before its restart, as JSON.
    #[arg(long, hide = true, value_name = "JSON", value_parser = planned)]
    pub(crate) shutdown: Option<Planned>,
    #[command(flatten)]
    pub(crate) node: Node,
}

fn planned(text: &str) -> serde_json::Result<Planned> {
    serde_json::from_str(text)
}

/// The options of a running node.
#[derive(Args, Clone, Debug)]
pub(crate) struct Node {
    /// The TCP port for telnet clients; 0 picks a free port [default: the release's setting, 8082]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// The IP address of all listeners
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// The TCP port for telnet clients with TLS; 0 picks a free port [default: the release's setting, none]
    #[arg(long, value_name = "N")]
    pub(crate) tls_port: Option<u16>,
    /// Open the TLS port with a self-signed certificate of the node, for tests
    #[arg(long)]
    pub(crate) self_signed: bool,
    /// The TCP port for browsers; 0 picks a free port [default: the release's setting, none]
    #[arg(long, value_name = "N")]
    pub(crate) web_port: Option<u16>,
    /// The default browser port of a command (`pq demo`). If another process has this port, the node runs without the
    /// page.
    #[arg(skip)]
    pub(crate) usual_web_port: Option<u16>,
    /// The TCP port for the live page, metrics and health checks; 0 picks a free port [default: the release's setting, none]
    #[arg(long, value_name = "N")]
    pub(crate) metrics_port: Option<u16>,
    /// The default port for metrics and the live page of a command (`pq demo`). If another process has this port, a free one is
    /// taken.
    #[arg(skip)]
    pub(crate) usual_metrics_port: Option<u16>,
    /// Send spans of installs to this collector of OpenTelemetry, such as http://127.0.0.1:4318 [default: the release's setting,
    /// none]
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// The directory of the operators' socket, for this node alone; `run` in the tree becomes a link to it [default: `run`
    /// itself]
    #[arg(long, value_name = "DIR")]
    pub(crate) socket_dir: Option<PathBuf>,
    /// The number of avatars that play without a client; the release defines their start, and may add another name of
    /// this option
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) avatars: u64,
    /// The game's unit of time for these avatars, in milliseconds; 0 means no pauses
    #[arg(long, value_name = "MS", default_value_t = 800)]
    pub(crate) pace: u32,
    /// Neither read nor write the saves: nobody comes back, nothing is saved, and a blocked shard does not restart the node
    #[arg(long)]
    pub(crate) no_saves: bool,
    /// The number of scheduler threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) shards: Option<u8>,
    /// The seed of all random numbers [default: a new seed at each start]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The interval in seconds of a report of the node's work on stdout [default: no reports]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) report_every: Option<u64>,
    /// The format of log lines on stderr; RUST_LOG selects the lines
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum LogFormat {
    /// One line of text per event.
    Text,
    /// One JSON object per event.
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

    /// Parses a complete command line whose first word is `start`.
    pub(crate) fn start(words: Vec<OsString>) -> Start {
        let typed = [OsString::from("pq")].into_iter().chain(words);
        let Command::Start(start) = Typed::parse_from(typed).command;
        start
    }

    /// Parses the options of `pq start`.
    pub(crate) fn node(words: &[&str]) -> Node {
        let typed = [&["start", "--root", "r"], words].concat();
        start(typed.into_iter().map(OsString::from).collect()).node
    }
}
