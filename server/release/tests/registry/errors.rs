//! Errors name the fault and the correct form, also for errors of the operating system.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use expect_test::expect;

use crate::fixture::Fixture;

#[test]
fn a_status_that_is_wrong_comes_with_what_would_be_right() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    let error = registry.make_permanent("1.1.0").unwrap_err();
    expect!["boot release 1.1.0 next time: it is unpacked; install it first"]
        .assert_eq(&error.to_string());
    let error = registry.reboot_old("1.1.0").unwrap_err();
    expect!["boot release 1.1.0 next time: it is unpacked; only a release that ran before can be started again this way"]
        .assert_eq(&error.to_string());
    let error = registry.remove("1.0.0").unwrap_err();
    expect!["remove release 1.0.0: it is permanent; the node boots it next time; make another release permanent first"]
        .assert_eq(&error.to_string());
}

#[test]
fn a_list_that_somebody_has_broken_meanwhile_is_not_believed() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    fs::write(fixture.path("releases/RELEASES"), "broken").unwrap();
    fs::create_dir(fixture.path(".office")).unwrap();
    let error = registry.remove("1.1.0").unwrap_err();
    assert!(error.to_string().contains("RELEASES"), "{error}");
    assert!(fixture.path("lib/talk-1.1.0").exists());
}

#[test]
fn what_cannot_be_written_is_named() {
    let fixture = Fixture::new();
    let mut registry = fixture.open("1.0.0");
    // A file in the place of the work directory: even root cannot create a directory there.
    fs::write(fixture.path(".office"), "").unwrap();
    fs::set_permissions(fixture.path(".office"), fs::Permissions::from_mode(0o444)).unwrap();
    let error = registry.tmp_current("1.0.0").unwrap_err();
    assert!(error.to_string().contains(".office"), "{error}");
    let term = error.to_term().to_string();
    assert!(
        term.starts_with("{eexist,") || term.starts_with("{enotdir,"),
        "{term}"
    );
}
