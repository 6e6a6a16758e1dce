//! A client program under test: its output goes to a file, and the test types its input.
//!
//! On a machine without the program the test is skipped, and says so: see `pq_tests::needs`. Callers are the tests of
//! clients here, and those of `nc` and `telnet` in `telnet/programs.rs`.

use std::fs::File;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use pq_tests::needs::has_program;
use pq_tests::running::{PATIENCE, Running, poll, poll_while, runs};
use tempfile::TempDir;

/// The first three bytes to every client, `IAC DO TTYPE`; clients that know telnet answer them.
pub(crate) const PROBE: &[u8] = b"\xff\xfd\x18";

/// A running client program.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    written: TempDir,
}

impl Program {
    /// Starts the program; `None` when this machine does not have it.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Option<Program> {
        if !has_program(command) {
            return None;
        }
        let written = tempfile::tempdir().unwrap();
        let file = |name| File::create(written.path().join(name)).unwrap();
        command.stdin(Stdio::piped());
        let started = command.stdout(file("out")).stderr(file("err")).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let input = child.stdin.take();
        Some(Program {
            child,
            input,
            written,
        })
    }

    /// Starts a program with the address of a node behind its other arguments.
    #[track_caller]
    pub(crate) fn client(program: &str, args: &[&str], node: &Running) -> Option<Program> {
        let (ip, port) = (node.address().ip(), node.address().port());
        let address = [ip.to_string(), port.to_string()];
        Program::start(Command::new(program).args(args).args(address))
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        let typed = self.input.as_mut().unwrap().write_all(text.as_bytes());
        typed.unwrap_or_else(|error| panic!("cannot type {text:?}: {error}\n{}", self.told()));
    }

    /// The output so far. A program that does not know telnet also shows the bytes of the probe.
    pub(crate) fn out(&self) -> String {
        let bytes = std::fs::read(self.written.path().join("out")).unwrap();
        let text = bytes.strip_prefix(PROBE).unwrap_or(&bytes);
        String::from_utf8(text.to_vec()).unwrap()
    }

    /// Waits until the output has this text `times` times.
    pub(crate) fn shows(&self, text: &str, times: usize) {
        let shown = || (self.out().matches(text).count() >= times).then_some(());
        let shown = poll_while(PATIENCE, || self.runs(), shown);
        assert!(shown.is_some(), "no {text:?}\n{}", self.told());
    }

    /// Whether the program still runs.
    pub(crate) fn runs(&self) -> bool {
        runs(&self.child)
    }

    /// The whole output, for the message of a failed test.
    pub(crate) fn told(&self) -> String {
        let errors = std::fs::read(self.written.path().join("err")).unwrap();
        let end = if self.runs() { "..." } else { "the end" };
        format!(
            "--- shown ---\n{:?}\n--- {end} ---\n{}",
            self.out(),
            String::from_utf8_lossy(&errors)
        )
    }

    /// Ends the input, as Ctrl-D or the end of a script does.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the program; returns its whole output.
    pub(crate) fn end(mut self) -> String {
        let ended = poll(PATIENCE, || self.child.try_wait().unwrap());
        let status = ended.unwrap_or_else(|| panic!("no end\n{}", self.told()));
        assert!(status.success(), "{status}\n{}", self.told());
        self.out()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that the program has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
