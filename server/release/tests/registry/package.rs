//! Makes packages: their contents, equal bytes of two runs, and releases that are not packed.

use std::fs;
use std::io::Read;
use std::path::Path;

use expect_test::{Expect, expect};
use flate2::read::GzDecoder;
use pq_release::boot::ReleaseTree;
use pq_release::checksums::{Checksums, sha256};
use pq_release::package::make_tar;

use crate::fixture::{Fixture, RELEASES, runtime};

#[test]
fn a_package_holds_the_release_and_a_checksum_for_every_file() {
    let fixture = Fixture::new();
    let package = fixture.package("1.1.0");
    assert_eq!(package, fixture.beside("packages/pq-1.1.0.tar.gz"));
    let mut names = String::new();
    let mut sums = Checksums::default();
    let mut own = String::new();
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(&package).unwrap()));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        names.push_str(&format!("{path}\n"));
        match path.as_str() {
            "SHA256SUMS" => own = String::from_utf8(bytes).unwrap(),
            _ => drop(sums.0.insert(path, sha256(&bytes))),
        }
    }
    expect![[r#"
        SHA256SUMS
        lib/quest-1.0.0/SHA256SUMS
        lib/quest-1.0.0/ebin/quest.app
        lib/quest-1.0.0/priv/quest.so
        lib/talk-1.1.0/SHA256SUMS
        lib/talk-1.1.0/ebin/talk.app
        lib/talk-1.1.0/ebin/talk.appup
        lib/talk-1.1.0/priv/talk.so
        releases/1.1.0/pq.rel
        releases/1.1.0/relup
        releases/1.1.0/sys.config
        releases/pq.rel
    "#]]
    .assert_eq(&names);
    assert_eq!(own, sums.to_text());
}

#[test]
fn files_of_settings_travel_with_the_release_and_variables_are_those_of_the_node() {
    let fixture = Fixture::new();
    let author = fixture.beside("author");
    RELEASES[1].lay_out(&author);
    let folder = author.join("releases/1.1.0");
    fs::create_dir(folder.join("more")).unwrap();
    let template = "[{talk, [{port, ${PQ_NOT_SET:-7}}]}, \"more/site\",\n {talk, [{host, \"${PQ_NOT_SET}\"}]}, \"/no/such/file\"].\n";
    fs::write(folder.join("sys.config.src"), template).unwrap();
    let site = "[{talk, [{port, 8}, {host, \"here\"}]}].\n";
    fs::write(folder.join("more/site.config"), site).unwrap();
    let tree = ReleaseTree::open(author, runtime());
    let package = make_tar(&tree, "1.1.0", &fixture.beside("packages")).unwrap();
    let mut registry = fixture.open("1.0.0");
    registry.unpack(package.to_str().unwrap()).unwrap();
    assert!(fixture.path("releases/1.1.0/more/site.config").exists());
    assert!(!fixture.path("releases/1.1.0/sys.config").exists());
    let error = fixture.tree().boot_vsn("1.1.0").unwrap_err().to_string();
    let place = "releases/1.1.0/sys.config.src: line 2: `${PQ_NOT_SET}`: PQ_NOT_SET is not set";
    assert!(error.contains(place), "{error}");
    let mended = fixture.beside("sys.config.src");
    fs::write(
        &mended,
        "[{talk, [{port, ${PQ_NOT_SET:-7}}]}, \"more/site\"].\n",
    )
    .unwrap();
    registry.install_file("1.1.0", &mended).unwrap();
    let boot = fixture.tree().boot_vsn("1.1.0").unwrap();
    let setting = |key: &str| boot.env("talk", key).map(ToString::to_string);
    assert_eq!(setting("port").as_deref(), Some("8"));
    assert_eq!(setting("host").as_deref(), Some("\"here\""));
    fs::write(&mended, "[{talk, [{port, ${}}]}].\n").unwrap();
    assert!(registry.install_file("1.1.0", &mended).is_err());
}

#[test]
fn two_trees_with_the_same_release_make_the_same_bytes() {
    let fixture = Fixture::new();
    let first = fs::read(fixture.package("1.1.0")).unwrap();
    let again = fixture.beside("again");
    RELEASES[1].lay_out(&again);
    let file = fs::File::open(again.join("releases/1.1.0/pq.rel")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    let tree = ReleaseTree::open(again, runtime());
    let second = make_tar(&tree, "1.1.0", &fixture.beside("again-packages")).unwrap();
    assert_eq!(fs::read(second).unwrap(), first);
}

/// Checks the error about a tree of 1.1.0 with a change.
fn check(change: impl Fn(&Path), sentence: Expect, term: Expect) {
    let fixture = Fixture::new();
    let author = fixture.beside("author");
    RELEASES[1].lay_out(&author);
    change(&author);
    // Without checksums, a change of the author counts as intended.
    fs::remove_file(author.join("releases/1.1.0/SHA256SUMS")).ok();
    let tree = ReleaseTree::open(&author, runtime());
    let packages = fixture.beside("packages");
    let error = make_tar(&tree, "1.1.0", &packages).unwrap_err();
    let plain = |text: String| text.replace(&format!("{}/", author.display()), "");
    sentence.assert_eq(&plain(error.to_string()));
    term.assert_eq(&plain(error.to_term().to_string()));
    assert!(!packages.exists(), "nothing was written");
}

#[test]
fn a_relup_that_nobody_could_use_is_not_packed() {
    check(
        |root| fs::write(root.join("releases/1.1.0/relup"), "{").unwrap(),
        expect![[
            r#"add relup to the package: read releases/1.1.0/relup: line 1, column 2: found the end of the text, expected a term"#
        ]],
        expect![[r#"{tar_error,{add,"relup",[invalid_format]}}"#]],
    );
    check(
        |root| fs::write(root.join("releases/1.1.0/relup"), "{\"9\",[],[]}.").unwrap(),
        expect![[
            r#"add relup to the package: read releases/1.1.0/relup: line 1: it is for release 9; 1.1.0 would be right ({bad_relup_file,"releases/1.1.0/relup"})"#
        ]],
        expect![[r#"{tar_error,{add,"relup",[invalid_format]}}"#]],
    );
}

#[test]
fn a_release_that_could_not_boot_is_not_packed() {
    check(
        |root| fs::write(root.join("releases/1.1.0/sys.config"), "[a].").unwrap(),
        expect![
            r#"read releases/1.1.0/sys.config: line 1: `a`; the file is `[{Application, [{Key, Value}]}, "file"]` ({bad_config,a})"#
        ],
        expect!["{bad_config,a}"],
    );
    check(
        |root| fs::remove_file(root.join("lib/talk-1.1.0/priv/talk.so")).unwrap(),
        expect!["find lib/talk-1.1.0/priv/talk.so: no such file"],
        expect![[r#"{no_such_file,"lib/talk-1.1.0/priv/talk.so"}"#]],
    );
    check(
        |root| fs::remove_dir_all(root.join("releases/1.1.0")).unwrap(),
        expect![
            "find release 1.1.0: releases/1.1.0 holds no .rel file; a release is unpacked there before it boots"
        ],
        expect![[r#"{no_such_release,"1.1.0"}"#]],
    );
}

#[test]
fn a_file_that_is_not_what_was_built_is_not_packed() {
    check(
        |root| fs::write(root.join("lib/talk-1.1.0/priv/talk.so"), "other").unwrap(),
        expect![
            "add lib/talk-1.1.0/priv/talk.so to the package: its checksum is not the one in SHA256SUMS; build the application again"
        ],
        expect![[r#"{tar_error,{add,"lib/talk-1.1.0/priv/talk.so",[bad_checksum]}}"#]],
    );
    check(
        |root| {
            let sums = root.join("lib/talk-1.1.0/SHA256SUMS");
            let text = fs::read_to_string(&sums).unwrap();
            let line = format!("{}  ../quest-1.0.0/ebin/quest.app\n", "0".repeat(64));
            let quest = fs::read(root.join("lib/quest-1.0.0/ebin/quest.app")).unwrap();
            let line = line.replace(&"0".repeat(64), &sha256(&quest));
            fs::write(&sums, text + &line).unwrap();
        },
        expect![
            "add `lib/talk-1.1.0/../quest-1.0.0/ebin/quest.app` to the package: it holds `lib/talk-1.1.0/../quest-1.0.0/ebin/quest.app`; only plain paths such as `releases/Vsn/relup` or `lib/App-Vsn/ebin/App.app` have a place in a release tree"
        ],
        expect![[r#"{tar_error,{add,"lib/talk-1.1.0/../quest-1.0.0/ebin/quest.app",[bad_path]}}"#]],
    );
}
