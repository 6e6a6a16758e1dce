//! A command for the node of a tree, and its result.

use std::path::Path;
use std::process::Command;

use pq_tests::running::{PATIENCE, Running, Tree, poll, pq};
use serde_json::Value;

/// The result of a command that has ended.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The exit code of the command.
    pub(crate) code: i32,
    /// The standard output with the data.
    pub(crate) out: String,
    /// The standard error with progress and errors.
    pub(crate) err: String,
}

/// The command for the node of this tree.
pub(crate) fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = pq(args);
    command.arg("--root").arg(root);
    command
}

/// Runs any command to its end.
pub(crate) fn run(command: &mut Command) -> Typed {
    let mut running = Running::start(command);
    let status = running.end();
    Typed {
        code: status.code().unwrap_or(-1),
        out: running.out(),
        err: running.log(),
    }
}

/// Runs a command for the node of this tree.
pub(crate) fn typed(tree: &Tree, args: &[&str]) -> Typed {
    run(&mut command(tree.root(), args))
}

/// The data of a command that must succeed without output on standard error.
pub(crate) fn told(tree: &Tree, args: &[&str]) -> String {
    let typed = typed(tree, args);
    assert_eq!(
        (typed.code, typed.err.as_str()),
        (0, ""),
        "{args:?}: {typed:?}"
    );
    typed.out
}

/// The data of a command that must succeed and may print progress.
pub(crate) fn done(tree: &Tree, args: &[&str]) -> String {
    let typed = typed(tree, args);
    assert_eq!(typed.code, 0, "{args:?}: {typed:?}");
    typed.out
}

/// Does the same as `told` with JSON, which is one line.
pub(crate) fn json(tree: &Tree, args: &[&str]) -> Value {
    let out = told(tree, &[args, &["--json"]].concat());
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// The error of a command that must fail with this code; text and JSON must be the same.
pub(crate) fn refused(tree: &Tree, args: &[&str], code: i32) -> String {
    let person = typed(tree, args);
    assert_eq!((person.code, person.out.as_str()), (code, ""), "{person:?}");
    let last = person.err.lines().last().unwrap();
    let sentence = last.strip_prefix("pq: ").unwrap();
    let program = typed(tree, &[args, &["--json"]].concat());
    assert_eq!(program.code, code, "{program:?}");
    let failure: Value = serde_json::from_str(&program.out).unwrap();
    assert_eq!(failure["exit"], code);
    assert_eq!(failure["error"], sentence);
    sentence.to_string()
}

/// Runs a command repeatedly until its data has this text.
pub(crate) fn until(tree: &Tree, args: &[&str], text: &str) -> String {
    let found = poll(PATIENCE, || {
        Some(told(tree, args)).filter(|out| out.contains(text))
    });
    found.unwrap_or_else(|| panic!("{args:?} never prints {text:?}"))
}

/// A node with heroes that play without a socket, all of them started.
pub(crate) fn node_with_heroes(tree: &Tree, count: u64) -> Running {
    let node = Running::node_with(tree, &["--heroes", &count.to_string(), "--pace", "50"]);
    node.wrote(&format!("{count} heroes started"));
    node
}
