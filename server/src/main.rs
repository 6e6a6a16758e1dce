//! The `pq` command: a node, and everything one does with it.
//!
//! ```text
//!   pq demo ─► libraries (cargo) ─► release tree ─┐
//!   pq start ─────────────────────────────────────┴─► boot ─► applications ─► door ─► until a signal
//!   pq play ─► a player's connection to the door of a node
//!   pq appup ─► two libraries ─► appup
//!   pq relup ─► appups ─► relup
//!   pq build ─► libraries (cargo) ─► release tree; pq tar ─► package
//!   pq status, tree, … ─► socket of the node that runs ─► answer
//! ```
//! Starts everything and decides nothing: what a command does lives in the crates below.

mod applications;
mod author;
mod boot;
mod cli;
mod client;
mod console;
mod demo;
mod digest;
mod door;
mod heroes;
mod libraries;
mod logging;
mod operator;
mod play;
mod report;
mod restart;
mod run;
mod signals;
mod stall;
mod system;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A start of a hero takes some sixty blocks, and gives forty of them back.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Of a program that has taken its own place (`restart`) the system says `exe`; a name is all that is missed.
    let _ = rustix::thread::set_name(c"pq");
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return client::usage(&error),
    };
    let outcome = match cli.command {
        cli::Command::Demo(options) => demo::demo(&options),
        cli::Command::Start(options) => run::start(&options),
        cli::Command::Appup(options) => author::appup::appup(&options),
        cli::Command::Relup(command) => author::relup::relup(&command),
        cli::Command::Build(command) => author::build::build(&command),
        cli::Command::Tar(command) => author::tar::tar(&command),
        cli::Command::Play(options) => return play::play(&options),
        cli::Command::Operator(command) => return client::run(command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The exit code says it too, should nobody read the sentence.
            let sentence = format!("pq: {error:#}");
            let _ = writeln!(std::io::stderr(), "{}", pq_term::printable(&sentence));
            let failure = error.downcast_ref::<operator::Failure>();
            failure.map_or(ExitCode::FAILURE, |failure| failure.exit.into())
        }
    }
}
