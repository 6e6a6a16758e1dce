//! A real node for a test: the `pq` program on a release tree of its own.
//!
//! ```text
//!   cargo build pq ─► pq demo ─► the files of release 1.0.0 ─► kept in memory ─► Tree ─► pq start
//!   └─────────────── once per run ([`once`]) ──────────────┘                    └─ once per test ─┘
//! ```
//! Everything uses cargo and the command line, as a person does. This module does not use the operators' socket. Two
//! test programs may run at the same time: cargo has a lock of its own, and no tree is shared.

mod disk;
mod ladder;
mod once;
mod player;
mod raw;
mod spoil;
mod studio;
mod third;
mod tree;
mod upgrade;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tempfile::TempDir;

pub use disk::{Access, Disk};
pub use ladder::LADDER;
pub use once::once;
pub use player::{AGREE, PROMPT, Player, plain_text};
pub use raw::RawClient;
pub use rustix::process::Signal;
pub use studio::{BROKEN, BROKEN_VSN, Draft, build};
pub use third::THIRD;
pub use tree::{Tree, copy_folder};
pub use upgrade::{Said, operate};

/// The deadline for anything except a build. It takes milliseconds on an idle machine; on one with two cores that ran
/// twenty compilers, a node took more than half a minute to start, and a player with a word more than a minute to come back.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The deadline for a build of the libraries, which takes two minutes on two idle cores.
pub const BUILD_PATIENCE: Duration = Duration::from_secs(1_200);

/// Log lines about slow callbacks. The node cannot know whether a callback works or waits for its core.
const SLOW: [&str; 2] = ["a callback took too long", "a callback does not end"];

/// The pause between two checks of a condition: short compared with the time that it usually takes.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` returns a value; `None` when it has not within `limit`.
pub fn poll<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        match condition() {
            Some(found) => return Some(found),
            None if Instant::now() > deadline => return None,
            None => std::thread::sleep(POLL),
        }
    }
}

/// Does the same as [`poll`], but also returns `None` when the program has ended and the condition still fails.
pub fn poll_while<T>(
    limit: Duration,
    runs: impl Fn() -> bool,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<T> {
    let found = poll(limit, || {
        // Checked before the condition, so that the condition sees everything that the program did before its end.
        let goes_on = runs();
        match condition() {
            Some(found) => Some(Some(found)),
            None => (!goes_on).then_some(None),
        }
    });
    found.flatten()
}

/// Repeats a system call that a signal has interrupted. A process that was stopped and continues is interrupted in a
/// call on a socket with a deadline, although it handles no signal (`signal(7)`).
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            outcome => return outcome,
        }
    }
}

/// Whether the process runs; its exit status stays available.
pub fn runs(child: &Child) -> bool {
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = waitid(WaitId::Pid(Pid::from_child(child)), peek);
    // An error means that the process has been waited for, so it has ended.
    ended.is_ok_and(|ended| ended.is_none())
}

/// The `pq` program with these arguments, without variables in its environment that change its behaviour.
pub fn pq<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program());
    command
        .args(args)
        .env_remove("RUST_LOG")
        .env_remove("PQ_ROOT")
        .env("CARGO_TARGET_DIR", Places::find().target)
        .stdin(Stdio::null());
    command
}

/// The path of the program, which is built at the first call in a run.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let places = Places::find();
        once("program", |_| build_program(&places));
        places.programs.join("pq")
    })
}

fn build_program(places: &Places) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // cargo describes the package of a test in variables. The build script of `ring` asks for the same variables, so
    // cargo would build ring and its dependents twice: for the tests, and for the shell that started them.
    for (name, _) in std::env::vars_os() {
        if describes_a_package(&name) {
            command.env_remove(name);
        }
    }
    // Building a test of the workspace together with the program makes cargo use the features of `cargo test
    // --workspace`, so it finds all dependencies built. With `--package pq` alone it would build each of them a second
    // time.
    let built = command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["build", "--workspace", "--bin", "pq"])
        .args(["--test", "untested", "--profile", &places.profile])
        .arg("--target-dir")
        .arg(&places.target)
        .status();
    assert!(
        built.as_ref().is_ok_and(ExitStatus::success),
        "cargo could not build pq: {built:?}"
    );
}

