//! A released version cannot change, and a package contains the author's current files.

use std::fs;
use std::process::Command;

use pq_tests::running::pq;

use crate::author::lamp::Checkout;

/// A checkout whose release has been built.
struct Author(Checkout);

/// The exit code of a command, and its standard error.
type Said = (Option<i32>, String);

impl Author {
    fn new() -> Author {
        Author(Checkout::new())
    }

    fn says(mut command: Command) -> Said {
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    fn builds(&self, options: &[&str]) -> Said {
        let mut build = self.0.build();
        build.args(options);
        Author::says(build)
    }

    fn packs(&self) -> Said {
        let mut tar = pq(["tar", "lamp.rel", "--root", "a tree"]);
        tar.current_dir(&self.0.root);
        Author::says(tar)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.root.join(file), text).unwrap();
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.0.root.join(file)).unwrap();
        assert!(text.contains(from), "{text}");
        self.write(file, &text.replace(from, to));
    }

    fn in_tree(&self, file: &str) -> Vec<u8> {
        fs::read(self.0.root.join("a tree").join(file)).unwrap()
    }
}

#[track_caller]
fn well((code, said): Said) -> String {
    assert_eq!(code, Some(0), "{said}");
    said
}

#[track_caller]
fn badly(said: Said, words: &[&str]) {
    ends(1, said, words);
}

#[track_caller]
fn ends(expected: i32, (code, said): Said, words: &[&str]) {
    assert_eq!(code, Some(expected), "{said}");
    let last = said.lines().last().unwrap();
    for word in words {
        assert!(last.contains(word), "no {word:?} in {last}");
    }
}

const LIBRARY: &str = "lib/lamp-1.0.0/priv/lamp.so";

#[test]
fn code_that_changed_under_its_version_is_neither_built_over_a_release_nor_packed_as_it_was() {
    let desk = Author::new();
    well(desk.builds(&[]));
    let first = desk.in_tree(LIBRARY);
    assert!(!well(desk.builds(&[])).contains("warning"));
    assert!(!well(desk.packs()).contains("warning"));
    desk.edit("src/lamp.rs", "{ 1 }", "{ 2 }");
    let released = "RELEASES lists lamp 1.0.0 in release 1.0.0";
    badly(
        desk.builds(&[]),
        &[
            "lamp.so",
            released,
            "`lamp` changed under the same VSN",
            "raise the version",
            "--force",
        ],
    );
    assert!(desk.in_tree(LIBRARY) == first);
    badly(
        desk.packs(),
        &[
            "the source of `lamp` in lamp 1.0.0 has changed since the build",
            "`pq build`",
        ],
    );
    well(desk.builds(&["--force"]));
    assert!(desk.in_tree(LIBRARY) != first);
    well(desk.packs());
}

#[test]
fn what_changed_since_the_build_is_taken_or_named() {
    let desk = Author::new();
    well(desk.builds(&[]));
    let relup = "{\"1.0.0\",[{\"0.9.0\",[],[point_of_no_return]}],[]}.\n";
    desk.write("relup", relup);
    desk.write("sys.config", "[{lamp, [{bright, true}]}].\n");
    let said = well(desk.packs());
    for file in ["relup", "sys.config"] {
        assert!(
            said.contains(&format!("{file} is newer than the build and is added")),
            "{said}"
        );
    }
    assert_eq!(desk.in_tree("releases/1.0.0/relup"), relup.as_bytes());
    assert!(!well(desk.packs()).contains("warning"));
    desk.write("relup", &relup.replace("1.0.0", "2.0.0"));
    badly(desk.packs(), &["relup is for release 2.0.0", "`pq relup`"]);
    badly(desk.builds(&[]), &["2.0.0", "`pq relup`"]);
    desk.write("relup", relup);
    desk.write("lamp.appup", "{\"1.0.0\",[],[]}.\n");
    badly(
        desk.packs(),
        &["lamp.appup has changed since the build", "`pq build`"],
    );
    fs::remove_file(desk.0.root.join("lamp.appup")).unwrap();
    well(desk.packs());
    desk.edit(
        "lamp.app",
        "{description, \"\"}",
        "{description, \"a lamp\"}",
    );
    badly(desk.packs(), &["lamp.app has changed since the build"]);
    desk.edit("lamp.app", "a lamp", "");
    desk.edit("lamp.rel", "{lamp, \"1.0.0\"}", "{lamp, \"1.0.0\", load}");
    badly(desk.packs(), &["lamp.rel has changed since the build"]);
}

#[test]
fn settings_that_were_edited_in_the_tree_stay() {
    let desk = Author::new();
    desk.write("sys.config", "[].\n");
    well(desk.builds(&[]));
    desk.write("a tree/releases/1.0.0/sys.config", "[{lamp, []}].\n");
    let said = well(desk.builds(&[]));
    assert!(
        said.contains("releases/1.0.0/sys.config was edited") && said.contains("--force"),
        "{said}"
    );
    assert_eq!(
        desk.in_tree("releases/1.0.0/sys.config"),
        b"[{lamp, []}].\n"
    );
    badly(desk.packs(), &["have both changed since the build"]);
    well(desk.builds(&["--force"]));
    assert_eq!(desk.in_tree("releases/1.0.0/sys.config"), b"[].\n");
}

#[test]
fn a_version_that_was_raised_in_one_place_only_is_found_when_it_is_built() {
    let desk = Author::new();
    well(desk.builds(&[]));
    desk.edit("src/lamp.rs", "{ 1 }", "{ 2 }");
    desk.edit("lamp.app", "{vsn, \"1.0.0\"}", "{vsn, \"1.1.0\"}");
    desk.edit("lamp.rel", "{lamp, \"1.0.0\"}", "{lamp, \"1.1.0\"}");
    desk.edit("lamp.rel", "{\"lamp\", \"1.0.0\"}", "{\"lamp\", \"1.1.0\"}");
    badly(
        desk.builds(&[]),
        &["it is the library of lamp 1.0.0, and that of lamp 1.1.0 belongs there"],
    );
    desk.edit(
        "src/lib.rs",
        "\\\"lamp\\\",\\\"1.0.0\\\"",
        "\\\"lamp\\\",\\\"1.1.0\\\"",
    );
    let said = well(desk.builds(&[]));
    let forgotten = "lamp 1.1.0, compared with 1.0.0: `lamp` changed under the same VSN";
    assert!(said.contains(forgotten), "{said}");
    assert!(well(desk.packs()).contains(forgotten));
}

/// Three reasons: one is found in the headers of the library, one in its symbols, and one by the system's linker.
#[test]
fn a_library_that_no_node_could_load_is_neither_built_nor_packed() {
    let desk = Author::new();
    for (from, to, why) in [
        (
            "{abi,1886453762}",
            "{abi,1886453763}",
            "ABI stamp 0x70710003",
        ),
        ("static PQ_LIBRARY:", "static PQ_LIBRERY:", "PQ_LIBRARY"),
        (
            "extern \"C\" fn nothing() -> u32 {",
            "unsafe extern \"C\" { fn nowhere(); }\nextern \"C\" fn nothing() -> u32 { unsafe { nowhere() };",
            "undefined symbol: nowhere",
        ),
    ] {
        desk.edit("src/lib.rs", from, to);
        ends(3, desk.builds(&["--force"]), &["failed to ", LIBRARY, why]);
        ends(3, desk.packs(), &["failed to ", LIBRARY, why]);
        desk.edit("src/lib.rs", to, from);
    }
    well(desk.builds(&["--force"]));
    well(desk.packs());
}
