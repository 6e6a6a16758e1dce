//! The `pq` command: runs a node, operates a node, plays on a node and builds releases.
//!
//! ```text
//!   pq demo ─► libraries (cargo) ─► release tree ─┐
//!   pq start ─────────────────────────────────────┴─► boot ─► applications ─► door ─► until a signal
//!   pq play ─► a player's connection to the door of a node
//!   pq appup ─► two libraries ─► appup
//!   pq relup ─► appups ─► relup
//!   pq build ─► libraries (cargo) ─► release tree; pq tar, sign ─► package; pq key ─► keys of authors and trees
//!   pq new ─► sources of the next version
//!   pq release ─► libraries, appups, relup, package
//!   pq lesson ─► a page of the workshop, or a check of the node and its files
//!   pq completions, man ─► the command line as a script or as pages
//!   pq rehearse, replay ─► copies of a node's avatars ─► this program again, as a child ─► report
//!   pq status, tree, … ─► socket of the node that runs ─► answer
//!   pq top ─► the same socket ─► a live view in the terminal
//! ```
//! This file chooses the command and starts it; the modules below carry the commands out.

mod addresses;
mod applications;
mod author;
mod avatars;
mod boot;
mod cli;
mod client;
mod clock;
mod commands;
mod completions;
mod console;
mod demo;
mod digest;
mod door;
mod end_at_once;
mod feed;
mod history;
mod lesson;
mod libraries;
mod lifetime;
mod live;
mod logging;
mod man;
mod manager;
mod metrics;
mod noun;
mod operator;
mod options;
mod otlp;
mod play;
mod players;
mod private;
mod rehearsal;
mod report;
mod reread;
mod restart;
mod run;
mod running;
mod saves;
mod schema;
mod service;
mod signals;
mod stall;
mod stdio;
mod story;
mod streams;
mod system;
mod top;
mod trace;
mod words;

use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use mimalloc::MiMalloc;

/// Creating an avatar allocates about 60 blocks and frees 40 of them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // After a restart (`restart`) the system reports the name `exe` for this program. Only that name is affected.
    let _ = rustix::thread::set_name(c"pq");
    if let Some(order) = rehearsal::order_of_child() {
        return exit_code(rehearsal::child(&order));
    }
    let cli = match words().and_then(|words| cli::Cli::from_arg_matches(&words)) {
        Ok(cli) => cli,
        Err(error) => return client::usage(&error),
    };
    let outcome = match cli.command {
        cli::Command::Demo(options) => {
            return node(options.node.log_format, || demo::demo(&options));
        }
        cli::Command::Start(options) => {
            return node(options.node.log_format, || run::start(&options));
        }
        cli::Command::Appup(options) => author::appup::appup(&options),
        cli::Command::Relup(command) => author::relup::relup(&command),
        cli::Command::Build(command) => author::build::build(&command),
        cli::Command::Tar(command) => author::tar::tar(&command),
        cli::Command::Key(command) => author::key::key(&command),
        cli::Command::Package(command) => author::package::package(&command),
        cli::Command::Sign(command) => author::sign::sign(&command),
        cli::Command::New(command) => author::new::new(&command),
        cli::Command::Release(command) => author::release::release(&command),
        cli::Command::Lesson(command) => lesson::lesson(&command),
        cli::Command::Completions(which) => completions::completions(&which),
        cli::Command::Man(command) => man::man(&command),
        cli::Command::Schema(command) => schema::schema(&command),
        cli::Command::Play(options) => return play::play(&options),
        cli::Command::Operator(command) => return commands::run(&command),
    };
    exit_code(outcome)
}

/// Parses the command line. Only help, errors and the game's own words need the noun, so the settings of the tree are
/// not read for other command lines.
fn words() -> Result<ArgMatches, clap::Error> {
    let words = cli::Cli::command().try_get_matches();
    words.or_else(|error| match error.kind() {
        ErrorKind::DisplayVersion => Err(error),
        _ => noun::with_words(cli::Cli::command(), noun::noun()).try_get_matches(),
    })
}

/// Runs a node. A node does not wait for the reader of its output.
fn node(format: options::LogFormat, run: impl FnOnce() -> anyhow::Result<()>) -> ExitCode {
    let taken = stdio::take(format).context("failed to take stdout and stderr");
    let code = exit_code(taken.and_then(|()| run()));
    stdio::finish();
    code
}

/// Converts the outcome of a command to its exit code and prints the error. Scripts read the code without the
/// sentence.
fn exit_code(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    let sentence = pq_term::printable(&format!("pq: {error:#}")).into_owned();
    streams::aside(&(sentence + "\n"));
    let failure = error.downcast_ref::<pq_protocol::Failure>();
    failure.map_or(ExitCode::FAILURE, |failure| failure.exit.into())
}
