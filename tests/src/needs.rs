//! Needs of tests that a machine may lack: programs, libraries of other languages, rights.
//!
//! ```text
//!   a test ─► has(needs) ─┬ there ────────────────────► it runs
//!                         └ missing ─┬ PQ_CI=1 ───────► it fails
//!                                    └ on a laptop ───► a line on stderr, an entry in the list of the run, and it returns
//! ```
//! This table is the only place that looks for programs, once per row and test program. Each program that a test starts
//! through [`Player`](crate::running::Player) or beside it has a row here. A program without a row is refused, so that
//! a test that needs something new fails on the machine of its author.
//!
//! Cargo hides the output of a test that passes. So the lines go directly to standard error, and the package
//! `untested`, which runs last, prints the list of all of them.

use std::ffi::OsStr;
use std::io::Write;
use std::panic::Location;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::running::{PATIENCE, Running};

/// A program or right that a test may need.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Need {
    /// The shell `bash`, for scripts.
    Bash,
    /// `script` of util-linux, which provides a terminal for programs that need one.
    Script,
    /// `stty`, which sets the size of a terminal.
    Stty,
    /// `setpriv` of util-linux, which runs a command as another user.
    Setpriv,
    /// The right to become another user.
    Root,
    /// `nc` with the option `-q`.
    Nc,
    /// The client `telnet` of GNU inetutils.
    Telnet,
    /// `socat`, which connects two byte streams.
    Socat,
    /// `openssl`, as a TLS client.
    Openssl,
    /// `ss` of iproute2, which shows the timers of sockets.
    Ss,
    /// The MUD client TinTin++.
    TinTin,
    /// Python 3 without further packages.
    Python,
    /// The package telnetlib3 for Python.
    Telnetlib3,
    /// The program of telnetlib3 that examines servers.
    Fingerprint,
    /// The package websockets for Python.
    Websockets,
    /// The web browser Chromium.
    Chromium,
    /// The program that controls Chromium for tests.
    Chromedriver,
    /// The name `localhost`, with which a driver finds its browser.
    Localhost,
    /// Erlang/OTP with its application sasl, which contains systools.
    Systools,
    /// `escript`, which runs Erlang from source.
    Escript,
    /// `promtool`, which checks metrics and rules for Prometheus.
    Promtool,
    /// The shell `zsh`, for its completions.
    Zsh,
    /// The shell `fish`, for its completions.
    Fish,
    /// `mandoc`, which checks manual pages.
    Mandoc,
    /// `systemd-analyze`, which checks units, offline since version 250.
    SystemdAnalyze,
    /// `cargo deb`, which makes the package for Debian.
    CargoDeb,
    /// `tmux`, a terminal whose screen a test can read and resize.
    Tmux,
    /// `qemu-system-x86_64`, a virtual machine.
    Qemu,
    /// Debian's kernel for virtual machines.
    Kernel,
    /// `busybox` that needs no library.
    Busybox,
    /// `e2fsck`, which stands for all of e2fsprogs.
    E2fsprogs,
    /// `cpio`, which packs the first file system of a virtual machine.
    Cpio,
    /// `strip` of binutils, for a library or program without symbols in the small root of a virtual machine.
    Strip,
}

struct Row {
    need: Need,
    name: &'static str,
    /// A need is met when this command runs and its output contains `says`.
    command: &'static [&'static str],
    says: &'static str,
    /// The way to install it.
    from: &'static str,
}

const fn row(
    need: Need,
    name: &'static str,
    (command, says): (&'static [&'static str], &'static str),
    from: &'static str,
) -> Row {
    Row {
        need,
        name,
        command,
        says,
        from,
    }
}

