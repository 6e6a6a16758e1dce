//! An appup that fits, and changes that make it unfit.

use std::path::Path;

use expect_test::{Expect, expect};

use super::super::tests::{library, made};
use super::*;
use crate::appup::Appup;

// Every kind of instruction that an appup may need, in both directions.
const OLDER: &str = r#"{fsm,"1",gen_fsm,[]},{gone,"1",functions,[]},{held,"1",gen_server,[]},{plain,"1",functions,[]},{same,"1",functions,[]},{top_sup,"1",supervisor,[]},{user,"1",functions,[{calls,["gone:f/0"]}]}"#;
const NEWER: &str = r#"{come,"2",functions,[]},{fsm,"2",gen_fsm,[{converts,["1"]},{calls,["come:f/0"]}]},{held,"2",gen_server,[{keeps,["1"]}]},{plain,"2",functions,[]},{same,"1",functions,[]},{top_sup,"2",supervisor,[]},{user,"2",functions,[]}"#;

const FITS: &str = r#"{"2",
 [{"1",
   [{add_module,come},
    {load_module,held},
    {load_module,plain},
    {load_module,user},
    {update,fsm,{advanced,[]},[come]},
    {update,top_sup,supervisor},
    {delete_module,gone}]}],
 [{"1",
   [{add_module,gone},
    {update,top_sup,supervisor},
    {update,fsm,{advanced,[]}},
    {delete_module,come},
    {load_module,held},
    {load_module,plain},
    {load_module,user}]}]}.
"#;

fn misfits(text: &str) -> String {
    let appup = Appup::parse(Path::new("quest.appup"), text).unwrap();
    let found = check(&appup, &library("1", OLDER), &library("2", NEWER));
    let found = found.unwrap();
    found.iter().map(|misfit| format!("{misfit}\n")).collect()
}

/// Compares `expected` with the faults that appear when `other` replaces one piece of the fitting appup.
fn with(piece: &str, other: &str, expected: Expect) {
    assert_eq!(FITS.matches(piece).count(), 1, "{piece}");
    expected.assert_eq(&misfits(&FITS.replace(piece, other)));
}

#[test]
fn what_was_generated_fits() {
    let made = made(OLDER, NEWER).to_text();
    assert_eq!(made, format!("%% coding: utf-8\n{FITS}"));
    assert_eq!(misfits(FITS), "");
}

#[test]
fn another_order_and_longer_forms_fit_too() {
    for (piece, other) in [
        (
            "{load_module,plain},\n    {load_module,user},\n    {update,fsm",
            "{load_module,user},\n    [{load_module,plain,soft_purge,soft_purge,[]}],\n    {update,fsm",
        ),
        ("{add_module,come}", "{load_module,come}"),
        (
            "{load_module,held},\n    {load_module,plain},\n    {load_module,user},\n    {update",
            "{update,held,soft},{load_module,plain},{load_module,user},{load_module,same},\n    {update",
        ),
        (
            "{load_module,held},\n    {load_module,plain},\n    {load_module,user}]",
            "{update,held,{advanced,[]}},{load_module,plain},{load_module,user}]",
        ),
        (",[come]}", "}"),
        (
            "{update,fsm,{advanced,[]}},",
            "{suspend,[fsm]},{code_change,down,[{fsm,[]}]},{load,{fsm,brutal_purge,brutal_purge}},{resume,[fsm]},",
        ),
    ] {
        assert_eq!(FITS.matches(piece).count(), 1, "{piece}");
        assert_eq!(misfits(&FITS.replace(piece, other)), "", "{other}");
    }
}

#[test]
fn who_restarts_names_no_module() {
    for all in ["restart_new_emulator", "{restart_application,quest}"] {
        let text = format!("{{\"2\",[{{\"1\",[{all}]}}],[{{<<\"1\">>,[{all}]}}]}}.");
        assert_eq!(misfits(&text), "", "{all}");
    }
    let other = "{\"2\",[{\"1\",[{restart_application,other}]}],[{\"1\",[restart_emulator]}]}.";
    assert!(misfits(other).contains("does not name `fsm`"));
}

