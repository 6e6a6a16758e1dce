//! Opening the office of a tree whose files disagree, are missing, or were left in the middle of something.

use std::fs;

use pq_release::office::Office;

use crate::fixture::{House, RELEASES, on_disk, shown};

#[test]
fn an_untouched_tree_stays_untouched() {
    let house = House::new();
    let before = house.snapshot();
    assert_eq!(shown(&house.open("1.0.0")), "1.0.0 permanent");
    house.is_as(&before, "the tree");
}

#[test]
fn start_erl_is_right_about_what_boots_whichever_file_was_written_last() {
    let house = House::new();
    let mut office = house.with(&["1.1.0"]);
    let read = || {
        let read = |name| fs::read(house.path(name)).unwrap();
        (read("releases/start_erl.data"), read("releases/RELEASES"))
    };
    let (start_before, list_before) = read();
    office.installed("1.1.0").unwrap();
    office.make_permanent("1.1.0").unwrap();
    let (start_after, list_after) = read();

    fs::write(house.path("releases/RELEASES"), &list_before).unwrap();
    assert_eq!(house.tree().boot().unwrap().rel.vsn, "1.1.0");
    assert_eq!(shown(&house.open("1.1.0")), "1.1.0 permanent, 1.0.0 old");
    assert_eq!(
        on_disk(&house),
        "1.1.0 permanent, 1.0.0 old; boots 1.0.0 1.1.0"
    );
    assert_eq!(read(), (start_after, list_after));

    fs::write(house.path("releases/start_erl.data"), start_before).unwrap();
    assert_eq!(shown(&house.open("1.0.0")), "1.1.0 old, 1.0.0 permanent");
    assert_eq!(
        on_disk(&house),
        "1.1.0 old, 1.0.0 permanent; boots 1.0.0 1.0.0"
    );
}

#[test]
fn a_missing_list_is_made_of_what_runs_and_what_boots_with_their_applications() {
    let house = House::new();
    RELEASES[1].lay_out(&house.root());
    fs::remove_file(house.path("releases/RELEASES")).unwrap();
    let office = house.open("1.1.0");
    assert_eq!(shown(&office), "1.1.0 current, 1.0.0 permanent");
    let libs = &office.running().libs;
    let folders: Vec<_> = libs.iter().map(|lib| lib.folder.as_str()).collect();
    let expected = [
        "lib/kernel-1.0.0",
        "lib/stdlib-1.0.0",
        "lib/quest-1.0.0",
        "lib/talk-1.1.0",
    ];
    assert_eq!(folders, expected);
    assert_eq!(
        on_disk(&house),
        "1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0"
    );
}

#[test]
fn a_missing_start_erl_names_the_permanent_release_or_else_what_runs() {
    let house = House::new();
    let mut office = house.with(&["1.1.0"]);
    office.installed("1.1.0").unwrap();
    office.make_permanent("1.1.0").unwrap();
    fs::remove_file(house.path("releases/start_erl.data")).unwrap();
    assert_eq!(
        shown(&house.open("1.0.0")),
        "1.1.0 permanent, 1.0.0 current"
    );
    assert_eq!(
        on_disk(&house),
        "1.1.0 permanent, 1.0.0 old; boots 1.0.0 1.1.0"
    );

    fs::remove_file(house.path("releases/start_erl.data")).unwrap();
    fs::remove_file(house.path("releases/RELEASES")).unwrap();
    assert_eq!(shown(&house.open("1.0.0")), "1.0.0 permanent");
    assert_eq!(on_disk(&house), "1.0.0 permanent; boots 1.0.0 1.0.0");
}

#[test]
fn what_was_laid_out_and_runs_is_listed() {
    let house = House::new();
    RELEASES[1].lay_out(&house.root());
    assert_eq!(shown(&house.open("1.0.0")), "1.0.0 permanent");
    assert_eq!(
        shown(&house.open("1.1.0")),
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
        let house = House::new();
        fs::write(house.path(file), text).unwrap();
        let before = house.snapshot();
        assert!(Office::open(house.tree(), "1.0.0").is_err(), "{text}");
        house.is_as(&before, "the tree");
    }
    let house = House::new();
    assert!(Office::open(house.tree(), "9").is_err());
}

#[test]
fn what_an_interrupted_unpack_left_is_gone() {
    let house = House::new();
    house.with(&["1.1.0"]);
    let before = house.snapshot();
    fs::create_dir_all(house.path(".office/staging/lib/talk-1.2.0")).unwrap();
    fs::create_dir_all(house.path("lib/talk-1.2.0/ebin")).unwrap();
    fs::write(house.path("lib/talk-1.2.0/ebin/talk.app"), "new").unwrap();
    let journal =
        "lib/talk-1.2.0\nlib/talk-1.1.0\nreleases/1.1.0\nreleases/1.0.0\nlib/quest-1.0.0\n";
    fs::write(house.path(".office/journal"), journal).unwrap();
    house.open("1.0.0");
    house.is_as(&before, "the tree");
}

#[test]
fn a_journal_that_names_other_places_removes_nothing_there() {
    let house = House::new();
    let before = house.snapshot();
    fs::create_dir(house.beside("precious")).unwrap();
    fs::create_dir(house.path(".office")).unwrap();
    let journal = "lib\nreleases\nlib/..\nlib/../../precious\n/etc\n../precious\nlib/\nother/x\n";
    fs::write(house.path(".office/journal"), journal).unwrap();
    house.open("1.0.0");
    house.is_as(&before, "the tree");
    assert!(house.beside("precious").exists());
}
