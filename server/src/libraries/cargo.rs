//! The program `cargo`, which builds libraries.

use std::ffi::OsString;
use std::process::Command;

/// The cargo that built this program, when it runs under cargo; otherwise the one in the path.
pub(super) fn cargo() -> Command {
    Command::new(program())
}

fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// For an error of starting it.
pub(super) fn cannot_run_cargo() -> String {
    format!(
        "failed to run {}: building needs a Rust toolchain (https://rustup.rs)",
        program().display()
    )
}
