//! Trees on a disk that boot, and trees with one faulty file.

use std::fs;

use super::*;
use crate::checksums::{Checksums, sha256};
use crate::file_error::path_term;
use crate::tree::{AppPieces, ReleaseSpec, write_release};
use expect_test::{Expect, expect};
use tempfile::TempDir;

const REL: &str = r#"{release, {"pq", "1.0.0"}, {erts, "1.0.0"},
 [{kernel, "1.0.0"}, {stdlib, "1.0.0"}, {talk, "2", temporary}, {quest, "1"}, {notes, "1", load}]}."#;
const TALK: &str = "{application, talk, [{description, \"\"}, {vsn, \"2\"}, {modules, [talk]}, {registered, []}, {applications, [quest]}]}.";
const QUEST: &str = "{application, quest, [{description, \"\"}, {vsn, \"1\"}, {modules, [quest]}, {registered, []}, {applications, [kernel, stdlib]}]}.";
const NOTES: &str = "{application, notes, [{description, \"\"}, {vsn, \"1\"}, {modules, []}, {registered, []}, {applications, []}]}.";

fn runtime() -> Runtime {
    let built_in = |name: &str| BuiltIn {
        name: name.to_string(),
        vsn: "1.0.0".to_string(),
        app_text: format!(
            "{{application, {name}, [{{description, \"\"}}, {{vsn, \"1.0.0\"}}, {{modules, [{name}]}}, {{registered, []}}, {{applications, []}}]}}."
        ),
    };
    Runtime {
        erts_vsn: "1.0.0".to_string(),
        built_in: vec![built_in("kernel"), built_in("stdlib")],
    }
}

fn tree() -> (TempDir, ReleaseTree) {
    let folder = tempfile::tempdir().unwrap();
    let pieces = |app, library| AppPieces {
        app,
        appup: None,
        library,
    };
    let spec = ReleaseSpec {
        rel: REL,
        sys_config: Some("[{talk, [{port, 1}]}]."),
        configs: vec![],
        relup: None,
        applications: vec![
            pieces(TALK, Some(&b"talk"[..])),
            pieces(QUEST, Some(b"quest")),
            pieces(NOTES, None),
        ],
    };
    write_release(folder.path(), &spec).unwrap();
    let tree = ReleaseTree::open(folder.path(), runtime());
    (folder, tree)
}

