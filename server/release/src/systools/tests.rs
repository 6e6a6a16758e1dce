//! Sentences of errors and warnings. The tests of the workspace compare relups with those of OTP's systools.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::*;
use expect_test::{Expect, expect};

mod composed;

struct Memory(BTreeMap<String, String>);

impl Lookup for Memory {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        let text = self.0.get(&file.display().to_string());
        text.map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn app_files(&self, name: &str) -> Vec<PathBuf> {
        let end = format!("/{name}.app");
        self.0
            .keys()
            .filter(|file| file.ends_with(&end))
            .map(PathBuf::from)
            .collect()
    }
}

fn app(name: &str, vsn: &str, more: &str) -> (String, String) {
    let text = format!(
        "{{application, {name},\n [{{description, \"\"}}, {{vsn, \"{vsn}\"}},\n  {{registered, []}}, {{applications, []}},\n  {more}]}}."
    );
    (format!("lib/{name}-{vsn}/ebin/{name}.app"), text)
}

fn rel(vsn: &str, more: &str) -> (String, String) {
    let own = "{kernel, \"1\"}, {stdlib, \"1\"}, {sasl, \"1\"}";
    (
        format!("{vsn}.rel"),
        format!("{{release, {{\"pq\", \"{vsn}\"}}, {{erts, \"1\"}},\n [{own},\n  {more}]}}."),
    )
}

/// Releases 1 and 2 with application `a` in versions 1 and 2, and this appup between the two.
fn files(up: &str) -> Memory {
    let none = "{modules, []}";
    let mut files: BTreeMap<_, _> = ["kernel", "stdlib", "sasl"]
        .into_iter()
        .map(|name| app(name, "1", none))
        .collect();
    files.extend([
        app("a", "1", "{modules, [m1, m2]}"),
        app("a", "2", "{modules, [m1, m2]}"),
    ]);
    files.extend([rel("1", "{a, \"1\"}"), rel("2", "{a, \"2\"}")]);
    files.insert(
        "lib/a-2/ebin/a.appup".into(),
        format!("{{\"2\",\n [{{\"1\", [\n{up}]}}],\n []}}."),
    );
    Memory(files)
}

fn up(files: &Memory, options: Options) -> Result<(Relup, Vec<Warning>), SystoolsError> {
    make_relup(&"2.rel".into(), &["1.rel".into()], &[], options, files)
}

fn check(files: &Memory, expected: Expect) {
    let error = up(files, Options::default()).unwrap_err();
    expected.assert_eq(&error.to_string());
}

#[test]
fn an_instruction_that_is_none_is_named_with_its_line() {
    check(
        &files("{load_module, m1},\n {update, \"m2\"}"),
        expect![[
            r#"compile the appups: lib/a-2/ebin/a.appup: line 4: `"m2"`; an atom would be right ({bad_module,"m2"})"#
        ]],
    );
    check(
        &files("{load_module, m1},\n {upgrade, m2}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 4: `{upgrade,m2}`; one of the instructions of appup(4) would be right ({bad_instruction,{upgrade,m2}})"
        ],
    );
    check(
        &files("[{load_module, m1},\n {load_module, m2}]"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `{load_module,m1}`; one of the instructions of appup(4) would be right ({bad_instruction,{load_module,m1}})"
        ],
    );
    check(
        &files(
            "{load_module, m1},\n point_of_no_return,\n {apply, {a, b, []}},\n point_of_no_return",
        ),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 6: a second `point_of_no_return`; one for each script would be right (too_many_point_of_no_return)"
        ],
    );
}

#[test]
fn an_instruction_in_the_wrong_place_is_named_with_its_line() {
    check(
        &files("{load_module, m1},\n point_of_no_return"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `{load_module,m1,brutal_purge,brutal_purge,[]}` stands before `point_of_no_return`; only load_object_code and apply may, as they can still fail without harm ({bad_op_before_point_of_no_return,{load_module,m1,brutal_purge,brutal_purge,[]}})"
        ],
    );
    check(
        &files("{load, {m1, soft_purge, soft_purge}}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `m1` is loaded and its code was not read; `{load_object_code, {Application, Vsn, [m1]}}` before it would be right ({no_object_code,m1})"
        ],
    );
    check(
        &files("{suspend, [m1, m2]}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `m1` is suspended here and resumed nowhere; both or neither would be right, also `m2` (lib/a-2/ebin/a.appup, line 3) ({suspended_not_resumed,[m1,m2]})"
        ],
    );
    check(
        &files("{load_module, m1},\n {update, m1, soft}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 4: `m1` has an instruction already (lib/a-2/ebin/a.appup, line 3); one for each module would be right ({muldef_module,m1})"
        ],
    );
    check(
        &files("{load_module, m1, [m2]}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `m1` depends on `m2`, which has no instruction of its own; give it one, or take it from the list ({undef_module,m2})"
        ],
    );
}

