//! The program `cargo`, which builds libraries.

use std::ffi::OsString;
use std::process::Command;

/// The cargo that has started this program; otherwise the cargo in `PATH`.
pub(super) fn cargo() -> Command {
    Command::new(program())
}

fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The context of an error at its start.
pub(super) fn cannot_run_cargo() -> String {
    format!(
        "failed to run {}: building needs a Rust toolchain (https://rustup.rs)",
        program().display()
    )
}
