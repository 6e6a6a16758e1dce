//! The operator's commands: what is typed becomes a request to a running node, and its answer a table.
//!
//! ```text
//!   pq status ─► command ─► connection ─► the node (`operator`)
//!     stdout ◄── show    ◄─────┘ answer, or a failure with its exit code
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`command`] | the words of the command line |
//! | [`connection`] | one request to the node, and its answer |
//! | [`show`], [`table`], [`progress`] | answers as people read them, and how far an operation is |
//! | [`release`], [`install`] | what is done with releases; an install with its plan |
//! | [`door`], [`shutdown`], [`stop`] | what is done with players, and the end |
//! | [`history`] | what needs no node |
//!
//! Data goes to stdout, everything else to stderr. Nothing here knows how the node finds its answers.

mod command;
mod connection;
mod door;
mod history;
mod install;
mod progress;
mod release;
mod show;
mod shutdown;
mod stop;
mod table;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use pq_term::{printable, printable_json, printable_lines, shorten};
use serde::de::DeserializeOwned;

pub(crate) use command::Command;
use command::{At, Sys};
use pq_protocol::answer::Rows;
use pq_protocol::{Exit, Failure};
use progress::Meter;
use show::Show;

use crate::operator::answer::{App, Name, Release, Returned, Status, SysReply, TreeRow};
use crate::operator::request::{Question, Request, SysRequest};
use crate::{console, streams};

/// How often `status --watch` looks: as often as a person can follow.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// To the first line of a terminal, with nothing on it (ECMA-48: CUP, ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Runs a command; a failure is a sentence on stderr and an exit code.
pub(crate) fn run(command: Command) -> ExitCode {
    let as_json = command.at().json;
    let Err(failure) = dispatch(command) else {
        return Exit::Done.into();
    };
    // What there is of such an answer has been shown.
    let is_told = failure.exit == Exit::Partial;
    if as_json
        && !is_told
        && let Ok(text) = serde_json::to_string(&failure)
    {
        say(&printable_json(&text));
    }
    warn(&failure.sentence);
    failure.exit.into()
}

/// Says why the words make no command, or the help that was asked for. For who wants JSON it is a failure as any other.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
        let failure = Failure::new(Exit::Usage, misused(&error.to_string()));
        let text = serde_json::to_string(&failure).unwrap_or_default();
        say(&printable_json(&text));
    }
    match odd_words() {
        // It repeats the words: a script may have them from anywhere.
        odd if !odd.is_empty() && error.use_stderr() => aside(&tamed(&error.to_string(), &odd)),
        _ => print(error),
    }
    u8::try_from(error.exit_code()).unwrap_or(1).into()
}

/// Help and complaints as they were written, in colours where they are wanted.
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

/// The longest word that a complaint repeats.
const WORD_CHARS_MAX: usize = 100;

/// The words of the command line that are not repeated as they are.
fn odd_words() -> Vec<String> {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let is_odd = |word: &String| {
        word.chars().count() > WORD_CHARS_MAX || !word.chars().all(pq_term::is_shown)
    };
    words.filter(is_odd).collect()
}

/// The complaint with these words written out and shortened, and nothing in it that a terminal obeys.
fn tamed(complaint: &str, odd: &[String]) -> String {
    let mut complaint = complaint.to_string();
    for word in odd {
        let shown = printable(word);
        let shown = shorten(&shown, WORD_CHARS_MAX);
        // The parser leaves out what it takes for colours.
        for repeated in [word.clone(), without_colours(word)] {
            complaint = complaint.replace(&repeated, &shown);
        }
    }
    printable_lines(complaint.trim_end())
}

/// A text without the control sequences that begin with ESC and `[` (ECMA-48), as the parser repeats it.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let end = part.find(|c: char| ('@'..='~').contains(&c));
        plain.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    plain
}

