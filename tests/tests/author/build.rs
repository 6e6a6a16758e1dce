//! `pq build` and `pq tar`: from sources to a tree, and from a tree to a package.

use std::path::{Path, PathBuf};
use std::process::Output;

use expect_test::{Expect, expect};
use pq_tests::running::{Running, Signal, pq};
use tempfile::TempDir;

/// The root of this project, where the commands are run.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A release in preparation, and its target tree.
struct Author {
    folder: TempDir,
}

impl Author {
    /// Copies the files of a release of this project.
    fn with(vsn: &str) -> Author {
        let desk = Author {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["processquest.rel", "sys.config"] {
            let file = Path::new(SOURCES).join("releases").join(vsn).join(name);
            std::fs::copy(file, desk.path(name)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command for the release; arguments that begin with `@` are paths in its directory.
    fn types(&self, words: &[&str]) -> Output {
        let word = |word: &&str| match word.strip_prefix('@') {
            Some(name) => self.path(name),
            None => PathBuf::from(word),
        };
        let mut command = pq(words.iter().map(word));
        command.current_dir(SOURCES).output().unwrap()
    }

    fn succeeds(&self, words: &[&str]) -> String {
        let output = self.types(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn fails(&self, words: &[&str], expected: Expect) {
        let output = self.types(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let here = self.folder.path().display().to_string();
        let sources = Path::new(SOURCES).canonicalize().unwrap();
        let said = said.replace(&here, "DESK");
        expected.assert_eq(&said.replace(sources.to_str().unwrap(), "SOURCES"));
    }
}

const BUILD: [&str; 4] = ["build", "@processquest.rel", "--root", "@tree"];

#[test]
fn a_release_that_was_built_runs() {
    let desk = Author::with("1.1.0");
    let said = desk.succeeds(&BUILD);
    let place = desk.path("tree");
    let last = format!("release processquest 1.1.0 is in {}\n", place.display());
    assert!(said.ends_with(&last), "{said}");
    let start = ["start", "--port", "0", "--root"].map(PathBuf::from);
    let mut node = Running::listening(&mut pq(start.into_iter().chain([place])));
    node.logged("vsn=\"1.1.0\"");
    node.signal(Signal::TERM);
    assert!(node.end().success());
}

/// Unchanged files are not written again, and the package includes the other files of the release.
#[test]
fn a_release_that_was_built_is_packed_with_its_relup() {
    let desk = Author::with("1.1.0");
    let old = "releases/1.0.0/processquest.rel";
    let way = [
        "relup",
        "@processquest.rel",
        "--up-from",
        old,
        "--down-to",
        old,
    ];
    let path = ["--path", "game-plugins", "sockserv/plugins"];
    desk.succeeds(&[&way[..], &path].concat());
    desk.succeeds(&BUILD);
    let packed = desk.succeeds(&["tar", "@processquest.rel", "--root", "@tree"]);
    let package = desk.path("tree/releases/processquest-1.1.0.tar.gz");
    assert_eq!(packed, format!("{}\n", package.display()));
    desk.succeeds(&[
        "tar",
        "@processquest.rel",
        "--root",
        "@tree",
        "--outdir",
        "@out",
    ]);
    let again = desk.path("out/processquest-1.1.0.tar.gz");
    assert_eq!(
        std::fs::read(package).unwrap(),
        std::fs::read(again).unwrap()
    );
    assert_eq!(
        std::fs::read(desk.path("tree/releases/1.1.0/relup")).unwrap(),
        std::fs::read(desk.path("relup")).unwrap()
    );
}

#[test]
fn what_cannot_be_built_or_packed_is_said() {
    let desk = Author::with("1.1.0");
    desk.fails(
        &["tar", "@processquest.rel", "--root", "@tree"],
        expect![[r#"
            pq: failed to find release 1.1.0: DESK/tree/releases/1.1.0 holds no .rel file; a release is unpacked there before it boots
        "#]],
    );
    let file = desk.path("processquest.rel");
    let text = std::fs::read_to_string(&file).unwrap();
    let newer = text.replace("{processquest, \"1.1.0\"}", "{processquest, \"1.2.0\"}");
    std::fs::write(&file, newer).unwrap();
    desk.fails(&BUILD, expect![[r#"
        pq: failed to find the sources of processquest 1.2.0: the workspace at SOURCES has it only in 1.0.0, 1.1.0, 1.3.0, 1.4.0, 2.0.0, 1.1.90, 1.1.91, 1.1.92, 1.1.93, 1.1.94, 1.1.95, 1.1.96, 1.1.1; a package with processquest.app beside its Cargo.toml would be right
    "#]]);
    std::fs::write(&file, text.replace("sockserv", "sockets")).unwrap();
    desk.fails(&BUILD, expect![[r#"
        pq: failed to find the sources of sockets 1.0.1: the workspace at SOURCES has it in no version; a package with sockets.app beside its Cargo.toml would be right
    "#]]);
    assert!(!desk.path("tree").exists());
    desk.fails(
        &["build", "@other.rel", "--root", "@tree"],
        expect![[r#"
        pq: failed to read DESK/other.rel: no such file
    "#]],
    );
}
