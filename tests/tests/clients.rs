//! Client programs of MUD players with a whole node: their output, and the node's knowledge about them.
//!
//! `sockserv` tests the negotiation byte by byte. These tests show that the authors of the programs understand the
//! standards in the same way. `nc` and `telnet` without a terminal are in `telnet/programs.rs`.

mod gmcp;
mod mccp;
mod play;
pub(crate) mod program;
mod prompt;
mod telnet;
mod telnetlib3;
mod text;
mod tintin;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use pq_tests::needs::{self, Need, has};
use pq_tests::running::{Running, Tree, pq};
use program::Program;

/// A node that logs its knowledge about a client when the client has disconnected.
fn node(tree: &Tree) -> Running {
    Running::listening(pq(tree.start()).env("RUST_LOG", "sockserv=debug"))
}

/// Runs a command in a terminal of 120 columns and 40 lines; `None` when this machine does not have its program. `pq`
/// always exists.
#[track_caller]
fn in_terminal(command: &str, home: &Path) -> Option<Program> {
    let program = command.split(' ').next().unwrap_or_default();
    let need = Need::of(OsStr::new(program));
    if !need.is_none_or(|need| has(&[need])) || !has(&[Need::Stty]) {
        return None;
    }
    // The search path includes the directory with cargo's build of `pq`.
    let pq = pq(["play"]);
    let folder = Path::new(pq.get_program()).parent().unwrap();
    let path = format!("{}:{}", needs::path(), folder.display());
    let sized = format!("stty cols 120 rows 40; exec {command}");
    Program::start(
        Command::new("script")
            .args(["-qec", &sized, "/dev/null"])
            .env("PATH", &path)
            .env("HOME", home)
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8"),
    )
}
