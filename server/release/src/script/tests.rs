//! Parses scripts, and refuses faulty ones.

use expect_test::{Expect, expect};

use super::*;

/// The instructions in a list of terms.
fn instructions(text: &str) -> Vec<Instruction> {
    let term = pq_term::read_one(text).unwrap();
    let items = term.as_list().unwrap().iter();
    items.map(|item| Instruction::read(item).unwrap()).collect()
}

fn check(text: &str, expected: Expect) {
    let line = match Script::read(&instructions(text)) {
        Ok(script) => format!(
            "{:?} soft {:?} restart {}",
            script.steps, script.soft, script.restart
        ),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&line);
}

#[test]
fn everything_between_two_barriers_is_one_exchange() {
    check(
        "[{load_object_code,{a,\"2\",[m1,m2]}},point_of_no_return,\
          {suspend,[m1]},{load,{m1,soft_purge,brutal_purge}},{code_change,up,[{m1,[x]}]},{resume,[m1]},\
          {load,{m2,brutal_purge,brutal_purge}},{apply,{x,y,[]}},{remove,{m3,brutal_purge,soft_purge}},{purge,[m3]}].",
        expect![
            "[Exchange(Exchange { changes: [Load(m1, Brutal), Load(m2, Brutal)], conversions: {m1: (Up, [x])}, suspend_timeout: None, left_suspended: {}, resumed: {} }), Apply(Mfa { module: x, function: y, args: [] }), Exchange(Exchange { changes: [Remove(m3, Soft), Purge(m3)], conversions: {}, suspend_timeout: None, left_suspended: {}, resumed: {} })] soft [m1] restart false"
        ],
    );
}

#[test]
fn what_is_suspended_across_a_barrier_stays_so() {
    check(
        "[{load_object_code,{a,\"2\",[m1]}},point_of_no_return,{suspend,[{m1,7000},m2]},{apply,{x,y,[]}},\
          {load,{m1,brutal_purge,brutal_purge}},{resume,[m2,m1]}].",
        expect![
            "[Exchange(Exchange { changes: [], conversions: {}, suspend_timeout: Some(Ms(7000)), left_suspended: {m1, m2}, resumed: {} }), Apply(Mfa { module: x, function: y, args: [] }), Exchange(Exchange { changes: [Load(m1, Brutal)], conversions: {}, suspend_timeout: None, left_suspended: {}, resumed: {m1, m2} })] soft [] restart false"
        ],
    );
}

#[test]
fn what_has_no_place_is_refused_before_anything_runs() {
    check(
        "[{suspend,[m1]},point_of_no_return].",
        expect!["carry out `{suspend,[m1]}`: it is not permitted before the point of no return"],
    );
    check(
        "[point_of_no_return,{load_object_code,{a,\"2\",[m1]}}].",
        expect![[
            r#"carry out `{load_object_code,{a,"2",[m1]}}`: it is not permitted after the point of no return"#
        ]],
    );
    check(
        "[point_of_no_return,{load,{m1,brutal_purge,brutal_purge}}].",
        expect!["load m1: no `load_object_code` before the point of no return names it"],
    );
    check(
        "[restart_new_emulator,point_of_no_return].",
        expect![
            "carry out `restart_new_emulator`: the release needs another pq; stop the node, replace the program, and start it with that release"
        ],
    );
    check(
        "[point_of_no_return,restart].",
        expect!["carry out `restart`: it is not permitted after the point of no return"],
    );
    check(
        "[point_of_no_return,{sync_nodes,x,[other@host]}].",
        expect!["synchronise with [other@host]: this node knows no other nodes"],
    );
}

#[test]
fn a_script_without_a_point_of_no_return_is_all_behind_it() {
    check(
        "[{apply,{x,y,[]}},restart_emulator].",
        expect!["[Apply(Mfa { module: x, function: y, args: [] })] soft [] restart true"],
    );
    check("[].", expect!["[] soft [] restart false"]);
}

#[test]
fn an_application_alone_does_not_restart_the_node() {
    let restart = instructions("[{apply,{x,y,[]}},restart_emulator].");
    let error = Script::of_one_application(&restart).unwrap_err();
    assert_eq!(error.to_term().to_string(), "restart_emulator");
    assert!(Script::of_one_application(&restart[..1]).is_ok());
}
