//! Tests of the judge that need only the names of modules. `tests/tests/upgrades/yard.rs` tests it with libraries, on whole
//! releases.

use std::path::Path;

use pq_code::CodeServer;
use pq_otp::application::StartType;
use pq_term::Term;

use super::world::World;
use super::{Side, judge};
use crate::app::App;
use crate::fit::Member;
use crate::instruction::Instruction;
use crate::judge::Passage;
use crate::rel::RelStart;
use crate::script::Script;

/// A release of one application without a library, beside `stdlib`.
fn side(vsn: &str, modules: &str, code: &CodeServer) -> Side {
    let member = |text: String| Member {
        app: App::parse(Path::new("nowhere/ebin/a.app"), &text).unwrap(),
        start: RelStart::Start(StartType::Permanent),
    };
    let stdlib = "{application,stdlib,[{description,\"\"},{vsn,\"1\"},{modules,[]},{registered,[]},{applications,[]}]}.";
    let a = format!(
        "{{application,a,[{{description,\"\"}},{{vsn,\"{vsn}\"}},{{modules,[{modules}]}},{{registered,[]}},{{applications,[stdlib]}}]}}."
    );
    Side::of_members(vsn, &[member(stdlib.to_string()), member(a)], code)
}

/// The refusals of a script from 1 to 2, as terms, and the number of warnings.
fn judged(script: &str) -> (Vec<String>, usize) {
    let code = CodeServer::new();
    let (from, to) = (side("1", "m1,m2", &code), side("2", "m1,m3", &code));
    let term = pq_term::read_one(&format!("{script}.")).unwrap();
    let script: Vec<Instruction> = term
        .as_list()
        .unwrap()
        .iter()
        .map(|item: &Term| Instruction::read(item).unwrap())
        .collect();
    let script = Script::read(&script).unwrap();
    let judgement = judge(
        World::booted(&code, &from),
        &Passage {
            from: &|| from.clone(),
            to: &to,
            between: &[],
            script: &script,
        },
    );
    let terms = judgement
        .refusals
        .iter()
        .map(|finding| finding.term.to_string());
    (terms.collect(), judgement.warnings.len())
}

#[test]
fn a_module_that_no_application_names_is_refused_without_any_library() {
    let refused = |script| judged(script).0;
    assert_eq!(
        refused("[point_of_no_return,{apply,{io,format,[\"x\"]}}]"),
        ["{undef,\"io:format/1\"}"]
    );
    assert_eq!(
        refused("[point_of_no_return,{apply,{sys,change_code,[a]}}]"),
        ["{undef,\"sys:change_code/1\"}"]
    );
    let late = "[{load_object_code,{a,\"2\",[m3]}},point_of_no_return,{apply,{m3,f,[]}},{load,{m3,brutal_purge,brutal_purge}}]";
    assert_eq!(refused(late), ["{undef,\"m3:f/0\"}"]);
    let gone = "[point_of_no_return,{remove,{m2,brutal_purge,brutal_purge}},{purge,[m2]},{apply,{m2,f,[]}}]";
    assert_eq!(refused(gone), ["{undef,\"m2:f/0\"}"]);
}

#[test]
fn what_cannot_be_looked_up_without_a_library_is_a_warning() {
    let loaded = "[{load_object_code,{a,\"2\",[m3]}},point_of_no_return,{load,{m3,brutal_purge,brutal_purge}},{apply,{m3,f,[]}}]";
    assert_eq!(judged(loaded), (vec![], 1));
}

#[test]
fn applications_are_started_and_stopped_in_an_order_that_is_possible() {
    let apply = |calls: &str| judged(&format!("[point_of_no_return,{calls}]")).0;
    let call = |call: &str| format!("{{apply,{{application,{call}}}}}");
    let again = [
        "start,[a]",
        "load,[a]",
        "stop,[a]",
        "stop,[a]",
        "unload,[a]",
        "unload,[a]",
    ];
    assert_eq!(apply(&again.map(call).join(",")), Vec::<String>::new());
    assert_eq!(apply(&call("stop,[aa]")), ["{no_such_application,\"aa\"}"]);
    assert_eq!(
        apply(&call("unload,[aa]")),
        ["{no_such_application,\"aa\"}"]
    );
    assert_eq!(apply(&call("unload,[a]")), ["{running,\"a\"}"]);
    assert_eq!(apply(&call("start,[b]")), ["{no_such_application,\"b\"}"]);
    let needs = [call("stop,[a]"), call("stop,[stdlib]"), call("start,[a]")].join(",");
    assert_eq!(apply(&needs), ["{not_started,\"stdlib\"}"]);
    let again = [
        call("stop,[a]"),
        call("unload,[a]"),
        call("ensure_all_started,[a]"),
    ]
    .join(",");
    assert_eq!(apply(&again), Vec::<String>::new());
}

#[test]
fn a_name_that_no_process_has_is_refused() {
    let which = "[point_of_no_return,{apply,{supervisor,which_children,[a_sup]}}]";
    assert_eq!(judged(which).0, ["{noproc,a_sup}"]);
}
