//! Releases that were copied into the tree, single files, and the first `RELEASES` of a tree.

use std::fs;
use std::path::Path;

use pq_release::registry::{AppDir, ReleaseRegistry, create_releases};

use crate::fixture::{Fixture, RELEASES, on_disk, shown};

fn dir(name: &str, vsn: &str, dir: &Path) -> AppDir {
    AppDir {
        name: name.to_string(),
        vsn: vsn.to_string(),
        dir: dir.to_path_buf(),
    }
}

/// 1.1.0 with its `talk` in a directory outside the tree.
fn laid_out_elsewhere(fixture: &Fixture) -> (ReleaseRegistry, std::path::PathBuf) {
    RELEASES[1].lay_out(&fixture.root());
    fs::create_dir(fixture.beside("elsewhere")).unwrap();
    fs::rename(
        fixture.path("lib/talk-1.1.0"),
        fixture.beside("elsewhere/talk-1.1.0"),
    )
    .unwrap();
    let rel = fixture.beside("pq.rel");
    fs::rename(fixture.path("releases/1.1.0/pq.rel"), &rel).unwrap();
    (fixture.open("1.0.0"), rel)
}

#[test]
fn a_release_with_an_application_elsewhere_is_listed_and_boots_from_there() {
    let fixture = Fixture::new();
    let (mut registry, rel) = laid_out_elsewhere(&fixture);
    let dirs = [dir("talk", "1.1.0", &fixture.beside("elsewhere"))];
    assert_eq!(registry.set_unpacked(&rel, &dirs).unwrap(), "1.1.0");
    assert_eq!(shown(&registry), "1.1.0 unpacked, 1.0.0 permanent");
    let boot = fixture.tree().boot_vsn("1.1.0").unwrap();
    let elsewhere = fixture.beside("elsewhere/talk-1.1.0/ebin/talk.app");
    assert!(
        boot.applications
            .iter()
            .any(|app| app.app.file == elsewhere)
    );
    let again = registry.set_unpacked(&rel, &dirs).unwrap_err();
    assert_eq!(again.to_term().to_string(), r#"{existing_release,"1.1.0"}"#);
    registry.remove("1.1.0").unwrap();
    assert!(elsewhere.exists(), "what is outside the tree is not ours");
}

#[test]
fn a_release_in_the_tree_is_listed_with_folders_of_the_tree() {
    let fixture = Fixture::new();
    RELEASES[1].lay_out(&fixture.root());
    let mut registry = fixture.open("1.0.0");
    let rel = fixture.path("releases/1.1.0/pq.rel");
    let dirs = [dir("talk", "1.1.0", &fixture.path("lib"))];
    registry.set_unpacked(&rel, &dirs).unwrap();
    let text = fs::read_to_string(fixture.path("releases/RELEASES")).unwrap();
    assert!(
        text.contains(r#"{talk,"1.1.0","lib/talk-1.1.0"}"#),
        "{text}"
    );
    registry.remove("1.1.0").unwrap();
    assert!(!fixture.path("lib/talk-1.1.0").exists());
}

#[test]
fn what_is_not_all_there_is_not_listed() {
    let fixture = Fixture::new();
    let (mut registry, rel) = laid_out_elsewhere(&fixture);
    fs::write(fixture.beside("elsewhere/quest-1.0.0"), "a file").unwrap();
    let before = fixture.snapshot();
    let mut check = |rel: &Path, dirs: &[AppDir], expected: &str| {
        let term = registry.set_unpacked(rel, dirs).unwrap_err().to_term();
        let shown = term
            .to_string()
            .replace(&fixture.beside("").display().to_string(), "");
        assert_eq!(shown, expected);
        fixture.is_as(&before, "the tree");
    };
    check(
        &rel,
        &[],
        r#"{open,"tree/lib/talk-1.1.0/ebin/talk.app",enoent}"#,
    );
    check(
        &rel,
        &[dir("talk", "1.1.0", &fixture.beside("nowhere"))],
        r#"{no_such_directory,"nowhere/talk-1.1.0"}"#,
    );
    check(
        &rel,
        &[dir("quest", "1.0.0", &fixture.beside("elsewhere"))],
        r#"{not_a_directory,"elsewhere/quest-1.0.0"}"#,
    );
    check(
        &rel,
        &[dir("talk", "9", &fixture.beside("elsewhere"))],
        r#"{no_such_application,{"talk","9"}}"#,
    );
    check(&fixture.beside("no.rel"), &[], r#"{no_such_file,"no.rel"}"#);
    fs::write(fixture.beside("bad.rel"), "{").unwrap();
    check(
        &fixture.beside("bad.rel"),
        &[],
        r#"{bad_rel_file,"bad.rel"}"#,
    );
    fs::write(fixture.beside("bad.rel"), "{a}.").unwrap();
    check(
        &fixture.beside("bad.rel"),
        &[],
        "{bad_rel_data,badly_formatted_release}",
    );
}

#[test]
fn another_release_file_in_its_folder_is_not_replaced() {
    let fixture = Fixture::new();
    RELEASES[1].lay_out(&fixture.root());
    let mut registry = fixture.open("1.0.0");
    let rel = fixture.beside("pq.rel");
    fs::write(&rel, format!("{}\n%% another", RELEASES[1].rel())).unwrap();
    let error = registry.set_unpacked(&rel, &[]).unwrap_err();
    let term = r#"{existing_file,"releases/1.1.0/pq.rel",differs}"#;
    assert_eq!(error.to_term().to_string(), term);
}

#[test]
fn a_file_is_copied_into_the_folder_of_a_release() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    for (name, text) in [
        ("sys.config", "[{talk, [{port, 1}]}]."),
        ("relup", "{\"1.1.0\",[],[]}."),
        ("notes.txt", "anything"),
    ] {
        let file = fixture.beside(name);
        fs::write(&file, text).unwrap();
        registry.install_file("1.1.0", &file).unwrap();
        let place = fixture.path("releases/1.1.0").join(name);
        assert_eq!(fs::read_to_string(place).unwrap(), text);
    }
    fixture.tree().boot_vsn("1.1.0").unwrap();
}

#[test]
fn a_file_that_would_break_the_release_is_not_copied() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    let before = fixture.snapshot();
    let mut check = |vsn: &str, name: &str, text: Option<&str>, expected: &str| {
        let file = fixture.beside(name);
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        let term = registry.install_file(vsn, &file).unwrap_err().to_term();
        let shown = term
            .to_string()
            .replace(&fixture.beside("").display().to_string(), "");
        assert_eq!(shown, expected);
        fixture.is_as(&before, "the tree");
    };
    check("9", "sys.config", Some("[]."), r#"{no_such_release,"9"}"#);
    check("1.1.0", "none", None, r#"{enoent,"none"}"#);
    check("1.1.0", "sys.config", Some("[a]."), "{bad_config,a}");
    check("1.1.0", "relup", Some("{"), r#"{bad_relup_file,"relup"}"#);
    check(
        "1.1.0",
        "relup",
        Some("{\"9\",[],[]}."),
        r#"{wrong_vsn,"relup"}"#,
    );
    let other = RELEASES[0].rel();
    check("1.1.0", "pq.rel", Some(&other), r#"{wrong_vsn,"pq.rel"}"#);
    check(
        "1.1.0",
        "other.rel",
        Some(&other),
        r#"{bad_rel_file,"other.rel"}"#,
    );
    check(
        "1.1.0",
        "SHA256SUMS",
        Some(""),
        r#"{bad_file,"SHA256SUMS"}"#,
    );
}

#[test]
fn the_first_list_of_a_tree_has_one_permanent_release() {
    let fixture = Fixture::new();
    let rel = fixture.path("releases/1.0.0/pq.rel");
    let before = fs::read(fixture.path("releases/RELEASES")).unwrap();
    fs::remove_file(fixture.path("releases/RELEASES")).unwrap();
    create_releases(&fixture.root(), &rel, &[]).unwrap();
    assert_eq!(fs::read(fixture.path("releases/RELEASES")).unwrap(), before);
    assert_eq!(on_disk(&fixture), "1.0.0 permanent; boots 1.0.0 1.0.0");
    let nowhere = [dir("talk", "1.0.0", &fixture.beside("nowhere"))];
    assert!(create_releases(&fixture.root(), &rel, &nowhere).is_err());
}
