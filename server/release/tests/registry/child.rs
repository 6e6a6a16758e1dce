//! The program that is killed, or runs out of disk: this test binary once more, told by its environment what to do.
//! Nobody told, there is nothing to do and the test is over.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pq_release::boot::ReleaseTree;
use pq_release::registry::{RegistryError, ReleaseRegistry};

use crate::fixture::runtime;

const ROOT: &str = "PQ_OFFICE_ROOT";
const WORK: &str = "PQ_OFFICE_WORK";

/// The exit code of a child whose work was refused.
pub(crate) const REFUSED: i32 = 3;

/// The marks that a child writes before each step.
pub(crate) const MARK: &str = "step: ";

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Unpacks 1.1.0, makes it permanent, goes back to 1.0.0 and removes it, over and over.
    Rounds,
    Unpack,
    /// Makes 1.1.0, which is unpacked, permanent.
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

/// A child that does this in the tree at `root`. Its packages stand in `packages` beside the tree.
pub(crate) fn command(root: &Path, work: Work) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::work_that_the_environment_asks_for"]);
    command.args(["--nocapture", "--test-threads=1"]);
    command.env(ROOT, root).env(WORK, format!("{work:?}"));
    command
}

/// Starts it with its output in a pipe.
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

/// The steps of a round.
pub(crate) const STEPS: [&str; 4] = [
    "unpack",
    "make 1.1.0 permanent",
    "make 1.0.0 permanent",
    "remove",
];

/// Does a step, unless it is done: an interrupted one may have been.
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

/// One round, from wherever the last one was interrupted; `begins` is told each step.
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

/// Straight to the pipe: what a buffer holds is gone with the process.
fn mark(step: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{step}").unwrap();
    out.flush().unwrap();
}
