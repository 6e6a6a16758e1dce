//! `pq completions`: a script for a shell, which completes commands and options by itself and asks `pq` for values.
//!
//! ```text
//!   command line ─► clap_complete ─► commands, options ─┐
//!   completions/values.{bash,zsh,fish} ─────────────────┴─► the script ─ Tab ─► pq completions values -- WORDS
//!                                                                                 │ the argument of the last word
//!                               releases, packages: files of the tree ◄───────────┴─► names: the node, within 1 s
//! ```
//! The engine of clap_complete that asks the program for everything is unstable, so `values` does it for the few arguments
//! that need it. The name of an argument's value says which values it takes ([`Kind::of`]).

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use clap::{Arg, Command, CommandFactory, Subcommand};
use clap_complete::Shell;
use pq_release::layout;
use pq_release::releases::Releases;

use crate::cli::Cli;
use crate::commands::{Scope, completed_names};
use crate::noun::{self, noun};
use crate::streams;

/// The limit for the answer of a node: a person has pressed a key and waits.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// The number of values that are shown at most.
const VALUES_MAX: usize = 500;

#[derive(Subcommand, Debug)]
pub(crate) enum Completions {
    /// Write the script for bash
    Bash,
    /// Write the script for zsh
    Zsh,
    /// Write the script for fish
    Fish,
    /// List the values that the last word of a command line may have, one per line; the scripts call this
    Values {
        /// The words after `pq`, the last one as far as it is typed
        #[arg(last = true)]
        words: Vec<String>,
    },
}

/// Runs the command `pq completions`.
pub(crate) fn completions(which: &Completions) -> anyhow::Result<()> {
    let text = match which {
        Completions::Bash => script(Shell::Bash),
        Completions::Zsh => script(Shell::Zsh),
        Completions::Fish => script(Shell::Fish),
        Completions::Values { words } => values(words)
            .into_iter()
            .map(|value| value + "\n")
            .collect(),
    };
    streams::data(&text);
    Ok(())
}

fn command_line() -> Command {
    noun::with_words(Cli::command(), noun())
}

/// The script of clap_complete, followed by the one that asks for values.
fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "pq", &mut script);
    let script = String::from_utf8_lossy(&script);
    let values = match shell {
        Shell::Bash => include_str!("completions/values.bash"),
        Shell::Zsh => include_str!("completions/values.zsh"),
        _ => include_str!("completions/values.fish"),
    };
    format!("{}\n{values}", script.trim_end())
}

/// The values that complete the last of these words; none without a tree, a node or an argument that has values.
fn values(words: &[String]) -> Vec<String> {
    // bash makes three words of `--root=DIR`.
    let words: Vec<String> = words.iter().filter(|word| *word != "=").cloned().collect();
    let command = command_line();
    let Some((typed, kind)) =
        place(&command, &words).and_then(|(typed, arg)| Some((typed, Kind::of(arg)?)))
    else {
        return Vec::new();
    };
    let mut values = noun::root_of(&words).map_or_else(Vec::new, |root| kind.values(&root, typed));
    values.retain(|value| value.starts_with(typed) && pq_term::printable(value) == *value);
    values.truncate(VALUES_MAX);
    values
}

/// The last word, and the argument that it is the value of.
fn place<'a>(command: &'a Command, words: &'a [String]) -> Option<(&'a str, &'a Arg)> {
    let (last, before) = words.split_last()?;
    let (mut command, mut position, mut awaits) = (command, 0, None);
    for word in before {
        if awaits.take().is_some() {
            continue;
        }
        match command.find_subcommand(word) {
            _ if word.starts_with('-') => awaits = option(command, word),
            Some(below) if position == 0 => command = below,
            _ => position += 1,
        }
    }
    let arg = match awaits {
        None if last.starts_with('-') => None,
        None => command.get_positionals().nth(position),
        option => option,
    };
    arg.map(|arg| (last.as_str(), arg))
}

/// The option that takes the next word as its value.
fn option<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let is_meant = |arg: &&Arg| match word.strip_prefix("--") {
        Some(long) => arg
            .get_long_and_visible_aliases()
            .is_some_and(|names| names.contains(&long)),
        None => arg
            .get_short()
            .is_some_and(|short| word.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4]))),
    };
    let mut options = command.get_opts();
    options.find(is_meant)
}

