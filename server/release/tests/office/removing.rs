//! Releases that go, and what has to stay.

use std::fs;
use std::os::unix::fs::symlink;

use expect_test::expect;
use pq_release::office::Office;

use crate::fixture::{House, RELEASES, on_disk, shown};

fn refused(result: Result<(), pq_release::office::OfficeError>) -> String {
    result.unwrap_err().to_term().to_string()
}

#[test]
fn a_removed_release_leaves_the_tree_as_it_was_before_it_came() {
    let house = House::new();
    let before = house.snapshot();
    let mut office = house.with(&["1.1.0"]);
    office.remove("1.1.0").unwrap();
    house.is_as(&before, "the tree");
    assert_eq!(shown(&office), "1.0.0 permanent");
    assert_eq!(
        refused(office.remove("1.1.0")),
        r#"{no_such_release,"1.1.0"}"#
    );
}

#[test]
fn what_another_release_uses_stays() {
    let house = House::new();
    let mut office = house.with(&["1.1.0", "1.2.0"]);
    office.installed("1.2.0").unwrap();
    office.make_permanent("1.2.0").unwrap();
    office.remove("1.0.0").unwrap();
    assert!(!house.path("lib/talk-1.0.0").exists());
    assert!(house.path("lib/quest-1.0.0").exists(), "1.1.0 has it too");
    office.remove("1.1.0").unwrap();
    assert!(!house.path("lib/quest-1.0.0").exists());
    assert_eq!(house.tree().boot().unwrap().rel.vsn, "1.2.0");
}

#[test]
fn what_a_release_uses_that_is_laid_out_and_not_listed_stays() {
    let house = House::new();
    let mut office = house.with(&["1.2.0"]);
    RELEASES[1].lay_out(&house.root());
    office.installed("1.2.0").unwrap();
    office.make_permanent("1.2.0").unwrap();
    office.remove("1.0.0").unwrap();
    assert!(!house.path("lib/talk-1.0.0").exists());
    assert!(house.path("lib/quest-1.0.0").exists(), "1.1.0 has it too");
    house.tree().boot_vsn("1.1.0").unwrap();
}

#[test]
fn what_runs_and_what_boots_next_time_stays() {
    let house = House::new();
    let mut office = house.with(&["1.1.0", "1.2.0"]);
    let both = |office: &mut Office, vsn| {
        let removed = office.remove(vsn).unwrap_err();
        assert_eq!(
            refused(office.set_removed(vsn)),
            removed.to_term().to_string()
        );
        removed
    };
    let before = house.snapshot();
    assert_eq!(
        both(&mut office, "1.0.0").to_term().to_string(),
        r#"{permanent,"1.0.0"}"#
    );
    office.installed("1.1.0").unwrap();
    let error = both(&mut office, "1.1.0");
    assert_eq!(error.to_term().to_string(), r#"{current,"1.1.0"}"#);
    expect!["remove release 1.1.0: it is current; what runs is needed; install another one first"]
        .assert_eq(&error.to_string());
    house.is_as(&before, "the tree");

    office.make_permanent("1.1.0").unwrap();
    office.reboot_old("1.0.0").unwrap();
    assert_eq!(
        both(&mut office, "1.1.0").to_term().to_string(),
        r#"{current,"1.1.0"}"#
    );
    office.tmp_current("1.2.0").unwrap();
    assert_eq!(
        both(&mut office, "1.2.0").to_term().to_string(),
        r#"{tmp_current,"1.2.0"}"#
    );
}

#[test]
fn a_release_whose_files_are_damaged_can_be_removed() {
    let house = House::new();
    let before = house.snapshot();
    let mut office = house.with(&["1.1.0"]);
    fs::remove_dir_all(house.path("lib/talk-1.1.0")).unwrap();
    fs::remove_file(house.path("releases/1.1.0/pq.rel")).unwrap();
    office.remove("1.1.0").unwrap();
    house.is_as(&before, "the tree");
}

#[test]
fn a_link_goes_and_what_it_leads_to_stays() {
    let house = House::new();
    let mut office = house.with(&["1.1.0"]);
    let precious = house.beside("precious");
    fs::rename(house.path("lib/talk-1.1.0"), &precious).unwrap();
    symlink(&precious, house.path("lib/talk-1.1.0")).unwrap();
    let linked = house.beside("linked");
    fs::create_dir(&linked).unwrap();
    fs::write(linked.join("file"), "stays").unwrap();
    symlink(&linked, house.path("releases/1.1.0/link")).unwrap();
    office.remove("1.1.0").unwrap();
    assert!(fs::symlink_metadata(house.path("lib/talk-1.1.0")).is_err());
    assert!(precious.join("ebin/talk.app").exists());
    assert_eq!(fs::read_to_string(linked.join("file")).unwrap(), "stays");
}

#[test]
fn a_release_that_is_set_removed_keeps_its_files() {
    let house = House::new();
    let mut office = house.with(&["1.1.0"]);
    office.set_removed("1.1.0").unwrap();
    assert_eq!(on_disk(&house), "1.0.0 permanent; boots 1.0.0 1.0.0");
    house.tree().boot_vsn("1.1.0").unwrap();
    assert_eq!(
        refused(office.set_removed("1.1.0")),
        r#"{no_such_release,"1.1.0"}"#
    );
}
