//! Correct and faulty `.app` files.

use super::*;
use expect_test::{Expect, expect};

const GOOD: &str = r#"{application, quest,
 [{description, "A quest"},
  {vsn, "1.0.0"},
  {modules, [quest, quest_sup]},
  {registered, [quest_sup]},
  {applications, [kernel, stdlib]},
  {mod, {quest, [deep]}},
  {env, [{depth, 3}]}]}."#;

fn parse(text: &str) -> Result<App, FileError> {
    App::parse(Path::new("lib/quest-1.0.0/ebin/quest.app"), text)
}

/// The good file with one piece of its text replaced.
fn check(piece: &str, other: &str, expected: Expect) {
    assert!(GOOD.contains(piece));
    expected.assert_eq(&parse(&GOOD.replace(piece, other)).unwrap_err().to_string());
}

#[test]
fn a_good_file_becomes_what_the_runtime_needs() {
    let app = parse(GOOD).unwrap();
    let spec = app.spec();
    assert_eq!((spec.name.as_str(), spec.vsn.as_str()), ("quest", "1.0.0"));
    assert_eq!(spec.applications, ["kernel", "stdlib"]);
    assert_eq!(spec.env, [("depth".to_string(), Term::from(3))]);
    let (module, args) = spec.callback.unwrap();
    assert_eq!(
        (module.as_str(), args.to_string().as_str()),
        ("quest", "[deep]")
    );
    assert_eq!(app.folder(), Path::new("lib/quest-1.0.0/ebin"));
    assert_eq!(
        (app.max_t_ms, app.max_p, app.start_phases),
        (None, None, None)
    );
}

#[test]
fn keys_that_systools_knows_are_read() {
    let more = r#"{vsn, "1.0.0"}, {id, "q"}, {maxT, 1000}, {maxP, infinity}, {start_phases, [{go, []}]},
        {included_applications, [deep]}, {optional_applications, ""}, {author, "unknown to OTP"}, stray"#;
    let app = parse(&GOOD.replace("{vsn, \"1.0.0\"}", more)).unwrap();
    assert_eq!(
        (app.id.as_str(), app.max_t_ms, app.max_p),
        ("q", Some(1000), None)
    );
    assert_eq!(app.included_applications[0], "deep");
    assert_eq!(app.start_phases.unwrap()[0].0, "go");
    assert!(app.optional_applications.is_empty());
}

#[test]
fn a_missing_parameter_is_named() {
    check(
        "{registered, [quest_sup]},",
        "",
        expect![
            "read lib/quest-1.0.0/ebin/quest.app: line 1: the application has no `registered`; `{registered, [name, other_name]}` would be right ({missing_param,registered})"
        ],
    );
}

#[test]
fn a_bad_parameter_is_named_with_its_line() {
    check(
        "[quest, quest_sup]",
        "[quest, \"quest_sup\"]",
        expect![[
            r#"read lib/quest-1.0.0/ebin/quest.app: line 4: `"quest_sup"`; `{modules, [name, other_name]}` would be right ({bad_param,modules})"#
        ]],
    );
    check(
        "\"1.0.0\"",
        "1",
        expect![[
            r#"read lib/quest-1.0.0/ebin/quest.app: line 3: `{vsn,1}`; `{vsn, "1.0.0"}` would be right ({bad_param,vsn})"#
        ]],
    );
    check(
        "[{depth, 3}]",
        "[{\"depth\", 3}]",
        expect![[
            r#"read lib/quest-1.0.0/ebin/quest.app: line 8: `{env,[{"depth",3}]}`; `{env, [{Key, Value}]}` would be right ({bad_param,env})"#
        ]],
    );
    check(
        "{env, [{depth, 3}]}",
        "{maxT, 0}",
        expect![
            "read lib/quest-1.0.0/ebin/quest.app: line 8: `{maxT,0}`; `{maxT, infinity or a count above 0}` would be right ({bad_param,maxT})"
        ],
    );
    check(
        "{quest, [deep]}",
        "quest",
        expect![
            "read lib/quest-1.0.0/ebin/quest.app: line 7: `{mod,quest}`; `{mod, {Module, Args}}` would be right ({missing_param,mod})"
        ],
    );
}

#[test]
fn what_is_no_application_is_refused() {
    check(
        "application,",
        "applikation,",
        expect![[
            r#"read lib/quest-1.0.0/ebin/quest.app: line 1: this is no application; `{application, Name, [{Key, Value}]}` would be right ({badly_formatted_application,{applikation,quest,[{description,"A quest"},{vsn,"1.0.0"},{modules,[quest,quest_sup]},{registered,[quest_sup]},{applications,[kernel,stdlib]},{mod,{quest,[deep]}},{env,[{depth,3}]}]}})"#
        ]],
    );
    check(
        "\"A quest\"},",
        "\"A quest\"},,",
        expect![
            "read lib/quest-1.0.0/ebin/quest.app: line 2, column 28: found `,`, expected a term"
        ],
    );
}
