//! Laying out releases: once, again, and over what is there.

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

/// Every file under a folder with its text and its inode.
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
    write_release(folder.path(), &spec(b"new code")).unwrap();
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

#[test]
fn the_release_that_boots_stays_the_one_that_boots() {
    let folder = tempfile::tempdir().unwrap();
    write_release(folder.path(), &spec(b"code")).unwrap();
    let newer = REL.replace("\"pq\", \"1.0.0\"", "\"pq\", \"1.1.0\"");
    write_release(
        folder.path(),
        &ReleaseSpec {
            rel: &newer,
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
