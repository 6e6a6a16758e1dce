//! Forged and damaged packages: each is refused with a sentence, and the tree keeps its bytes. The correct package from which
//! each is made is accepted afterwards.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use pq_release::checksums::sha256;
use pq_release::registry::RegistryError;
use tar::EntryType;

use crate::archive::{Entry, altered, file, good, gzip, header, sealed, special, tar, with};
use crate::fixture::{Fixture, make_pipe};

pub(crate) fn refused(fixture: &Fixture, package: &[u8]) -> RegistryError {
    let mut registry = fixture.open("1.0.0");
    let before = fixture.snapshot();
    let path = fixture.beside("hostile.tar.gz");
    fs::write(&path, package).unwrap();
    let error = registry.unpack(path.to_str().unwrap()).unwrap_err();
    fixture.is_as(&before, &error.to_string());
    registry
        .unpack(fixture.package("1.1.0").to_str().unwrap())
        .unwrap();
    error
}

/// Checks the sentence and the term about these bytes.
fn check_bytes(package: impl Fn(&Fixture) -> Vec<u8>, expected: Expect) {
    let fixture = Fixture::new();
    let error = refused(&fixture, &package(&fixture));
    let path = fixture.beside("hostile.tar.gz").display().to_string();
    let shown = format!("{error}\n{}\n", error.to_term()).replace(&path, "P");
    expected.assert_eq(&shown);
}

/// Checks the sentence and the term about a changed version of the correct package.
fn check(change: impl Fn(Vec<Entry>) -> Vec<Entry>, expected: Expect) {
    check_bytes(|fixture| gzip(&tar(&change(good(fixture)))), expected);
}

