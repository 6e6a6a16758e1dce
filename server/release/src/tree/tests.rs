//! Writes releases: once, again, and over existing files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::*;
use expect_test::{Expect, expect};

const REL: &str = r#"{release, {"pq", "1.0.0"}, {erts, "1.0.0"}, [{kernel, "1.0.0"}, {stdlib, "1.0.0"}, {quest, "1"}]}."#;
const QUEST: &str = "{application, quest, [{description, \"\"}, {vsn, \"1\"}, {modules, [quest]}, {registered, []}, {applications, []}]}.";

fn spec(library: &[u8]) -> ReleaseSpec<'_> {
    let quest = AppPieces {
        app: QUEST,
        appup: Some("{\"1\", [], []}."),
        library: Some(library),
    };
    ReleaseSpec {
        rel: REL,
        sys_config: Some("[]."),
        configs: vec![],
        relup: Some("{\"1.0.0\", [], []}."),
        applications: vec![quest],
    }
}

/// Every file below a directory, with its text and its inode.
fn files(root: &Path) -> BTreeMap<String, (String, u64)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    let inode = fs::metadata(&path).unwrap().ino();
                    files.insert(name, (fs::read_to_string(path).unwrap(), inode));
                }
            }
        }
    }
    files
}

#[test]
fn a_tree_has_every_piece_in_its_place_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    write_release(folder.path(), &spec(b"code")).unwrap();
    let shown: String = files(folder.path())
        .iter()
        .map(|(name, (text, _))| format!("{name}: {}\n", text.lines().next().unwrap()))
        .collect();
    expect![[r#"
        lib/quest-1/SHA256SUMS: 25a8dd126bd8376bc89614dda117d274bf71251a00e93896543f52461051521d  ebin/quest.app
        lib/quest-1/ebin/quest.app: {application, quest, [{description, ""}, {vsn, "1"}, {modules, [quest]}, {registered, []}, {applications, []}]}.
        lib/quest-1/ebin/quest.appup: {"1", [], []}.
        lib/quest-1/priv/quest.so: code
        releases/1.0.0/SHA256SUMS: 53ea8cdf62b6bd31c3244b56f3e25d73b946ab466bdf564449f40cb004cb0711  pq.rel
        releases/1.0.0/pq.rel: {release, {"pq", "1.0.0"}, {erts, "1.0.0"}, [{kernel, "1.0.0"}, {stdlib, "1.0.0"}, {quest, "1"}]}.
        releases/1.0.0/relup: {"1.0.0", [], []}.
        releases/1.0.0/sys.config: [].
        releases/RELEASES: %% coding: utf-8
        releases/start_erl.data: 1.0.0 1.0.0
    "#]]
    .assert_eq(&shown);
}

#[test]
fn the_checksums_are_those_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    write_release(folder.path(), &spec(b"code")).unwrap();
    let sums = Checksums::read(&layout::checksums(folder.path(), "quest", "1")).unwrap();
    assert_eq!(sums.0.len(), 3);
    for (path, sum) in sums.0 {
        let bytes = fs::read(layout::lib(folder.path(), "quest", "1").join(&path)).unwrap();
        assert_eq!(checksums::sha256(&bytes), sum, "{path}");
    }
}

#[test]
fn building_again_touches_no_file() {
    let folder = tempfile::tempdir().unwrap();
    write_release(folder.path(), &spec(b"code")).unwrap();
    let before = files(folder.path());
    write_release(folder.path(), &spec(b"code")).unwrap();
    assert_eq!(files(folder.path()), before);
}

#[test]
fn another_library_is_a_new_file_and_the_old_one_stays_with_who_has_it_open() {
    let folder = tempfile::tempdir().unwrap();
    write_release(folder.path(), &spec(b"old code")).unwrap();
    let before = files(folder.path());
    let mut open = fs::File::open(layout::library(folder.path(), "quest", "1")).unwrap();
    let refused = write_release(folder.path(), &spec(b"new code")).unwrap_err();
    assert_eq!(files(folder.path()), before);
    let place = layout::library(folder.path(), "quest", "1")
        .display()
        .to_string();
    expect!["replace PLACE: RELEASES lists quest 1 in release 1.0.0, and the new file differs; raise the version of `quest`, or --force replaces it"]
        .assert_eq(&refused.to_string().replace(&place, "PLACE"));
    rewrite_release(folder.path(), &spec(b"new code"), Overwrite::Code).unwrap();
    let after = files(folder.path());
    assert_eq!(io::read_to_string(&mut open).unwrap(), "old code");
    assert_eq!(after["lib/quest-1/priv/quest.so"].0, "new code");
    let differing = before
        .iter()
        .filter(|(name, file)| after[*name] != **file)
        .map(|(name, _)| name.as_str());
    assert_eq!(
        differing.collect::<Vec<_>>(),
        ["lib/quest-1/SHA256SUMS", "lib/quest-1/priv/quest.so"]
    );
}

/// The pieces of another release that is not listed.
fn newer<'a>(rel: &'a str, quest: &'a str, library: &'a [u8]) -> ReleaseSpec<'a> {
    let pieces = AppPieces {
        app: quest,
        appup: None,
        library: Some(library),
    };
    ReleaseSpec {
        rel,
        relup: None,
        applications: vec![pieces],
        ..spec(library)
    }
}