/// The rows, in the order of [`Need`].
const TABLE: [Row; 33] = [
    row(
        Need::Bash,
        "bash",
        (&["bash", "--version"], "GNU bash"),
        "Debian: bash",
    ),
    row(
        Need::Script,
        "script of util-linux",
        (&["script", "--version"], "util-linux"),
        "Debian: bsdutils",
    ),
    row(
        Need::Stty,
        "stty",
        (&["stty", "--version"], "coreutils"),
        "Debian: coreutils",
    ),
    row(
        Need::Setpriv,
        "setpriv of util-linux",
        (&["setpriv", "--version"], "util-linux"),
        "Debian: util-linux",
    ),
    row(
        Need::Root,
        "the right to become another user",
        (&["id"], "uid=0("),
        "run the tests as root",
    ),
    row(
        Need::Nc,
        "nc with the option -q",
        (&["nc", "-h"], "-q"),
        "Debian: netcat-openbsd",
    ),
    row(
        Need::Telnet,
        "telnet of GNU inetutils",
        (&["telnet", "--version"], "inetutils"),
        "Debian: telnet",
    ),
    row(
        Need::Socat,
        "socat",
        (&["socat", "-V"], "socat version"),
        "Debian: socat",
    ),
    row(
        Need::Openssl,
        "openssl",
        (&["openssl", "version"], "OpenSSL"),
        "Debian: openssl",
    ),
    row(
        Need::Ss,
        "ss of iproute2",
        (&["ss", "-V"], "iproute2"),
        "Debian: iproute2",
    ),
    row(
        Need::TinTin,
        "tt++",
        (&["tt++", "-V"], "TinTin++"),
        "Debian: tintin++",
    ),
    row(
        Need::Python,
        "python3",
        (&["python3", "--version"], "Python 3"),
        "Debian: python3",
    ),
    row(
        Need::Telnetlib3,
        "telnetlib3 for python3, with GMCP",
        (
            &[
                "python3",
                "-c",
                "from telnetlib3 import TelnetWriter, telopt; TelnetWriter.send_gmcp, telopt.GMCP, print('found')",
            ],
            "found",
        ),
        "pip install telnetlib3==5.0.1",
    ),
    row(
        Need::Fingerprint,
        "telnetlib3-fingerprint",
        (&["telnetlib3-fingerprint", "--help"], "--save-json"),
        "pip install telnetlib3==5.0.1",
    ),
    row(
        Need::Websockets,
        "websockets for python3, with asyncio",
        (
            &[
                "python3",
                "-c",
                "import websockets.asyncio.client; print('found')",
            ],
            "found",
        ),
        "pip install websockets==17.4",
    ),
    row(
        Need::Chromium,
        "chromium",
        (&["chromium", "--version"], "Chromium "),
        "Debian: chromium",
    ),
    row(
        Need::Chromedriver,
        "chromedriver",
        (&["chromedriver", "--version"], "ChromeDriver "),
        "Debian: chromium-driver",
    ),
    row(
        Need::Localhost,
        "an address for localhost",
        (&["getent", "hosts", "localhost"], "localhost"),
        "Debian: netbase",
    ),
    row(
        Need::Systools,
        "systools of Erlang/OTP",
        (
            &[
                "erl",
                "-noshell",
                "-eval",
                "io:format(\"~p~n\", [code:which(systools)]), halt().",
            ],
            "systools.beam",
        ),
        "Debian: erlang-base and erlang-tools",
    ),
    row(
        Need::Escript,
        "escript of Erlang/OTP",
        (&["escript"], "Missing filename"),
        "Debian: erlang-base",
    ),
    row(
        Need::Promtool,
        "promtool of Prometheus",
        (&["promtool", "--version"], "promtool, version"),
        "Debian: prometheus",
    ),
    row(
        Need::Zsh,
        "zsh",
        (&["zsh", "--version"], "zsh 5"),
        "Debian: zsh",
    ),
    row(
        Need::Fish,
        "fish",
        (&["fish", "--version"], "fish, version"),
        "Debian: fish",
    ),
    row(
        Need::Mandoc,
        "mandoc",
        (&["mandoc", "-T", "nothing"], "bad command line argument"),
        "Debian: mandoc",
    ),
    row(
        Need::SystemdAnalyze,
        "systemd-analyze",
        (&["systemd-analyze", "security", "--help"], "--offline="),
        "Debian: systemd",
    ),
    row(
        Need::CargoDeb,
        "cargo-deb",
        (&["cargo-deb", "--help"], "--deb-version"),
        "cargo install cargo-deb --locked",
    ),
    row(
        Need::Tmux,
        "tmux",
        (&["tmux", "-V"], "tmux "),
        "Debian: tmux",
    ),
    row(
        Need::Qemu,
        "qemu-system-x86_64",
        (&["qemu-system-x86_64", "--version"], "QEMU emulator"),
        "Debian: qemu-system-x86",
    ),
    row(
        Need::Kernel,
        "a kernel for virtual machines",
        (
            &["find", "/boot", "-name", "vmlinuz-*-cloud-amd64"],
            "-cloud-amd64",
        ),
        "Debian: linux-image-cloud-amd64",
    ),
    row(
        Need::Busybox,
        "busybox without libraries",
        (&["/bin/busybox", "--help"], "BusyBox v"),
        "Debian: busybox-static",
    ),
    row(
        Need::E2fsprogs,
        "e2fsck, mke2fs and debugfs",
        (&["e2fsck", "-V"], "e2fsck 1"),
        "Debian: e2fsprogs",
    ),
    row(
        Need::Cpio,
        "cpio",
        (&["cpio", "--version"], "GNU cpio"),
        "Debian: cpio",
    ),
    row(
        Need::Strip,
        "strip of binutils",
        (&["strip", "--version"], "GNU strip"),
        "Debian: binutils",
    ),
];

