//! A command does its work and returns the exit code of its work, whatever happens to standard output and standard
//! error.
//!
//! The test takes the commands from the help, so it fails for a new command that is missing in its table.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{PipeReader, PipeWriter, Write, pipe};
use std::process::{Command, Stdio};
use std::time::Instant;

use pq_tests::running::{PATIENCE, Running, Tree, poll, pq};
use rustix::fs::{OFlags, fcntl_setfl};

use crate::operator::typed::{command, done, json, node_with_heroes, run, typed};

/// The arguments for each command in this test, which can be repeated.
const ASKED: &[(&str, &[&str])] = &[
    ("demo", &["--root", "/dev/null/rel"]),
    ("start", &["--root", "/nowhere"]),
    ("play", &["127.0.0.1:1"]),
    ("appup", &["/nowhere", "/nowhere"]),
    ("relup", &["/nowhere.rel"]),
    ("build", &["/nowhere.rel", "--root", "/nowhere"]),
    ("tar", &["/nowhere.rel", "--root", "/nowhere"]),
    ("new", &["no version"]),
    ("release", &["9.9.9", "--root", "/nowhere"]),
    ("lesson", &["1"]),
    ("key new", &["/dev/null/key"]),
    ("key trust", &["/nowhere.pub", "--root", "/nowhere"]),
    ("key list", &["--root", "/nowhere"]),
    ("key revoke", &["0", "--root", "/nowhere"]),
    ("sign", &["/nowhere.tar.gz"]),
    ("package show", &["/nowhere.tar.gz"]),
    ("package diff", &["/nowhere.tar.gz", "/nowhere.tar.gz"]),
    ("package verify", &["/nowhere.tar.gz"]),
    ("status", &[]),
    ("events", &["--for", "0"]),
    ("top", &[]),
    ("watch", &["bot-0", "--for", "0"]),
    ("trace", &["bot-0", "--count", "1"]),
    ("which-releases", &[]),
    ("unpack", &["nothing-1.0.0"]),
    ("check-install", &["9.9.9"]),
    ("rehearse", &["9.9.9"]),
    ("replay", &["1", "nobody"]),
    ("install", &["9.9.9"]),
    ("make-permanent", &["1.0.0"]),
    ("remove", &["9.9.9"]),
    ("reboot-old", &["9.9.9"]),
    ("set-unpacked", &["/nowhere.rel"]),
    ("set-removed", &["9.9.9"]),
    ("install-file", &["9.9.9", "/nowhere"]),
    ("upgrade-app", &["nothing", "/nowhere"]),
    ("downgrade-app", &["nothing", "1.0.0", "/nowhere"]),
    ("apps", &[]),
    ("who", &[]),
    ("kick", &["nobody"]),
    ("end-avatar", &["nobody"]),
    ("kill", &["nobody"]),
    ("ban", &["Eve"]),
    ("unban", &["nobody"]),
    ("bans", &[]),
    ("avatars", &[]),
    ("backup", &["/nowhere/copy.db"]),
    ("restore", &["/nowhere/copy.db"]),
    ("store check", &[]),
    ("wall", &["Tea at five."]),
    ("lock", &["off"]),
    ("shutdown", &["--cancel"]),
    ("token", &[]),
    ("tree", &["--all"]),
    ("names", &[]),
    ("sys get-state", &["bot-0"]),
    ("sys get-status", &["nobody"]),
    ("sys suspend", &["nobody"]),
    ("sys resume", &["bot-0"]),
    ("sys statistics", &["bot-0"]),
    ("sys log", &["bot-0"]),
    ("sys trace", &["bot-0", "off"]),
    ("call", &["regis", "get_names"]),
    ("history", &[]),
    // The end comes last, and this tree has no node.
    ("stop", &["--root", "/nowhere"]),
    ("completions", &["bash"]),
    ("man", &["/dev/null/man"]),
    ("schema", &["status"]),
    ("help", &[]),
];

