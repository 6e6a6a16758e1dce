//! Appups of two manifests: rules, order, notes and refusals.

use expect_test::{Expect, expect};
use pq_code::Manifest;

use super::*;

/// A library of the application `quest` with these modules, in the form of a manifest.
pub(super) fn library(vsn: &str, modules: &str) -> Manifest {
    let text = format!("{{library,\"quest\",\"{vsn}\",[{{abi,1}},{{modules,[{modules}]}}]}}.");
    Manifest::read(text.as_bytes()).unwrap()
}

pub(super) fn made(older: &str, newer: &str) -> Generated {
    generate(&library("1", older), &library("2", newer)).unwrap()
}

/// The way up and the way down, one line each.
fn ways(older: &str, newer: &str) -> String {
    let term = made(older, newer).term;
    let parts = term.as_tuple().unwrap();
    let way = |at: usize| parts[at].as_list().unwrap()[0].to_string();
    format!("up   {}\ndown {}\n", way(1), way(2))
}

fn check_ways(older: &str, newer: &str, expected: Expect) {
    expected.assert_eq(&ways(older, newer));
}

fn check_notes(older: &str, newer: &str, expected: Expect) {
    let notes = made(older, newer).notes;
    let notes: String = notes.iter().map(|note| format!("{note}\n")).collect();
    expected.assert_eq(&notes);
}

const NOTHING: &str = "";

mod rules {
    use super::*;

