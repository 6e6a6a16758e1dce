//! Correct and faulty `.rel` files.

use super::*;
use expect_test::{Expect, expect};

const GOOD: &str = r#"{release, {"pq", "1.0.0"}, {erts, "1.0.0"},
 [{kernel, "1.0.0"},
  {stdlib, "1.0.0"},
  {quest, "1.1.0", temporary},
  {deep, "1", [deeper]},
  {talk, "2", load, []}]}."#;

fn parse(text: &str) -> Result<Rel, FileError> {
    Rel::parse(Path::new("releases/1.0.0/pq.rel"), text)
}

/// The good file with one piece of its text replaced.
fn check(piece: &str, other: &str, expected: Expect) {
    assert!(GOOD.contains(piece));
    expected.assert_eq(&parse(&GOOD.replace(piece, other)).unwrap_err().to_string());
}

#[test]
fn the_four_forms_of_an_entry_are_read() {
    let rel = parse(GOOD).unwrap();
    assert_eq!(
        (rel.name.as_str(), rel.vsn.as_str(), rel.erts_vsn.as_str()),
        ("pq", "1.0.0", "1.0.0")
    );
    let starts = rel.applications.iter().map(|app| app.start.word());
    assert_eq!(
        starts.collect::<Vec<_>>(),
        ["permanent", "permanent", "temporary", "permanent", "load"]
    );
    assert_eq!(
        rel.application("deep").unwrap().included.as_ref().unwrap()[0],
        "deeper"
    );
    assert_eq!(rel.application("talk").unwrap().included, Some(vec![]));
    assert_eq!(rel.application("quest").unwrap().line, 4);
}

#[test]
fn entries_that_are_none_are_named() {
    check(
        "temporary}",
        "sometimes}, {x}",
        expect![[
            r#"read releases/1.0.0/pq.rel: line 4: `{quest,"1.1.0",sometimes}`; `{Application, "Vsn"}`, with permanent, transient, temporary, load or none as third element where needed would be right ({illegal_applications,[{quest,"1.1.0",sometimes},{x}]})"#
        ]],
    );
}

#[test]
fn names_and_versions_are_strings() {
    check(
        "\"pq\"",
        "pq",
        expect![[
            r#"read releases/1.0.0/pq.rel: line 1: `pq`; a string such as "1.0.0" would be right ({illegal_name,pq})"#
        ]],
    );
    check(
        "\"1.0.0\"},",
        "1},",
        expect![[
            r#"read releases/1.0.0/pq.rel: line 1: `1`; a string such as "1.0.0" would be right ({illegal_form,1})"#
        ]],
    );
    check(
        "{erts, \"1.0.0\"}",
        "{erts, 1}",
        expect![[
            r#"read releases/1.0.0/pq.rel: line 1: `1`; a string such as "1.0.0" would be right ({illegal_form,{erts,1}})"#
        ]],
    );
}

#[test]
fn kernel_and_stdlib_are_there_and_permanent() {
    check(
        "{stdlib, \"1.0.0\"},",
        "",
        expect![
            "read releases/1.0.0/pq.rel: line 2: the release has no `stdlib`; no node runs without it ({missing_mandatory_app,stdlib})"
        ],
    );
    check(
        "{kernel, \"1.0.0\"}",
        "{kernel, \"1.0.0\", load}",
        expect![
            "read releases/1.0.0/pq.rel: line 2: `kernel` is started as load; permanent would be right ({mandatory_app,kernel,load})"
        ],
    );
}

#[test]
fn what_is_no_release_is_refused() {
    check(
        "erts",
        "emulator",
        expect![
            "read releases/1.0.0/pq.rel: line 1: this is no release; `{release, {Name, Vsn}, {erts, ErtsVsn}, [{Application, Vsn}]}` would be right (badly_formatted_release)"
        ],
    );
}
