//! The rules for the code of a library.

use crate::Fault;
use crate::mask::{block_len, line_of, mask, words};

/// Names that a library may not use, with the alternative. A library gets time, random numbers and system services from
/// its context. So a run can be repeated from its seed, no stack frame of a plugin waits, and nothing is left in
/// thread-local storage.
const WORLD: [(&str, &str); 13] = [
    ("thread", "the host runs processes"),
    (
        "thread_local",
        "state belongs to a process, and a destructor would keep the library in memory",
    ),
    ("mpsc", "send through the context"),
    ("Instant", "the context has the time"),
    ("SystemTime", "the context has the time"),
    ("rng", "the context has random numbers"),
    ("net", "the host has the sockets"),
    ("fs", "the host has the files"),
    ("env", "the context has the configuration"),
    ("tokio", "a callback never waits"),
    (
        "HashMap",
        "its order differs from run to run: use `BTreeMap`",
    ),
    (
        "HashSet",
        "its order differs from run to run: use `BTreeSet`",
    ),
    ("println!", "log through the context"),
];

/// Uses of system services that have to go through the context, up to the tests of the file.
pub fn worldly(source: &str) -> Vec<Fault> {
    worldly_in(&without_tests(source))
}

/// The same in the whole file: the libraries of this project have their tests elsewhere.
pub fn worldly_to_the_end(source: &str) -> Vec<Fault> {
    worldly_in(&mask(source))
}

fn worldly_in(code: &str) -> Vec<Fault> {
    let found = WORLD
        .iter()
        .flat_map(|(word, why)| uses(code, word).map(move |at| (at, *word, *why)));
    found
        .map(|(at, word, why)| Fault {
            line: line_of(code, at),
            sentence: format!("no `{word}` in a library: {why}"),
        })
        .collect()
}

/// Calls of functions in other modules that do not use `calls!`, and functions in it that are not called: then the list in the
/// manifest would be wrong, from which an appup takes its dependencies.
pub fn unlisted_calls(source: &str) -> Vec<Fault> {
    let code = without_tests(source);
    let listed: Vec<(usize, &str)> = words(&code, "calls!")
        .flat_map(|at| listed_in(&code, at))
        .collect();
    let called: Vec<(usize, &str)> = called(&code).collect();
    let is_listed = |path: &str| listed.iter().any(|(_, name)| *name == path);
    let is_called = |name: &str| called.iter().any(|(_, path)| *path == name);
    let unlisted = called.iter().filter(|(_, path)| !is_listed(path));
    let uncalled = listed.iter().filter(|(_, name)| !is_called(name));
    unlisted
        .map(|(at, _)| (at, "list it in `pq_sdk::calls!` and call it by that name"))
        .chain(uncalled.map(|(at, _)| (at, "remove it from `pq_sdk::calls!`: no code calls it")))
        .map(|(at, wanted)| Fault {
            line: line_of(&code, *at),
            sentence: wanted.to_string(),
        })
        .collect()
}

/// The code of a file up to its tests.
fn without_tests(source: &str) -> String {
    let mut code = mask(source);
    code.truncate(code.find("#[cfg(test)]").unwrap_or(code.len()));
    code
}

/// The places where `word` is a type, a macro or a part of a path (`std::fs::read`), not a variable.
fn uses<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_name = word.ends_with('!') || word.starts_with(char::is_uppercase);
    let in_path =
        move |at: usize| code[..at].ends_with("::") || code[at + word.len()..].starts_with("::");
    words(code, word).filter(move |at| is_name || in_path(*at))
}

/// The statics of the `calls!` that begins here.
fn listed_in(code: &str, from: usize) -> impl Iterator<Item = (usize, &str)> {
    let block = &code[from..from + block_len(&code[from..])];
    words(block, "static").filter_map(move |at| {
        let name = block[at + "static".len()..].trim_start();
        Some((from + at, name.split(':').next()?))
    })
}

/// The paths that end in the name of a static and on which `call` or `try_call` is called.
fn called(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let calls = [".call(", ".try_call("];
    let at = calls.into_iter().flat_map(|call| code.match_indices(call));
    let path = |at: usize| {
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let from = code[..at].trim_end().trim_end_matches(is_path).len();
        code[from..at].trim()
    };
    let is_static = |path: &str| {
        let name = path.rsplit(':').next().unwrap_or(path);
        name.len() > 1
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || "_0123456789".contains(c))
    };
    at.map(move |(at, _)| (at, path(at)))
        .filter(move |(_, path)| is_static(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(faults: Vec<Fault>) -> Vec<usize> {
        faults.into_iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_clock_is_found_in_code_and_not_in_tests_or_comments() {
        let source =
            "// Instant\nuse std::time::Instant;\n#[cfg(test)]\nmod tests { use std::fs::read; }\n";
        assert_eq!(lines(worldly(source)), [2]);
        assert!(worldly("let instant = ctx.now_ms();")[..].is_empty());
    }

    #[test]
    fn a_call_that_is_not_listed_is_found() {
        let source = "pq_sdk::calls! {\n    static ROLL: fn() -> u16 = dice::ROLL;\n}\nfn f(ctx: &mut Ctx) { dice::OTHER.call(ctx, ()); }\n";
        assert_eq!(lines(unlisted_calls(source)), [4, 2]);
    }
}