#[test]
fn a_package_that_was_taken_apart_and_put_together_is_accepted() {
    let fixture = Fixture::new();
    let path = fixture.beside("again.tar.gz");
    let mut entries = good(&fixture);
    entries.reverse();
    entries.push(special("lib/talk-1.1.0/", EntryType::Directory));
    fs::write(&path, gzip(&tar(&entries))).unwrap();
    fixture
        .open("1.0.0")
        .unpack(path.to_str().unwrap())
        .unwrap();
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    check(
        with(file("../../etc/cron.d/x", "x")),
        expect![[r#"
            accept package P: it holds `../../etc/cron.d/x`; only plain paths such as `releases/Vsn/relup` or `lib/App-Vsn/ebin/App.app` have a place in a release tree
            {cannot_extract_file,"../../etc/cron.d/x",bad_path}
        "#]],
    );
    for name in [
        "/etc/passwd",
        "lib/talk-1.1.0/../../../x",
        "lib/talk-1.1.0/ebin/./x",
        "./lib/talk-1.1.0/x",
        "releases/RELEASES",
        "releases/start_erl.data",
        ".office/journal",
        "lib/talk-1.1.0/a\nb",
        "bin/start",
    ] {
        let fixture = Fixture::new();
        let error = refused(
            &fixture,
            &gzip(&tar(&with(file(name, "x"))(good(&fixture)))),
        );
        let shown = name.escape_debug().to_string();
        assert!(error.to_string().contains(&shown), "{error}");
        assert!(error.to_term().to_string().contains("bad_path"), "{error}");
    }
}

#[test]
fn what_is_no_file_and_no_folder_is_refused() {
    check(
        with(special("lib/talk-1.1.0/priv/x", EntryType::Symlink)),
        expect![[r#"
            accept package P: `lib/talk-1.1.0/priv/x` is a symbolic link; only files and folders can be unpacked
            {cannot_extract_file,"lib/talk-1.1.0/priv/x",bad_file_type}
        "#]],
    );
    for (kind, sentence) in [
        (EntryType::Link, "a hard link"),
        (EntryType::Char, "a device"),
        (EntryType::Block, "a device"),
        (EntryType::Fifo, "a pipe"),
        (EntryType::GNUSparse, "a sparse file"),
        (EntryType::GNULongName, "an extension of the format"),
        (EntryType::XHeader, "an extension of the format"),
        (EntryType::XGlobalHeader, "an extension of the format"),
        (EntryType::Continuous, "of an unknown kind"),
        (EntryType::new(b'Z'), "of an unknown kind"),
    ] {
        let fixture = Fixture::new();
        let entry = special("lib/talk-1.1.0/priv/x", kind);
        let error = refused(&fixture, &gzip(&tar(&with(entry)(good(&fixture)))));
        assert!(error.to_string().contains(sentence), "{error}");
    }
}

#[test]
fn a_path_is_there_once() {
    check(
        |mut entries| {
            entries.push(file("lib/talk-1.1.0/ebin/talk.app", "again"));
            entries
        },
        expect![[r#"
            accept package P: `lib/talk-1.1.0/ebin/talk.app` occurs twice; remove one of the two
            {cannot_extract_file,"lib/talk-1.1.0/ebin/talk.app",duplicate}
        "#]],
    );
    check(
        with(file("lib/talk-1.1.0/ebin", "a file above another")),
        expect![[r#"
            accept package P: `lib/talk-1.1.0/ebin` occurs twice; remove one of the two
            {cannot_extract_file,"lib/talk-1.1.0/ebin",duplicate}
        "#]],
    );
}

#[test]
fn a_bomb_does_not_go_off() {
    let zeros = || vec![0; 50 << 20];
    let file = file("lib/talk-1.1.0/priv/zeros", zeros());
    for bomb in [
        gzip(&zeros()),
        gzip(&tar(&with(file)(good(&Fixture::new())))),
    ] {
        let error = refused(&Fixture::new(), &bomb);
        let sentence = "bytes, which is too much for its size";
        assert!(error.to_string().ends_with(sentence), "{error}");
        let term = error.to_term().to_string();
        assert!(term.ends_with("hostile.tar.gz\",too_large}"), "{term}");
    }
    check_bytes(
        |fixture| {
            let mut entries = good(fixture);
            let many = |n| special(&format!("lib/talk-1.1.0/{n}/"), EntryType::Directory);
            entries.extend((0..5_000).map(many));
            gzip(&tar(&entries))
        },
        expect![[r#"
            accept package P: it holds more than 4096 entries
            {cannot_extract_file,"P",too_large}
        "#]],
    );
}

#[test]
fn a_size_that_is_a_lie_is_refused_before_anything_is_written() {
    let huge = |bytes: u64| {
        move |fixture: &Fixture| {
            let mut lie = header(&file("lib/talk-1.1.0/priv/x", ""));
            lie.set_size(bytes);
            lie.set_cksum();
            let mut bytes = lie.as_bytes().to_vec();
            bytes.extend(tar(&good(fixture)));
            gzip(&bytes)
        }
    };
    check_bytes(
        huge(u64::MAX / 2),
        expect![[r#"
            accept package P: `lib/talk-1.1.0/priv/x` has 9223372036854775807 bytes; 268435456 at most are right for it
            {cannot_extract_file,"lib/talk-1.1.0/priv/x",too_large}
        "#]],
    );
    check_bytes(
        huge(200 << 20),
        expect![[r#"
            accept package P: it cannot be read to its end (it ends within a file); a tar archive packed with gzip would be right
            {cannot_extract_file,"P",bad_archive}
        "#]],
    );
}

#[test]
fn what_is_no_package_is_refused() {
    check_bytes(
        |_| b"this is no package".to_vec(),
        expect![[r#"
            accept package P: it cannot be read to its end (invalid gzip header); a tar archive packed with gzip would be right
            {cannot_extract_file,"P",bad_archive}
        "#]],
    );
    let error = refused(&Fixture::new(), &gzip(&[7; 2_000])).to_string();
    assert!(
        error.contains(r"\u{7}"),
        "what it quotes is harmless: {error}"
    );
    check_bytes(
        |_| Vec::new(),
        expect![[r#"
            accept package P: it cannot be read to its end (unexpected end of file); a tar archive packed with gzip would be right
            {cannot_extract_file,"P",bad_archive}
        "#]],
    );
    check_bytes(
        |_| gzip(&tar(&[])),
        expect![[r#"
            accept package P: `SHA256SUMS` is missing, and every package asks for it
            {no_such_file,"SHA256SUMS"}
        "#]],
    );
}

#[test]
fn a_package_that_was_cut_off_is_refused_wherever_that_was() {
    let fixture = Fixture::new();
    let bytes = fs::read(fixture.package("1.1.0")).unwrap();
    for cut in [
        1,
        10,
        1_000,
        bytes.len() / 2,
        bytes.len() - 8,
        bytes.len() - 1,
    ] {
        let fixture = Fixture::new();
        let error = refused(&fixture, &bytes[..cut]);
        assert!(
            error.to_term().to_string().contains("bad_archive"),
            "{cut}: {error}"
        );
    }
}

#[test]
fn one_changed_byte_is_found_wherever_it_is() {
    let fixture = Fixture::new();
    let bytes = fs::read(fixture.package("1.1.0")).unwrap();
    let mut registry = fixture.open("1.0.0");
    let before = fixture.snapshot();
    let path = fixture.beside("hostile.tar.gz");
    // The header of gzip (10 bytes) does not describe the contents.
    for at in (10..bytes.len()).step_by(bytes.len() / 150) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        fs::write(&path, changed).unwrap();
        let error = registry.unpack(path.to_str().unwrap());
        assert!(error.is_err(), "byte {at} was changed");
        fixture.is_as(&before, &format!("byte {at} was changed"));
    }
}

#[test]
fn nothing_stands_behind_the_end() {
    let behind = |add: fn(Vec<u8>, &Fixture) -> Vec<u8>| {
        move |fixture: &Fixture| add(fs::read(fixture.package("1.1.0")).unwrap(), fixture)
    };
    let expected = || {
        expect![[r#"
            accept package P: bytes follow the end of the archive; a file that ends there would be right
            {cannot_extract_file,"P",trailing_data}
        "#]]
    };
    check_bytes(
        behind(|mut bytes, _| {
            bytes.push(0);
            bytes
        }),
        expected(),
    );
    check_bytes(
        behind(|mut bytes, _| {
            bytes.extend(gzip(b"a second member"));
            bytes
        }),
        expected(),
    );
    check_bytes(
        behind(|_, fixture| {
            let mut bytes = tar(&good(fixture));
            bytes.extend(tar(&[file("lib/talk-1.1.0/hidden", "x")]));
            gzip(&bytes)
        }),
        expected(),
    );
}

#[test]
fn every_file_has_the_checksum_that_its_package_says() {
    check(
        |mut entries| {
            let is_app = |entry: &&mut Entry| entry.name.ends_with("talk.so");
            entries.iter_mut().find(is_app).unwrap().bytes[7] ^= 1;
            entries
        },
        expect![[r#"
            accept package P: `lib/talk-1.1.0/priv/talk.so` is damaged: its checksum is not the one in `SHA256SUMS`
            {cannot_extract_file,"lib/talk-1.1.0/priv/talk.so",bad_checksum}
        "#]],
    );
    check(
        |mut entries| {
            entries.push(file("releases/1.1.0/extra", "x"));
            entries
        },
        expect![[r#"
            accept package P: `releases/1.1.0/extra` has no line in `SHA256SUMS`; every file needs one
            {cannot_extract_file,"releases/1.1.0/extra",no_checksum}
        "#]],
    );
    check(
        |mut entries| {
            entries.retain(|entry| !entry.name.ends_with("relup"));
            entries
        },
        expect![[r#"
            accept package P: `releases/1.1.0/relup` is missing, and `SHA256SUMS` asks for it
            {no_such_file,"releases/1.1.0/relup"}
        "#]],
    );
}

#[test]
fn every_file_has_the_checksum_that_its_application_says() {
    check(
        altered("lib/talk-1.1.0/priv/talk.so", |_| Some("other".into())),
        expect![[r#"
            accept package P: `lib/talk-1.1.0/priv/talk.so` is damaged: its checksum is not the one in `lib/talk-1.1.0/SHA256SUMS`
            {cannot_extract_file,"lib/talk-1.1.0/priv/talk.so",bad_checksum}
        "#]],
    );
    check(
        with(file("lib/talk-1.1.0/priv/extra", "x")),
        expect![[r#"
            accept package P: `lib/talk-1.1.0/priv/extra` has no line in `lib/talk-1.1.0/SHA256SUMS`; every file needs one
            {cannot_extract_file,"lib/talk-1.1.0/priv/extra",no_checksum}
        "#]],
    );
    check(
        altered("lib/talk-1.1.0/SHA256SUMS", |_| None),
        expect![[r#"
            accept package P: `lib/talk-1.1.0/SHA256SUMS` is missing, and every application asks for it
            {no_such_file,"lib/talk-1.1.0/SHA256SUMS"}
        "#]],
    );
}

#[test]
fn an_application_that_is_missing_is_missed() {
    check(
        |mut entries| {
            entries.retain(|entry| !entry.name.starts_with("lib/talk-1.1.0"));
            sealed(entries)
        },
        expect![[r#"
            accept package P: `lib/talk-1.1.0/ebin/talk.app` is missing, and `releases/pq.rel` asks for it
            {no_such_file,"lib/talk-1.1.0/ebin/talk.app"}
        "#]],
    );
    check(
        |entries| {
            let entries = altered("lib/talk-1.1.0/priv/talk.so", |_| None)(entries);
            altered("lib/talk-1.1.0/SHA256SUMS", |text| {
                Some(
                    text.lines()
                        .filter(|line| !line.ends_with(".so"))
                        .map(|line| format!("{line}\n"))
                        .collect(),
                )
            })(entries)
        },
        expect![[r#"
            accept package P: find lib/talk-1.1.0/priv/talk.so: no such file
            {no_such_file,"lib/talk-1.1.0/priv/talk.so"}
        "#]],
    );
}

#[test]
fn what_the_release_does_not_list_is_refused() {
    check(
        with(file("lib/stray-1/ebin/stray.app", "x")),
        expect![[r#"
            accept package P: `lib/stray-1/ebin/stray.app` does not belong to release 1.1.0: it lists no such application, or in another version
            {cannot_extract_file,"lib/stray-1/ebin/stray.app",not_in_release}
        "#]],
    );
    check(
        with(file("lib/talk-1.0.0/priv/talk.so", "another version's")),
        expect![[r#"
            accept package P: `lib/talk-1.0.0/priv/talk.so` does not belong to release 1.1.0: it lists no such application, or in another version
            {cannot_extract_file,"lib/talk-1.0.0/priv/talk.so",not_in_release}
        "#]],
    );
    check(
        with(file("lib/kernel-1.0.0/ebin/kernel.app", "x")),
        expect![[r#"
            accept package P: `lib/kernel-1.0.0/ebin/kernel.app` does not belong to release 1.1.0: that application is part of the node
            {cannot_extract_file,"lib/kernel-1.0.0/ebin/kernel.app",not_in_release}
        "#]],
    );
    check(
        with(file("releases/1.0.0/sys.config", "[].")),
        expect![[r#"
            accept package P: `releases/1.0.0/sys.config` does not belong to release 1.1.0: it lists no such application, or in another version
            {cannot_extract_file,"releases/1.0.0/sys.config",not_in_release}
        "#]],
    );
}

#[test]
fn a_package_says_once_which_release_it_holds() {
    check(
        altered("releases/pq.rel", |_| None),
        expect![[r#"
            accept package P: it has no .rel file in `releases` that names its release
            {enoent,"releases/hostile.rel"}
        "#]],
    );
    check(
        with(file("releases/other.rel", "x")),
        expect![[r#"
            accept package P: `releases/other.rel` and `releases/pq.rel` both name its release; remove one of the two
            {bad_rel_file,"releases/pq.rel"}
        "#]],
    );
    check(
        altered("releases/pq.rel", |_| Some("{release".into())),
        expect![[r#"
            accept package P: read releases/pq.rel: line 1, column 9: found the end of the text, expected `,` or `}`
            {bad_rel_file,"releases/pq.rel"}
        "#]],
    );
    check(
        altered("releases/pq.rel", |_| Some("{a}.".into())),
        expect![[r#"
            accept package P: read releases/pq.rel: line 1: this is no release; `{release, {Name, Vsn}, {erts, ErtsVsn}, [{Application, Vsn}]}` would be right (badly_formatted_release)
            {bad_rel_data,badly_formatted_release}
        "#]],
    );
    check(
        altered("releases/pq.rel", |text| Some(format!("{text}%% other"))),
        expect![[r#"
            accept package P: `releases/pq.rel` and `releases/1.1.0/pq.rel` differ; they have to be the same
            {cannot_extract_file,"releases/1.1.0/pq.rel",bad_checksum}
        "#]],
    );
    check(
        altered("releases/pq.rel", |text| {
            Some(text.replace("\"pq\"", "\"qp\""))
        }),
        expect![[r#"
            accept package P: `releases/pq.rel` describes release `qp`; the file needs the name of its release
            {bad_rel_file,"releases/pq.rel"}
        "#]],
    );
    check(
        altered("releases/pq.rel", |text| {
            Some(text.replace("\"1.1.0\"}, {erts", "\"../1\"}, {erts"))
        }),
        expect![[r#"
            accept package P: the release uses `../1` as a name or version; a plain component of a path would be right
            {cannot_extract_file,"../1",bad_path}
        "#]],
    );
    check(
        with(file("releases/1.1.0/second.rel", "x")),
        expect![[r#"
            accept package P: choose a .rel file for release 1.1.0: releases/1.1.0/pq.rel and releases/1.1.0/second.rel both describe it; remove one of the two
            {bad_rel_file,"releases/1.1.0/second.rel"}
        "#]],
    );
}

#[test]
fn every_text_is_read_before_it_has_its_place() {
    check(
        altered("releases/1.1.0/relup", |_| {
            Some("{\"1.1.0\", [{\"1.0.0\", [], [stroll]}], []}.".into())
        }),
        expect![[r#"
            accept package P: read releases/1.1.0/relup: line 1: `stroll`; one of the instructions of appup(4) would be right ({bad_instruction,stroll})
            {bad_relup_file,"releases/1.1.0/relup"}
        "#]],
    );
    check(
        altered("releases/1.1.0/relup", |_| Some("{\"9\", [], []}.".into())),
        expect![[r#"
            accept package P: read releases/1.1.0/relup: line 1: it is for release 9; 1.1.0 would be right ({bad_relup_file,"releases/1.1.0/relup"})
            {bad_relup_file,"releases/1.1.0/relup"}
        "#]],
    );
    check(
        altered("releases/1.1.0/sys.config", |_| {
            Some("[{talk, port}].".into())
        }),
        expect![[r#"
            accept package P: read releases/1.1.0/sys.config: line 1: `{talk,port}`; the file is `[{Application, [{Key, Value}]}, "file"]` ({bad_config,{talk,port}})
            {bad_config,{talk,port}}
        "#]],
    );
}

#[test]
fn an_application_is_the_one_its_folder_is_for() {
    let of_another_version = |entries: Vec<Entry>| {
        let app = "lib/talk-1.1.0/ebin/talk.app";
        let text = crate::fixture::app("talk", "1.0.9", "quest");
        let sum = sha256(text.as_bytes());
        let entries = altered(app, |_| Some(text.clone()))(entries);
        altered("lib/talk-1.1.0/SHA256SUMS", move |sums| {
            let line = |line: &str| match line.ends_with("talk.app") {
                true => format!("{sum}  ebin/talk.app\n"),
                false => format!("{line}\n"),
            };
            Some(sums.lines().map(line).collect())
        })(entries)
    };
    check(
        of_another_version,
        expect![[r#"
            accept package P: use lib/talk-1.1.0/ebin/talk.app: line 1: it describes `talk-1.0.9`, but its directory is for `talk-1.1.0`
            {wrong_vsn,"lib/talk-1.1.0/ebin/talk.app"}
        "#]],
    );
}

#[test]
fn a_pipe_is_not_waited_for() {
    let fixture = Fixture::new();
    let pipe = fixture.beside("pipe.tar.gz");
    make_pipe(&pipe);
    let mut registry = fixture.open("1.0.0");
    assert!(registry.unpack(pipe.to_str().unwrap()).is_err());
    assert!(
        registry
            .unpack(Path::new("/dev/zero").to_str().unwrap())
            .is_err()
    );
}
