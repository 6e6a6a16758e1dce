//! Code that only certain files may contain: `unsafe`, and in libraries every access to the system.

use pq_lint::mask::{block_len, line_of, mask, words};

use super::tree::{Fault, File};

/// Paths that may contain `unsafe`: the table between node and libraries with the macro that makes it, and the loader.
/// All other code uses only checked pointers.
const UNSAFE_FILES: [&str; 3] = [
    "server/abi/",
    "server/code/src/loader",
    "game-plugins/sdk/src/library.rs",
];

/// `unsafe` in other files.
pub(crate) fn unsafe_outside(file: &File) -> Vec<Fault> {
    if UNSAFE_FILES
        .iter()
        .any(|start| file.path.starts_with(start))
    {
        return Vec::new();
    }
    let code = mask(&file.text);
    let wanted = format!(
        "`unsafe` is allowed only in {UNSAFE_FILES:?}: move the code there, behind a safe function"
    );
    words(&code, "unsafe")
        .map(|at| file.fault(line_of(&code, at), wanted.clone()))
        .collect()
}

/// `unsafe` without an argument for its soundness. A type (`unsafe extern "C" fn(u8)`) needs none.
pub(crate) fn unargued(file: &File) -> Vec<Fault> {
    let code = mask(&file.text);
    let wanted = "write directly above it: `// SAFETY:` with every precondition and the code that guarantees it";
    words(&code, "unsafe")
        .filter(|at| is_claim(&code[*at..]) && !is_method_of_unsafe_impl(&code, *at))
        .map(|at| line_of(&code, at))
        .filter(|line| !is_argued(&file.text, &code, *line))
        .map(|line| file.fault(line, wanted))
        .collect()
}

/// Whether this `unsafe` is a block, an impl, a trait, a foreign block or a function, not a type or an attribute.
fn is_claim(code: &str) -> bool {
    let rest = code["unsafe".len()..].trim_start();
    let after_abi = rest.strip_prefix("extern").map_or(rest, |rest| {
        rest.trim_start()
            .trim_start_matches('"')
            .trim_start()
            .trim_start_matches('"')
            .trim_start()
    });
    match after_abi.strip_prefix("fn") {
        Some(after_fn) => !after_fn.trim_start().starts_with('('),
        None => ["{", "impl", "trait"]
            .iter()
            .any(|kind| after_abi.starts_with(kind)),
    }
}

/// The contract of such a method is that of its trait, and the argument is at the impl.
fn is_method_of_unsafe_impl(code: &str, at: usize) -> bool {
    let is_impl = |from: usize| {
        code[from + "unsafe".len()..]
            .trim_start()
            .starts_with("impl")
    };
    let is_method = code[at + "unsafe".len()..].trim_start().starts_with("fn");
    let mut impls = words(&code[..at], "unsafe").filter(|from| is_impl(*from));
    is_method && impls.any(|from| from + block_len(&code[from..]) > at)
}

/// Whether a comment with the argument is directly above the statement or item of `line` (from 1).
fn is_argued(text: &str, code: &str, line: usize) -> bool {
    let text: Vec<&str> = text.lines().collect();
    let code: Vec<&str> = code.lines().map(str::trim_end).collect();
    let goes_on = |above: &str| !above.is_empty() && !above.ends_with([';', '{', '}', ',']);
    let mut first = line - 1;
    while first > 0 && goes_on(code[first - 1]) {
        first -= 1;
    }
    // Attributes may be between the comment and the item, and documentation may surround them.
    let above = text[..first].iter().rev();
    let mut comment = above
        .map(|l| l.trim_start())
        .take_while(|l| l.starts_with("//"));
    comment.any(|l| l.contains("SAFETY:") || l.ends_with("# Safety"))
}

/// Whether the file is source of a library package, such as `game-plugins/processquest-1.0.0/src/pq_player.rs`.
pub(crate) fn is_library(path: &str) -> bool {
    let in_plugins = ["game-plugins/", "sockserv/plugins/", "releases/lessons/"]
        .iter()
        .find_map(|folder| path.strip_prefix(folder));
    let folder = in_plugins.and_then(|rest| rest.split('/').next());
    folder.is_some_and(|name| super::library::application_and_version(name).is_some())
}

