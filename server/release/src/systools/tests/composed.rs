//! Ways through versions in between, from appups between neighbours only.

use expect_test::{Expect, expect};

use super::*;

/// Application `a` in versions 1 to 4 with these modules, and the ways between neighbours, up and down.
struct Steps {
    modules: [&'static str; 4],
    up: [&'static str; 3],
    down: [&'static str; 3],
}

impl Steps {
    fn files(&self) -> Memory {
        let none = "{modules, []}";
        let own = ["kernel", "stdlib", "sasl"].into_iter();
        let mut files: BTreeMap<_, _> = own.map(|name| app(name, "1", none)).collect();
        for (at, modules) in self.modules.iter().enumerate() {
            let vsn = (at + 1).to_string();
            files.extend([app("a", &vsn, &format!("{{modules, [{modules}]}}"))]);
            files.extend([rel(&vsn, &format!("{{a, \"{vsn}\"}}"))]);
        }
        for (at, (up, down)) in self.up.iter().zip(self.down).enumerate() {
            let (older, newer) = (at + 1, at + 2);
            files.insert(
                format!("lib/a-{newer}/ebin/a.appup"),
                format!("{{\"{newer}\",\n [{{\"{older}\", [\n{up}]}}],\n [{{\"{older}\", [\n{down}]}}]}}."),
            );
        }
        Memory(files)
    }

    fn made(&self, up_from: &[&str], down_to: &[&str]) -> Result<Relup, SystoolsError> {
        let files = |vsns: &[&str]| -> Vec<RelFile> {
            let file = |vsn: &&str| RelFile::from(format!("{vsn}.rel"));
            vsns.iter().map(file).collect()
        };
        let made = make_relup(
            &"4.rel".into(),
            &files(up_from),
            &files(down_to),
            Options::default(),
            &self.files(),
        );
        made.map(|(relup, warnings)| {
            assert_eq!(warnings, []);
            relup
        })
    }

    /// Checks the refusal of the way up from version 1.
    fn is_refused(&self, expected: Expect) {
        let error = self.made(&["1"], &[]).unwrap_err();
        expected.assert_eq(&error.to_string());
    }
}

/// Versions whose steps can be composed.
const STEPS: Steps = Steps {
    modules: [
        "m, state, gone",
        "m, state, gone, brief",
        "m, state",
        "m, state, new",
    ],
    up: [
        "{load_module, m}, {update, state, {advanced, first}}, {add_module, brief}",
        "{load_module, state}, {delete_module, gone}, {delete_module, brief}",
        "{update, state, 500, {advanced, [third]}, soft_purge, brutal_purge, []}, {add_module, new}",
    ],
    down: [
        "{load_module, m}, {update, state, {advanced, first}}, {delete_module, brief}",
        "{load_module, state}, {add_module, gone}, {add_module, brief}",
        "{update, state, {advanced, [third]}}, {delete_module, new}",
    ],
};

#[test]
fn modules_change_as_the_difference_of_the_ends_and_states_go_through_the_versions_in_between() {
    let relup = STEPS.made(&["1"], &["1"]).unwrap();
    expect![[r#"
        %% coding: utf-8
        {"4",
         [{"1",[],
           [{load_object_code,{a,"4",[m,state,new]}},
            {load_converters,up,{a,"2",[{m,soft},{state,{advanced,first}}]}},
            {load_converters,up,{a,"3",[{state,soft}]}},
            point_of_no_return,
            {load,{m,brutal_purge,brutal_purge}},
            {suspend,[{state,500}]},
            {load,{state,soft_purge,brutal_purge}},
            {code_change,up,[{state,[third]}]},
            {resume,[state]},
            {remove,{gone,brutal_purge,brutal_purge}},
            {purge,[gone]},
            {load,{new,brutal_purge,brutal_purge}}]}],
         [{"1",[],
           [{load_object_code,{a,"1",[state,gone,m]}},
            {load_converters,down,{a,"3",[{state,{advanced,[third]}}]}},
            {load_converters,down,{a,"2",[{state,soft}]}},
            point_of_no_return,
            {suspend,[state]},
            {code_change,down,[{state,first}]},
            {load,{state,brutal_purge,brutal_purge}},
            {resume,[state]},
            {remove,{new,brutal_purge,brutal_purge}},
            {purge,[new]},
            {load,{gone,brutal_purge,brutal_purge}},
            {load,{m,brutal_purge,brutal_purge}}]}]}.
    "#]]
    .assert_eq(&relup.to_text());
    assert_eq!(
        Relup::parse(Path::new("relup"), &relup.to_text()),
        Ok(relup)
    );
}

#[test]
fn a_way_of_its_own_is_taken_and_a_way_of_two_steps_is_composed() {
    let relup = STEPS.made(&["3", "2"], &[]).unwrap();
    let through = |way: &crate::relup::Way| -> Vec<String> {
        way.converters().map(|it| it.vsn.clone()).collect()
    };
    // The lists of a relup are in the reverse order of the arguments.
    assert_eq!(through(&relup.up[0]), ["3"]);
    assert_eq!(through(&relup.up[1]), Vec::<String>::new());
}

#[test]
fn the_low_level_instructions_of_these_are_composed_as_well() {
    let mut steps = STEPS;
    let high = steps.made(&["1"], &[]).unwrap();
    steps.up[0] = "{load_object_code, {a, \"2\", [m, state, brief]}}, point_of_no_return,
        {load, {m, brutal_purge, brutal_purge}}, {suspend, [state]}, {load, {state, brutal_purge, brutal_purge}},
        {code_change, up, [{state, first}]}, {resume, [state]}, {load, {brief, brutal_purge, brutal_purge}}";
    steps.up[1] = "{load_module, state}, {remove, {gone, brutal_purge, brutal_purge}}, {purge, [gone]}, {delete_module, brief}";
    assert_eq!(steps.made(&["1"], &[]), Ok(high));
}

#[test]
fn a_supervisor_that_a_step_asks_for_its_children_is_asked_in_the_version_that_is_reached() {
    let mut steps = STEPS;
    steps.up[0] =
        "{update, m, supervisor}, {update, state, {advanced, first}}, {add_module, brief}";
    let relup = steps.made(&["1"], &[]).unwrap();
    let changes = relup.up[0].script.iter().filter_map(|it| match it {
        Instruction::CodeChange { changes, .. } => Some(changes),
        _ => None,
    });
    let changed: Vec<&str> = changes.flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!(changed, ["m", "state"]);
}

#[test]
fn an_instruction_that_cannot_be_composed_is_named_with_its_file_and_line() {
    let mut steps = STEPS;
    steps.up[1] = "{load_module, state},\n {apply, {m, check, []}}";
    steps.is_refused(expect![[r#"link the relup: lib/a-3/ebin/a.appup: line 4: `{apply,{m,check,[]}}` cannot be composed with other steps; a-4 has no way up from 1 of its own, only through 3, 2; an entry `{"1", Instructions}` in lib/a-4/ebin/a.appup would be right ({not_composable,{apply,{m,check,[]}}})"#]]);
    steps.up[1] = "{restart_application, a}";
    steps.is_refused(expect![[r#"link the relup: lib/a-3/ebin/a.appup: line 3: `{restart_application,a}` cannot be composed with other steps; a-4 has no way up from 1 of its own, only through 3, 2; an entry `{"1", Instructions}` in lib/a-4/ebin/a.appup would be right ({not_composable,{restart_application,a}})"#]]);
    steps.up[1] = "restart_new_emulator";
    steps.is_refused(expect![[r#"link the relup: lib/a-3/ebin/a.appup: line 3: `restart_new_emulator` cannot be composed with other steps; a-4 has no way up from 1 of its own, only through 3, 2; an entry `{"1", Instructions}` in lib/a-4/ebin/a.appup would be right ({not_composable,restart_new_emulator})"#]]);
    steps.up[1] = "{update, state, [m}";
    let error = steps.made(&["1"], &[]).unwrap_err().to_string();
    assert!(error.contains("there is no way up from a-1"), "{error}");
}

#[test]
fn a_module_that_goes_and_comes_again_cannot_be_composed() {
    let mut steps = STEPS;
    steps.modules[3] = "m, state, new, gone";
    steps.up[2] = "{update, state, {advanced, [third]}}, {add_module, new}, {add_module, gone}";
    steps.is_refused(expect![[r#"link the relup: lib/a-3/ebin/a.appup: line 3: the step deletes `gone`, and a later one adds it again; a-4 has no way up from 1 of its own, only through 3, 2; an entry `{"1", Instructions}` in lib/a-4/ebin/a.appup would be right ({not_composable,{delete_module,gone}})"#]]);
}

#[test]
fn without_an_appup_in_between_there_is_no_way() {
    let mut files = STEPS.files();
    files.0.remove("lib/a-3/ebin/a.appup");
    let error = make_relup(
        &"4.rel".into(),
        &["1.rel".into()],
        &[],
        Options::default(),
        &files,
    );
    expect![[r#"link the relup: lib/a-4/ebin/a.appup: line 2: there is no way up from a-1, only up from: "3"; an entry `{"1", Instructions}` would be right, or appups of versions in between that lead there ({no_relup,"lib/a-4/ebin/a.appup",{'#application',a,"4"},"1"})"#]].assert_eq(&error.unwrap_err().to_string());
}

#[test]
fn the_shortest_way_counts() {
    let mut files = STEPS.files();
    let appup = "{\"4\", [{\"3\", [{load_module, state}]}, {\"2\", [{load_module, m}]}], []}.";
    files.0.insert("lib/a-4/ebin/a.appup".into(), appup.into());
    let made = make_relup(
        &"4.rel".into(),
        &["1.rel".into()],
        &[],
        Options::default(),
        &files,
    );
    let (relup, _) = made.unwrap();
    let through: Vec<&str> = relup.up[0].converters().map(|it| &*it.vsn).collect();
    assert_eq!(through, ["2"]);
}