/// Commands that do not know `--json`, or have another root than that of the node.
const AUTHORS: [&str; 22] = [
    "demo",
    "start",
    "play",
    "appup",
    "relup",
    "build",
    "tar",
    "new",
    "release",
    "lesson",
    "key new",
    "key trust",
    "key list",
    "key revoke",
    "sign",
    "package show",
    "package diff",
    "package verify",
    "completions",
    "man",
    "schema",
    "help",
];

/// All commands in the help, with their subcommands.
fn listed(above: &[&str]) -> BTreeSet<String> {
    let help = run(&mut pq([above, &["--help"]].concat()));
    let (_, commands) = help.out.split_once("Commands:\n").unwrap();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let words = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let words = words.filter_map(|line| line.split_whitespace().next());
    let below = |word: &str| match (above, word) {
        ([], "key" | "package" | "store" | "sys") => listed(&[word]),
        ([_], "help") => BTreeSet::new(),
        _ => BTreeSet::from([[above, &[word]].concat().join(" ")]),
    };
    words.flat_map(below).collect()
}

/// The kind of a stream in this test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stream {
    Closed,
    Full,
    /// A pipe without a reader.
    Gone,
    /// A full pipe whose reader does not read.
    Stuck,
}

/// The two output streams of a command.
struct Streams {
    command: Command,
    /// The other ends of the pipes, kept as long as the command runs.
    _ends: Vec<(Option<PipeReader>, PipeWriter)>,
}

impl Streams {
    fn of(command: Command, [out, err]: [Stream; 2]) -> Streams {
        let mut words: Vec<_> = vec![command.get_program().to_os_string()];
        words.extend(command.get_args().map(|arg| arg.to_os_string()));
        let close = |stream, number: &str| match stream {
            Stream::Closed => format!(" {number}>&-"),
            _ => String::new(),
        };
        let script = format!("exec \"$@\"{}{}", close(out, "1"), close(err, "2"));
        let mut shell = Command::new("sh");
        if let Some(folder) = command.get_current_dir() {
            shell.current_dir(folder);
        }
        shell
            .args(["-c", &script, "sh"])
            .args(words)
            .stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let mut ends = Vec::new();
        shell
            .stdout(open(out, &mut ends))
            .stderr(open(err, &mut ends));
        Streams {
            command: shell,
            _ends: ends,
        }
    }

    /// Waits for the end of the command; returns its exit code.
    fn code(mut self) -> i32 {
        let mut child = self.command.spawn().unwrap();
        let ended = poll(PATIENCE, || child.try_wait().unwrap());
        let status = ended.unwrap_or_else(|| {
            child.kill().unwrap();
            panic!("{:?} does not end", self.command)
        });
        status.code().unwrap_or(-1)
    }
}

fn open(stream: Stream, ends: &mut Vec<(Option<PipeReader>, PipeWriter)>) -> Stdio {
    match stream {
        Stream::Closed => Stdio::null(),
        Stream::Full => OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
            .into(),
        Stream::Gone | Stream::Stuck => {
            let (reader, writer) = pipe().unwrap();
            let stdio = writer.try_clone().unwrap().into();
            if stream == Stream::Stuck {
                fill(&writer);
            }
            ends.push(((stream == Stream::Stuck).then_some(reader), writer));
            stdio
        }
    }
}

/// Fills a pipe and restores its flags.
fn fill(mut writer: &PipeWriter) {
    fcntl_setfl(writer, OFlags::WRONLY | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'x'; 4_096]).is_ok() {}
    fcntl_setfl(writer, OFlags::WRONLY).unwrap();
}

/// The command with its arguments in this test.
fn asked(tree: &Tree, name: &str, args: &[&str], as_json: bool) -> Command {
    let words: Vec<&str> = name.split(' ').chain(args.iter().copied()).collect();
    let has_root = args.contains(&"--root") || AUTHORS.contains(&name);
    let mut command = match has_root {
        true => pq(words),
        false => command(tree.root(), &words),
    };
    if as_json && !AUTHORS.contains(&name) {
        command.arg("--json");
    }
    command
}

