//! The game's word for an avatar on the command line: `pq end-ship`, `--ships`, headings of tables.
//!
//! The release defines the word (`noun` in the setting `game`, see `door::game`). The program reads it for help texts,
//! for command lines that the program's own words do not explain, and for answers that contain the word: from the
//! permanent release of the tree that the command line names, or for `pq demo` from the sources. Without the setting
//! the commands have the names that work for every game: `pq end-avatar`, `--avatars`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::Command;
use pq_release::{layout, start_erl::StartErl, sys_config};
use pq_term::Term;
use sockserv::Noun;

use crate::demo;
use crate::door::Game;

/// The commands and the option for which a game may define another name.
const COMMAND: &str = "end-avatar";
const LIST: &str = "avatars";
const OPTION: &str = "avatars";

/// The noun of the game in the tree that the command line names.
pub(crate) fn noun() -> &'static Noun {
    static NOUN: OnceLock<Noun> = OnceLock::new();
    NOUN.get_or_init(|| {
        let words: Vec<OsString> = std::env::args_os().collect();
        let root = root(&words).or_else(root_of_environment);
        let of_tree = root.and_then(|root| permanent(&root));
        // `pq demo` builds its tree from the sources.
        let is_demo = || words.get(1).is_some_and(|word| word == "demo");
        let of_sources = || is_demo().then(demo::first_release).flatten();
        let folder = of_tree.or_else(of_sources);
        folder.and_then(|folder| read(&folder)).unwrap_or_default()
    })
}

/// The root of the tree that a command line with these words is for.
pub(crate) fn root_of(words: &[String]) -> Option<PathBuf> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    root(&words).or_else(root_of_environment)
}

fn root_of_environment() -> Option<PathBuf> {
    std::env::var_os("PQ_ROOT").map(PathBuf::from)
}

/// The value of `--root` on the command line.
fn root(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--root" {
            return words.next().map(PathBuf::from);
        }
        if let Some(root) = word.as_bytes().strip_prefix(b"--root=") {
            return Some(PathBuf::from(OsStr::from_bytes(root)));
        }
    }
    None
}

/// The directory of the permanent release.
fn permanent(root: &Path) -> Option<PathBuf> {
    let start = StartErl::read(&layout::start_erl(root)).ok()?;
    Some(layout::release(root, &start.vsn))
}

/// The noun in the settings of the release in this directory. Errors in the setting are ignored here and reported by
/// commands that need the setting.
fn read(folder: &Path) -> Option<Noun> {
    let settings = sys_config::read(folder).ok()?;
    let is_game = |((_, key), _): &(&(String, String), &Term)| key == "game";
    let ((application, _), game) = settings.iter().find(is_game)?;
    Game::read(application, Some(game))
        .ok()
        .map(|game| game.noun)
}

/// Adds the game's names of commands and options to the command line.
pub(crate) fn with_words(mut command: Command, noun: &Noun) -> Command {
    let ended: &'static str = format!("end-{}", noun.one).leak();
    if command.find_subcommand(ended).is_none() {
        command = command.mut_subcommand(COMMAND, |end| end.visible_alias(ended));
    }
    let many: &'static str = noun.many.clone().leak();
    if command.find_subcommand(many).is_none() && many != "help" {
        command = command.mut_subcommand(LIST, |list| list.visible_alias(many));
    }
    for starts in ["start", "demo", "rehearse"] {
        command = command.mut_subcommand(starts, |start| {
            // clap adds `--help` later.
            let taken = |option: &clap::Arg| option.get_long() == Some(many);
            let mut options = start.get_arguments();
            let is_taken = many == "help" || options.any(taken);
            drop(options);
            if is_taken {
                return start;
            }
            start.mut_arg(OPTION, |option| option.visible_alias(many))
        });
    }
    command
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::cli::{self, Cli};

    #[test]
    fn the_words_of_a_game_are_words_of_the_command_line() {
        let noun = Noun {
            one: "ship".to_string(),
            many: "ships".to_string(),
        };
        let parsed = |words: &[&str], noun: &Noun| {
            let command = with_words(Cli::command(), noun);
            command.clone().debug_assert();
            let matches = command.try_get_matches_from(words)?;
            Cli::from_arg_matches(&matches)
        };
        for word in ["--ships", "--avatars"] {
            let words = ["pq", "start", "--root", "r", word, "3"];
            let cli::Command::Start(start) = parsed(&words, &noun).unwrap().command else {
                panic!("no start");
            };
            assert_eq!(start.node.avatars, 3);
            assert_eq!(
                parsed(&words, &Noun::default()).is_ok(),
                word == "--avatars"
            );
        }
        for word in ["end-ship", "end-avatar"] {
            assert!(parsed(&["pq", word, "--root", "r", "Ann"], &noun).is_ok());
        }
        // The game's word may equal the name of an existing command or option.
        for (one, many) in [("abandoned", "port"), ("avatar", "avatars"), ("x", "help")] {
            let odd = Noun {
                one: one.to_string(),
                many: many.to_string(),
            };
            assert!(parsed(&["pq", "start", "--root", "r", "--port", "0"], &odd).is_ok());
            let help = parsed(&["pq", "start", "--help"], &odd).unwrap_err();
            assert_eq!(help.kind(), clap::error::ErrorKind::DisplayHelp);
        }
    }

    #[test]
    fn the_root_is_found_wherever_it_stands() {
        let root = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            super::root(&words)
        };
        assert_eq!(root(&["pq", "who", "--root", "/a"]), Some("/a".into()));
        assert_eq!(root(&["pq", "--root=/a b", "who"]), Some("/a b".into()));
        assert_eq!(root(&["pq", "who", "--root"]), None);
    }
}