/// Uses of system services in a library that have to go through its context.
pub(crate) fn worldly(file: &File) -> Vec<Fault> {
    if !file.is_rust() || !is_library(&file.path) {
        return Vec::new();
    }
    faults_of(file, pq_lint::worldly_to_the_end(&file.text))
}

/// The faults that a lint has found in a file.
pub(crate) fn faults_of(file: &File, faults: Vec<pq_lint::Fault>) -> Vec<Fault> {
    let faults = faults.into_iter();
    faults
        .map(|fault| file.fault(fault.line, fault.sentence))
        .collect()
}

/// Calls that open any kind of file.
const OPENERS: [&str; 3] = ["fs::read(", "fs::read_to_string(", "File::open("];

/// Files that may contain these calls: they make directories durable, or read files of the kernel and the system.
const OPENING_FILES: [&str; 6] = [
    "server/abi/src/crash/handler.rs",
    "server/files/src/",
    "server/otp/src/stall/task.rs",
    "server/release/src/handler/memory.rs",
    "server/protocol/src/history.rs",
    "server/protocol/src/who.rs",
];

/// The masked code of a file of the node, without its tests; `None` for other files and those of `exceptions`.
fn code_of_node(file: &File, exceptions: &[&str]) -> Option<String> {
    let is_below = |starts: &[&str]| starts.iter().any(|start| file.path.starts_with(start));
    let is_node = is_below(&["server/", "sockserv/src/", "regis/"]) && file.is_rust();
    let is_test = file.path.contains("/tests") || file.path.contains("/benches/");
    if !is_node || is_test || is_below(exceptions) {
        return None;
    }
    let mut code = mask(&file.text);
    code.truncate(code.find("#[cfg(test)]").unwrap_or(code.len()));
    Some(code)
}

/// Calls in the node that open files without `pq-files`, which opens only regular files. Tests may open files.
pub(crate) fn opened_elsewhere(file: &File) -> Vec<Fault> {
    let Some(code) = code_of_node(file, &OPENING_FILES) else {
        return Vec::new();
    };
    let places = OPENERS.iter().flat_map(|opener| code.match_indices(opener));
    places
        .map(|(at, _)| {
            let wanted = "opening a pipe would block: read the file with `pq_files`";
            file.fault(line_of(&code, at), wanted)
        })
        .collect()
}

/// Calls that write to a stream of the process, and block when the stream is full.
const WRITERS: [&str; 6] = [
    "println!(",
    "eprintln!(",
    "print!(",
    "eprint!(",
    "io::stdout",
    "io::stderr",
];

/// Files that may contain these calls: those for the two streams of a node, and commands that end with their reader.
const WRITING_FILES: [&str; 6] = [
    "server/src/stdio.rs",
    "server/src/streams.rs",
    "server/src/main.rs",
    "server/src/client",
    "server/src/play",
    "server/src/author",
];

/// Output of a node that does not use its queue, so that it could block the node.
pub(crate) fn written_elsewhere(file: &File) -> Vec<Fault> {
    let Some(code) = code_of_node(file, &WRITING_FILES) else {
        return Vec::new();
    };
    let places = WRITERS.iter().flat_map(|writer| code.match_indices(writer));
    // `stdio::stderr_is_terminal` is a different name.
    let goes_on =
        |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
    let is_word = |at: usize, writer: &str| {
        let before = code[..at].chars().next_back();
        let behind = code[at + writer.len()..].chars().next();
        !goes_on(before) && (writer.ends_with('(') || !goes_on(behind))
    };
    places
        .filter(|(at, writer)| is_word(*at, writer))
        .map(|(at, _)| {
            let wanted =
                "the node must not wait for a reader: log the text, or write it with `stdio`";
            file.fault(line_of(&code, at), wanted)
        })
        .collect()
}
