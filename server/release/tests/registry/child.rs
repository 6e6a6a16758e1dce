//! A child process that is killed or runs out of disk space: this test binary, with its work in environment variables. Without
//! them, its test does nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pq_release::boot::ReleaseTree;
use pq_release::registry::{RegistryError, ReleaseRegistry};

use crate::fixture::runtime;

const ROOT: &str = "PQ_OFFICE_ROOT";
const WORK: &str = "PQ_OFFICE_WORK";

/// The exit code of a child whose work failed.
pub(crate) const REFUSED: i32 = 3;

/// The prefix of the line that a child writes before each step.
pub(crate) const MARK: &str = "step: ";

/// The work of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Repeatedly unpacks 1.1.0, makes it permanent, goes back to 1.0.0 and removes 1.1.0.
    Rounds,
    Unpack,
    /// Makes the unpacked release 1.1.0 permanent.
    MakePermanent,
    Remove,
}

impl Work {
    const ALL: [Work; 4] = [
        Work::Rounds,
        Work::Unpack,
        Work::MakePermanent,
        Work::Remove,
    ];
}

/// The command of a child that does this work in the tree at `root`. Its packages are in `packages` beside the tree.
pub(crate) fn command(root: &Path, work: Work) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::work_that_the_environment_asks_for"]);
    command.args(["--nocapture", "--test-threads=1"]);
    command.env(ROOT, root).env(WORK, format!("{work:?}"));
    command
}

/// Starts the child with a pipe for its output.
pub(crate) fn start(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(crate) fn package(root: &Path) -> PathBuf {
    root.with_file_name("packages").join("pq-1.1.0.tar.gz")
}

#[test]
fn work_that_the_environment_asks_for() {
    let (Some(root), Ok(asked)) = (std::env::var_os(ROOT), std::env::var(WORK)) else {
        return;
    };
    let root = PathBuf::from(root);
    let work = Work::ALL
        .into_iter()
        .find(|work| format!("{work:?}") == asked);
    if let Err(error) = do_work(&root, work.unwrap()) {
        println!("\nrefused: {error}");
        std::process::exit(REFUSED);
    }
}

fn do_work(root: &Path, work: Work) -> Result<(), RegistryError> {
    let tree = ReleaseTree::open(root, runtime());
    let running = tree.start_erl()?.vsn;
    let mut registry = ReleaseRegistry::open(tree, &running)?;
    match work {
        Work::Unpack => unpack(&mut registry, root),
        Work::MakePermanent => make_permanent(&mut registry, "1.1.0"),
        Work::Remove => registry.remove("1.1.0"),
        Work::Rounds => loop {
            round(&mut registry, root, &mut mark)?;
        },
    }
}

fn unpack(registry: &mut ReleaseRegistry, root: &Path) -> Result<(), RegistryError> {
    let package = package(root);
    registry.unpack(package.to_str().unwrap()).map(|_| ())
}

fn make_permanent(registry: &mut ReleaseRegistry, vsn: &str) -> Result<(), RegistryError> {
    if registry.running().vsn != vsn {
        registry.installed(vsn)?;
    }
    registry.make_permanent(vsn)
}

/// The steps of a round, in order.
pub(crate) const STEPS: [&str; 4] = [
    "unpack",
    "make 1.1.0 permanent",
    "make 1.0.0 permanent",
    "remove",
];

/// Does a step unless it is done already: the interrupted child may have done it.
pub(crate) fn step(
    registry: &mut ReleaseRegistry,
    root: &Path,
    step: &str,
) -> Result<(), RegistryError> {
    let is_there = registry.which_releases().iter().any(|it| it.vsn == "1.1.0");
    match step {
        "unpack" if is_there => Ok(()),
        "unpack" => unpack(registry, root),
        "make 1.1.0 permanent" => make_permanent(registry, "1.1.0"),
        "make 1.0.0 permanent" => make_permanent(registry, "1.0.0"),
        _ if is_there => registry.remove("1.1.0"),
        _ => Ok(()),
    }
}

/// Does one round from the step at which the previous one was interrupted; calls `begins` before each step.
pub(crate) fn round(
    registry: &mut ReleaseRegistry,
    root: &Path,
    begins: &mut impl FnMut(&str),
) -> Result<(), RegistryError> {
    for name in STEPS {
        begins(name);
        step(registry, root, name)?;
    }
    Ok(())
}

/// Written directly to the pipe, because the contents of a buffer are lost when the process is killed.
fn mark(step: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{step}").unwrap();
    out.flush().unwrap();
}