impl Need {
    /// The need for this program, if the table has a row for it.
    pub fn of(program: &OsStr) -> Option<Need> {
        let is_of = |row: &&Row| program == row.command[0];
        TABLE.iter().find(is_of).map(|row| row.need)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Looks for the program once per test program.
    fn is_met(self) -> bool {
        static FOUND: [OnceLock<bool>; TABLE.len()] = [const { OnceLock::new() }; TABLE.len()];
        *FOUND[self as usize].get_or_init(|| self.row().is_there())
    }
}

impl Row {
    fn is_missing(&self) -> String {
        format!("{} is missing ({})", self.name, self.from)
    }

    fn is_there(&self) -> bool {
        let mut command = Command::new(self.command[0]);
        command.args(&self.command[1..]).env("PATH", path());
        let Ok(mut running) = Running::try_start(command.stdin(Stdio::null())) else {
            return false;
        };
        running.ends_within(PATIENCE);
        running.out().contains(self.says) || running.log().contains(self.says)
    }
}

/// The search path for programs: Debian keeps games in a directory that is not in every path.
pub fn path() -> String {
    format!("{}:/usr/games", std::env::var("PATH").unwrap_or_default())
}

/// Whether all needs are met. If not, the calling test skips its work; under `PQ_CI=1` it fails instead.
#[track_caller]
pub fn has(needs: &[Need]) -> bool {
    let test = test();
    // All needs are checked, so that the reader learns all missing ones at once.
    let missing = needs.iter().filter(|need| !need.is_met());
    let missing: Vec<String> = missing.map(|need| need.row().is_missing()).collect();
    let is_ci = std::env::var_os("PQ_CI").is_some_and(|ci| ci == "1");
    assert!(
        !is_ci || missing.is_empty(),
        "with PQ_CI=1 nothing is skipped, and {}",
        missing.join(", ")
    );
    missing.iter().for_each(|because| skipped(&test, because));
    missing.is_empty()
}

/// Whether this program is installed. It has to be in the table, or be one of the project's own programs.
#[track_caller]
pub fn has_program(command: &Command) -> bool {
    let program = command.get_program();
    if Path::new(program).is_absolute() {
        return true;
    }
    let need = Need::of(program);
    let need = need.unwrap_or_else(|| panic!("{program:?} has no row in pq_tests::needs"));
    has(&[need])
}

/// The name of the calling test. Harnesses give it to the thread of the test, except when they use one thread only.
#[track_caller]
pub(crate) fn test() -> String {
    let caller = Location::caller();
    let file = std::env::current_exe().unwrap_or_default();
    let program = file.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let program = program.rsplit_once('-').map_or(program, |(name, _)| name);
    match std::thread::current().name() {
        Some(name) if name != "main" => format!("{program} {name}"),
        _ => format!("{program} {}:{}", caller.file(), caller.line()),
    }
}

/// Reports that a test or a part of it was skipped, and notes it for the end of the run.
pub(crate) fn skipped(test: &str, because: &str) {
    // Writes past the harness, which hides the output of a test that passes.
    let _ = writeln!(std::io::stderr(), "skipped, because {because}: {test}");
    untested::note(&format!("{because}: {test}")).expect("the target folder can be written to");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_has_its_row_and_ci_installs_it() {
        let ci = include_str!("../../.ci/run");
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.need as usize, at);
            let brought = row.from.strip_prefix("Debian: ");
            let brought = brought.or_else(|| row.from.strip_prefix("pip install "));
            for name in brought.iter().flat_map(|names| names.split(" and ")) {
                assert!(ci.contains(name), "{name} is not in .ci/run");
            }
        }
    }

    #[test]
    fn what_is_looked_for_is_found_by_what_it_says() {
        let row = |command, says| Row {
            command,
            says,
            ..TABLE[0]
        };
        assert!(row(&["/bin/sh", "-c", "echo found"], "found").is_there());
        assert!(row(&["/bin/sh", "-c", "echo found >&2; exit 1"], "found").is_there());
        assert!(!row(&["/bin/sh", "-c", "echo not here"], "found").is_there());
        assert!(!row(&["pq-tests-nobody-has-this"], "").is_there());
    }
}