/// The error of a tree in which one file has another text (`None`: does not exist), without the path of the root.
fn check(file: &str, text: Option<&str>, expected: Expect) {
    let (folder, tree) = tree();
    let path = folder.path().join(file);
    match text {
        Some(text) => fs::write(path, text).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    renew(folder.path(), file);
    let error = tree.boot().unwrap_err().to_string();
    expected.assert_eq(&error.replace(&folder.path().display().to_string(), "root"));
}

/// Renews the checksums of the directory of a changed file, as if the author had changed the file.
fn renew(root: &Path, file: &str) {
    let folder: PathBuf = Path::new(file).components().take(2).collect();
    let sums_file = root.join(&folder).join(checksums::FILE_NAME);
    if root.join(file) == sums_file || !sums_file.exists() {
        return;
    }
    let mut sums = Checksums::read(&sums_file).unwrap();
    sums.0.retain(|name, sum| {
        let bytes = fs::read(root.join(&folder).join(name));
        *sum = bytes.as_ref().map_or(String::new(), |bytes| sha256(bytes));
        bytes.is_ok()
    });
    fs::write(sums_file, sums.to_text()).unwrap();
}

#[test]
fn a_release_boots_with_what_is_needed_first() {
    let (folder, tree) = tree();
    let boot = tree.boot().unwrap();
    let names: Vec<_> = boot
        .applications
        .iter()
        .map(|app| (app.app.name.as_str(), app.start.word()))
        .collect();
    let expected = [
        ("kernel", "permanent"),
        ("stdlib", "permanent"),
        ("quest", "permanent"),
        ("talk", "temporary"),
        ("notes", "load"),
    ];
    assert_eq!(names, expected);
    assert_eq!(boot.applications[0].code, Code::BuiltIn);
    let library = Code::Library {
        path: folder.path().join("lib/quest-1/priv/quest.so"),
        sha256: sha256(b"quest"),
    };
    assert_eq!(boot.applications[2].code, library);
    assert_eq!(boot.applications[4].code, Code::None);
    assert_eq!(
        boot.settings[&("talk".to_string(), "port".to_string())].as_i64(),
        Some(1)
    );
    assert_eq!(tree.releases().unwrap().permanent().unwrap().vsn, "1.0.0");
}

#[test]
fn a_release_without_a_sys_config_has_no_settings() {
    let (folder, tree) = tree();
    let file = "releases/1.0.0/sys.config";
    fs::remove_file(folder.path().join(file)).unwrap();
    let error = tree.boot().unwrap_err().to_string();
    assert!(error.contains("sys.config: no such file, and"), "{error}");
    renew(folder.path(), file);
    let boot = tree.boot().unwrap();
    assert!(boot.settings.is_empty() && boot.remarks.is_empty());
}

#[test]
fn a_tree_from_before_checksums_is_believed_and_said_to_be_so() {
    let (folder, tree) = tree();
    fs::remove_file(folder.path().join("releases/1.0.0/SHA256SUMS")).unwrap();
    let remarks = tree.boot().unwrap().remarks;
    assert!(
        remarks[0].starts_with("releases/1.0.0 has no SHA256SUMS"),
        "{remarks:?}"
    );
    assert_eq!(
        (remarks.len(), tree.settings_remark("1.0.0")),
        (1, Ok(None))
    );
}

#[test]
fn a_file_that_was_changed_is_no_longer_that_of_the_release() {
    for file in [
        "releases/1.0.0/pq.rel",
        "lib/quest-1/ebin/quest.app",
        "lib/quest-1/priv/quest.so",
    ] {
        let (folder, tree) = tree();
        let path = folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(b'\n');
        fs::write(&path, bytes).unwrap();
        let error = tree.boot().unwrap_err();
        assert!(error.is_checksum(), "{error}");
        assert_eq!(error.to_term(), tagged("wrong_checksum", path_term(&path)));
    }
}

#[test]
fn the_release_has_to_be_there_once() {
    check(
        "releases/start_erl.data",
        None,
        expect!["read root/releases/start_erl.data: no such file"],
    );
    check(
        "releases/start_erl.data",
        Some("1.0.0 2"),
        expect![
            r#"read root/releases/start_erl.data: line 1: it names release 2, and root/releases/2 holds no .rel file; a release is unpacked there before it boots ({no_such_release,"2"})"#
        ],
    );
    check(
        "releases/start_erl.data",
        Some("1.0.0 ../1"),
        expect![
            "use `../1` as a part of a path: a name without `/` that is not `.` or `..` would be right"
        ],
    );
    check(
        "releases/1.0.0/copy.rel",
        Some(REL),
        expect![
            "choose a .rel file for release 1.0.0: root/releases/1.0.0/copy.rel and root/releases/1.0.0/pq.rel both describe it; remove one of the two"
        ],
    );
    check(
        "releases/1.0.0/pq.rel",
        Some(&REL.replace("\"pq\", \"1.0.0\"", "\"pq\", \"1\"")),
        expect![
            "use root/releases/1.0.0/pq.rel: line 1: it describes `1`, but its directory is for `1.0.0`"
        ],
    );
}

#[test]
fn a_release_for_another_node_is_refused() {
    check(
        "releases/1.0.0/pq.rel",
        Some(&REL.replace("erts, \"1.0.0\"", "erts, \"2.0.0\"")),
        expect![
            "boot root/releases/1.0.0/pq.rel: it needs erts 2.0.0, and this node has 1.0.0; start it with a node of that version"
        ],
    );
    check(
        "releases/1.0.0/pq.rel",
        Some(&REL.replace("stdlib, \"1.0.0\"", "stdlib, \"2.0.0\"")),
        expect![
            "boot root/releases/1.0.0/pq.rel: it needs stdlib 2.0.0, and this node has 1.0.0; start it with a node of that version"
        ],
    );
}

#[test]
fn an_application_is_there_in_the_version_of_its_folder() {
    check(
        "lib/talk-2/ebin/talk.app",
        None,
        expect!["read root/lib/talk-2/ebin/talk.app: no such file"],
    );
    check(
        "lib/talk-2/ebin/talk.app",
        Some(&TALK.replace("\"2\"", "\"3\"")),
        expect![
            "use root/lib/talk-2/ebin/talk.app: line 1: it describes `talk-3`, but its directory is for `talk-2`"
        ],
    );
    check(
        "lib/talk-2/ebin/talk.app",
        Some(QUEST),
        expect![
            "use root/lib/talk-2/ebin/talk.app: line 1: it describes `quest-1`, but its directory is for `talk-2`"
        ],
    );
    check(
        "lib/talk-2/ebin/talk.app",
        Some(&TALK.replace("[quest]", "[tls]")),
        expect![
            "fit together the applications of a release: root/lib/talk-2/ebin/talk.app: line 1: `talk` needs `tls`, which is not in root/releases/1.0.0/pq.rel; an entry `{tls, Vsn}` there would be right ({undefined_applications,[tls]})"
        ],
    );
}

#[test]
fn modules_have_a_library_with_a_checksum() {
    check(
        "lib/talk-2/priv/talk.so",
        None,
        expect!["find root/lib/talk-2/priv/talk.so: no such file"],
    );
    check(
        "lib/talk-2/SHA256SUMS",
        None,
        expect!["read root/lib/talk-2/SHA256SUMS: no such file"],
    );
    check(
        "lib/talk-2/SHA256SUMS",
        Some(""),
        expect![
            "find the checksum of root/lib/talk-2/priv/talk.so: root/lib/talk-2/SHA256SUMS has no line for it, so the library cannot be verified"
        ],
    );
}

#[test]
fn settings_that_cannot_be_read_are_no_empty_settings() {
    check(
        "releases/1.0.0/sys.config",
        Some("[{talk, port}]."),
        expect![
            r#"read root/releases/1.0.0/sys.config: line 1: `{talk,port}`; the file is `[{Application, [{Key, Value}]}, "file"]` ({bad_config,{talk,port}})"#
        ],
    );
}