/// The values that are not in the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// The versions of the tree's releases.
    Releases,
    /// The names of the packages in the tree.
    Packages,
    /// The names of avatars in the registry of the node.
    Avatars,
    /// The names of avatars, and of other processes.
    Processes,
}

impl Kind {
    /// The kind of the values of an argument.
    fn of(arg: &Arg) -> Option<Kind> {
        let name = arg.get_value_names()?.first()?;
        match name.as_str() {
            "VSN" => Some(Kind::Releases),
            "NAME-VSN|FILE" => Some(Kind::Packages),
            "NAME|PID" => Some(Kind::Processes),
            names => names
                .split('|')
                .any(|name| name == "NAME")
                .then_some(Kind::Avatars),
        }
    }

    fn values(self, root: &Path, beginning: &str) -> Vec<String> {
        let (root, beginning) = (root.to_path_buf(), beginning.to_string());
        match self {
            Kind::Releases => releases(&root),
            Kind::Packages => packages(&root),
            Kind::Avatars => soon(move || completed_names(root, &beginning, &[Scope::Regis])),
            Kind::Processes => {
                soon(move || completed_names(root, &beginning, &[Scope::Local, Scope::Regis]))
            }
        }
    }
}

fn releases(root: &Path) -> Vec<String> {
    let releases = Releases::read(&layout::releases_file(root));
    let releases = releases.into_iter().flat_map(|releases| releases.0);
    releases.map(|release| release.vsn).collect()
}

fn packages(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(layout::releases(root))
        .into_iter()
        .flatten();
    let names = entries.flatten().filter_map(|entry| {
        let path = PathBuf::from(entry.file_name());
        Some(path.to_str()?.strip_suffix(".tar.gz")?.to_string())
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The result of `ask` if it comes within the limit. The program ends without waiting for a node that does not answer.
fn soon(ask: impl FnOnce() -> Vec<String> + Send + 'static) -> Vec<String> {
    let (tell, told) = sync_channel(1);
    // The receiver may have stopped waiting.
    std::thread::spawn(move || drop(tell.send(ask())));
    told.recv_timeout(ASK_TIMEOUT).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of the values for the last word; `_` is a word of which nothing is typed.
    fn kind(words: &str) -> Option<Kind> {
        let words: Vec<String> = words.split(' ').map(|word| word.replace('_', "")).collect();
        Kind::of(place(&command_line(), &words)?.1)
    }

    #[test]
    fn the_argument_of_the_last_word_says_which_values_there_are() {
        for (words, expected) in [
            ("install _", Some(Kind::Releases)),
            ("install 1.", Some(Kind::Releases)),
            ("install --root rel -m because _", Some(Kind::Releases)),
            ("start --root rel --release _", Some(Kind::Releases)),
            ("install 1.1.0 _", None),
            ("install --root _", None),
            ("install -m _", None),
            ("install --", None),
            ("downgrade-app app _", None),
            ("unpack proc", Some(Kind::Packages)),
            ("kick An", Some(Kind::Avatars)),
            ("ban _", Some(Kind::Avatars)),
            ("end-avatar _", Some(Kind::Avatars)),
            ("avatars show _", Some(Kind::Avatars)),
            ("sys get-state _", Some(Kind::Processes)),
            ("st", None),
            ("", None),
        ] {
            assert_eq!(kind(words), expected, "{words}");
        }
    }

    #[test]
    fn releases_and_packages_are_read_from_the_tree_without_a_node() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path();
        std::fs::create_dir(layout::releases(root)).unwrap();
        let release =
            |vsn: &str, status: &str| format!(r#"{{release,"game","{vsn}","1",[],{status}}}"#);
        let text = format!(
            "[{},\n{}].\n",
            release("1.1.0", "unpacked"),
            release("1.0.0", "permanent")
        );
        std::fs::write(layout::releases_file(root), text).unwrap();
        std::fs::write(layout::releases(root).join("game-1.1.0.tar.gz"), "").unwrap();
        let values = |command: &str, typed: &str| {
            let words = [command, "--root", root.to_str().unwrap(), typed];
            super::values(&words.map(str::to_string))
        };
        assert_eq!(values("install", ""), ["1.1.0", "1.0.0"]);
        assert_eq!(values("install", "1.1"), ["1.1.0"]);
        assert_eq!(values("unpack", "g"), ["game-1.1.0"]);
        assert_eq!(values("kick", "A"), [""; 0], "no node runs");
    }
}