    #[test]
    fn a_module_that_comes_is_added_and_on_the_way_back_deleted() {
        check_ways(
            NOTHING,
            r#"{m,"2",functions,[]}"#,
            expect![[r#"
                up   {"1",[{add_module,m}]}
                down {"1",[{delete_module,m}]}
            "#]],
        );
    }

    #[test]
    fn a_module_that_goes_is_deleted_and_on_the_way_back_added() {
        check_ways(
            r#"{m,"1",functions,[]}"#,
            NOTHING,
            expect![[r#"
                up   {"1",[{delete_module,m}]}
                down {"1",[{add_module,m}]}
            "#]],
        );
    }

    #[test]
    fn a_module_of_the_same_version_is_not_named() {
        let same = r#"{m,"1",functions,[]}"#;
        check_ways(
            same,
            same,
            expect![[r#"
                up   {"1",[]}
                down {"1",[]}
            "#]],
        );
    }

    #[test]
    fn what_keeps_no_state_of_its_own_is_loaded() {
        for kind in ["functions", "event_manager", "application"] {
            let [older, newer] = ["1", "2"].map(|vsn| format!("{{m,\"{vsn}\",{kind},[]}}"));
            assert_eq!(
                ways(&older, &newer),
                "up   {\"1\",[{load_module,m}]}\ndown {\"1\",[{load_module,m}]}\n",
                "{kind}"
            );
        }
    }

    #[test]
    fn a_state_that_the_newer_version_converts_is_updated_both_ways() {
        for kind in ["gen_server", "gen_fsm", "gen_event"] {
            let older = format!("{{m,\"1\",{kind},[]}}");
            let newer = format!("{{m,\"2\",{kind},[{{converts,[\"0\",\"1\"]}}]}}");
            assert_eq!(
                ways(&older, &newer),
                "up   {\"1\",[{update,m,{advanced,[]}}]}\ndown {\"1\",[{update,m,{advanced,[]}}]}\n",
                "{kind}"
            );
        }
    }

    #[test]
    fn a_conversion_from_another_version_than_the_one_that_runs_is_none() {
        check_ways(
            r#"{m,"1.5",gen_server,[]}"#,
            r#"{m,"2",gen_server,[{converts,["1"]}]}"#,
            expect![[r#"
                up   {"1",[{load_module,m}]}
                down {"1",[{load_module,m}]}
            "#]],
        );
    }

    #[test]
    fn a_supervisor_is_asked_for_its_children_anew() {
        check_ways(
            r#"{m,"1",supervisor,[]}"#,
            r#"{m,"2",supervisor,[]}"#,
            expect![[r#"
                up   {"1",[{update,m,supervisor}]}
                down {"1",[{update,m,supervisor}]}
            "#]],
        );
    }

    #[test]
    fn a_new_call_of_a_module_that_changed_is_a_dependency_and_an_old_call_is_none() {
        check_ways(
            r#"{caller,"1",functions,[{calls,["callee:old/0","other:old/0"]}]},{callee,"1",functions,[]},{other,"1",functions,[]},{same,"1",functions,[]}"#,
            r#"{caller,"2",functions,[{calls,["callee:new/0","callee:old/0","other:old/0","same:old/0"]}]},{callee,"2",functions,[]},{other,"2",functions,[]},{same,"1",functions,[]}"#,
            expect![[r#"
                up   {"1",[{load_module,callee},{load_module,caller,[callee]},{load_module,other}]}
                down {"1",[{load_module,caller},{load_module,callee},{load_module,other}]}
            "#]],
        );
    }

    #[test]
    fn a_new_call_of_a_module_that_goes_is_no_dependency() {
        check_ways(
            r#"{a,"1",functions,[]},{gone,"1",functions,[]}"#,
            r#"{a,"2",functions,[{calls,["gone:f/0"]}]}"#,
            expect![[r#"
                up   {"1",[{load_module,a},{delete_module,gone}]}
                down {"1",[{add_module,gone},{load_module,a}]}
            "#]],
        );
    }

    #[test]
    fn a_function_with_another_number_of_arguments_is_another_function() {
        check_ways(
            r#"{a,"1",functions,[{calls,["b:f/1"]}]},{b,"1",functions,[]}"#,
            r#"{a,"2",functions,[{calls,["b:f/2"]}]},{b,"2",functions,[]}"#,
            expect![[r#"
                up   {"1",[{load_module,b},{load_module,a,[b]}]}
                down {"1",[{load_module,b},{load_module,a,[b]}]}
            "#]],
        );
    }

    #[test]
    fn a_supervisor_that_depends_on_something_is_written_in_full() {
        check_ways(
            r#"{a_sup,"1",supervisor,[]}"#,
            r#"{a_sup,"2",supervisor,[{calls,["b:f/0"]}]},{b,"2",functions,[]}"#,
            expect![[r#"
                up   {"1",[{add_module,b},{update,a_sup,static,default,{advanced,[]},brutal_purge,brutal_purge,[b]}]}
                down {"1",[{update,a_sup,supervisor},{delete_module,b}]}
            "#]],
        );
    }
}

mod order {
    use super::*;

    #[test]
    fn without_calls_the_kinds_of_instruction_decide_and_down_is_up_turned_round() {
        check_ways(
            r#"{a,"1",functions,[]},{b_sup,"1",supervisor,[]},{c,"1",functions,[]},{d,"1",gen_server,[]},{f,"1",functions,[]}"#,
            r#"{a,"2",functions,[]},{b_sup,"2",supervisor,[]},{d,"2",gen_server,[{converts,["1"]}]},{e,"2",functions,[]},{f,"2",functions,[]}"#,
            expect![[r#"
                up   {"1",[{add_module,e},{load_module,a},{load_module,f},{update,d,{advanced,[]}},{update,b_sup,supervisor},{delete_module,c}]}
                down {"1",[{add_module,c},{update,b_sup,supervisor},{update,d,{advanced,[]}},{delete_module,e},{load_module,a},{load_module,f}]}
            "#]],
        );
    }

    #[test]
    fn who_calls_a_module_that_goes_is_exchanged_before_it_goes() {
        check_ways(
            r#"{a,"1",functions,[]},{z,"1",functions,[{calls,["a:f/0"]}]}"#,
            r#"{z,"2",functions,[]}"#,
            expect![[r#"
                up   {"1",[{load_module,z},{delete_module,a}]}
                down {"1",[{add_module,a},{load_module,z}]}
            "#]],
        );
        // Without the calls, the table would delete the module before the other one is loaded on the way down.
        check_ways(
            r#"{z,"1",functions,[]}"#,
            r#"{a,"2",functions,[]},{z,"2",functions,[{calls,["a:f/0"]}]}"#,
            expect![[r#"
                up   {"1",[{add_module,a},{load_module,z,[a]}]}
                down {"1",[{load_module,z},{delete_module,a}]}
            "#]],
        );
    }

    #[test]
    fn a_chain_of_calls_is_followed_to_its_end() {
        check_ways(
            r#"{a,"1",gen_server,[]},{b,"1",functions,[]},{c,"1",functions,[]}"#,
            r#"{a,"2",gen_server,[{converts,["1"]},{calls,["b:f/0"]}]},{b,"2",functions,[{calls,["c:f/0"]}]},{c,"2",functions,[]}"#,
            expect![[r#"
                up   {"1",[{load_module,c},{load_module,b,[c]},{update,a,{advanced,[]},[b]}]}
                down {"1",[{update,a,{advanced,[]}},{load_module,b},{load_module,c}]}
            "#]],
        );
    }

    #[test]
    fn calls_in_a_circle_make_one_group() {
        check_ways(
            r#"{a,"1",functions,[]},{b,"1",functions,[]}"#,
            r#"{a,"2",functions,[{calls,["b:f/0"]}]},{b,"2",functions,[{calls,["a:f/0"]}]}"#,
            expect![[r#"
                up   {"1",[{load_module,a,[b]},{load_module,b,[a]}]}
                down {"1",[{load_module,a},{load_module,b}]}
            "#]],
        );
    }

    #[test]
    fn what_an_older_version_alone_calls_is_back_before_it() {
        check_ways(
            r#"{a,"1",functions,[{calls,["z:old/0"]}]},{z,"1",functions,[]}"#,
            r#"{a,"2",functions,[]},{z,"2",functions,[]}"#,
            expect![[r#"
                up   {"1",[{load_module,a},{load_module,z}]}
                down {"1",[{load_module,z},{load_module,a}]}
            "#]],
        );
    }

    #[test]
    fn the_order_in_the_library_decides_nothing() {
        let modules = ["a", "b", "c"].map(|name| format!("{{{name},\"2\",functions,[]}}"));
        let mut turned = modules.clone();
        turned.reverse();
        assert_eq!(
            ways(NOTHING, &modules.join(",")),
            ways(NOTHING, &turned.join(","))
        );
    }
}

mod notes {
    use super::*;

    #[test]
    fn nothing_is_noted_where_everything_is_said() {
        check_notes(
            r#"{a,"1",gen_server,[{calls,["regis:sweep/0"]}]},{b,"1",gen_fsm,[]},{c,"1",functions,[]}"#,
            r#"{a,"2",gen_server,[{converts,["1"]},{calls,["regis:sweep/0"]}]},{b,"2",gen_fsm,[{keeps,["1"]}]},{c,"2",functions,[]}"#,
            expect![[""]],
        );
    }

    #[test]
    fn a_state_of_which_nothing_is_said_is_noted() {
        check_notes(
            r#"{m,"1",gen_server,[]}"#,
            r#"{m,"2",gen_server,[]}"#,
            expect![[r#"
                `m` 2 declares neither that it converts the state of 1 nor that it keeps it, so the appup only loads the module; a library does not show a state that changed without a migration, nor one with the same form and another meaning
            "#]],
        );
    }

    #[test]
    fn a_version_that_was_probably_forgotten_is_noted() {
        check_notes(
            r#"{a,"1",functions,[{digest,"d"}]},{b,"1",functions,[{digest,"d"}]}"#,
            r#"{a,"1",functions,[{digest,"d"},{calls,["b:f/0"]}]},{b,"1",functions,[{digest,"e"}]}"#,
            expect![[r#"
                `a` is 1 in both, but its code or its declarations differ: was its VSN forgotten? The appup leaves the module out
                `b` is 1 in both, but its code or its declarations differ: was its VSN forgotten? The appup leaves the module out
                no module has a new version, so the appup has nothing to do; raise the VSN of each module whose code changed
            "#]],
        );
    }

    #[test]
    fn code_of_which_nothing_is_known_is_noted_where_the_version_is_the_same() {
        check_notes(
            r#"{a,"1",functions,[]},{b,"1",functions,[{digest,"d"}]}"#,
            r#"{a,"1",functions,[{digest,"d"}]},{b,"2",functions,[]}"#,
            expect![[r#"
                the library of 1 has no digests of the code of its modules, so changes under the same VSN cannot be found; `pq build` makes libraries with digests
            "#]],
        );
    }

    #[test]
    fn children_of_a_supervisor_and_processes_without_a_starter_are_noted() {
        check_notes(
            r#"{a_sup,"1",supervisor,[]},{old,"1",gen_fsm,[]}"#,
            r#"{a_sup,"2",supervisor,[]},{new,"2",gen_server,[]}"#,
            expect![[r#"
                the children of `a_sup` are known only at run time: the update neither starts new children nor ends removed ones; {apply, {supervisor, restart_child, [Sup, Id]}} after it starts a new child, terminate_child and delete_child before it end one; `pq relup --help` lists the functions that a script may call
                `new`, a gen_server, is only in 2: the way up does not start its processes, and the way down kills those that still run its code
                `old`, a gen_fsm, is only in 1: the way down does not start its processes, and the way up kills those that still run its code
            "#]],
        );
    }

    #[test]
    fn a_library_of_an_older_sdk_is_noted_and_all_its_callers_depend() {
        let older = r#"{a,"1",functions},{b,"1",functions}"#;
        let newer = r#"{a,"2",functions,[{calls,["b:f/0","far:f/0"]}]},{b,"2",functions,[]}"#;
        check_notes(
            older,
            newer,
            expect![[r#"
                the library of 1 was built with an SDK that did not record the calls and states of modules: the appup assumes that its modules make no calls
            "#]],
        );
        check_ways(
            older,
            newer,
            expect![[r#"
                up   {"1",[{load_module,b},{load_module,a,[b]}]}
                down {"1",[{load_module,a},{load_module,b}]}
            "#]],
        );
    }

    #[test]
    fn calls_that_nobody_or_somebody_elsewhere_answers_are_noted() {
        check_notes(
            r#"{a,"1",functions,[{digest,"d"},{calls,["gone:f/0"]}]},{b,"1",functions,[]},{gone,"1",functions,[]}"#,
            r#"{a,"1",functions,[{digest,"d"},{calls,["gone:f/0"]}]},{b,"2",functions,[{calls,["far:f/2"]}]}"#,
            expect![[r#"
                `a` of 2 calls `gone:f/0`, and 2 has no `gone`: the call fails
                `b` calls `far:f/2` of another application only in 2: if that application changes too, name `far` among the dependencies
            "#]],
        );
    }
}

mod refusals {
    use super::*;

    fn refusal(older: &Manifest, newer: &Manifest) -> String {
        format!("failed to {}", generate(older, newer).unwrap_err())
    }

    #[test]
    fn a_process_cannot_become_another_kind_of_process() {
        let one = |vsn: &str, kind: &str| library(vsn, &format!("{{m,\"{vsn}\",{kind},[]}}"));
        expect!["failed to compare the libraries: `m` is a gen_server in 1 and a gen_fsm in 2, and no process can become another kind of process; give the module another name, or write an appup with `{restart_application, App}`"]
            .assert_eq(&refusal(&one("1", "gen_server"), &one("2", "gen_fsm")));
        let harmless = generate(&one("1", "functions"), &one("2", "application"));
        assert!(harmless.is_ok());
    }

    #[test]
    fn two_applications_and_one_version_have_no_way_between_them() {
        let mut strange = library("2", NOTHING);
        strange.application = "other".to_string();
        expect!["failed to compare the libraries: the older is of `quest` and the newer of `other`; two versions of one application would be right"]
            .assert_eq(&refusal(&library("1", NOTHING), &strange));
        expect![
            "failed to compare the libraries: both are quest 1, so there is no way between them"
        ]
        .assert_eq(&refusal(&library("1", NOTHING), &library("1", NOTHING)));
    }
}