#[test]
fn an_instruction_about_what_is_not_there_is_named_with_its_line() {
    check(
        &files("{load_module, m1},\n {add_module, m3}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 4: no application of the release that is reached has `m3` among its `modules` ({no_such_module,m3})"
        ],
    );
    check(
        &files("{remove_application, a}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `a` is removed, and the release that is reached has it; one of the two has to go ({removed_application_present,a})"
        ],
    );
    check(
        &files("{restart_application, b}"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `b` is restarted, and the release that is left does not have it ({no_such_application,b})"
        ],
    );
    check(
        &files("{load_object_code, {a, \"3\", [m1]}}, {load_module, m2}"),
        expect![[
            r#"compile the appups: lib/a-2/ebin/a.appup: line 3: code of `a` is read in version 2 here and in version 3 before; one version would be right ({conflicting_versions,a,"3","2"})"#
        ]],
    );
    check(
        &files("mnesia_backup"),
        expect![
            "compile the appups: lib/a-2/ebin/a.appup: line 3: `mnesia_backup` is planned since OTP began and exists nowhere; leave it out ({not_yet_implemented,mnesia_backup})"
        ],
    );
}

#[test]
fn a_way_that_is_missing_is_named_beside_those_that_are_there() {
    let mut files = files("");
    files
        .0
        .extend([app("a", "0", "{modules, []}"), rel("0", "{a, \"0\"}")]);
    let error = make_relup(
        &"2.rel".into(),
        &["0.rel".into()],
        &[],
        Options::default(),
        &files,
    )
    .unwrap_err();
    expect![[r#"link the relup: lib/a-2/ebin/a.appup: line 2: there is no way up from a-0, only up from: "1"; an entry `{"0", Instructions}` would be right, or appups of versions in between that lead there ({no_relup,"lib/a-2/ebin/a.appup",{'#application',a,"2"},"0"})"#]].assert_eq(&error.to_string());
    let error = make_relup(
        &"2.rel".into(),
        &[],
        &["1.rel".into()],
        Options::default(),
        &files,
    )
    .unwrap_err();
    expect![[r#"link the relup: lib/a-2/ebin/a.appup: line 4: there is no way down to a-1, only down to: none; an entry `{"1", Instructions}` would be right, or appups of versions in between that lead there ({no_relup,"lib/a-2/ebin/a.appup",{'#application',a,"2"},"1"})"#]].assert_eq(&error.to_string());
    files.0.remove("lib/a-2/ebin/a.appup");
    check(
        &files,
        expect![[
            r#"link the relup: lib/a-2/ebin/a.appup: no such file; `a` is 1 in one release and 2 in the other, so it needs an appup ({file_problem,{"lib/a-2/ebin/a.appup",{error,{open,"lib/a-2/ebin/a.appup",enoent}}}})"#
        ]],
    );
}

#[test]
fn what_is_wrong_with_a_release_is_named() {
    let mut files = files("");
    files.0.insert(
        "lib/a-2/ebin/a.app".into(),
        "{application, a, [{vsn, \"2\"}]}.".into(),
    );
    check(
        &files,
        expect![[
            r#"read the release: lib/a-2/ebin/a.app: line 1: the application has no `description`; `{description, "text"}` would be right ([{error_reading,{a,{{missing_param,description},{application,a,[{vsn,"2"}]}}}}])"#
        ]],
    );
    files
        .0
        .insert("lib/a-2/ebin/a.app".into(), "{application, a, [}.".into());
    check(
        &files,
        expect![[
            r#"read the release: lib/a-2/ebin/a.app: line 1: found `}`, expected a term ([{error_reading,{a,{no_valid_version,{{"should be","2"},{"found file","lib/a-1/ebin/a.app","1"}}}}}])"#
        ]],
    );
    files.0.remove("lib/a-1/ebin/a.app");
    files
        .0
        .insert("lib/a-2/ebin/a.app".into(), "%% later\n".into());
    check(
        &files,
        expect![[
            r#"read the release: lib/a-2/ebin/a.app: line 1: the file holds no term; `{application, Name, [{Key, Value}]}` would be right ([{error_reading,{a,{not_found,"a.app"}}}])"#
        ]],
    );
    files.0.remove("lib/a-2/ebin/a.app");
    files.0.extend([rel("2", "{a, \"2\"},\n {b, \"1\"}")]);
    check(
        &files,
        expect![[
            r#"read the release: 2.rel: line 3: `a` is in the release, and no a.app is where applications are looked for; `pq relup --path DIR` names a directory; 2.rel: line 4: `b` is in the release, and no b.app is where applications are looked for; `pq relup --path DIR` names a directory ({not_found,"b.app"}) ([{error_reading,{b,{not_found,"b.app"}}},{error_reading,{a,{not_found,"a.app"}}}])"#
        ]],
    );
    files.0.extend([(
        "2.rel".to_string(),
        rel("2", "").1.replace(", {sasl, \"1\"},", ""),
    )]);
    check(
        &files,
        expect![[
            r#"link the relup: 2.rel: line 2: release pq 2 has no `sasl`, which does the upgrading; an entry `{sasl, Vsn}` would be right ({missing_sasl,{'#release',"pq","2"}})"#
        ]],
    );
    files.0.remove("2.rel");
    check(
        &files,
        expect![[r#"read the release: 2.rel: no such file ({not_found,"2.rel"})"#]],
    );
}

#[test]
fn warnings_have_words_and_may_count_as_errors() {
    let mut files = files("");
    let appup = files.0.get_mut("lib/a-2/ebin/a.appup").unwrap();
    *appup = appup.replace("\"2\"", "\"2.0\"");
    let new = files.0.get_mut("2.rel").unwrap();
    *new = new.replace("{erts, \"1\"}", "{erts, \"2\"}");
    let (relup, warnings) = up(&files, Options::default()).unwrap();
    expect![[r#"
        %% coding: utf-8
        {"2",[{"1",[],[restart_new_emulator,point_of_no_return]}],[]}.
    "#]]
    .assert_eq(&relup.to_text());
    let lines: Vec<_> = warnings
        .iter()
        .map(|warning| format!("{warning} {}\n", warning.to_term()))
        .collect();
    expect![[r#"
        release pq asks for runtime 2, and pq for 1: the node restarts on the way {erts_vsn_changed,{{"pq","2"},{"pq","1"}}}
        lib/a-2/ebin/a.appup: line 1: the version is "2.0", and that of the application "2"; they should be one {bad_vsn,{"2.0","2"}}
    "#]].assert_eq(&lines.concat());
    let options = Options {
        warnings_as_errors: true,
        ..Options::default()
    };
    let error = up(&files, options).unwrap_err();
    expect![[r#"{error,systools_relup,{warnings_treated_as_errors,[{erts_vsn_changed,{{"pq","2"},{"pq","1"}}},{bad_vsn,{"2.0","2"}}]}}"#]].assert_eq(&error.to_term().to_string());
}

#[test]
fn a_module_that_moves_between_applications_is_noticed() {
    let mut files = files("");
    files
        .0
        .extend([rel("2", "{b, \"1\"}"), app("b", "1", "{modules, [m2]}")]);
    let (relup, _) = up(&files, Options::default()).unwrap();
    let lines: Vec<_> = lint::loaded_then_removed(&relup)
        .iter()
        .map(ToString::to_string)
        .collect();
    expect!["the way up from 1 loads `m2` and later removes it; the release would run without it"]
        .assert_eq(&lines.join("\n"));
}

#[test]
fn a_part_of_the_node_changes_with_the_node() {
    let folder = tempfile::tempdir().unwrap();
    for vsn in ["1", "2"] {
        let text = format!(
            "{{release, {{\"pq\", \"{vsn}\"}}, {{erts, \"{vsn}\"}}, [{{kernel, \"{vsn}\"}}, {{stdlib, \"{vsn}\"}}, {{sasl, \"{vsn}\"}}]}}."
        );
        std::fs::write(folder.path().join(format!("{vsn}.rel")), text).unwrap();
    }
    let built_in = |name: &str, vsn: &str| crate::boot::BuiltIn {
        name: name.to_string(),
        vsn: vsn.to_string(),
        app_text: app(name, vsn, "{modules, []}").1,
    };
    let built_in = ["kernel", "stdlib", "sasl"]
        .map(|name| [built_in(name, "1"), built_in(name, "2")])
        .concat();
    let files = Folders::new(vec![folder.path().to_path_buf()], built_in);
    let rel = |vsn: &str| RelFile::from(folder.path().join(format!("{vsn}.rel")));
    let (relup, _) = make_relup(
        &rel("2"),
        &[rel("1")],
        &[rel("1")],
        Options::default(),
        &files,
    )
    .unwrap();
    expect![[r#"
        %% coding: utf-8
        {"2",
         [{"1",[],[restart_new_emulator,point_of_no_return]}],
         [{"1",[],[point_of_no_return,restart_emulator]}]}.
    "#]]
    .assert_eq(&relup.to_text());
}

#[test]
fn of_several_bases_the_last_comes_first_and_a_restart_is_asked_for_once() {
    let mut files = files("{load_module, m1}, restart_emulator");
    let appup = files.0.get_mut("lib/a-2/ebin/a.appup").unwrap();
    *appup = appup.replace("[{\"1\",", "[{<<\"[01]\">>,");
    files
        .0
        .extend([app("a", "0", "{modules, [m1]}"), rel("0", "{a, \"0\"}")]);
    let described = RelFile {
        description: Term::atom("oldest"),
        ..RelFile::from("0.rel")
    };
    let options = Options {
        restart_emulator: true,
        ..Options::default()
    };
    let (relup, _) = make_relup(
        &"2.rel".into(),
        &["1.rel".into(), described],
        &[],
        options,
        &files,
    )
    .unwrap();
    expect![[r#"
        %% coding: utf-8
        {"2",
         [{"0",oldest,
           [{load_object_code,{a,"2",[m1]}},
            point_of_no_return,
            {load,{m1,brutal_purge,brutal_purge}},
            restart_emulator]},
          {"1",[],
           [{load_object_code,{a,"2",[m1]}},
            point_of_no_return,
            {load,{m1,brutal_purge,brutal_purge}},
            restart_emulator]}],
         []}.
    "#]]
    .assert_eq(&relup.to_text());
}
