//! Unpacks correct packages, also into trees with conflicting files.

use std::fs;
use std::os::unix::fs::symlink;

use expect_test::expect;
use pq_release::boot::ReleaseTree;
use pq_release::package::make_tar;

use crate::fixture::{Fixture, Pieces, RELEASES, differing, runtime, shown};

#[test]
fn a_package_becomes_a_release_that_boots() {
    let fixture = Fixture::new();
    let mut registry = fixture.open("1.0.0");
    let package = fixture.package("1.1.0");
    assert_eq!(
        registry.unpack(package.to_str().unwrap()).unwrap().vsn,
        "1.1.0"
    );
    assert_eq!(shown(&registry), "1.1.0 unpacked, 1.0.0 permanent");
    assert_eq!(
        fixture.tree().boot_vsn("1.1.0").unwrap().applications.len(),
        4
    );
    let author = crate::fixture::snapshot(&fixture.beside("author-1.1.0"));
    for (name, bytes) in fixture.snapshot() {
        let is_of_1_1_0 = name.contains("1.1.0/");
        assert!(!is_of_1_1_0 || author[&name] == bytes, "{name}");
    }
    assert!(!fixture.path(".office").exists());
    assert!(!fixture.path("SHA256SUMS").exists() && !fixture.path("releases/pq.rel").exists());
}

#[test]
fn a_package_in_the_tree_is_found_by_its_name_and_stays() {
    let fixture = Fixture::new();
    let mut registry = fixture.open("1.0.0");
    let place = fixture.path("releases/pq-1.1.0.tar.gz");
    fs::copy(fixture.package("1.1.0"), &place).unwrap();
    assert_eq!(registry.unpack("pq-1.1.0").unwrap().vsn, "1.1.0");
    assert!(place.exists());

    let error = registry.unpack("pq-9").unwrap_err();
    let missing = fixture.path("releases/pq-9.tar.gz");
    assert_eq!(
        error.to_term().to_string(),
        format!("{{no_such_file,\"{}\"}}", missing.display())
    );
    assert!(registry.unpack("..").is_err());
    assert!(registry.unpack(fixture.root().to_str().unwrap()).is_err());
}