#[test]
fn a_change_that_is_not_named_does_not_fit() {
    with(
        "{load_module,plain},\n    {load_module,user},\n    {update,fsm",
        "{load_module,user},\n    {update,fsm",
        expect![[r#"
            quest.appup: line 3: the way up from 1 does not name `plain`, which is 1 in the older version and 2 in the newer; `{load_module,plain}` would be right
        "#]],
    );
    with(
        "{delete_module,come},\n",
        "",
        expect![[r#"
            quest.appup: line 11: the way down to 1 does not name `come`, which has to be deleted; `{delete_module,come}` would be right
        "#]],
    );
}

#[test]
fn a_module_that_nobody_has_does_not_fit() {
    with(
        "{add_module,gone}",
        "{add_module,gone},{load_module,stranger},{delete_module,same}",
        expect![[r#"
            quest.appup: line 11: `{load_module,stranger}` names `stranger`, which neither 1 nor 2 has
            quest.appup: line 11: `{delete_module,same}` names `same`, which is the same in both versions; leave it out
        "#]],
    );
}

#[test]
fn an_instruction_that_does_not_do_what_the_module_needs_does_not_fit() {
    with(
        "{update,fsm,{advanced,[]},[come]}",
        "{load_module,fsm,[come]}",
        expect![[r#"
            quest.appup: line 7: `{load_module,fsm,[come]}` is the wrong instruction for `fsm`, whose state 2 converts from and to 1; `{update,fsm,{advanced,[]},[come]}` would be right
        "#]],
    );
    with(
        "{update,top_sup,supervisor},\n    {delete_module,gone}",
        "{load_module,top_sup},\n    {delete_module,gone}",
        expect![[r#"
            quest.appup: line 8: `{load_module,top_sup}` is the wrong instruction for `top_sup`, a supervisor that is 1 in the older version and 2 in the newer; `{update,top_sup,supervisor}` would be right
        "#]],
    );
    with(
        "{load_module,plain},\n    {load_module,user}]",
        "{update,plain,{advanced,[]}},\n    {load_module,user}]",
        expect![[r#"
            quest.appup: line 16: `{update,plain,{advanced,[]}}` is the wrong instruction for `plain`, which is 1 in the older version and 2 in the newer; `{load_module,plain}` would be right
        "#]],
    );
    with(
        "{delete_module,gone}",
        "{load_module,gone}",
        expect![[r#"
            quest.appup: line 9: `{load_module,gone}` is the wrong instruction for `gone`, which has to be deleted; `{delete_module,gone}` would be right
        "#]],
    );
    with(
        "{add_module,gone}",
        "{update,gone,{advanced,[]}}",
        expect![[r#"
            quest.appup: line 11: `{update,gone,{advanced,[]}}` is the wrong instruction for `gone`, which has to be added; `{add_module,gone}` would be right
        "#]],
    );
}

#[test]
fn a_call_before_its_module_or_after_it_does_not_fit() {
    with(
        "{add_module,come},\n    {load_module,held},\n    {load_module,plain},\n    {load_module,user},\n    {update,fsm,{advanced,[]},[come]}",
        "{load_module,held},\n    {load_module,plain},\n    {load_module,user},\n    {update,fsm,{advanced,[]}},\n    {add_module,come}",
        expect![[r#"
            quest.appup: line 6: `fsm` newly calls `come`, which comes later; name `come` among its dependencies, or before it
        "#]],
    );
    with(
        "{update,fsm,{advanced,[]}},\n    {delete_module,come}",
        "{delete_module,come},\n    {update,fsm,{advanced,[]}}",
        expect![[r#"
            quest.appup: line 13: `come` is deleted while `fsm` still calls it; delete it after the exchange of `fsm`
        "#]],
    );
}

#[test]
fn a_way_or_a_version_that_is_missing_does_not_fit() {
    let text = FITS.replace("{\"2\",", "{\"3\",");
    let text = text.replacen("[{\"1\",", "[{\"0\",", 1);
    expect![[r#"
        quest.appup: line 1: it leads to version "3", but the library has version "2"
        quest.appup: line 2: the way up from 1 is missing; there are ways for: "0"
    "#]]
    .assert_eq(&misfits(&text));
    let text = FITS.replacen("[{\"1\",", "[{<<\"(\">>,", 1);
    assert!(
        misfits(&text).contains("missing closing parenthesis"),
        "{}",
        misfits(&text)
    );
}
