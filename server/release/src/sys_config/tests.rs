//! Directories of releases, and their settings or errors.

use super::*;
use expect_test::{Expect, expect};

/// A directory with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    folder
}

fn check_files(files: &[(&str, &str)], variables: &[(&str, &str)], expected: Expect) {
    let folder = folder(files);
    let environment = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.into())
    };
    let shown = match read_with(folder.path(), &environment) {
        Ok(settings) => format!("{settings:?}"),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&shown.replace(&folder.path().display().to_string(), "1.0.0"));
}

fn check(text: &str, expected: Expect) {
    check_files(&[(FILE_NAME, text)], &[], expected);
}

#[test]
fn settings_are_found_by_application_and_key() {
    check(
        "[{sockserv, [{port, 8082}, {tls, []}]}, {sasl, \"\"}].",
        expect![[r#"{("sockserv", "port"): 8082, ("sockserv", "tls"): []}"#]],
    );
    check("[].", expect!["{}"]);
}

#[test]
fn a_later_entry_of_an_application_stands_over_an_earlier_one() {
    check(
        "[{a, [{k, 1}, {j, 1}]}, {a, [{k, 2}]}].",
        expect![[r#"{("a", "j"): 1, ("a", "k"): 2}"#]],
    );
}

#[test]
fn a_file_that_is_named_is_read_where_it_is_named() {
    let files = [
        (
            FILE_NAME,
            "[{a, [{k, 1}, {j, 1}]}, \"site\", \"sub/more.config\", {a, [{j, 3}]}].",
        ),
        (
            "site.config",
            "%% coding: latin-1\n[{a, [{k, 2}, {j, 2}]}, {b, [{x, 1}]}].",
        ),
        ("sub/more.config", "[{b, [{x, 2}]}]."),
    ];
    check_files(
        &files,
        &[],
        expect![[r#"{("a", "j"): 3, ("a", "k"): 2, ("b", "x"): 2}"#]],
    );
    let folder = folder(&[("site.config", "[{a, [{k, 7}]}].")]);
    let text = format!("[\"{}\"].", folder.path().join("site").display());
    check_files(&[(FILE_NAME, &text)], &[], expect![[r#"{("a", "k"): 7}"#]]);
}

#[test]
fn what_is_wrong_with_a_named_file_is_said_of_that_file() {
    let named = |text: &'static str, expected| {
        check_files(
            &[(FILE_NAME, "[\n\"site\"]."), ("site.config", text)],
            &[],
            expected,
        );
    };
    named(
        "[{a,\n [{k}]}].",
        expect![
            "read 1.0.0/site.config: line 2: `{k}`; the file is `[{Application, [{Key, Value}]}]` ({bad_config,{k}})"
        ],
    );
    named(
        "[{a,\n [}].",
        expect!["read 1.0.0/site.config: line 2, column 3: found `}`, expected a term"],
    );
    named(
        "[{a, []},\n {a, []}].",
        expect![
            "read 1.0.0/site.config: line 2: `a` occurs twice; remove one of the two ({duplicate_key,a})"
        ],
    );
    named(
        "[\n\"further\"].",
        expect![[
            r#"read 1.0.0/site.config: line 2: it names "further"; only sys.config names further files, so that one has to be named there ({bad_config,"further"})"#
        ]],
    );
    named(
        "[].\n[].",
        expect![
            "read 1.0.0/site.config: line 2: `[]` is a second term; the file holds one, `[{Application, [{Key, Value}]}]` (badly_formatted_file)"
        ],
    );
    check(
        "[\n\"site\"].",
        expect![[
            r#"read 1.0.0/sys.config: line 2: it names site.config, and there is neither 1.0.0/site.config nor site.config in the folder where the node was started ({open,"1.0.0/site.config",enoent})"#
        ]],
    );
    check(
        "[\n\"/no/such/site\"].",
        expect![[
            r#"read 1.0.0/sys.config: line 2: it names /no/such/site.config, and there is no such file ({open,"/no/such/site.config",enoent})"#
        ]],
    );
    check(
        "[\n\"\"].",
        expect![[
            r#"read 1.0.0/sys.config: line 2: `""`; the file is `[{Application, [{Key, Value}]}, "file"]` ({bad_config,""})"#
        ]],
    );
}

#[test]
fn what_is_no_setting_is_named_with_its_line() {
    check(
        "[{sockserv, [{port, 8082},\n {tls}]}].",
        expect![[
            r#"read 1.0.0/sys.config: line 2: `{tls}`; the file is `[{Application, [{Key, Value}]}, "file"]` ({bad_config,{tls}})"#
        ]],
    );
    check(
        "[{a, [{k, 1},\n {k, 2}]}].",
        expect![
            "read 1.0.0/sys.config: line 2: `k` of `a` occurs twice; remove one of the two ({duplicate_key,k})"
        ],
    );
    check(
        "[{a, [{k, 1}]}",
        expect![
            "read 1.0.0/sys.config: line 1, column 15: found the end of the text, expected `,` or `]`"
        ],
    );
    check(
        "",
        expect![[
            r#"read 1.0.0/sys.config: line 1: the file holds no term; `[{Application, [{Key, Value}]}, "file"]` would be right ({read,"1.0.0/sys.config"})"#
        ]],
    );
    check(
        "[].\n\n{a}.",
        expect![[
            r#"read 1.0.0/sys.config: line 3: `{a}` is a second term; the file holds one, `[{Application, [{Key, Value}]}, "file"]` (badly_formatted_file)"#
        ]],
    );
}

#[test]
fn a_missing_file_holds_no_settings() {
    check_files(&[], &[], expect!["{}"]);
    let folder = folder(&[("sys.config/x", "")]);
    assert!(read(folder.path()).is_err(), "a folder is no file");
}

#[test]
fn variables_of_the_environment_are_put_into_a_template() {
    let variables = [
        ("PORT", "8083"),
        ("NAME", "ada"),
        ("EMPTY", ""),
        ("LIST", "[1,\n 2]"),
    ];
    let with = |text: &str, expected| {
        let files = [(TEMPLATE_NAME, text), (FILE_NAME, "not read")];
        check_files(&files, &variables, expected);
    };
    with(
        "[{a, [{port, ${PORT}}, {name, \"${NAME}@${HOST:-localhost}\"}, {empty, \"${EMPTY}\"},\n {other, '${EMPTY:-x-y:-z}'}]}].",
        expect![[
            r#"{("a", "empty"): "", ("a", "name"): "ada@localhost", ("a", "other"): 'x-y:-z', ("a", "port"): 8083}"#
        ]],
    );
    with(
        "[{a, [{none, \"${NONE:-}\"}, {c, ${}]}]. % ${NONE}\n",
        expect![[
            r#"read 1.0.0/sys.config.src: line 1: `${}`: the name of a variable would be right, such as `${PORT:-8080}` ({bad_variable,""})"#
        ]],
    );
    with(
        "[{a, [{q, \"\\\"%${NAME}\"}, {c, $\"}, {d, ${PORT}}]}].",
        expect![[r#"{("a", "c"): 34, ("a", "d"): 8083, ("a", "q"): "\"%ada"}"#]],
    );
    with(
        "[{a,\n [{port, ${NONE}}]}].",
        expect![[
            r#"read 1.0.0/sys.config.src: line 2: `${NONE}`: NONE is not set; set it in the environment of the node, or write `${NONE:-default}` ({bad_variable,"NONE"})"#
        ]],
    );
    with(
        "[{a,\n [{port, ${}}]}].",
        expect![[
            r#"read 1.0.0/sys.config.src: line 2: `${}`: the name of a variable would be right, such as `${PORT:-8080}` ({bad_variable,""})"#
        ]],
    );
    with(
        "[{a, [{list, ${LIST}},\n {wrong}]}].",
        expect![[
            r#"read 1.0.0/sys.config.src: line 2: `{wrong}`; the file is `[{Application, [{Key, Value}]}, "file"]` ({bad_config,{wrong}})"#
        ]],
    );
    with(
        "[{a, [{list, ${LIST}},\n {wrong]}].",
        expect!["read 1.0.0/sys.config.src: line 2, column 8: found `]`, expected `,` or `}`"],
    );
    with(
        "[{a, [{list, ${LIST}}]},\n \"none\"].",
        expect![[
            r#"read 1.0.0/sys.config.src: line 2: it names none.config, and there is neither 1.0.0/none.config nor none.config in the folder where the node was started ({open,"1.0.0/none.config",enoent})"#
        ]],
    );
    check(
        "[{a, [{k, \"${PORT}\"}]}].",
        expect![[r#"{("a", "k"): "${PORT}"}"#]],
    );
}

#[test]
fn what_belongs_to_a_release_is_known_without_its_machine() {
    let names = |files: &[(&str, &str)]| {
        let folder = folder(files);
        let found = super::check(folder.path()).map_err(|error| error.to_string());
        let names = found.map(|files| {
            files
                .iter()
                .map(|file| file.display().to_string())
                .collect()
        });
        names.map_err(|error| error.replace(&folder.path().display().to_string(), "1.0.0"))
    };
    let all = |names: &[&str]| {
        Ok(names
            .iter()
            .map(|name| name.to_string())
            .collect::<Vec<_>>())
    };
    let main = "[\"./a\", \"sub/../sub/b.config\", \"/etc/c\", \"../d\", \"sub/../../d\", \"not_here\", \"a.config\"].";
    let files = [
        (FILE_NAME, main),
        ("a.config", "[]."),
        ("sub/b.config", "[]."),
    ];
    assert_eq!(
        names(&files),
        all(&["sys.config", "a.config", "sub/b.config"])
    );
    let files = [
        (TEMPLATE_NAME, "[{k, [{port, ${PORT}}]}, \"${SITE:-a}\"]."),
        ("a.config", "[]."),
    ];
    assert_eq!(names(&files), all(&["sys.config.src", "a.config"]));
    assert_eq!(
        names(&[(TEMPLATE_NAME, "[{a, []} ${MORE}].")]),
        all(&["sys.config.src"])
    );
    assert_eq!(names(&[]), all(&[]));
    assert!(names(&[(TEMPLATE_NAME, "[${}].")]).is_err());
    let files = [(FILE_NAME, "[\"a\"]."), ("a.config", "[\n{b}].")];
    assert!(names(&files).is_err_and(|error| error.contains("1.0.0/a.config: line 2")));
}
