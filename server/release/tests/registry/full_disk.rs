//! A full disk at every possible position: the shell's limit on the size of files fails like a full disk, needs no privileges,
//! and can be set to each size in turn.

use std::fs;
use std::process::Command;

use pq_release::releases::{Lib, Release, Releases, Status};

use crate::child::{self, REFUSED, Work};
use crate::fixture::{Fixture, on_disk, shown};

/// The largest size limit that the tests try, in KiB; the largest file is `RELEASES` here.
const LIMIT_KIB_MAX: usize = 64;

/// Makes the list the largest of all files: then there is a limit at which only the last step fails.
fn lengthen_list(fixture: &Fixture) {
    let file = fixture.path("releases/RELEASES");
    let mut releases = Releases::read(&file).unwrap();
    let lib = |n: u32| Lib {
        name: pq_term::Atom::from_static("padding"),
        vsn: n.to_string(),
        folder: format!("lib/padding-{n}"),
    };
    releases.0.push(Release {
        name: "padding".into(),
        vsn: "0.0.1".into(),
        erts_vsn: "1.0.0".into(),
        libs: (0..1_000).map(lib).collect(),
        status: Status::Old,
    });
    releases.write(&file).unwrap();
}

/// The child's error with this limit on the size of files; `None` when its work succeeded. The child ignores the signal for too
/// large files, so that its write fails with an error.
fn limited(fixture: &Fixture, work: Work, limit_kib: usize) -> Option<String> {
    let plain = child::command(&fixture.root(), work);
    let mut shell = Command::new("/bin/sh");
    // A POSIX shell counts in units of 512 bytes.
    let limit = 2 * limit_kib;
    let script = format!(r#"trap '' XFSZ; ulimit -f {limit}; exec "$0" "$@""#);
    shell.args(["-c", &script]).arg(plain.get_program());
    shell.args(plain.get_args());
    for (name, value) in plain.get_envs() {
        shell.env(name, value.unwrap());
    }
    let output = child::start(shell).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => None,
        Some(REFUSED) => {
            let sentence = text.lines().find(|line| line.starts_with("refused: "));
            Some(sentence.unwrap().to_string())
        }
        other => panic!(
            "{other:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// Raises the limit until the work succeeds; before that, the tree keeps its bytes at each limit. Returns the distinct errors.
fn until_done(fixture: &Fixture, work: Work) -> Vec<String> {
    let before = fixture.snapshot();
    let mut sentences = Vec::new();
    for limit_kib in 0..LIMIT_KIB_MAX {
        match limited(fixture, work, limit_kib) {
            None => return sentences,
            Some(sentence) => {
                assert!(sentence.contains("File too large"), "{sentence}");
                fixture.is_as(&before, &format!("{limit_kib} KiB: {sentence}"));
                let place = fixture.root().display().to_string();
                let sentence = sentence.replace(&place, "");
                if !sentences.contains(&sentence) {
                    sentences.push(sentence);
                }
            }
        }
    }
    panic!("{work:?} is not done at {LIMIT_KIB_MAX} KiB: {sentences:?}");
}

/// True when one of the errors names this file.
fn names(sentences: &[String], file: &str) -> bool {
    sentences.iter().any(|sentence| sentence.contains(file))
}

#[test]
fn a_package_that_does_not_fit_leaves_no_trace_and_fits_later() {
    let fixture = Fixture::new();
    lengthen_list(&fixture);
    fixture.package("1.1.0");
    let sentences = until_done(&fixture, Work::Unpack);
    let is_named = |file: &str| names(&sentences, file);
    assert!(is_named("staging/SHA256SUMS"), "{sentences:?}");
    assert!(
        is_named("staging/lib/quest-1.0.0/priv/quest.so"),
        "{sentences:?}"
    );
    assert!(
        is_named("write /.office/RELEASES"),
        "the last step: {sentences:?}"
    );
    let registry = fixture.open("1.0.0");
    assert_eq!(
        shown(&registry),
        "1.1.0 unpacked, 1.0.0 permanent, 0.0.1 old"
    );
}

#[test]
fn a_release_becomes_permanent_in_both_files_or_in_none() {
    let fixture = Fixture::new();
    lengthen_list(&fixture);
    fixture.with(&["1.1.0"]);
    let sentences = until_done(&fixture, Work::MakePermanent);
    let is_named = |file: &str| names(&sentences, file);
    assert!(is_named("write /.office/start_erl.data"), "{sentences:?}");
    assert!(is_named("write /.office/RELEASES"), "{sentences:?}");
    assert_eq!(
        on_disk(&fixture),
        "1.1.0 permanent, 1.0.0 old, 0.0.1 old; boots 1.0.0 1.1.0"
    );
}

#[test]
fn a_release_that_cannot_be_taken_off_the_list_keeps_its_files() {
    let fixture = Fixture::new();
    lengthen_list(&fixture);
    fixture.with(&["1.1.0"]);
    let sentences = until_done(&fixture, Work::Remove);
    let is_named = |file: &str| names(&sentences, file);
    assert!(is_named("journal"), "{sentences:?}");
    assert!(is_named("write /.office/RELEASES"), "{sentences:?}");
    assert!(fs::symlink_metadata(fixture.path("lib/talk-1.1.0")).is_err());
}
