//! Versions in between, through which a relup sends states: they are packed, unpacked and removed with the releases that need
//! them, and are no applications of these releases.

use std::fs;
use std::path::PathBuf;

use expect_test::expect;
use pq_release::boot::ReleaseTree;
use pq_release::package::{PackageError, make_tar};

use crate::archive::{altered, good, gzip, tar};
use crate::fixture::{Fixture, RELEASES, runtime, shown};
use crate::hostile::refused;

/// A relup of 1.2.0 from and to 1.0.0, with states that go through version 1.1.0 of `talk`.
const RELUP: &str = "{\"1.2.0\",
 [{\"1.0.0\",[],[{load_converters,up,{talk,\"1.1.0\",[{talk,{advanced,[]}}]}},point_of_no_return]}],
 [{\"1.0.0\",[],[{load_converters,down,{talk,\"1.1.0\",[{talk,soft}]}},point_of_no_return]}]}.\n";

/// The author's tree with all releases, and this relup in the last.
fn author(fixture: &Fixture, relup: &str) -> PathBuf {
    let author = fixture.beside("author");
    for pieces in &RELEASES {
        pieces.lay_out(&author);
    }
    pq_release::put(&author.join("releases/1.2.0"), "relup", relup.as_bytes()).unwrap();
    author
}

fn packed(fixture: &Fixture, relup: &str) -> Result<PathBuf, PackageError> {
    let tree = ReleaseTree::open(author(fixture, relup), runtime());
    make_tar(&tree, "1.2.0", &fixture.beside("packages"))
}

fn package(fixture: &Fixture) -> String {
    packed(fixture, RELUP).unwrap().display().to_string()
}

#[test]
fn a_version_in_between_comes_and_goes_with_the_release_that_needs_it() {
    let fixture = Fixture::new();
    let before = fixture.snapshot();
    let mut registry = fixture.open("1.0.0");
    registry.unpack(&package(&fixture)).unwrap();
    let library = |root: PathBuf| fs::read(root.join("lib/talk-1.1.0/priv/talk.so")).unwrap();
    assert_eq!(library(fixture.root()), library(fixture.beside("author")));
    let libs = registry.which_releases()[0].libs.iter();
    let libs: Vec<&str> = libs.map(|lib| &*lib.folder).collect();
    assert!(!libs.contains(&"lib/talk-1.1.0"), "{libs:?}");
    let goes = registry.goes_with("1.2.0").unwrap();
    let goes: Vec<&str> = goes.iter().map(|lib| &*lib.folder).collect();
    assert_eq!(
        goes,
        ["lib/quest-1.1.0", "lib/talk-1.2.0", "lib/talk-1.1.0"]
    );
    registry.remove("1.2.0").unwrap();
    fixture.is_as(&before, "the tree");
}

#[test]
fn a_version_in_between_stays_when_its_own_release_is_removed() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    registry.unpack(&package(&fixture)).unwrap();
    registry.remove("1.1.0").unwrap();
    assert_eq!(shown(&registry), "1.2.0 unpacked, 1.0.0 permanent");
    assert!(fixture.path("lib/talk-1.1.0").exists());
    // The next start of the node tidies up as well.
    drop(registry);
    let mut registry = fixture.open("1.0.0");
    assert!(fixture.path("lib/talk-1.1.0").exists());
    registry.remove("1.2.0").unwrap();
    assert!(!fixture.path("lib/talk-1.1.0").exists());
}

#[test]
fn an_unpack_that_is_cut_off_leaves_no_version_in_between() {
    let fixture = Fixture::new();
    let before = fixture.snapshot();
    // The directory of another version with other bytes stops the unpack after its checks.
    fs::create_dir_all(fixture.path("lib/talk-1.2.0/ebin")).unwrap();
    let mut registry = fixture.open("1.0.0");
    let error = registry.unpack(&package(&fixture)).unwrap_err();
    assert!(
        error.to_term().to_string().contains("existing_file"),
        "{error}"
    );
    fs::remove_dir_all(fixture.path("lib/talk-1.2.0")).unwrap();
    fixture.is_as(&before, "the tree");
}

#[test]
fn a_package_is_not_made_without_a_version_in_between_nor_accepted() {
    let fixture = Fixture::new();
    let tree = author(&fixture, RELUP);
    fs::remove_dir_all(tree.join("lib/talk-1.1.0")).unwrap();
    let tree = ReleaseTree::open(tree, runtime());
    let error = make_tar(&tree, "1.2.0", &fixture.beside("packages")).unwrap_err();
    let shown = error
        .to_string()
        .replace(&fixture.beside("author").display().to_string(), "T");
    expect!["add talk-1.1.0 to the package: read T/lib/talk-1.1.0/ebin/talk.app: no such file; the relup sends states through it, and `pq build` of the release builds it into the tree"].assert_eq(&shown);

    let fixture = Fixture::new();
    let names = altered("releases/1.1.0/relup", |text| {
        let through = "[{load_converters,up,{talk,\"1.0.9\",[{talk,soft}]}},point_of_no_return]";
        Some(text.replacen("[point_of_no_return]", through, 1))
    });
    let error = refused(&fixture, &gzip(&tar(&names(good(&fixture)))));
    let path = fixture.beside("hostile.tar.gz").display().to_string();
    expect!["accept package P: `lib/talk-1.0.9/ebin/talk.app` is missing, and `releases/1.1.0/relup` asks for it"].assert_eq(&error.to_string().replace(&path, "P"));
}

#[test]
fn a_name_that_is_no_part_of_a_path_leads_nowhere() {
    for name in ["'../../x'", "'.x'", "kernel"] {
        let fixture = Fixture::new();
        let relup = RELUP.replace("{talk,\"1.1.0\"", &format!("{{{name},\"1.1.0\""));
        let package = packed(&fixture, &relup).unwrap().display().to_string();
        let mut registry = fixture.open("1.0.0");
        registry.unpack(&package).unwrap();
        let mut libs: Vec<String> = fs::read_dir(fixture.path("lib"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        libs.sort();
        assert_eq!(
            libs,
            ["quest-1.0.0", "quest-1.1.0", "talk-1.0.0", "talk-1.2.0"]
        );
    }
}
