//! What tests need that a machine may not have: programs, libraries of other languages, rights.
//!
//! ```text
//!   a test ─► has(needs) ─┬ there ────────────────────► it goes on
//!                         └ missing ─┬ PQ_CI=1 ───────► it fails
//!                                    └ on a laptop ───► a line past the harness, the list of the run, and it returns
//! ```
//! The table is the only place where anything is looked for, each row once in a test program. Whatever a test starts
//! through [`Player`](crate::running::Player) or beside it has a row here: a program that has none is refused, so that
//! a test that needs something new says so on the machine where it is written.
//!
//! Cargo keeps what a test writes to itself when it passes. So the lines go to standard error directly, and the package
//! `untested`, which runs last, shows the list of all of them.

use std::ffi::OsStr;
use std::io::Write;
use std::panic::Location;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::running::{PATIENCE, Running};

/// Something that a test may need.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Need {
    /// `bash`.
    Bash,
    /// `script` of util-linux: a terminal for programs that want one.
    Script,
    /// `stty`: the size of a terminal.
    Stty,
    /// `setpriv` of util-linux: a command as another user.
    Setpriv,
    /// The right to become another user.
    Root,
    /// `nc` with the option `-q`.
    Nc,
    /// `telnet` of GNU inetutils.
    Telnet,
    /// `socat`.
    Socat,
    /// `openssl`.
    Openssl,
    /// `ss` of iproute2: the timers of sockets.
    Ss,
    /// TinTin++.
    TinTin,
    /// Python 3 by itself.
    Python,
    /// telnetlib3 for Python.
    Telnetlib3,
    /// The program with which telnetlib3 looks at servers.
    Fingerprint,
    /// websockets for Python.
    Websockets,
    /// Chromium.
    Chromium,
    /// What drives Chromium.
    Chromedriver,
    /// The name `localhost`, by which a driver finds its browser.
    Localhost,
    /// Erlang/OTP with its application sasl, of which systools is a part.
    Systools,
    /// What runs Erlang from its source.
    Escript,
}

/// A row of the table.
struct Row {
    need: Need,
    name: &'static str,
    /// It is there when this can be run and writes `says`.
    command: &'static [&'static str],
    says: &'static str,
    /// How to have it.
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

/// In the order of [`Need`].
const TABLE: [Row; 20] = [
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
];

impl Need {
    /// What is needed to run this program.
    pub fn of(program: &OsStr) -> Option<Need> {
        let is_of = |row: &&Row| program == row.command[0];
        TABLE.iter().find(is_of).map(|row| row.need)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The answer is sought once.
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

/// Where programs are looked for: Debian keeps games where not everybody looks.
pub fn path() -> String {
    format!("{}:/usr/games", std::env::var("PATH").unwrap_or_default())
}

/// Whether all of this is here; if not, the test that asks returns, or does without. With `PQ_CI=1` it fails instead.
#[track_caller]
pub fn has(needs: &[Need]) -> bool {
    let test = test();
    // All are asked for, so that a reader learns at once of all that is missing.
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

/// Whether this program is here, which must have a row in the table, or be one of the project's own.
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

/// The test that asks, as a reader can find it: harnesses give its name to its thread, but for one thread only.
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

/// Says that a test, or a part of it, has not run, and notes it for the end of the run.
pub(crate) fn skipped(test: &str, because: &str) {
    // Past the harness, which keeps what a test that passes prints to itself.
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
