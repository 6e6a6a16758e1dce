//! A client's program under test: what it writes goes to a file, what it reads the test types.
//!
//! A machine without the program skips the test, and says so; with `PQ_CI=1` in the environment it fails there.
//! Who calls: the tests of clients here, and those of `nc` and `telnet` in `telnet/programs.rs`.

use std::fs::File;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use pq_tests::running::{PATIENCE, Running, poll};
use tempfile::TempDir;

/// The first three bytes for every client, `IAC DO TTYPE`: one that speaks telnet answers them.
pub(crate) const PROBE: &[u8] = b"\xff\xfd\x18";

/// A program that plays.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    written: TempDir,
}

impl Program {
    /// Starts it; `None`, loudly, when this machine does not have it.
    pub(crate) fn start(command: &mut Command) -> Option<Program> {
        let written = tempfile::tempdir().unwrap();
        let out = File::create(written.path().join("out")).unwrap();
        let started = command.stdin(Stdio::piped()).stdout(out).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                skip(&format!("cannot run {:?}: {error}", command.get_program()));
                return None;
            }
        };
        let input = child.stdin.take();
        Some(Program {
            child,
            input,
            written,
        })
    }

    /// A program that is called with the address of a node behind its other arguments.
    pub(crate) fn client(program: &str, args: &[&str], node: &Running) -> Option<Program> {
        let (ip, port) = (node.address().ip(), node.address().port());
        let address = [ip.to_string(), port.to_string()];
        Program::start(Command::new(program).args(args).args(address))
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    /// What it has shown; one that speaks no telnet shows the probe too.
    pub(crate) fn out(&self) -> String {
        let bytes = std::fs::read(self.written.path().join("out")).unwrap();
        let text = bytes.strip_prefix(PROBE).unwrap_or(&bytes);
        String::from_utf8(text.to_vec()).unwrap()
    }

    /// Waits until it has shown this text so many times.
    pub(crate) fn shows(&self, text: &str, times: usize) {
        let shown = || (self.out().matches(text).count() >= times).then_some(());
        assert!(
            poll(PATIENCE, shown).is_some(),
            "no {text:?} in {:?}",
            self.out()
        );
    }

    /// Nothing more will be typed: a person presses Ctrl-D, a script ends.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits for its end; all that it showed.
    pub(crate) fn end(mut self) -> String {
        let ended = poll(PATIENCE, || self.child.try_wait().unwrap());
        let status = ended.unwrap_or_else(|| panic!("no end: {:?}", self.out()));
        assert!(status.success(), "{status}: {:?}", self.out());
        self.out()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program is missing: why.
pub(crate) fn skip(why: &str) {
    assert!(
        std::env::var_os("PQ_CI").is_none_or(|ci| ci != "1"),
        "{why}"
    );
    // Past the test harness, which keeps what a test that passes prints to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
