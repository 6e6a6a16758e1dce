//! The clients that people have: `nc` and `telnet`, as programs.
//!
//! A machine without them skips these tests, and says so; with `PQ_CI=1` in the environment they fail there.

use std::fs::File;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use pq_tests::running::{PATIENCE, Running, poll};
use tempfile::TempDir;

use crate::script::{PROMPT, next, whole_session};

/// A program that plays: what it writes goes to a file.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    written: TempDir,
}

impl Program {
    /// Starts it; `None`, loudly, when this machine does not have it.
    fn start(command: &mut Command) -> Option<Program> {
        let written = tempfile::tempdir().unwrap();
        let out = File::create(written.path().join("out")).unwrap();
        let started = command.stdin(Stdio::piped()).stdout(out).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                let program = command.get_program();
                assert!(
                    std::env::var_os("PQ_CI").is_none_or(|ci| ci != "1"),
                    "{program:?}: {error}"
                );
                // Past the test harness, which keeps what a test that passes prints to itself.
                let _ = writeln!(
                    std::io::stderr(),
                    "SKIPPED: cannot run {program:?}: {error}"
                );
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

    fn type_in(&mut self, text: &str) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    fn out(&self) -> String {
        let bytes = std::fs::read(self.written.path().join("out")).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Waits until it has shown this text so many times.
    fn shows(&self, text: &str, times: usize) {
        let shown = || (self.out().matches(text).count() >= times).then_some(());
        assert!(
            poll(PATIENCE, shown).is_some(),
            "no {text:?} in {:?}",
            self.out()
        );
    }

    /// Waits for its end; all that it showed.
    fn end(mut self) -> String {
        let ended = poll(PATIENCE, || self.child.try_wait().unwrap());
        assert!(
            ended
                .unwrap_or_else(|| panic!("no end: {:?}", self.out()))
                .success()
        );
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

fn client(program: &str, args: &[&str], node: &Running) -> Option<Program> {
    let (ip, port) = (
        node.address().ip().to_string(),
        node.address().port().to_string(),
    );
    Program::start(Command::new(program).args(args).args([ip, port]))
}

/// Plays as a person does: reads, then types.
fn play(program: &mut Program) {
    program.shows(PROMPT, 1);
    program.type_in("Ann\n");
    program.shows("y/n", 1);
    program.type_in("n\n");
    program.shows("y/n", 2);
    program.type_in("y\n");
    program.shows("Obtained ", 1);
    program.type_in("quit\n");
}

#[test]
fn nc_plays_a_session() {
    let node = Running::node();
    let Some(mut nc) = client("nc", &[], &node) else {
        return;
    };
    play(&mut nc);
    // This nc stays until its input ends too: a person presses Ctrl-D.
    nc.input = None;
    let told = nc.end();
    let rest = next(&told, PROMPT);
    let rest = next(rest, &crate::script::stats(rest));
    whole_session(&format!("{PROMPT}{rest}"));
}

#[test]
fn a_script_piped_through_nc_plays_a_session() {
    let node = Running::node();
    let Some(mut nc) = client("nc", &["-q", "1"], &node) else {
        return;
    };
    nc.type_in("Ann\ny\nquit\n");
    // `printf` ends, and with it the pipe.
    nc.input = None;
    whole_session(&nc.end());
}

#[test]
fn telnet_plays_a_session_from_a_pipe() {
    let node = Running::node();
    let Some(mut telnet) = client("telnet", &[], &node) else {
        return;
    };
    telnet_plays(&mut telnet);
    let told = telnet.end();
    assert!(told.contains("Executing a "), "{told:?}");
}

#[test]
fn telnet_plays_a_session_from_a_terminal() {
    let node = Running::node();
    let address = node.address();
    let telnet = format!("telnet {} {}", address.ip(), address.port());
    if Program::start(Command::new("telnet").arg("--version")).is_none() {
        return;
    }
    let Some(mut script) =
        Program::start(Command::new("script").args(["-qec", &telnet, "/dev/null"]))
    else {
        return;
    };
    telnet_plays(&mut script);
    script.shows("closed", 1);
    assert!(!script.out().contains('\u{fffd}'), "{:?}", script.out());
}

/// As [`play`]; telnet shows line ends as its terminal wants them.
fn telnet_plays(telnet: &mut Program) {
    telnet.shows(PROMPT.trim_end(), 1);
    telnet.type_in("Ann\n");
    telnet.shows("y/n", 1);
    telnet.type_in("y\n");
    telnet.shows("Obtained ", 1);
    telnet.type_in("hello\n");
    telnet.shows("Unexpected input: hello", 1);
    telnet.type_in("quit\n");
}
