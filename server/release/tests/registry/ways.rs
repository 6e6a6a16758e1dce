//! Finds the way from the running release to another.

use std::fs;

use expect_test::expect;
use pq_otp::Direction;
use pq_release::instruction::Instruction;
use pq_release::registry::Planned;

use crate::fixture::Fixture;

#[test]
fn a_way_up_stands_with_the_new_release_and_a_way_down_too() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    let up = Planned {
        from: "1.0.0".into(),
        to: "1.1.0".into(),
        direction: Direction::Up,
        description: pq_term::Term::string("up to 1.1.0"),
        script: vec![Instruction::PointOfNoReturn],
    };
    assert_eq!(registry.way_to("1.1.0").unwrap(), up);
    registry.installed("1.1.0").unwrap();
    let down = Planned {
        from: "1.1.0".into(),
        to: "1.0.0".into(),
        direction: Direction::Down,
        description: pq_term::Term::string("back from 1.1.0"),
        ..up
    };
    assert_eq!(registry.way_to("1.0.0").unwrap(), down);
}

#[test]
fn where_there_is_no_way_the_ways_that_there_are_are_listed() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0", "1.2.0"]);
    let error = registry.way_to("1.2.0").unwrap_err();
    expect![[r#"install release 1.2.0: there is no way from 1.0.0 to 1.2.0; there are: 1.1.0 to 1.2.0, 1.2.0 to 1.1.0, 1.0.0 to 1.1.0, 1.1.0 to 1.0.0; none can be composed: releases/1.2.0/pq.rel: line 2: release pq 1.2.0 has no `sasl`, which does the upgrading; an entry `{sasl, Vsn}` would be right ({missing_sasl,{'#release',"pq","1.2.0"}})"#]]
        .assert_eq(&error.to_string());
    assert_eq!(
        error.to_term().to_string(),
        r#"{no_matching_relup,"1.2.0","1.0.0"}"#
    );
    registry.remove("1.1.0").unwrap();
    let error = registry.way_to("1.2.0").unwrap_err();
    expect![[r#"install release 1.2.0: there is no way from 1.0.0 to 1.2.0; no `relup` in the tree has a way between two of its releases; none can be composed: releases/1.2.0/pq.rel: line 2: release pq 1.2.0 has no `sasl`, which does the upgrading; an entry `{sasl, Vsn}` would be right ({missing_sasl,{'#release',"pq","1.2.0"}})"#]]
        .assert_eq(&error.to_string());
}

#[test]
fn what_runs_is_installed_already_and_what_is_not_there_cannot_be() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    let refused = |registry: &pq_release::registry::ReleaseRegistry, vsn| {
        registry.way_to(vsn).unwrap_err().to_term().to_string()
    };
    assert_eq!(
        refused(&registry, "1.0.0"),
        r#"{already_installed,"1.0.0"}"#
    );
    registry.installed("1.1.0").unwrap();
    assert_eq!(
        refused(&registry, "1.1.0"),
        r#"{already_installed,"1.1.0"}"#
    );
    let error = registry.way_to("9").unwrap_err();
    expect![
        "find release 9: there is none; there are: 1.1.0, 1.0.0; `pq unpack` adds the release of a package"
    ]
    .assert_eq(&error.to_string());
    assert_eq!(refused(&registry, "9"), r#"{no_such_release,"9"}"#);
}

#[test]
fn a_relup_that_cannot_be_read_is_an_error_and_not_a_missing_way() {
    let fixture = Fixture::new();
    let registry = fixture.with(&["1.1.0"]);
    let file = fixture.path("releases/1.1.0/relup");
    fs::remove_file(fixture.path("releases/1.1.0/SHA256SUMS")).unwrap();
    for text in [
        "{",
        "{\"1.1.0\",[]}.",
        "{\"1.2.0\",[{\"1.0.0\",[],[]}],[]}.",
    ] {
        fs::write(&file, text).unwrap();
        let term = registry.way_to("1.1.0").unwrap_err().to_term().to_string();
        assert_eq!(term, format!("{{bad_relup_file,\"{}\"}}", file.display()));
    }
}
