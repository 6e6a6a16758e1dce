//! Trees with the third release, which `pq demo` does not make.
//! ```text
//!   releases/1.2.0 ─► pq relup, from 1.1.0 and 1.0.0 ─► pq build ─► pq tar ─► the package in releases/ of a tree
//! ```

use std::path::Path;
use std::sync::OnceLock;
use std::{fs, process};

use super::{BUILD_PATIENCE, Running, Tree, once, pq};

/// The version of the third release.
pub const THIRD: &str = "1.2.0";

/// The name of its package.
const PACKAGE: &str = "processquest-1.2.0.tar.gz";

impl Tree {
    /// A tree with releases 1.0.0 and 1.1.0, and the package of release 1.2.0.
    pub fn with_third() -> Tree {
        let tree = Tree::with_both();
        let place = tree.root().join("releases").join(PACKAGE);
        fs::write(place, package()).expect("there is room for a megabyte");
        tree
    }

    /// Starts a node of a [`Tree::with_third`], and installs release 1.2.0 for good.
    pub fn starts_third(&self, args: &[&str]) -> Running {
        let node = Running::node_with(self, args);
        for words in [
            &["unpack", "processquest-1.2.0"][..],
            &["install", THIRD],
            &["make-permanent", THIRD],
        ] {
            self.does(words);
        }
        node
    }
}

/// The package, built at the first call in a run.
fn package() -> &'static Vec<u8> {
    static PACKED: OnceLock<Vec<u8>> = OnceLock::new();
    PACKED.get_or_init(|| {
        let folder = once("third", |folder| pack(folder, THIRD, &["1.1.0", "1.0.0"]));
        fs::read(folder.join(PACKAGE)).expect("it has been packed")
    })
}

/// Packs a release of the sources, with ways from and to these older ones.
pub(super) fn pack(folder: &Path, vsn: &str, olders: &[&str]) {
    let sources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let releases = sources.join("releases");
    for file in ["processquest.rel", "sys.config"] {
        let from = releases.join(vsn).join(file);
        fs::copy(from, folder.join(file)).expect("there is room for a file");
    }
    let rel = |vsn: &str| releases.join(vsn).join("processquest.rel");
    let (new, tree) = (folder.join("processquest.rel"), folder.join("tree"));
    let run = |command: &mut process::Command| {
        let mut running = Running::start(command);
        let ended = running.ends_within(BUILD_PATIENCE);
        let log = running.log();
        assert!(ended.success(), "release {vsn} is not packed: {log}");
    };
    run(pq(["relup"])
        .current_dir(sources)
        .arg(&new)
        .arg("--up-from")
        .args(olders.iter().copied().map(rel))
        .arg("--down-to")
        .args(olders.iter().copied().map(rel))
        .args(["--path", "game-plugins", "sockserv/plugins"]));
    run(pq(["build"])
        .current_dir(sources)
        .arg(&new)
        .arg("--root")
        .arg(&tree));
    run(pq(["tar"])
        .arg(&new)
        .arg("--root")
        .arg(&tree)
        .arg("--outdir")
        .arg(folder));
}
