//! A disk that becomes full under a node: commands that write fail and leave nothing behind, the node continues, and
//! the same command succeeds when there is room again.
//!
//! The disk is a small one if it can be mounted. A limit on the size of files has the same effect as a full disk and
//! needs no rights. It is available everywhere, and can be changed while the node runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use pq_tests::running::{Disk, Player, Running, Signal, Tree, pq};
use pq_tests::story::Version;
use rustix::process::{Resource, Rlimit};

use crate::broken::stage::Stage;

/// The room on the disk in blocks: from zero to the larger part of what the release needs. The largest file of the
/// release has more than 200 blocks, so the last value is no obstacle as a limit.
const ROOM: [usize; 5] = [0, 1, 8, 64, 256];

/// The bytes of one block for a limit.
const BLOCK: u64 = 4_096;

/// The way in which a disk is full.
enum Narrow {
    Disk(Disk),
    Limit,
}

impl Narrow {
    fn stage(&self) -> Stage {
        let tree = match self {
            Narrow::Disk(disk) => Tree::on(disk),
            Narrow::Limit => Tree::new(),
        };
        // Players read on while the disk is full.
        tree.configures("1.0.0", "{save, [{told, lazy}]}");
        let plain = pq(tree.start());
        // A process that exceeds the limit gets a signal; if it ignores the signal, the write fails.
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#]);
        shell.arg(plain.get_program()).args(plain.get_args());
        let node = Running::listening(&mut shell);
        Stage::on(tree, node, &["Ann", "Bob"])
    }

    fn room(&self) -> &'static [usize] {
        match self {
            Narrow::Disk(_) => &ROOM,
            Narrow::Limit => &ROOM[..4],
        }
    }

    fn leave(&self, stage: &Stage, blocks: usize) {
        match self {
            Narrow::Disk(disk) => disk.leave(blocks),
            Narrow::Limit => limit_files(&stage.node, Some(blocks as u64 * BLOCK)),
        }
    }

    fn make_room(&self, stage: &Stage) {
        match self {
            Narrow::Disk(disk) => disk.clear(),
            Narrow::Limit => limit_files(&stage.node, None),
        }
    }

    fn says(&self) -> &'static str {
        match self {
            Narrow::Disk(_) => "No space left on device",
            Narrow::Limit => "File too large",
        }
    }
}

/// Limits the size of all files that the node writes.
fn limit_files(node: &Running, bytes: Option<u64>) {
    let pid = i32::try_from(node.process()).ok();
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    rustix::process::prlimit(pid, Resource::Fsize, limit).unwrap();
}

/// The content of all files and directories of the tree, except files that only grow, special files and the saves: heroes
/// are saved while they play, with any room that is left.
fn content(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = walkdir::WalkDir::new(root).into_iter();
    let is_passed_over = |entry: &walkdir::DirEntry| {
        let mut others = ["run", "data"].iter();
        others.any(|name| entry.depth() == 1 && entry.file_name() == *name)
    };
    let all = all.filter_entry(|entry| !is_passed_over(entry));
    let read = |entry: walkdir::DirEntry| {
        let is_file = entry.file_type().is_file();
        let bytes = is_file.then(|| fs::read(entry.path()).unwrap());
        (
            entry.path().display().to_string(),
            bytes.unwrap_or_default(),
        )
    };
    all.map(|entry| read(entry.unwrap()))
        .filter(|(path, _)| !path.ends_with("history.jsonl"))
        .collect()
}

/// With this little room the command fails, and leaves every file unchanged.
fn does_not_fit(
    narrow: &Narrow,
    stage: &mut Stage,
    (command, code): (&[&str], i32),
    blocks: usize,
) {
    narrow.leave(stage, blocks);
    let before = content(stage.tree.root());
    let releases = stage.tree.releases();
    let sentence = stage.tree.refuses(command, code);
    let root = stage.tree.root().display().to_string();
    for words in ["failed to ", narrow.says(), &root] {
        assert!(sentence.contains(words), "no {words:?} in {sentence:?}");
    }
    assert_eq!(stage.tree.releases(), releases, "after {sentence:?}");
    let after = content(stage.tree.root());
    assert!(before == after, "{sentence:?} left a trace: {:?}", {
        let (before, after): (Vec<_>, Vec<_>) = (before.keys().collect(), after.keys().collect());
        (before, after)
    });
    stage.play_on();
    narrow.make_room(stage);
}

/// The book's three commands, each on a disk that is full at first.
fn goes_through_it(narrow: &Narrow) {
    let mut stage = narrow.stage();
    let unpack = ["unpack", "processquest-1.1.0"];
    for blocks in narrow.room() {
        does_not_fit(narrow, &mut stage, (&unpack, 4), *blocks);
    }
    stage.tree.does(&unpack);
    installs(narrow, &mut stage);
    let permanent = ["make-permanent", "1.1.0"];
    does_not_fit(narrow, &mut stage, (&permanent, 4), 0);
    stage
        .tree
        .has_releases(&[("1.1.0", "current"), ("1.0.0", "permanent")]);
    stage.tree.does(&permanent);
    stage.play_on();
    boots(stage);
}

/// An install writes nothing into the tree, so it succeeds on a full disk. But the running copy of a library is a file
/// in memory, to which the limit on file sizes applies.
fn installs(narrow: &Narrow, stage: &mut Stage) {
    let (check, install) = (["check-install", "1.1.0"], ["install", "1.1.0"]);
    if let Narrow::Limit = narrow {
        for command in [check, install] {
            does_not_fit(narrow, stage, (&command, 3), 0);
        }
    } else {
        narrow.leave(stage, 0);
    }
    for player in &mut stage.players {
        player.may_become(Version::New);
    }
    stage.tree.does(&check);
    stage.tree.does(&install);
    stage.play_on();
}

/// The data on the disk are enough for the next start, and the history is readable.
fn boots(stage: Stage) {
    let Stage { mut node, tree, .. } = stage;
    node.signal(Signal::KILL);
    node.end();
    let node = Running::node_with(&tree, &[]);
    tree.has_releases(&[("1.1.0", "permanent"), ("1.0.0", "old")]);
    let history = tree.answer(&["history"]);
    let mut entries = history["entries"].as_array().unwrap().iter();
    // The boots of this node and of the one before also have entries.
    let last = entries.rfind(|entry| entry["operation"] != "boot").unwrap();
    assert_eq!(
        (&last["operation"], &last["result"]),
        (&"make-permanent 1.1.0".into(), &"done".into()),
        "{history}"
    );
    let mut player = Player::connect(&node).of_version(Version::New);
    player.join("Cat");
    player.story();
}

#[test]
fn a_full_disk_refuses_what_writes_and_disturbs_nobody() {
    // Without a small disk, this test uses the limit like the test below.
    let narrow = Disk::small().map_or(Narrow::Limit, Narrow::Disk);
    goes_through_it(&narrow);
}

#[test]
fn files_that_may_not_grow_refuse_what_writes_and_disturb_nobody() {
    goes_through_it(&Narrow::Limit);
}
