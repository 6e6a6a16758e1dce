//! Opens the registry of trees with contradicting or missing files, and after interrupted work.

use std::fs;

use pq_release::registry::ReleaseRegistry;

use crate::fixture::{Fixture, RELEASES, on_disk, shown};

#[test]
fn an_untouched_tree_stays_untouched() {
    let fixture = Fixture::new();
    let before = fixture.snapshot();
    assert_eq!(shown(&fixture.open("1.0.0")), "1.0.0 permanent");
    fixture.is_as(&before, "the tree");
}

#[test]
fn start_erl_is_right_about_what_boots_whichever_file_was_written_last() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    let read = || {
        let read = |name| fs::read(fixture.path(name)).unwrap();
        (read("releases/start_erl.data"), read("releases/RELEASES"))
    };
    let (start_before, list_before) = read();
    registry.installed("1.1.0").unwrap();
    registry.make_permanent("1.1.0").unwrap();
    let (start_after, list_after) = read();

    fs::write(fixture.path("releases/RELEASES"), &list_before).unwrap();
    assert_eq!(fixture.tree().boot().unwrap().rel.vsn, "1.1.0");
    assert_eq!(shown(&fixture.open("1.1.0")), "1.1.0 permanent, 1.0.0 old");
    assert_eq!(
        on_disk(&fixture),
        "1.1.0 permanent, 1.0.0 old; boots 1.0.0 1.1.0"
    );
    assert_eq!(read(), (start_after, list_after));

    fs::write(fixture.path("releases/start_erl.data"), start_before).unwrap();
    assert_eq!(shown(&fixture.open("1.0.0")), "1.1.0 old, 1.0.0 permanent");
    assert_eq!(
        on_disk(&fixture),
        "1.1.0 old, 1.0.0 permanent; boots 1.0.0 1.0.0"
    );
}

#[test]
fn a_missing_list_is_made_of_what_runs_and_what_boots_with_their_applications() {
    let fixture = Fixture::new();
    RELEASES[1].lay_out(&fixture.root());
    fs::remove_file(fixture.path("releases/RELEASES")).unwrap();
    let registry = fixture.open("1.1.0");
    assert_eq!(shown(&registry), "1.1.0 current, 1.0.0 permanent");
    let libs = &registry.running().libs;
    let folders: Vec<_> = libs.iter().map(|lib| lib.folder.as_str()).collect();
    let expected = [
        "lib/kernel-1.0.0",
        "lib/stdlib-1.0.0",
        "lib/quest-1.0.0",
        "lib/talk-1.1.0",
    ];
    assert_eq!(folders, expected);
    assert_eq!(
        on_disk(&fixture),
        "1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0"
    );
}

#[test]
fn a_missing_start_erl_names_the_permanent_release_or_else_what_runs() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    registry.installed("1.1.0").unwrap();
    registry.make_permanent("1.1.0").unwrap();
    fs::remove_file(fixture.path("releases/start_erl.data")).unwrap();
    assert_eq!(
        shown(&fixture.open("1.0.0")),
        "1.1.0 permanent, 1.0.0 current"
    );
    assert_eq!(
        on_disk(&fixture),
        "1.1.0 permanent, 1.0.0 old; boots 1.0.0 1.1.0"
    );

    fs::remove_file(fixture.path("releases/start_erl.data")).unwrap();
    fs::remove_file(fixture.path("releases/RELEASES")).unwrap();
    assert_eq!(shown(&fixture.open("1.0.0")), "1.0.0 permanent");
    assert_eq!(on_disk(&fixture), "1.0.0 permanent; boots 1.0.0 1.0.0");
}

#[test]
fn what_was_laid_out_and_runs_is_listed() {
    let fixture = Fixture::new();
    RELEASES[1].lay_out(&fixture.root());
    assert_eq!(shown(&fixture.open("1.0.0")), "1.0.0 permanent");
    assert_eq!(
        shown(&fixture.open("1.1.0")),
        "1.0.0 permanent, 1.1.0 current"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_replaced() {
    for (file, text) in [
        ("releases/RELEASES", "[{release}]."),
        ("releases/start_erl.data", "1.0.0"),
        ("releases/start_erl.data", "1.0.0 9"),
    ] {
        let fixture = Fixture::new();
        fs::write(fixture.path(file), text).unwrap();
        let before = fixture.snapshot();
        assert!(
            ReleaseRegistry::open(fixture.tree(), "1.0.0").is_err(),
            "{text}"
        );
        fixture.is_as(&before, "the tree");
    }
    let fixture = Fixture::new();
    assert!(ReleaseRegistry::open(fixture.tree(), "9").is_err());
}

#[test]
fn what_an_interrupted_unpack_left_is_gone() {
    let fixture = Fixture::new();
    fixture.with(&["1.1.0"]);
    let before = fixture.snapshot();
    fs::create_dir_all(fixture.path(".office/staging/lib/talk-1.2.0")).unwrap();
    fs::create_dir_all(fixture.path("lib/talk-1.2.0/ebin")).unwrap();
    fs::write(fixture.path("lib/talk-1.2.0/ebin/talk.app"), "new").unwrap();
    let journal =
        "lib/talk-1.2.0\nlib/talk-1.1.0\nreleases/1.1.0\nreleases/1.0.0\nlib/quest-1.0.0\n";
    fs::write(fixture.path(".office/journal"), journal).unwrap();
    fixture.open("1.0.0");
    fixture.is_as(&before, "the tree");
}

#[test]
fn a_journal_that_names_other_places_removes_nothing_there() {
    let fixture = Fixture::new();
    let before = fixture.snapshot();
    fs::create_dir(fixture.beside("precious")).unwrap();
    fs::create_dir(fixture.path(".office")).unwrap();
    let journal = "lib\nreleases\nlib/..\nlib/../../precious\n/etc\n../precious\nlib/\nother/x\n";
    fs::write(fixture.path(".office/journal"), journal).unwrap();
    fixture.open("1.0.0");
    fixture.is_as(&before, "the tree");
    assert!(fixture.beside("precious").exists());
}

#[test]
fn a_rehearsal_reads_the_registry_of_another_node_and_writes_nothing() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    registry.installed("1.1.0").unwrap();
    fs::write(fixture.path("releases/start_erl.data"), "odd").unwrap();
    let before = fixture.snapshot();
    let mut copy = ReleaseRegistry::read(fixture.tree(), "1.1.0").unwrap();
    assert_eq!(copy.running().vsn, "1.1.0");
    copy.installed("1.0.0").unwrap();
    assert_eq!(copy.running().vsn, "1.0.0");
    assert_eq!(registry.running().vsn, "1.1.0");
    fixture.is_as(&before, "the tree");
    assert!(ReleaseRegistry::read(fixture.tree(), "9").is_err());
}