/// Whether cargo sets this variable for the programs of one package only.
fn describes_a_package(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"CARGO_PKG_") || name.starts_with(b"CARGO_MANIFEST_")
}

/// The directories of cargo's output, found from the path of this test program.
struct Places {
    target: PathBuf,
    programs: PathBuf,
    profile: String,
}

impl Places {
    /// Finds the directories from `target/debug/deps/telnet-…`: the directory of the profile `dev` is named `debug`.
    fn find() -> Places {
        let test = std::env::current_exe().expect("a running program has a path");
        let mut above = test.ancestors().skip(2);
        let mut next = || {
            above
                .next()
                .expect("cargo runs tests below its target folder")
        };
        let (programs, target) = (next().to_path_buf(), next().to_path_buf());
        let profile = match programs.file_name().and_then(OsStr::to_str) {
            Some("debug") | None => "dev".to_string(),
            Some(name) => name.to_string(),
        };
        Places {
            target,
            programs,
            profile,
        }
    }
}

/// A running `pq`. It is killed when the value is dropped; when a test fails, its output is printed.
pub struct Running {
    child: Child,
    written: TempDir,
    /// The tree, kept as long as the node runs, unless the test holds it.
    tree: Option<Tree>,
}

impl Running {
    /// Starts a node on a tree of its own.
    pub fn node() -> Running {
        let tree = Tree::new();
        let mut node = Running::node_with(&tree, &[]);
        node.tree = Some(tree);
        node
    }

    /// Starts a node on this tree with additional arguments.
    pub fn node_with(tree: &Tree, args: &[&str]) -> Running {
        Running::listening(pq(tree.start()).args(args))
    }

    /// Starts a command and waits until the node accepts players.
    pub fn listening(command: &mut Command) -> Running {
        let node = Running::start(command);
        node.listens(PATIENCE);
        node
    }

    /// Starts `pq demo` on this tree with additional arguments, and waits until it accepts players: it builds a release, or waits
    /// for another build.
    pub fn demo(root: &Path, args: &[&str]) -> Running {
        let mut command = pq(["demo", "--port", "0"]);
        let demo = Running::start(command.args(args).arg("--root").arg(root));
        demo.listens(BUILD_PATIENCE);
        demo
    }

    /// Waits until `pq demo` has built and packed the next release, too, and has printed all that it prints.
    pub fn is_ready(&self) {
        self.wrote_within(BUILD_PATIENCE, "Ctrl-C stops the node.");
    }

    /// Starts any command. Its output goes to files, so that it never waits for a reader.
    pub fn start(command: &mut Command) -> Running {
        let started = Running::try_start(command);
        started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
    }

    /// Starts a command with its output redirected; `out` and `log` are empty then.
    pub fn start_into(command: &mut Command, stdout: Stdio, stderr: Stdio) -> Running {
        let started = Running::spawn(command, |_| (stdout, stderr));
        started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
    }

    /// Does the same as [`Running::start`] for a program that may be missing.
    pub(crate) fn try_start(command: &mut Command) -> std::io::Result<Running> {
        Running::spawn(command, |(out, err)| (out.into(), err.into()))
    }

    fn spawn(
        command: &mut Command,
        streams: impl FnOnce((File, File)) -> (Stdio, Stdio),
    ) -> std::io::Result<Running> {
        let written = tempfile::tempdir().expect("a temporary directory can be made");
        let file = |name| File::create(written.path().join(name)).expect("the folder is new");
        let (stdout, stderr) = streams((file("out"), file("err")));
        let child = command.stdout(stdout).stderr(stderr).spawn()?;
        Ok(Running {
            child,
            written,
            tree: None,
        })
    }

