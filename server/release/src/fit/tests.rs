//! Small releases that fit together, and releases that do not.

use std::path::Path;

use super::*;
use expect_test::{Expect, expect};

/// Fits a release of kernel, stdlib and these applications, each given as `name: properties`.
fn fit_all(apps: &[(&str, &str)]) -> Result<String, FitError> {
    let base = "{description, \"\"}, {vsn, \"1\"}";
    let rest = "{modules, []}, {registered, []}, {applications, []}";
    let all = [("kernel", ""), ("stdlib", "")].iter().chain(apps);
    let entries: Vec<_> = all
        .clone()
        .map(|(name, _)| format!("{{{name}, \"1\"}}"))
        .collect();
    let text = format!(
        "{{release, {{\"r\", \"1\"}}, {{erts, \"1\"}}, [{}]}}.",
        entries.join(",")
    );
    let rel = Rel::parse(Path::new("r.rel"), &text).unwrap();
    let member_of = |(name, more): &(&str, &str)| {
        let comma = if more.is_empty() { "" } else { "," };
        let text = format!("{{application, {name}, [{base},\n{more}{comma}\n{rest}]}}.");
        let file = format!("lib/{name}-1/ebin/{name}.app");
        member(
            &rel,
            rel.application(name).unwrap(),
            App::parse(Path::new(&file), &text).unwrap(),
        )
    };
    let members = all.map(member_of).collect::<Result<Vec<_>, _>>()?;
    let order = fit(&rel, members)?;
    Ok(order
        .iter()
        .map(|member| member.app.name.as_str())
        .collect::<Vec<_>>()
        .join(" "))
}

fn check(apps: &[(&str, &str)], expected: Expect) {
    match fit_all(apps) {
        Ok(order) => expected.assert_eq(&order),
        Err(error) => expected.assert_eq(&error.to_string()),
    }
}

#[test]
fn what_an_application_needs_starts_before_it_and_the_rest_as_the_release_lists_it() {
    check(
        &[("c", ""), ("a", ""), ("b", "")],
        expect!["kernel stdlib c a b"],
    );
    check(
        &[
            ("a", "{applications, [d, c, stdlib]}"),
            ("b", ""),
            ("c", "{applications, [b]}"),
            ("d", ""),
        ],
        expect!["kernel stdlib b c d a"],
    );
}

#[test]
fn an_included_application_is_waited_for_by_its_top() {
    check(
        &[
            ("user", "{applications, [inner]}"),
            ("top", "{included_applications, [inner]}"),
            ("inner", "{applications, [top]}"),
        ],
        expect!["kernel stdlib inner top user"],
    );
}

#[test]
fn an_optional_application_may_be_missing() {
    check(
        &[("a", "{applications, [tls]}, {optional_applications, [tls]}")],
        expect!["kernel stdlib a"],
    );
}

#[test]
fn an_undefined_application_is_named_with_who_needs_it() {
    check(
        &[
            ("a", "{applications, [kernel, tls]}"),
            ("b", "{included_applications, [tls, z]}"),
        ],
        expect![
            "fit together the applications of a release: lib/a-1/ebin/a.app: line 2: `a` needs `tls`, which is not in r.rel; an entry `{tls, Vsn}` there would be right ({undefined_applications,[tls,z]})"
        ],
    );
}

#[test]
fn what_only_one_may_have_is_named_with_both_that_have_it() {
    check(
        &[("a", "{registered, [same]}"), ("b", "{registered, [same]}")],
        expect![[
            r#"fit together the applications of a release: lib/b-1/ebin/b.app: line 2: `same` is listed in `registered` of `b` and, in lib/a-1/ebin/a.app: line 2, of `a`; only one of them can have it ({duplicate_register,[{{same,a,"1","lib/a-1/ebin"},{same,b,"1","lib/b-1/ebin"}}]})"#
        ]],
    );
    check(
        &[("a", "{modules, [m1, m2]}"), ("b", "{modules, [m2, m1]}")],
        expect![[
            r#"fit together the applications of a release: lib/b-1/ebin/b.app: line 2: `m1` is listed in `modules` of `b` and, in lib/a-1/ebin/a.app: line 2, of `a`; only one of them can have it ({duplicate_modules,[{{m2,a,"lib/a-1/ebin"},{m2,b,"lib/b-1/ebin"}},{{m1,a,"lib/a-1/ebin"},{m1,b,"lib/b-1/ebin"}}]})"#
        ]],
    );
    check(
        &[
            ("a", "{included_applications, [c]}"),
            ("b", "{included_applications, [c]}"),
            ("c", ""),
        ],
        expect![[
            r#"fit together the applications of a release: lib/b-1/ebin/b.app: line 2: `c` is listed in `included_applications` of `b` and, in lib/a-1/ebin/a.app: line 2, of `a`; only one of them can have it ({duplicate_include,[{{c,a,"1","lib/a-1/ebin"},{c,b,"1","lib/b-1/ebin"}}]})"#
        ]],
    );
}

#[test]
fn a_circle_is_named() {
    check(
        &[("a", "{applications, [b]}"), ("b", "{applications, [a]}")],
        expect![[
            r#"fit together the applications of a release: r.rel: line 1: `b` and `a` need each other, directly or through others, so none of them can start first ({circular_dependencies,[{b,"1"},{a,"1"}]})"#
        ]],
    );
    check(
        &[
            ("a", "{applications, [b]}"),
            ("b", "{applications, [c]}"),
            ("c", "{applications, [a]}"),
        ],
        expect![[
            r#"fit together the applications of a release: r.rel: line 1: `c` and `a` need each other, directly or through others, so none of them can start first ({circular_dependencies,[{c,"1"},{a,"1"}]})"#
        ]],
    );
}

#[test]
fn applications_that_include_each_other_end_as_an_error() {
    assert!(
        fit_all(&[
            ("a", "{included_applications, [b]}"),
            ("b", "{included_applications, [a]}")
        ])
        .is_err()
    );
}

#[test]
fn a_long_chain_of_needs_is_no_deep_stack() {
    let names: Vec<String> = (0..2_000).map(|at| format!("a{at}")).collect();
    let needs: Vec<String> = (1..=2_000)
        .map(|at| format!("{{applications, [a{at}]}}"))
        .collect();
    let mut apps: Vec<_> = names
        .iter()
        .map(String::as_str)
        .zip(needs.iter().map(String::as_str))
        .collect();
    apps[1_999].1 = "";
    let order = fit_all(&apps).unwrap();
    assert!(order.starts_with("kernel stdlib a1999 a1998 "), "{order}");
}
