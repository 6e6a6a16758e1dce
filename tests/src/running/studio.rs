//! Releases with one deliberate fault, made in the same way as good releases.
//! ```text
//!   pq build ─► Draft::broken() ─► change a part ─► package ─► releases/processquest-1.1.1.tar.gz of a tree
//! ```
//! All are release 1.1.1: the game in `tests/plugins`, in which heroes with certain names do not convert, with the
//! sockserv of 1.1.0. A fault in a draft is one that its author missed; damage by a test in a tree is one that happened
//! later.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use pq_release::boot::ReleaseTree;
use pq_release::package::make_tar;
use pq_release::registry::ReleaseRegistry;
use pq_release::systools::{Folders, Options, RelFile, make_relup};
use pq_release::tree::{AppPieces, ReleaseSpec, write_release};

use super::{Running, Tree, once, pq};
use crate::house::tree::runtime;

/// The name of the package of release 1.1.1.
pub const BROKEN: &str = "processquest-1.1.1";

/// The version of the faulty release.
pub const BROKEN_VSN: &str = "1.1.1";

/// The `.rel` file of a good release; ours differs in the version of the game.
const GOOD_REL: &str = include_str!("../../../releases/1.1.0/processquest.rel");

const SYS_CONFIG: &str = include_str!("../../../releases/1.1.0/sys.config");

const APP: &str = include_str!("../../plugins/processquest-1.1.1-broken/processquest.app");

const APPUP: &str = include_str!("../../plugins/processquest-1.1.1-broken/processquest.appup");

/// A release whose parts a test can change before it is packed.
pub struct Draft {
    /// The text of the game's appup.
    pub appup: String,
    /// The bytes of the game's library.
    pub library: Vec<u8>,
    /// The versions for which the relup has upgrades and downgrades.
    pub ways: Vec<&'static str>,
    /// Changes the text of the compiled relup.
    pub relup: fn(String) -> String,
}

impl Draft {
    /// The release whose only fault is that heroes with certain names do not convert.
    pub fn broken() -> Draft {
        Draft {
            appup: APPUP.to_string(),
            library: library().clone(),
            ways: vec!["1.0.0", "1.1.0"],
            relup: |text| text,
        }
    }

    /// Writes its files beside those of the releases before it, compiles the relup, and returns the package.
    pub fn package(&self) -> Vec<u8> {
        let tree = Tree::with_both();
        let root = tree.root();
        self.lay_out(root, None);
        let relup = (self.relup)(self.compile(root));
        self.lay_out(root, Some(&relup));
        let archive = make_tar(&ReleaseTree::open(root, runtime()), BROKEN_VSN, root);
        let archive = archive.unwrap_or_else(|error| panic!("failed to {error}"));
        fs::read(archive).expect("it has just been written")
    }

    fn lay_out(&self, root: &Path, relup: Option<&str>) {
        let game = AppPieces {
            app: APP,
            appup: Some(&self.appup),
            library: Some(&self.library),
        };
        let spec = ReleaseSpec {
            rel: &rel(),
            sys_config: Some(SYS_CONFIG),
            configs: vec![],
            relup,
            applications: vec![game],
        };
        write_release(root, &spec).unwrap_or_else(|error| panic!("failed to {error}"));
    }

    fn compile(&self, root: &Path) -> String {
        let rel = |vsn: &str| RelFile::from(root.join(format!("releases/{vsn}/processquest.rel")));
        let ways: Vec<RelFile> = self.ways.iter().map(|vsn| rel(vsn)).collect();
        let files = Folders::new(vec![root.to_path_buf()], runtime().built_in);
        let made = make_relup(&rel(BROKEN_VSN), &ways, &ways, Options::default(), &files);
        let (relup, _) = made.unwrap_or_else(|error| panic!("failed to {error}"));
        relup.to_text()
    }
}

/// The `.rel` file of release 1.1.1.
fn rel() -> String {
    let (of_release, of_game) = (r#"{"processquest", "1.1.0"}"#, r#"{processquest, "1.1.0"}"#);
    assert!(GOOD_REL.contains(of_release) && GOOD_REL.contains(of_game));
    let next = |text: &str| text.replace("1.1.0", BROKEN_VSN);
    GOOD_REL
        .replace(of_release, &next(of_release))
        .replace(of_game, &next(of_game))
}

/// The library of the faulty game, built at the first call in a run.
fn library() -> &'static Vec<u8> {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let tree = once("broken", |folder| {
            let file = folder.join("processquest.rel");
            fs::write(&file, rel()).expect("there is room for a file");
            build(&file, folder);
        });
        let library = "lib/processquest-1.1.1/priv/processquest.so";
        fs::read(tree.join(library)).expect("it has been built")
    })
}

/// Runs `pq build` for a `.rel` file in this tree, with the applications of this workspace.
pub fn build(rel: &Path, tree: &Path) {
    let mut build = pq(["build"]);
    build
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .arg(rel)
        .arg("--root")
        .arg(tree);
    let mut build = Running::start(&mut build);
    let built = build.ends_within(super::BUILD_PATIENCE);
    assert!(built.success(), "{} cannot be built", rel.display());
}

impl Tree {
    /// A tree with releases 1.0.0 and 1.1.0.
    pub fn with_both() -> Tree {
        let tree = Tree::new();
        let registry = ReleaseRegistry::open(ReleaseTree::open(tree.root(), runtime()), "1.0.0");
        let unpacked = registry.and_then(|mut registry| registry.unpack("processquest-1.1.0"));
        unpacked.unwrap_or_else(|error| panic!("failed to {error}"));
        tree
    }

    /// Puts a package of release 1.1.1 into the directory `releases`.
    pub fn offers(&self, package: &[u8]) {
        let place = self.root().join(format!("releases/{BROKEN}.tar.gz"));
        fs::write(place, package).expect("there is room for a megabyte");
    }
}