    /// The standard output so far.
    pub fn out(&self) -> String {
        self.read("out")
    }

    /// The log lines so far.
    pub fn log(&self) -> String {
        self.read("err")
    }

    fn read(&self, name: &str) -> String {
        let mut bytes = Vec::new();
        File::open(self.written.path().join(name))
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .expect("the file was made at the start and stays until the end");
        String::from_utf8(bytes).expect("the program writes UTF-8")
    }

    /// The address at which the node accepts players.
    pub fn address(&self) -> SocketAddr {
        let address = address_in(&self.out());
        address.expect("the line is there: the caller has waited for it")
    }

    /// Waits until the node prints the address at which it accepts players.
    pub fn listens(&self, limit: Duration) {
        let listens = self.poll(limit, || address_in(&self.out()));
        assert!(
            listens.is_some(),
            "it does not print its address{}",
            self.or_has_ended()
        );
    }

    /// Warnings and errors in the log, except those that a busy machine causes: callbacks that lost their core.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.log();
        let complains = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
        let is_slow = |line: &str| SLOW.iter().any(|slow| line.contains(slow));
        let lines = log.lines().filter(complains);
        let lines = lines.filter(|line| !is_slow(line));
        lines.map(str::to_string).collect()
    }

    /// The errors among the complaints.
    pub fn errors(&self) -> Vec<String> {
        let mut errors = self.complaints();
        errors.retain(|line| line.contains(" ERROR "));
        errors
    }

    /// Waits until this text is in the standard output.
    pub fn wrote(&self, text: &str) {
        self.wrote_within(PATIENCE, text);
    }

    /// Does the same as [`Running::wrote`] with a deadline.
    pub fn wrote_within(&self, limit: Duration, text: &str) {
        let found = self.poll(limit, || self.out().contains(text).then_some(()));
        assert!(
            found.is_some(),
            "it never writes {text:?}{}",
            self.or_has_ended()
        );
    }

    /// Waits until this text is in the log.
    pub fn logged(&self, text: &str) {
        let found = self.poll(PATIENCE, || self.log().contains(text).then_some(()));
        assert!(
            found.is_some(),
            "the log never has {text:?}{}",
            self.or_has_ended()
        );
    }

    /// Waits for a condition that the program makes true; `None` also when the program has ended without that.
    pub fn poll<T>(&self, limit: Duration, condition: impl FnMut() -> Option<T>) -> Option<T> {
        poll_while(limit, || runs(&self.child), condition)
    }

    fn or_has_ended(&self) -> &'static str {
        match runs(&self.child) {
            true => "",
            false => ": it has ended",
        }
    }

    /// The process id of the program.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal)
            .expect("a child can get signals until it is waited for");
    }

    /// Waits until the program ends by itself.
    pub fn end(&mut self) -> ExitStatus {
        self.ends_within(PATIENCE)
    }

    /// Waits until the program ends by itself, for at most `limit`.
    pub fn ends_within(&mut self, limit: Duration) -> ExitStatus {
        let ended = || {
            self.child
                .try_wait()
                .expect("the program is a child of this process")
        };
        poll(limit, ended).expect("the program does not end")
    }
}

/// The address in a complete line such as `listening on 127.0.0.1:8082`.
fn address_in(out: &str) -> Option<SocketAddr> {
    let (_, rest) = out.split_once("listening on ")?;
    rest.split_once('\n')?.0.parse().ok()
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that the program has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- standard output ---\n{}--- log ---\n{}---",
                self.out(),
                self.log()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_interrupted_is_made_again_and_any_other_error_is_one() {
        let mut answers = [
            Err(io::ErrorKind::Interrupted),
            Err(io::ErrorKind::Interrupted),
            Ok(7),
            Err(io::ErrorKind::WouldBlock),
        ]
        .into_iter();
        let mut call = || uninterrupted(|| answers.next().unwrap().map_err(io::Error::from));
        assert_eq!(call().unwrap(), 7);
        assert_eq!(call().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
