//! Removes releases, and checks which files have to stay.

use std::fs;
use std::os::unix::fs::symlink;

use expect_test::expect;
use pq_release::registry::ReleaseRegistry;

use crate::fixture::{Fixture, RELEASES, on_disk, shown};

fn refused(result: Result<(), pq_release::registry::RegistryError>) -> String {
    result.unwrap_err().to_term().to_string()
}

#[test]
fn a_removed_release_leaves_the_tree_as_it_was_before_it_came() {
    let fixture = Fixture::new();
    let before = fixture.snapshot();
    let mut registry = fixture.with(&["1.1.0"]);
    registry.remove("1.1.0").unwrap();
    fixture.is_as(&before, "the tree");
    assert_eq!(shown(&registry), "1.0.0 permanent");
    assert_eq!(
        refused(registry.remove("1.1.0")),
        r#"{no_such_release,"1.1.0"}"#
    );
}

#[test]
fn what_another_release_uses_stays() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0", "1.2.0"]);
    registry.installed("1.2.0").unwrap();
    registry.make_permanent("1.2.0").unwrap();
    registry.remove("1.0.0").unwrap();
    assert!(!fixture.path("lib/talk-1.0.0").exists());
    assert!(fixture.path("lib/quest-1.0.0").exists(), "1.1.0 has it too");
    registry.remove("1.1.0").unwrap();
    assert!(!fixture.path("lib/quest-1.0.0").exists());
    assert_eq!(fixture.tree().boot().unwrap().rel.vsn, "1.2.0");
}

#[test]
fn what_a_release_uses_that_is_laid_out_and_not_listed_stays() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.2.0"]);
    RELEASES[1].lay_out(&fixture.root());
    registry.installed("1.2.0").unwrap();
    registry.make_permanent("1.2.0").unwrap();
    registry.remove("1.0.0").unwrap();
    assert!(!fixture.path("lib/talk-1.0.0").exists());
    assert!(fixture.path("lib/quest-1.0.0").exists(), "1.1.0 has it too");
    fixture.tree().boot_vsn("1.1.0").unwrap();
}

#[test]
fn what_runs_and_what_boots_next_time_stays() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0", "1.2.0"]);
    let both = |registry: &mut ReleaseRegistry, vsn| {
        let removed = registry.remove(vsn).unwrap_err();
        assert_eq!(
            refused(registry.set_removed(vsn)),
            removed.to_term().to_string()
        );
        removed
    };
    let before = fixture.snapshot();
    assert_eq!(
        both(&mut registry, "1.0.0").to_term().to_string(),
        r#"{permanent,"1.0.0"}"#
    );
    registry.installed("1.1.0").unwrap();
    let error = both(&mut registry, "1.1.0");
    assert_eq!(error.to_term().to_string(), r#"{current,"1.1.0"}"#);
    expect!["remove release 1.1.0: it is current; the node runs it; install another release first"]
        .assert_eq(&error.to_string());
    fixture.is_as(&before, "the tree");

    registry.make_permanent("1.1.0").unwrap();
    registry.reboot_old("1.0.0").unwrap();
    assert_eq!(
        both(&mut registry, "1.1.0").to_term().to_string(),
        r#"{current,"1.1.0"}"#
    );
    registry.tmp_current("1.2.0").unwrap();
    assert_eq!(
        both(&mut registry, "1.2.0").to_term().to_string(),
        r#"{tmp_current,"1.2.0"}"#
    );
}

#[test]
fn a_release_whose_files_are_damaged_can_be_removed() {
    let fixture = Fixture::new();
    let before = fixture.snapshot();
    let mut registry = fixture.with(&["1.1.0"]);
    fs::remove_dir_all(fixture.path("lib/talk-1.1.0")).unwrap();
    fs::remove_file(fixture.path("releases/1.1.0/pq.rel")).unwrap();
    registry.remove("1.1.0").unwrap();
    fixture.is_as(&before, "the tree");
}

#[test]
fn a_link_goes_and_what_it_leads_to_stays() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    let precious = fixture.beside("precious");
    fs::rename(fixture.path("lib/talk-1.1.0"), &precious).unwrap();
    symlink(&precious, fixture.path("lib/talk-1.1.0")).unwrap();
    let linked = fixture.beside("linked");
    fs::create_dir(&linked).unwrap();
    fs::write(linked.join("file"), "stays").unwrap();
    symlink(&linked, fixture.path("releases/1.1.0/link")).unwrap();
    registry.remove("1.1.0").unwrap();
    assert!(fs::symlink_metadata(fixture.path("lib/talk-1.1.0")).is_err());
    assert!(precious.join("ebin/talk.app").exists());
    assert_eq!(fs::read_to_string(linked.join("file")).unwrap(), "stays");
}

#[test]
fn a_release_that_is_set_removed_keeps_its_files() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    registry.set_removed("1.1.0").unwrap();
    assert_eq!(on_disk(&fixture), "1.0.0 permanent; boots 1.0.0 1.0.0");
    fixture.tree().boot_vsn("1.1.0").unwrap();
    assert_eq!(
        refused(registry.set_removed("1.1.0")),
        r#"{no_such_release,"1.1.0"}"#
    );
}