/// The first paragraph of what is wrong; behind it stand advice and usage.
fn misused(error: &str) -> String {
    let error = &tamed(error, &odd_words());
    let first = error.split("\n\n").next().unwrap_or(error);
    let words: Vec<&str> = first.split_whitespace().collect();
    let words = words.join(" ");
    let why = words.strip_prefix("error: ").unwrap_or(&words);
    format!("failed to read the command: {why}")
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Status { watch: true, at } => watch(&at),
        Command::Status { watch: false, at } => at.show::<Status>(Question::Status),
        Command::Apps { at } => at.show::<Rows<App>>(Question::Apps),
        Command::Door(command) => door::run(command),
        Command::Shutdown(command) => shutdown::run(command),
        Command::Tree { all, at } => at.show::<Rows<TreeRow>>(Question::Tree { all }),
        Command::Names { containing, at } => at.show::<Rows<Name>>(Question::Names { containing }),
        Command::Sys(sys) => sys_message(sys),
        Command::Call { what, at } => at.show::<Returned>(what.question()),
        Command::History { entry, at } => history::show(&at, entry),
        Command::WhichReleases { status, at } => {
            let status = status.map(|status| status.word().to_string());
            at.show::<Rows<Release>>(Question::WhichReleases { status })
        }
        Command::Release(release) => release::run(release),
        Command::Install(install) => install::run(&install),
        Command::Stop { now, message, at } => stop::run(now, message, &at),
    }
}

/// Looks again and again, until the node has gone or nobody reads any more.
fn watch(at: &At) -> Result<(), Failure> {
    let is_seen = std::io::stdout().is_terminal() && console::lines_may_move();
    let over_the_last = is_seen && !at.json;
    while !streams::is_deaf() {
        let text = at.ask(Question::Status)?;
        if over_the_last {
            streams::data(CLEAR);
        }
        at.tell::<Status>(&text)?;
        std::thread::sleep(WATCH_EVERY);
    }
    Ok(())
}

fn sys_message(sys: Sys) -> Result<(), Failure> {
    let (of, message) = match sys {
        Sys::GetState { of } => (of, SysRequest::GetState),
        Sys::GetStatus { of } => (of, SysRequest::GetStatus),
        Sys::Suspend { of } => (of, SysRequest::Suspend),
        Sys::Resume { of } => (of, SysRequest::Resume),
        Sys::Statistics { of, toggle } => (of, SysRequest::Statistics(toggle)),
        Sys::Log { of, toggle } => (of, SysRequest::Log(toggle)),
        Sys::Trace { of, switch } => (of, SysRequest::Trace(switch.is_on())),
    };
    let process = of.process;
    of.at.show::<SysReply>(Question::Sys { process, message })
}

impl At {
    /// Asks the node and shows its answer.
    fn show<A: DeserializeOwned + Show>(&self, request: impl Into<Request>) -> Result<(), Failure> {
        self.tell::<A>(&self.ask(request)?)
    }

    /// Asks the node; the answer's text.
    fn ask(&self, request: impl Into<Request>) -> Result<String, Failure> {
        let request = request.into();
        let mut meter = Meter::of(request.to_string());
        connection::ask(&self.root, &request, |progress| meter.note(progress))
    }

    /// Shows an answer.
    fn tell<A: DeserializeOwned + Show>(&self, text: &str) -> Result<(), Failure> {
        let answer = read::<A>(text)?;
        match self.json {
            true => say(&printable_json(text)),
            false => say(answer.show().trim_end()),
        }
        answer.missing().map_or(Ok(()), |why| {
            Err(Failure::new(
                Exit::Partial,
                format!("some of it is missing: {why}"),
            ))
        })
    }
}

fn read<A: DeserializeOwned>(text: &str) -> Result<A, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let sentence = format!(
            "failed to read the node's answer: {error}; use the `pq` that it was started with"
        );
        Failure::new(Exit::Internal, sentence)
    })
}

/// Writes data.
fn say(text: &str) {
    streams::data(&(printable_lines(text) + "\n"));
}

/// Writes a complaint, or how far the node is.
fn warn(sentence: &str) {
    aside(&format!("pq: {}", printable(sentence)));
}

/// Writes what is no data.
fn aside(text: &str) {
    streams::aside(&(printable_lines(text) + "\n"));
}
