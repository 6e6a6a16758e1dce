//! A real node for a test: the `pq` program on a release tree of its own.
//!
//! ```text
//!   cargo build pq ─► pq demo ─► the files of release 1.0.0 ─► kept in memory ─► Tree ─► pq start
//!   └─────────────── once per run ([`once`]) ──────────────┘                    └─ once per test ─┘
//! ```
//! Everything goes through cargo and the command line, as it does for a person. What is said to the node
//! over its socket is not known here. Two test programs may do this at once: cargo has a lock of its own, and no
//! tree is shared.

mod disk;
mod once;
mod player;
mod raw;
mod spoil;
mod studio;
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

pub use disk::Disk;
pub use once::once;
pub use player::{AGREE, PROMPT, Player, plain_text};
pub use raw::RawClient;
pub use rustix::process::Signal;
pub use studio::{BROKEN, BROKEN_VSN, Draft, build};
pub use tree::Tree;
pub use upgrade::{Said, operate};

/// How long anything may take that is no build. It takes milliseconds on an idle machine; on one with two cores that ran
/// twenty compilers, a node took more than half a minute to start.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long the libraries may take to be built: two minutes on two idle cores.
pub const BUILD_PATIENCE: Duration = Duration::from_secs(1_200);

/// What a node says of callbacks that take long. It cannot know whether they work or wait for their core.
const SLOW: [&str; 2] = ["a callback took too long", "a callback does not end"];

/// How long to wait before a condition is looked at again: little next to what is waited for.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` gives something; `None` when it has not within `limit`.
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

/// The same where a program has to do something first: `None` also when the program has ended and it has not come.
pub fn poll_while<T>(
    limit: Duration,
    runs: impl Fn() -> bool,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<T> {
    let found = poll(limit, || {
        // Asked before: what it has done until then is looked at.
        let goes_on = runs();
        match condition() {
            Some(found) => Some(Some(found)),
            None => (!goes_on).then_some(None),
        }
    });
    found.flatten()
}

/// Calls the system again as long as a signal has come between. A process that was stopped and goes on is interrupted where
/// a socket has a deadline, although it handles no signal (`signal(7)`).
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            outcome => return outcome,
        }
    }
}

/// Whether this process goes on; its exit status is left for whoever asks.
pub fn runs(child: &Child) -> bool {
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = waitid(WaitId::Pid(Pid::from_child(child)), peek);
    // Nobody's child any more: it has been waited for.
    ended.is_ok_and(|ended| ended.is_none())
}

/// The `pq` program with these arguments, and nothing in its environment that changes what it does.
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

/// The program, built when it is first asked for in a run.
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
    // cargo describes a test's package to it. The build script of `ring` asks for the same variables, so cargo would
    // build ring, and all that stands on it, once for the tests and once for the shell that started them.
    for (name, _) in std::env::vars_os() {
        if describes_a_package(&name) {
            command.env_remove(name);
        }
    }
    // A test of the workspace beside the program: so cargo takes the features that `cargo test --workspace` takes,
    // and finds all dependencies built. For `--package pq` alone it would build each a second time.
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

/// Whether cargo sets this variable for the programs of one package, and for no other.
fn describes_a_package(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"CARGO_PKG_") || name.starts_with(b"CARGO_MANIFEST_")
}

/// Where cargo put this test program, which is where it puts the others.
struct Places {
    target: PathBuf,
    programs: PathBuf,
    profile: String,
}

impl Places {
    /// From `target/debug/deps/telnet-…`: the folder of `dev` has another name than its profile.
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

/// A `pq` that runs. It is killed when it goes out of scope; when a test fails, what it wrote is shown.
pub struct Running {
    child: Child,
    written: TempDir,
    /// Kept as long as it runs, when no test holds it.
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

    /// Starts a node on this tree with further arguments.
    pub fn node_with(tree: &Tree, args: &[&str]) -> Running {
        Running::listening(pq(tree.start()).args(args))
    }

    /// Starts a command, and waits until players can come in.
    pub fn listening(command: &mut Command) -> Running {
        let node = Running::start(command);
        node.listens(PATIENCE);
        node
    }

    /// Starts any command; what it writes goes to files, so that it never waits for its reader.
    pub fn start(command: &mut Command) -> Running {
        let started = Running::try_start(command);
        started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
    }

