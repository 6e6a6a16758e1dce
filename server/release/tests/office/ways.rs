//! Which way leads from the release that runs to another.

use std::fs;

use expect_test::expect;
use pq_otp::Direction;
use pq_release::instruction::Instruction;
use pq_release::office::Planned;

use crate::fixture::House;

#[test]
fn a_way_up_stands_with_the_new_release_and_a_way_down_too() {
    let house = House::new();
    let mut office = house.with(&["1.1.0"]);
    let up = Planned {
        from: "1.0.0".into(),
        to: "1.1.0".into(),
        direction: Direction::Up,
        description: pq_term::Term::string("up to 1.1.0"),
        script: vec![Instruction::PointOfNoReturn],
    };
    assert_eq!(office.way_to("1.1.0").unwrap(), up);
    office.installed("1.1.0").unwrap();
    let down = Planned {
        from: "1.1.0".into(),
        to: "1.0.0".into(),
        direction: Direction::Down,
        description: pq_term::Term::string("back from 1.1.0"),
        ..up
    };
    assert_eq!(office.way_to("1.0.0").unwrap(), down);
}

#[test]
fn where_there_is_no_way_the_ways_that_there_are_are_listed() {
    let house = House::new();
    let mut office = house.with(&["1.1.0", "1.2.0"]);
    let error = office.way_to("1.2.0").unwrap_err();
    expect!["install release 1.2.0: there is no way from 1.0.0 to 1.2.0; there are: 1.1.0 to 1.2.0, 1.2.0 to 1.1.0, 1.0.0 to 1.1.0, 1.1.0 to 1.0.0"]
        .assert_eq(&error.to_string());
    assert_eq!(
        error.to_term().to_string(),
        r#"{no_matching_relup,"1.2.0","1.0.0"}"#
    );
    office.remove("1.1.0").unwrap();
    let error = office.way_to("1.2.0").unwrap_err();
    expect!["install release 1.2.0: there is no way from 1.0.0 to 1.2.0; no `relup` in the tree has one between two of its releases"]
        .assert_eq(&error.to_string());
}

#[test]
fn what_runs_is_installed_already_and_what_is_not_there_cannot_be() {
    let house = House::new();
    let mut office = house.with(&["1.1.0"]);
    let refused = |office: &pq_release::office::Office, vsn| {
        office.way_to(vsn).unwrap_err().to_term().to_string()
    };
    assert_eq!(refused(&office, "1.0.0"), r#"{already_installed,"1.0.0"}"#);
    office.installed("1.1.0").unwrap();
    assert_eq!(refused(&office, "1.1.0"), r#"{already_installed,"1.1.0"}"#);
    let error = office.way_to("9").unwrap_err();
    expect!["find release 9: there is none; there are: 1.1.0, 1.0.0"].assert_eq(&error.to_string());
    assert_eq!(refused(&office, "9"), r#"{no_such_release,"9"}"#);
}

#[test]
fn a_relup_that_cannot_be_read_is_an_error_and_not_a_missing_way() {
    let house = House::new();
    let office = house.with(&["1.1.0"]);
    let file = house.path("releases/1.1.0/relup");
    fs::remove_file(house.path("releases/1.1.0/SHA256SUMS")).unwrap();
    for text in [
        "{",
        "{\"1.1.0\",[]}.",
        "{\"1.2.0\",[{\"1.0.0\",[],[]}],[]}.",
    ] {
        fs::write(&file, text).unwrap();
        let term = office.way_to("1.1.0").unwrap_err().to_term().to_string();
        assert_eq!(term, format!("{{bad_relup_file,\"{}\"}}", file.display()));
    }
}