#[test]
fn what_is_released_is_not_replaced_and_what_is_not_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_release(root, &spec(b"code")).unwrap();
    let before = files(root);
    let refused = |spec: &ReleaseSpec<'_>, what: &str| {
        let error = write_release(root, spec).unwrap_err();
        assert!(matches!(error, TreeError::Released(_)), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(files(root), before);
    };
    let rel = REL.replace("\"pq\", \"1.0.0\"", "\"pq\", \"1.1.0\"");
    refused(&newer(&rel, QUEST, b"other"), "quest.so");
    let described = QUEST.replace("{description, \"\"}", "{description, \"a\"}");
    refused(&newer(&rel, &described, b"code"), "quest.app");
    refused(
        &ReleaseSpec {
            rel: &format!("{REL}\n"),
            ..spec(b"code")
        },
        "pq.rel",
    );
    let relup = "{\"1.0.0\",[],[]}.";
    write_release(
        root,
        &ReleaseSpec {
            relup: Some(relup),
            ..spec(b"code")
        },
    )
    .unwrap();
    let (rel, quest) = (
        rel.replace("{quest, \"1\"}", "{quest, \"2\"}"),
        QUEST.replace("\"1\"", "\"2\""),
    );
    for library in [b"one", b"two"] {
        write_release(root, &newer(&rel, &quest, library)).unwrap();
        let found = fs::read(layout::library(root, "quest", "2")).unwrap();
        assert_eq!(found, library);
    }
}

#[test]
fn settings_that_were_edited_stay_until_they_are_to_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let file = layout::release(root, "1.0.0").join("sys.config");
    let with = |text| ReleaseSpec {
        sys_config: Some(text),
        ..spec(b"code")
    };
    write_release(root, &with("[].")).unwrap();
    write_release(root, &with("[{a, []}].")).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "[{a, []}].");
    fs::write(&file, "[{b, []}].").unwrap();
    write_release(root, &with("[].")).unwrap();
    rewrite_release(root, &with("[]."), Overwrite::Code).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "[{b, []}].");
    rewrite_release(root, &with("[]."), Overwrite::All).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "[].");
}

#[test]
fn a_relup_that_was_put_into_the_tree_stays_and_one_of_another_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let without = ReleaseSpec {
        relup: None,
        ..spec(b"code")
    };
    write_release(root, &without).unwrap();
    fs::write(layout::relup(root, "1.0.0"), "{\"1.0.0\",[],[]}.").unwrap();
    write_release(root, &without).unwrap();
    let runtime = crate::boot::Runtime {
        erts_vsn: "1.0.0".into(),
        built_in: vec![],
    };
    let tree = crate::boot::ReleaseTree::open(root, runtime);
    assert!(tree.relup("1.0.0").unwrap().is_some());
    let other = ReleaseSpec {
        relup: Some("{\"1.1.0\",[],[]}."),
        ..spec(b"code")
    };
    let error = write_release(root, &other).unwrap_err().to_string();
    assert!(
        error.contains("it leads to and from release 1.1.0, but this is 1.0.0"),
        "{error}"
    );
}

#[test]
fn the_release_that_boots_stays_the_one_that_boots() {
    let folder = tempfile::tempdir().unwrap();
    write_release(folder.path(), &spec(b"code")).unwrap();
    let newer = REL.replace("\"pq\", \"1.0.0\"", "\"pq\", \"1.1.0\"");
    write_release(
        folder.path(),
        &ReleaseSpec {
            rel: &newer,
            relup: None,
            ..spec(b"code")
        },
    )
    .unwrap();
    assert_eq!(
        StartErl::read(&layout::start_erl(folder.path()))
            .unwrap()
            .vsn,
        "1.0.0"
    );
    assert_eq!(
        Releases::read(&layout::releases_file(folder.path()))
            .unwrap()
            .0
            .len(),
        1
    );
    assert!(folder.path().join("releases/1.1.0/pq.rel").exists());
}

#[test]
fn a_wrong_piece_is_refused_before_anything_is_written() {
    let check = |spec: &ReleaseSpec<'_>, expected: Expect| {
        let folder = tempfile::tempdir().unwrap();
        expected.assert_eq(&write_release(folder.path(), spec).unwrap_err().to_string());
        assert!(files(folder.path()).is_empty());
    };
    let good = spec(b"code");
    let quest = &good.applications[0];
    check(
        &ReleaseSpec {
            sys_config: Some("[a]."),
            ..good.clone()
        },
        expect![
            r#"read sys.config: line 1: `a`; the file is `[{Application, [{Key, Value}]}, "file"]` ({bad_config,a})"#
        ],
    );
    check(
        &ReleaseSpec {
            applications: vec![AppPieces {
                library: None,
                ..quest.clone()
            }],
            ..good.clone()
        },
        expect!["lay out quest-1: it has modules and no library"],
    );
    let other = QUEST.replace("\"1\"", "\"2\"");
    check(
        &ReleaseSpec {
            applications: vec![AppPieces {
                app: &other,
                ..quest.clone()
            }],
            ..good.clone()
        },
        expect!["lay out quest-2: release 1.0.0 has no such application"],
    );
    let outside = REL.replace("\"pq\", \"1.0.0\"", "\"pq\", \"../1\"");
    check(
        &ReleaseSpec {
            rel: &outside,
            ..good.clone()
        },
        expect![
            "use `../1` as a part of a path: a name without `/` that is not `.` or `..` would be right"
        ],
    );
}

#[test]
fn a_register_that_cannot_be_read_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    durable::write(&layout::releases_file(folder.path()), b"broken").unwrap();
    assert!(write_release(folder.path(), &spec(b"code")).is_err());
    assert_eq!(
        fs::read(layout::releases_file(folder.path())).unwrap(),
        b"broken"
    );
    assert!(!layout::start_erl(folder.path()).exists());
}