#[test]
fn a_release_is_unpacked_once() {
    let fixture = Fixture::new();
    let mut registry = fixture.with(&["1.1.0"]);
    let before = fixture.snapshot();
    let package = fixture.package("1.1.0");
    let error = registry.unpack(package.to_str().unwrap()).unwrap_err();
    assert_eq!(error.to_term().to_string(), r#"{existing_release,"1.1.0"}"#);
    expect!["add release 1.1.0: it is there already (unpacked); remove it first, or give the new one another version"]
        .assert_eq(&error.to_string());
    fixture.is_as(&before, "the tree");
}

#[test]
fn an_application_that_is_there_has_to_be_the_same() {
    let fixture = Fixture::new();
    let mut registry = fixture.open("1.0.0");
    let package = fixture.package("1.1.0");
    let check = |registry: &mut pq_release::registry::ReleaseRegistry, file: &str| {
        let before = fixture.snapshot();
        let error = registry.unpack(package.to_str().unwrap()).unwrap_err();
        let (folder, name) = file.split_once("-1.0.0/").unwrap();
        let sentence = format!(
            "put {folder}-1.0.0 in place: it already exists with another `{name}`; different contents need another version"
        );
        assert_eq!(error.to_string(), sentence);
        let term = format!("{{existing_file,\"{file}\",differs}}");
        assert_eq!(error.to_term().to_string(), term);
        fixture.is_as(&before, "the tree");
    };
    let library = fixture.path("lib/quest-1.0.0/priv/quest.so");
    let bytes = fs::read(&library).unwrap();
    fs::write(&library, "other bytes").unwrap();
    check(&mut registry, "lib/quest-1.0.0/priv/quest.so");
    fs::write(&library, &bytes).unwrap();
    let more = fixture.path("lib/quest-1.0.0/priv/more");
    fs::write(&more, "").unwrap();
    check(&mut registry, "lib/quest-1.0.0/priv/more");
    fs::remove_file(&more).unwrap();
    fs::remove_file(&library).unwrap();
    symlink("/dev/null", &library).unwrap();
    check(&mut registry, "lib/quest-1.0.0/priv/quest.so");
    fs::remove_file(&library).unwrap();
    fs::write(&library, &bytes).unwrap();
    link_to_the_same_bytes(&fixture, "lib/quest-1.0.0/ebin/quest.app");
    check(&mut registry, "lib/quest-1.0.0/ebin/quest.app");
    let app = fixture.path("lib/quest-1.0.0/ebin/quest.app");
    fs::rename(fixture.beside("copy"), app).unwrap();
    registry.unpack(package.to_str().unwrap()).unwrap();
}

/// Moves a file away and links to it. The target has the same bytes, and their number equals the size of the link.
fn link_to_the_same_bytes(fixture: &Fixture, name: &str) {
    let (place, copy) = (fixture.path(name), fixture.beside("copy"));
    fs::rename(&place, &copy).unwrap();
    let bytes = fs::read(&copy).unwrap().len();
    let plain = copy.display().to_string();
    let padding = "/".repeat(bytes - plain.len());
    symlink(padding + &plain, &place).unwrap();
}

#[test]
fn a_release_that_is_laid_out_and_the_same_is_only_listed() {
    let fixture = Fixture::new();
    RELEASES[1].lay_out(&fixture.root());
    let before = fixture.snapshot();
    let mut registry = fixture.with(&["1.1.0"]);
    assert_eq!(shown(&registry), "1.1.0 unpacked, 1.0.0 permanent");
    let changed = differing(&fixture.snapshot(), &before);
    assert!(
        changed.iter().all(|name| name == "releases/RELEASES"),
        "{changed:?}"
    );
    registry.remove("1.1.0").unwrap();
}

#[test]
fn a_relup_may_be_missing_where_there_is_no_way() {
    let fixture = Fixture::new();
    let author = fixture.beside("author");
    Pieces {
        other: None,
        ..RELEASES[1]
    }
    .lay_out(&author);
    let tree = ReleaseTree::open(&author, runtime());
    let package = make_tar(&tree, "1.1.0", &fixture.beside("packages")).unwrap();
    let mut registry = fixture.open("1.0.0");
    registry.unpack(package.to_str().unwrap()).unwrap();
    assert!(!fixture.path("releases/1.1.0/relup").exists());
    let refused = registry.way_to("1.1.0").unwrap_err().to_term().to_string();
    assert_eq!(refused, r#"{no_matching_relup,"1.1.0","1.0.0"}"#);
}

#[test]
fn a_release_for_another_node_is_unpacked_and_refused_when_it_is_to_boot() {
    let fixture = Fixture::new();
    let author = fixture.beside("author");
    RELEASES[1].lay_out(&author);
    let rel = author.join("releases/1.1.0/pq.rel");
    let text = fs::read_to_string(&rel).unwrap();
    fs::write(&rel, text.replace("erts, \"1.0.0\"", "erts, \"2.0.0\"")).unwrap();
    fs::remove_file(author.join("releases/1.1.0/SHA256SUMS")).unwrap();
    let tree = ReleaseTree::open(&author, runtime());
    let package = make_tar(&tree, "1.1.0", &fixture.beside("packages")).unwrap();
    let mut registry = fixture.open("1.0.0");
    assert_eq!(
        registry.unpack(package.to_str().unwrap()).unwrap().vsn,
        "1.1.0"
    );
    assert_eq!(registry.which_releases()[0].erts_vsn, "2.0.0");
    let error = fixture.tree().boot_vsn("1.1.0").unwrap_err();
    assert!(error.to_string().contains("it needs erts 2.0.0"), "{error}");
}