    /// Starts a command that writes elsewhere; `out` and `log` then have nothing.
    pub fn start_into(command: &mut Command, stdout: Stdio, stderr: Stdio) -> Running {
        let started = Running::spawn(command, |_| (stdout, stderr));
        started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
    }

    /// As [`Running::start`] for one that may not be there.
    pub(crate) fn try_start(command: &mut Command) -> std::io::Result<Running> {
        Running::spawn(command, |(out, err)| (out.into(), err.into()))
    }

    fn spawn(
        command: &mut Command,
        streams: impl FnOnce((File, File)) -> (Stdio, Stdio),
    ) -> std::io::Result<Running> {
        let written = tempfile::tempdir().expect("there is room for a folder");
        let file = |name| File::create(written.path().join(name)).expect("the folder is new");
        let (stdout, stderr) = streams((file("out"), file("err")));
        let child = command.stdout(stdout).stderr(stderr).spawn()?;
        Ok(Running {
            child,
            written,
            tree: None,
        })
    }

    /// What it wrote to standard output so far.
    pub fn out(&self) -> String {
        self.read("out")
    }

    /// Its log lines so far.
    pub fn log(&self) -> String {
        self.read("err")
    }

    fn read(&self, name: &str) -> String {
        let mut bytes = Vec::new();
        File::open(self.written.path().join(name))
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .expect("the file was made at the start and stays until the end");
        String::from_utf8(bytes).expect("it writes UTF-8")
    }

    /// Where players can come in.
    pub fn address(&self) -> SocketAddr {
        let address = address_in(&self.out());
        address.expect("it has said so: whoever started it has waited for that")
    }

    /// Waits until it says where players can come in.
    pub fn listens(&self, limit: Duration) {
        let listens = self.poll(limit, || address_in(&self.out()));
        assert!(
            listens.is_some(),
            "it does not say where it listens{}",
            self.or_has_ended()
        );
    }

    /// Warnings and errors in its log, but for those that a busy machine brings: of a callback that lost its core.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.log();
        let complains = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
        let is_slow = |line: &str| SLOW.iter().any(|slow| line.contains(slow));
        let lines = log.lines().filter(complains);
        let lines = lines.filter(|line| !is_slow(line));
        lines.map(str::to_string).collect()
    }

    /// The errors among them.
    pub fn errors(&self) -> Vec<String> {
        let mut errors = self.complaints();
        errors.retain(|line| line.contains(" ERROR "));
        errors
    }

    /// Waits until it has written this text to standard output.
    pub fn wrote(&self, text: &str) {
        self.wrote_within(PATIENCE, text);
    }

    /// The same for something that takes so long at most.
    pub fn wrote_within(&self, limit: Duration, text: &str) {
        let found = self.poll(limit, || self.out().contains(text).then_some(()));
        assert!(
            found.is_some(),
            "it never writes {text:?}{}",
            self.or_has_ended()
        );
    }

    /// Waits until its log has this text.
    pub fn logged(&self, text: &str) {
        let found = self.poll(PATIENCE, || self.log().contains(text).then_some(()));
        assert!(
            found.is_some(),
            "the log never has {text:?}{}",
            self.or_has_ended()
        );
    }

    /// Waits for something that it has to do; `None` as well when it has ended without.
    pub fn poll<T>(&self, limit: Duration, condition: impl FnMut() -> Option<T>) -> Option<T> {
        poll_while(limit, || runs(&self.child), condition)
    }

    fn or_has_ended(&self) -> &'static str {
        match runs(&self.child) {
            true => "",
            false => ": it has ended",
        }
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal)
            .expect("a child can be told until it is waited for");
    }

    /// Waits until it ends by itself.
    pub fn end(&mut self) -> ExitStatus {
        self.ends_within(PATIENCE)
    }

    /// Waits so long until it ends by itself.
    pub fn ends_within(&mut self, limit: Duration) -> ExitStatus {
        let ended = || {
            self.child
                .try_wait()
                .expect("it is a child of this process")
        };
        poll(limit, ended).expect("it does not end")
    }
}

/// The address in `listening on 127.0.0.1:8082`, when that line is complete.
fn address_in(out: &str) -> Option<SocketAddr> {
    let (_, rest) = out.split_once("listening on ")?;
    rest.split_once('\n')?.0.parse().ok()
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended: then there is nothing to kill.
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
