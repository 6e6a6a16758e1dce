//! The command line: commands, options, defaults and help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::completions::Completions;
use crate::options::{Node, Start};
use crate::play::address::Address;

/// A node that upgrades its code while the game runs, and Process Quest, the telnet game that runs on the node
#[derive(Parser, Debug)]
#[command(version, arg_required_else_help = true, after_help = pq_protocol::EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Build release 1.0.0 of Process Quest and the package of 1.1.0, and run release 1.0.0
    #[command(
        after_help = "Examples:\n  pq demo\n  pq demo --root /tmp/rel --port 0 --avatars 100"
    )]
    Demo(Demo),
    /// Start a node from a release tree
    #[command(
        after_help = "Examples:\n  pq start --root rel\n  pq start --root rel --bind 0.0.0.0 --web-port 8083 --log-format json"
    )]
    Start(Start),
    /// Connect to a node and play in this terminal
    #[command(
        after_help = "Examples:\n  pq play\n  pq play quest.example.org:8082 --screen-reader"
    )]
    Play(Play),
    /// Create or check the appup between two versions of an application
    Appup(crate::author::appup::AppupOptions),
    /// Compile the appups between releases into a relup
    Relup(crate::author::relup::Command),
    /// Build a release from its sources into a release tree
    Build(crate::author::build::Command),
    /// Pack a release of a tree
    Tar(crate::author::tar::Command),
    /// Make a key that signs packages, or change the keys that a release tree trusts
    #[command(subcommand)]
    #[command(
        after_help = "Examples:\n  pq key new\n  pq key trust build.pub --root rel --until 2027-06-30\n  pq key list --root rel"
    )]
    Key(crate::author::key::KeyArgs),
    /// Sign a package with the key of its author
    #[command(after_help = "Example:\n  pq sign game-1.1.0.tar.gz")]
    Sign(crate::author::sign::Command),
    /// Show, compare or examine packages, without any change
    #[command(subcommand)]
    #[command(
        after_help = "Examples:\n  pq package show game-1.1.0.tar.gz\n  pq package diff game-1.0.0.tar.gz game-1.1.0.tar.gz\n  pq package verify game-1.1.0.tar.gz --root rel"
    )]
    Package(crate::author::package::PackageArgs),
    /// Write the files of the next version: what changes, and the rest from the older version
    ///
    /// The new files build at once and behave as the older version does. The command prints which files are for the author to
    /// edit, and the commands that come next. `pq new app NAME` writes a workspace of one's own into an empty directory.
    #[command(
        after_help = "Examples:\n  pq new 1.3.0 --module shop_till --new shop_cart\n  pq new 1.3.0 shop --json\n  pq new app lamp"
    )]
    New(crate::author::new::Command),
    /// Build, check and pack a release, with its appups and its relup
    ///
    /// The libraries of older versions come from the tree of the node, or are built. An appup that is not written yet is made from
    /// the libraries and written beside the sources; one that is there is checked. The command stops where a person has to
    /// decide, for example what becomes of a state, and names the file.
    #[command(
        after_help = "Examples:\n  pq release 1.3.0 --root rel\n  pq release 1.3.0 --from 1.2.0 --json"
    )]
    Release(crate::author::release::Command),
    /// List the lessons of the workshop, show one, or check whether it is done
    #[command(
        after_help = "Examples:\n  pq lesson\n  pq lesson 1\n  pq lesson check 1 --root target/rel"
    )]
    Lesson(crate::lesson::Command),
    /// Write the completions of a shell for this program
    #[command(subcommand)]
    #[command(after_help = "Examples:\n  pq completions bash\n  pq completions fish")]
    Completions(Completions),
    /// Write the manual pages of this program and of each command
    Man(crate::man::Man),
    /// Write the JSON schema of the answer of a command with --json
    #[command(after_help = "Examples:\n  pq schema status\n  pq schema store check\n  pq schema")]
    Schema(crate::schema::Command),
    #[command(flatten)]
    Operator(crate::commands::Command),
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// The directory for the release tree [default: rel in cargo's target directory]
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Begin anew: the directory with the saves gets a name with the time, and nothing is deleted
    #[arg(long)]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) node: Node,
}

#[derive(Args, Debug)]
pub(crate) struct Play {
    /// The address of the node: HOST:PORT, HOST or PORT
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8082")]
    pub(crate) address: Address,
    /// Write plain text without colours and pictures, for a screen reader
    #[arg(long)]
    pub(crate) screen_reader: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The commands that are typed most.
    const EXPLAINED: [&str; 17] = [
        "new",
        "release",
        "lesson",
        "demo",
        "start",
        "play",
        "status",
        "events",
        "unpack",
        "check-install",
        "install",
        "who",
        "ban",
        "avatars",
        "backup",
        "history",
        "stop",
    ];

    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help();
        let help = help.map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().filter(|line| line.starts_with("  pq "));
        lines.map(str::to_string).collect()
    }

    /// The words of a line, some of them in single quotes.
    fn words(line: &str) -> Vec<&str> {
        let parts = line.split('\'').enumerate();
        let words = parts.flat_map(|(number, part)| match number % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        });
        words.collect()
    }

    #[test]
    fn the_words_of_all_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_commands_that_are_typed_most_have_examples_and_each_example_is_right() {
        let noun = sockserv::Noun {
            one: "hero".to_string(),
            many: "heroes".to_string(),
        };
        let all = crate::noun::with_words(Cli::command(), &noun);
        for name in EXPLAINED {
            let command = all.find_subcommand(name);
            assert!(
                !command.map(examples).unwrap_or_default().is_empty(),
                "{name}"
            );
        }
        for example in all.get_subcommands().flat_map(examples) {
            let words = words(&example);
            let parsed = all.clone().try_get_matches_from(&words);
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }
}
