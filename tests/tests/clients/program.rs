//! A client's program under test: what it writes goes to a file, what it reads the test types.
//!
//! A machine without the program skips the test, and says so: see `pq_tests::needs`.
//! Who calls: the tests of clients here, and those of `nc` and `telnet` in `telnet/programs.rs`.

use std::fs::File;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use pq_tests::needs::has_program;
use pq_tests::running::{PATIENCE, Running, poll, poll_while, runs};
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
    /// Starts it; `None` when this machine does not have it.
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

    /// A program that is called with the address of a node behind its other arguments.
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

    /// What it has shown; one that speaks no telnet shows the probe too.
    pub(crate) fn out(&self) -> String {
        let bytes = std::fs::read(self.written.path().join("out")).unwrap();
        let text = bytes.strip_prefix(PROBE).unwrap_or(&bytes);
        String::from_utf8(text.to_vec()).unwrap()
    }

    /// Waits until it has shown this text so many times.
    pub(crate) fn shows(&self, text: &str, times: usize) {
        let shown = || (self.out().matches(text).count() >= times).then_some(());
        let shown = poll_while(PATIENCE, || self.runs(), shown);
        assert!(shown.is_some(), "no {text:?}\n{}", self.told());
    }

    /// Whether it goes on.
    pub(crate) fn runs(&self) -> bool {
        runs(&self.child)
    }

    /// For a reader who wants to know why: all that there is.
    pub(crate) fn told(&self) -> String {
        let errors = std::fs::read(self.written.path().join("err")).unwrap();
        let end = if self.runs() { "..." } else { "the end" };
        format!(
            "--- shown ---\n{:?}\n--- {end} ---\n{}",
            self.out(),
            String::from_utf8_lossy(&errors)
        )
    }

    /// Nothing more will be typed: a person presses Ctrl-D, a script ends.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits for its end; all that it showed.
    pub(crate) fn end(mut self) -> String {
        let ended = poll(PATIENCE, || self.child.try_wait().unwrap());
        let status = ended.unwrap_or_else(|| panic!("no end\n{}", self.told()));
        assert!(status.success(), "{status}\n{}", self.told());
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
