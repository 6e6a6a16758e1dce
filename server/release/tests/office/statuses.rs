//! One test for each row of the table of statuses: in memory, on the disk, and after the node has started again.

use crate::fixture::{House, on_disk, shown};

/// A tree with 1.2.0 and 1.1.0 unpacked beside 1.0.0, which runs.
fn house() -> (House, pq_release::office::Office) {
    let house = House::new();
    let office = house.with(&["1.1.0", "1.2.0"]);
    (house, office)
}

#[test]
fn what_is_unpacked_comes_first_and_is_unpacked() {
    let (house, office) = house();
    assert_eq!(
        shown(&office),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent"
    );
    assert_eq!(
        on_disk(&house),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0"
    );
    assert_eq!(office.running().vsn, "1.0.0");
}

#[test]
fn an_installed_release_is_current_until_the_node_ends() {
    let (house, mut office) = house();
    office.installed("1.1.0").unwrap();
    assert_eq!(
        shown(&office),
        "1.2.0 unpacked, 1.1.0 current, 1.0.0 permanent"
    );
    assert_eq!(office.running().vsn, "1.1.0");
    let disk = "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&house), disk);
    let office = house.open("1.0.0");
    assert_eq!(
        shown(&office),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent"
    );
}

#[test]
fn the_next_release_makes_the_current_one_old_and_the_permanent_one_stays() {
    let (_house, mut office) = house();
    office.installed("1.1.0").unwrap();
    office.installed("1.2.0").unwrap();
    assert_eq!(shown(&office), "1.2.0 current, 1.1.0 old, 1.0.0 permanent");
    office.installed("1.0.0").unwrap();
    assert_eq!(shown(&office), "1.2.0 old, 1.1.0 old, 1.0.0 permanent");
    assert_eq!(office.running().vsn, "1.0.0");
    office.installed("1.1.0").unwrap();
    assert_eq!(shown(&office), "1.2.0 old, 1.1.0 current, 1.0.0 permanent");
}

#[test]
fn a_permanent_release_boots_and_the_one_before_is_old() {
    let (house, mut office) = house();
    office.installed("1.1.0").unwrap();
    office.make_permanent("1.1.0").unwrap();
    assert_eq!(shown(&office), "1.2.0 unpacked, 1.1.0 permanent, 1.0.0 old");
    let disk = "1.2.0 unpacked, 1.1.0 permanent, 1.0.0 old; boots 1.0.0 1.1.0";
    assert_eq!(on_disk(&house), disk);
    assert_eq!(house.tree().boot().unwrap().rel.vsn, "1.1.0");
    let before = house.snapshot();
    office.make_permanent("1.1.0").unwrap();
    house.is_as(&before, "the tree");
    let office = house.open("1.1.0");
    assert_eq!(shown(&office), "1.2.0 unpacked, 1.1.0 permanent, 1.0.0 old");
}

#[test]
fn only_what_runs_becomes_permanent() {
    let (house, mut office) = house();
    let before = house.snapshot();
    let refused = |office: &mut pq_release::office::Office, vsn| {
        office
            .make_permanent(vsn)
            .unwrap_err()
            .to_term()
            .to_string()
    };
    assert_eq!(refused(&mut office, "1.1.0"), "{bad_status,unpacked}");
    office.installed("1.1.0").unwrap();
    office.installed("1.2.0").unwrap();
    assert_eq!(refused(&mut office, "1.1.0"), "{bad_status,old}");
    assert_eq!(refused(&mut office, "9"), "{no_such_release,\"9\"}");
    house.is_as(&before, "the tree");
}

#[test]
fn an_old_release_is_started_again_and_permanent() {
    let (house, mut office) = house();
    let refused = |office: &mut pq_release::office::Office, vsn| {
        office.reboot_old(vsn).unwrap_err().to_term().to_string()
    };
    assert_eq!(refused(&mut office, "1.1.0"), "{bad_status,unpacked}");
    assert_eq!(refused(&mut office, "1.0.0"), "{bad_status,permanent}");
    assert_eq!(refused(&mut office, "9"), "{no_such_release,\"9\"}");
    office.installed("1.1.0").unwrap();
    assert_eq!(refused(&mut office, "1.1.0"), "{bad_status,current}");
    office.make_permanent("1.1.0").unwrap();
    office.reboot_old("1.0.0").unwrap();
    assert_eq!(shown(&office), "1.2.0 unpacked, 1.1.0 old, 1.0.0 permanent");
    assert_eq!(office.running().vsn, "1.1.0", "until the node starts again");
    let disk = "1.2.0 unpacked, 1.1.0 old, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&house), disk);
    let office = house.open("1.0.0");
    assert_eq!(shown(&office), "1.2.0 unpacked, 1.1.0 old, 1.0.0 permanent");
}

#[test]
fn a_release_for_the_restart_under_way_runs_once() {
    let (house, mut office) = house();
    office.tmp_current("1.1.0").unwrap();
    let disk = "1.2.0 unpacked, 1.1.0 tmp_current, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&house), disk);
    assert_eq!(office.running().vsn, "1.0.0");
    let office = house.open("1.1.0");
    assert_eq!(
        shown(&office),
        "1.2.0 unpacked, 1.1.0 current, 1.0.0 permanent"
    );
    let disk = "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent; boots 1.0.0 1.0.0";
    assert_eq!(on_disk(&house), disk);
    let office = house.open("1.0.0");
    assert_eq!(
        shown(&office),
        "1.2.0 unpacked, 1.1.0 unpacked, 1.0.0 permanent"
    );
}

#[test]
fn a_restart_that_ended_elsewhere_leaves_the_release_unpacked() {
    let (house, mut office) = house();
    office.installed("1.2.0").unwrap();
    office.tmp_current("1.1.0").unwrap();
    assert_eq!(
        shown(&office),
        "1.2.0 old, 1.1.0 tmp_current, 1.0.0 permanent"
    );
    let office = house.open("1.0.0");
    assert_eq!(shown(&office), "1.2.0 old, 1.1.0 unpacked, 1.0.0 permanent");
    let mut office = house.open("1.0.0");
    let refused = office.tmp_current("9").unwrap_err().to_term().to_string();
    assert_eq!(refused, "{no_such_release,\"9\"}");
}

#[test]
fn a_release_that_could_not_boot_does_not_become_the_permanent_one() {
    for (damage, expected) in [(true, "wrong_checksum"), (false, "no_such_file")] {
        let (house, mut office) = house();
        office.installed("1.1.0").unwrap();
        let library = pq_release::layout::library(&house.root(), "talk", "1.1.0");
        match damage {
            true => std::fs::write(&library, "other bytes").unwrap(),
            false => std::fs::remove_file(&library).unwrap(),
        }
        let before = on_disk(&house);
        let refused = office
            .make_permanent("1.1.0")
            .unwrap_err()
            .to_term()
            .to_string();
        assert!(refused.contains(expected), "{refused}");
        assert_eq!(on_disk(&house), before);
        office.installed("1.0.0").unwrap();
        let refused = office
            .reboot_old("1.1.0")
            .unwrap_err()
            .to_term()
            .to_string();
        assert!(refused.contains(expected), "{refused}");
        assert_eq!(on_disk(&house), before);
    }
}
