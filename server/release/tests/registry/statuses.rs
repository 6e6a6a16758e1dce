//! One test for each row of the table of statuses: in memory, on the disk, and after a restart of the node.

use crate::fixture::{Fixture, on_disk, shown};

/// A tree in which 1.0.0 runs and 1.2.0 and 1.1.0 are unpacked.
fn fixture() -> (Fixture, pq_release::registry::ReleaseRegistry) {
    let fixture = Fixture::new();
    let registry = fixture.with(&["1.1.0", "1.2.0"]);
    (fixture, registry)
}

#[test]
fn what_is_unpacked_comes_first_and_is_unpacked() {
    let (fixture, registry) = fixture();
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent"
    );
    assert_eq!(
        on_disk(&fixture),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0"
    );
    assert_eq!(registry.running().vsn, "1.0.0");
}

#[test]
fn an_installed_release_is_current_until_the_node_ends() {
    let (fixture, mut registry) = fixture();
    registry.installed("1.1.0").unwrap();
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 current, 1.0.0 permanent"
    );
    assert_eq!(registry.running().vsn, "1.1.0");
    let disk = "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&fixture), disk);
    let registry = fixture.open("1.0.0");
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent"
    );
}

#[test]
fn the_next_release_makes_the_current_one_old_and_the_permanent_one_stays() {
    let (_house, mut registry) = fixture();
    registry.installed("1.1.0").unwrap();
    registry.installed("1.2.0").unwrap();
    assert_eq!(
        shown(&registry),
        "1.2.0 current, 1.1.0 old, 1.0.0 permanent"
    );
    registry.installed("1.0.0").unwrap();
    assert_eq!(shown(&registry), "1.2.0 old, 1.1.0 old, 1.0.0 permanent");
    assert_eq!(registry.running().vsn, "1.0.0");
    registry.installed("1.1.0").unwrap();
    assert_eq!(
        shown(&registry),
        "1.2.0 old, 1.1.0 current, 1.0.0 permanent"
    );
}

#[test]
fn a_permanent_release_boots_and_the_one_before_is_old() {
    let (fixture, mut registry) = fixture();
    registry.installed("1.1.0").unwrap();
    registry.make_permanent("1.1.0").unwrap();
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 permanent, 1.0.0 old"
    );
    let disk = "1.2.0 unpacked, 1.1.0 permanent, 1.0.0 old; boots 1.0.0 1.1.0";
    assert_eq!(on_disk(&fixture), disk);
    assert_eq!(fixture.tree().boot().unwrap().rel.vsn, "1.1.0");
    let before = fixture.snapshot();
    registry.make_permanent("1.1.0").unwrap();
    fixture.is_as(&before, "the tree");
    let registry = fixture.open("1.1.0");
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 permanent, 1.0.0 old"
    );
}

#[test]
fn only_what_runs_becomes_permanent() {
    let (fixture, mut registry) = fixture();
    let before = fixture.snapshot();
    let refused = |registry: &mut pq_release::registry::ReleaseRegistry, vsn| {
        registry
            .make_permanent(vsn)
            .unwrap_err()
            .to_term()
            .to_string()
    };
    assert_eq!(refused(&mut registry, "1.1.0"), "{bad_status,unpacked}");
    registry.installed("1.1.0").unwrap();
    registry.installed("1.2.0").unwrap();
    assert_eq!(refused(&mut registry, "1.1.0"), "{bad_status,old}");
    assert_eq!(refused(&mut registry, "9"), "{no_such_release,\"9\"}");
    fixture.is_as(&before, "the tree");
}

#[test]
fn an_old_release_is_started_again_and_permanent() {
    let (fixture, mut registry) = fixture();
    let refused = |registry: &mut pq_release::registry::ReleaseRegistry, vsn| {
        registry.reboot_old(vsn).unwrap_err().to_term().to_string()
    };
    assert_eq!(refused(&mut registry, "1.1.0"), "{bad_status,unpacked}");
    assert_eq!(refused(&mut registry, "1.0.0"), "{bad_status,permanent}");
    assert_eq!(refused(&mut registry, "9"), "{no_such_release,\"9\"}");
    registry.installed("1.1.0").unwrap();
    assert_eq!(refused(&mut registry, "1.1.0"), "{bad_status,current}");
    registry.make_permanent("1.1.0").unwrap();
    registry.reboot_old("1.0.0").unwrap();
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 old, 1.0.0 permanent"
    );
    assert_eq!(
        registry.running().vsn,
        "1.1.0",
        "until the node starts again"
    );
    let disk = "1.2.0 unpacked, 1.1.0 old, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&fixture), disk);
    let registry = fixture.open("1.0.0");
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 old, 1.0.0 permanent"
    );
}

#[test]
fn a_release_for_the_restart_under_way_runs_once() {
    let (fixture, mut registry) = fixture();
    registry.tmp_current("1.1.0").unwrap();
    let disk = "1.2.0 unpacked, 1.1.0 tmp_current, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&fixture), disk);
    assert_eq!(registry.running().vsn, "1.0.0");
    let registry = fixture.open("1.1.0");
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 current, 1.0.0 permanent"
    );
    let disk = "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&fixture), disk);
    let registry = fixture.open("1.0.0");
    assert_eq!(
        shown(&registry),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent"
    );
}

#[test]
fn a_restart_that_ended_elsewhere_leaves_the_release_unpacked() {
    let (fixture, mut registry) = fixture();
    registry.installed("1.2.0").unwrap();
    registry.tmp_current("1.1.0").unwrap();
    assert_eq!(
        shown(&registry),
        "1.2.0 old, 1.1.0 tmp_current, 1.0.0 permanent"
    );
    let registry = fixture.open("1.0.0");
    assert_eq!(
        shown(&registry),
        "1.2.0 old, 1.1.0 unpacked, 1.0.0 permanent"
    );
    let mut registry = fixture.open("1.0.0");
    let refused = registry.tmp_current("9").unwrap_err().to_term().to_string();
    assert_eq!(refused, "{no_such_release,\"9\"}");
}

#[test]
fn a_release_that_could_not_boot_does_not_become_the_permanent_one() {
    for (damage, expected) in [(true, "wrong_checksum"), (false, "no_such_file")] {
        let (fixture, mut registry) = fixture();
        registry.installed("1.1.0").unwrap();
        let library = pq_release::layout::library(&fixture.root(), "talk", "1.1.0");
        match damage {
            true => std::fs::write(&library, "other bytes").unwrap(),
            false => std::fs::remove_file(&library).unwrap(),
        }
        let before = on_disk(&fixture);
        let refused = registry
            .make_permanent("1.1.0")
            .unwrap_err()
            .to_term()
            .to_string();
        assert!(refused.contains(expected), "{refused}");
        assert_eq!(on_disk(&fixture), before);
        registry.installed("1.0.0").unwrap();
        let refused = registry
            .reboot_old("1.1.0")
            .unwrap_err()
            .to_term()
            .to_string();
        assert!(refused.contains(expected), "{refused}");
        assert_eq!(on_disk(&fixture), before);
    }
}
