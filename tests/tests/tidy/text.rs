//! Rules about files as text: their beginning, size, name and words, and the commands in README.

use super::tree::{Fault, File};

/// The largest number of lines of a file; a longer one has two subjects. (200 is comfortable.)
const FILE_LINES_MAX: usize = 600;

/// The fault of a Rust file that does not begin with its documentation.
pub(crate) fn opening(file: &File) -> Option<Fault> {
    let wanted =
        "begin with `//!`: the content of the file, related things that are elsewhere, the callers";
    file.unless(file.text.starts_with("//! "), 1, wanted)
}

/// The fault of a file with too many lines.
pub(crate) fn length(file: &File) -> Option<Fault> {
    let lines = file.text.lines().count();
    let wanted = format!("at most {FILE_LINES_MAX} lines: split it by subject");
    file.unless(lines <= FILE_LINES_MAX, lines, &wanted)
}

/// The fault of a `mod.rs`, which hides the name of a module in its directory.
pub(crate) fn name(file: &File) -> Option<Fault> {
    let folder = file.path.strip_suffix("/mod.rs")?;
    Some(file.fault(
        1,
        format!("call it `{folder}.rs`: the name of a file is its subject"),
    ))
}

/// Paths that exist only on one machine.
const OF_A_MACHINE: [(&str, &str); 3] = [
    (
        concat!("/wo", "rk/"),
        "a path of one machine: name the file from the root of the project",
    ),
    (
        concat!("/ro", "ot/"),
        "a path of one machine: name the file from the root of the project",
    ),
    (
        concat!("../sha", "red"),
        "a path outside the project: say here what the reader needs",
    ),
];

/// Words in code that was left unfinished.
const OF_UNFINISHED_CODE: [(&str, &str); 2] = [
    (
        concat!("#[ign", "ore"),
        "run it or delete it: a test that is skipped proves nothing",
    ),
    (
        concat!("should_", "panic"),
        "compare the error or the exit reason: any panic would satisfy this",
    ),
];

/// Marks that need a number: `TODO(#12)`.
const MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Words that are not allowed anywhere, or not in code.
pub(crate) fn forbidden_words(file: &File) -> Vec<Fault> {
    let is_code = [".rs", ".toml", ".sh", ".ci/run"]
        .iter()
        .any(|end| file.path.ends_with(end));
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(i, line)| forbidden_in(line, is_code).map(|why| file.fault(i + 1, why)))
        .collect()
}

fn forbidden_in(line: &str, is_code: bool) -> Option<String> {
    let code_words = if is_code {
        &OF_UNFINISHED_CODE[..]
    } else {
        &[]
    };
    let found = OF_A_MACHINE
        .iter()
        .chain(code_words)
        .find(|(word, _)| line.contains(word));
    if let Some((word, why)) = found {
        return Some(format!("`{word}`: {why}"));
    }
    let mark = MARKS
        .into_iter()
        .find(|mark| is_code && is_without_number(line, mark))?;
    Some(format!(
        "`{mark}` without a number: write `{mark}(#12)`, or do the work"
    ))
}

fn is_without_number(line: &str, mark: &str) -> bool {
    pq_lint::mask::words(line, mark).any(|at| !line[at + mark.len()..].starts_with("(#"))
}

/// Dependencies in the root manifest without a sentence directly above. ARCHITECTURE.md explains our own packages
/// (`path = …`), so the heading of their group is enough.
pub(crate) fn unexplained_dependencies(manifest: &File) -> Vec<Fault> {
    let lines: Vec<&str> = manifest.text.lines().collect();
    let start = manifest.line_where(|line| line == "[workspace.dependencies]");
    let section = lines
        .iter()
        .enumerate()
        .skip(start)
        .take_while(|(_, line)| !line.starts_with('['));
    section
        .filter(|(i, line)| is_dependency(line) && !is_explained(line, lines[i - 1]))
        .map(|(i, _)| {
            manifest.fault(
                i + 1,
                "say above it what we would have to write without it, as a sentence",
            )
        })
        .collect()
}

fn is_dependency(line: &str) -> bool {
    line.contains('=') && !line.starts_with('#')
}

fn is_explained(dependency: &str, above: &str) -> bool {
    let is_ours = dependency.contains("path = ");
    let is_sentence =
        above.starts_with("# ") && !above.starts_with("# ---") && above.ends_with('.');
    is_ours || is_sentence
}

/// The two commands that a new user copies, each on a line of its own.
const COMMANDS: [&str; 2] = ["cargo test --workspace", "cargo run --release -- demo"];

/// Commands that README does not show.
pub(crate) fn missing_commands(readme: &File) -> Vec<Fault> {
    let shown = |command: &str| readme.text.lines().any(|line| line.trim() == command);
    let missing = COMMANDS.into_iter().filter(|command| !shown(command));
    missing
        .map(|command| readme.fault(1, format!("show `{command}` on a line of its own")))
        .collect()
}
