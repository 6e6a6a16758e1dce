//! The workspaces of `examples/`, built, run and upgraded with the commands in their README.

use std::path::{Path, PathBuf};
use std::process::Command;

use pq_tests::running::{Player, Running, copy_folder, pq};
use tempfile::TempDir;

/// The README whose commands the test runs.
const README: &str = include_str!("../../examples/README.md");

/// A workspace with a copy of the sources, because commands write files into it, and a release tree.
struct Workspace {
    folder: TempDir,
    name: &'static str,
}

impl Workspace {
    /// A copy of this example.
    fn of(name: &'static str) -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        copy_folder(
            &project.join("examples").join(name),
            &folder.path().join(name),
        );
        let manifest = folder.path().join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        let there = format!("path = \"{}/", project.display());
        std::fs::write(&manifest, text.replace("path = \"../../", &there)).unwrap();
        Workspace { folder, name }
    }

    fn sources(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// The command `pq` with the arguments of a line in the README, where `/tmp/chat` stands for the release tree and
    /// `chat` for the application.
    fn command(&self, line: &str) -> Command {
        let word = |word: &str| match word.strip_prefix("/tmp/chat") {
            Some(rest) => format!("{}{rest}", self.tree().display()),
            None => word.replace("chat", self.name).replace('\'', ""),
        };
        let mut command = pq(line.split_whitespace().skip(1).map(word));
        command
            .current_dir(self.sources())
            .env("PQ_ROOT", self.tree());
        command
    }

    /// Runs a command that succeeds; returns its data.
    fn does(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the commands of the README from this one on, up to the one that starts the node, or to the last.
    fn types_from(&self, first: &str) {
        let from = commands().position(|line| line == first).expect(first);
        for line in commands().skip(from).take_while(|line| *line != "pq start") {
            self.does(line);
        }
    }
}

/// The `pq` commands in the first chapter of the README, in their order.
fn commands() -> impl Iterator<Item = &'static str> {
    let (chapter, _) = README.split_once("## The counter").unwrap();
    let lines = chapter.lines().flat_map(|line| line.split(" && "));
    lines.filter(|line| line.starts_with("pq "))
}

#[test]
fn people_stay_connected_while_their_chat_is_upgraded_and_goes_back() {
    let chat = Workspace::of("chat");
    chat.types_from("pq build releases/1.0.0/chat.rel");
    let node = Running::listening(chat.command("pq start").args(["--port", "0"]));
    let mut ann = Player::connect_to(node.address());
    let mut bob = Player::connect_to(node.address());
    ann.sees("Your name?");
    ann.types("Ann\n");
    ann.sees("* Ann is here");
    bob.types("Bob\n");
    ann.sees("* Bob is here");
    bob.types("hello\n");
    ann.sees("Bob: hello");
    let second = commands()
        .find(|line| line.starts_with("pq relup"))
        .unwrap();
    chat.types_from(second);
    ann.types("/who\n");
    ann.sees("* here: Ann, Bob");
    bob.types("news\n");
    ann.sees("Bob: news");
    let mut eve = Player::connect_to(node.address());
    eve.types("Eve\n");
    eve.sees("Bob: news");
    let who = chat.does("pq who");
    assert!(
        ["Ann", "Bob", "Eve"].iter().all(|name| who.contains(name)),
        "{who}"
    );
    chat.does("pq install 1.0.0");
    ann.types("/who\n");
    bob.sees("Ann: /who");
    eve.drops();
    bob.sees("* Eve has left");
    assert_eq!(node.complaints(), Vec::<String>::new());
    chat.does("pq stop");
}

#[test]
fn a_counter_is_upgraded_and_keeps_what_the_older_version_has_no_place_for() {
    let counter = Workspace::of("counter");
    counter.types_from("pq build releases/1.0.0/chat.rel");
    let node = Running::start(&mut counter.command("pq start"));
    node.logged("application started application=\"counter\"");
    assert_eq!(counter.does("pq call counter add '[5]'"), "5\n");
    let second = commands()
        .find(|line| line.starts_with("pq relup"))
        .unwrap();
    counter.types_from(second);
    assert_eq!(counter.does("pq call counter add '[2]'"), "7\n");
    assert_eq!(counter.does("pq call counter additions '[]'"), "1\n");
    counter.does("pq install 1.0.0");
    assert_eq!(counter.does("pq call counter add '[1]'"), "8\n");
    counter.does("pq install 1.1.0");
    assert_eq!(counter.does("pq call counter additions '[]'"), "1\n");
    counter.does("pq stop");
}
