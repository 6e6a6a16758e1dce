//! Usage errors (exit code 2), and the help texts that a user asks for.

use std::io::IsTerminal;
use std::process::ExitCode;

use pq_protocol::{Exit, Failure};
use pq_term::{printable, printable_json, printable_lines, shorten};

use super::say::{aside, say};
use crate::{console, streams};

/// Reports a usage error, or prints the help that was asked for. With `--json`, a usage error is a JSON failure like
/// all others.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
        let failure = Failure::new(Exit::Usage, misused(&error.to_string()));
        let text = serde_json::to_string(&failure).unwrap_or_default();
        say(&printable_json(&text));
    }
    match odd_words() {
        // The message repeats words of the command line: a script may have them from an untrusted source.
        odd if !odd.is_empty() && error.use_stderr() => aside(&tamed(&error.to_string(), &odd)),
        _ => print(error),
    }
    u8::try_from(error.exit_code()).unwrap_or(1).into()
}

/// Prints help or a usage error, with colours if the terminal supports them.
fn print(error: &clap::Error) {
    let (text, is_aside) = (error.render(), error.use_stderr());
    let is_seen = match is_aside {
        true => std::io::stderr().is_terminal(),
        false => std::io::stdout().is_terminal(),
    };
    let text = match is_seen && console::colours_are_wanted() {
        true => text.ansi().to_string(),
        false => text.to_string(),
    };
    match is_aside {
        true => streams::aside(&text),
        false => streams::data(&text),
    }
}

/// The longest word in characters that a usage error repeats.
const WORD_CHARS_MAX: usize = 100;

/// Words of the command line with control characters or of excessive length, which are not repeated unchanged.
fn odd_words() -> Vec<String> {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let is_odd = |word: &String| {
        word.chars().count() > WORD_CHARS_MAX || !word.chars().all(pq_term::is_shown)
    };
    words.filter(is_odd).collect()
}

/// The usage error with these words escaped and shortened, and without terminal control sequences.
fn tamed(complaint: &str, odd: &[String]) -> String {
    let mut complaint = complaint.to_string();
    for word in odd {
        let shown = printable(word);
        let shown = shorten(&shown, WORD_CHARS_MAX);
        // The parser removes sequences that look like colours.
        for repeated in [word.clone(), without_colours(word)] {
            complaint = complaint.replace(&repeated, &shown);
        }
    }
    printable_lines(complaint.trim_end())
}

/// A text without the control sequences that begin with ESC and `[` (ECMA-48), as the parser repeats the text.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let end = part.find(|c: char| ('@'..='~').contains(&c));
        plain.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    plain
}

/// The first paragraph of a usage error; advice and usage follow in further paragraphs.
fn misused(error: &str) -> String {
    let error = &tamed(error, &odd_words());
    let first = error.split("\n\n").next().unwrap_or(error);
    let words: Vec<&str> = first.split_whitespace().collect();
    let words = words.join(" ");
    let why = words.strip_prefix("error: ").unwrap_or(&words);
    format!("failed to read the command: {why}")
}