#[test]
fn every_command_ends_with_the_code_of_its_work_whatever_becomes_of_its_streams() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 1);
    let known: BTreeSet<String> = ASKED.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(known, listed(&[]));
    let streams = [Stream::Closed, Stream::Full, Stream::Gone];
    for (number, (name, args)) in ASKED.iter().enumerate() {
        let code = run(&mut asked(&tree, name, args, false)).code;
        for (turn, stream) in streams.into_iter().enumerate() {
            // The test alternates between text and JSON, in opposite order for the next command.
            let as_json = (number + turn) % 2 == 0;
            let found = Streams::of(asked(&tree, name, args, as_json), [stream; 2]).code();
            assert_eq!(found, code, "{name} {args:?}, {stream:?}, {as_json}");
        }
    }
    for words in [
        &["--help"][..],
        &["--version"],
        &["dance"],
        &[],
        &["status", "--json", "--loud"],
    ] {
        let code = run(&mut pq(words)).code;
        for stream in streams {
            let found = Streams::of(pq(words), [stream; 2]).code();
            assert_eq!(found, code, "{words:?}, {stream:?}");
        }
    }
}

#[test]
fn an_upgrade_goes_all_its_way_also_when_nobody_can_be_told_of_it() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let step = |args: &[&str], streams: [Stream; 2]| {
        let code = Streams::of(command(tree.root(), args), streams).code();
        assert_eq!(code, 0, "{args:?}, {streams:?}");
    };
    step(&["unpack", "processquest-1.1.0"], [Stream::Gone; 2]);
    // The plan is printed before any work is done.
    step(
        &["install", "1.1.0", "--verbose"],
        [Stream::Full, Stream::Stuck],
    );
    tree.has_releases(&[("1.1.0", "current"), ("1.0.0", "permanent")]);
    step(&["make-permanent", "1.1.0"], [Stream::Closed; 2]);
    step(
        &["install", "1.0.0", "--json"],
        [Stream::Gone, Stream::Full],
    );
    step(&["make-permanent", "1.0.0"], [Stream::Full; 2]);
    step(&["remove", "1.1.0"], [Stream::Gone; 2]);
    tree.has_releases(&[("1.0.0", "permanent")]);
    step(&["lock", "on"], [Stream::Gone; 2]);
    assert_eq!(json(&tree, &["status"])["door"]["locked"], true);
    step(&["stop"], [Stream::Closed, Stream::Stuck]);
    assert_eq!(node.end().code(), Some(0));
}

#[test]
fn a_reader_that_has_had_enough_ends_a_watch() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let watch = command(tree.root(), &["status", "--watch"]);
    assert_eq!(Streams::of(watch, [Stream::Gone; 2]).code(), 0);
}

#[test]
fn a_node_starts_and_stops_without_streams() {
    let tree = Tree::new();
    let mut start = pq(tree.start());
    start.arg("--heroes").arg("1");
    let streams = Streams::of(start, [Stream::Closed; 2]);
    let node = std::thread::spawn(move || streams.code());
    let began = Instant::now();
    let runs = poll(PATIENCE, || {
        (typed(&tree, &["status"]).code == 0).then_some(())
    });
    assert!(
        runs.is_some(),
        "it does not run after {:?}",
        began.elapsed()
    );
    done(&tree, &["stop"]);
    assert_eq!(node.join().unwrap(), 0);
}

/// Writing is the work of these commands: a write error is an error, but a reader that has gone needs no more output.
#[test]
fn what_is_asked_for_on_standard_output_and_cannot_be_written_is_an_error() {
    let relup = || {
        let [old, new] = ["1.0.0", "1.1.0"].map(|vsn| format!("releases/{vsn}/processquest.rel"));
        let mut command = pq(["relup", &new, "--up-from", &old, "--down-to", &old]);
        command.args(["--stdout", "--path", "game-plugins", "sockserv/plugins"]);
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        command
    };
    for (stream, code) in [(Stream::Gone, 0), (Stream::Closed, 0), (Stream::Full, 1)] {
        let found = Streams::of(relup(), [stream; 2]).code();
        assert_eq!(found, code, "{stream:?}");
    }
}
