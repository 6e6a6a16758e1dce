//! `pq relup`: its output, its messages, and its exit codes.

use std::path::Path;
use std::process::Output;

use expect_test::{Expect, expect};
use pq_release::relup::Relup;
use pq_term::{Term, read_one};
use pq_tests::running::pq;
use pq_tests::systools::Case;
use pq_tests::systools::case::OTP;
use pq_tests::systools::vectors::{Vector, vectors};
use tempfile::TempDir;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The beginning of a warning.
const WARNING: &str = "pq: warning: ";

fn run<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Output {
    pq(args).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A directory with the files of the first vector whose name begins with `name`.
fn laid_out(name: &str) -> (TempDir, Vector) {
    let vector = vectors()
        .into_iter()
        .find(|vector| vector.name.starts_with(name))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    vector.case.files.lay_out(folder.path());
    (folder, vector)
}

/// The arguments for the relup of a case in the directory of its files.
fn words(case: &Case) -> Vec<&str> {
    let mut words = vec!["relup", case.new.file.to_str().unwrap()];
    for (option, releases) in [("--up-from", &case.up_from), ("--down-to", &case.down_to)] {
        for release in releases {
            words.extend([option, release.file.to_str().unwrap()]);
        }
    }
    words.extend(
        case.options
            .restart_emulator
            .then_some("--restart-emulator"),
    );
    words.extend(
        case.options
            .warnings_as_errors
            .then_some("--warnings-as-errors"),
    );
    words.extend(["--path", "lib", OTP]);
    words
}

/// The answer on standard output in OTP's form. Warnings are printed as sentences, so the terms come from OTP, and only
/// their number is compared.
fn answer(vector: &Vector, output: &Output) -> Result<Term, String> {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    if !output.status.success() {
        let last = out.lines().last().ok_or("no line on standard output")?;
        let said = err
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("pq: failed to "));
        return match said {
            true => read_one(last).map_err(|error| error.to_string()),
            false => Err(format!("no sentence: {err:?}")),
        };
    }
    let relup = read_one(out).map_err(|error| error.to_string())?;
    let warnings = vector
        .expected
        .as_tuple()
        .map_or(Term::undefined(), |parts| parts[2].clone());
    let said = err.lines().filter(|line| line.starts_with(WARNING));
    // The warnings of OTP do not contain those cases that OTP accepts silently.
    let said = said.filter(|line| !line.ends_with("the release would run without it"));
    let mut distinct = warnings.as_list().unwrap_or_default().to_vec();
    distinct.dedup();
    match said.count() == distinct.len() {
        true => Ok(Term::tuple([Term::atom("ok"), relup, warnings])),
        false => Err(format!("{warnings} are not the warnings in {err:?}")),
    }
}

fn fault(vector: &Vector) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    vector.case.files.lay_out(folder.path());
    let mut words = words(&vector.case);
    words.push("--stdout");
    let output = run(folder.path(), words);
    let difference = match answer(vector, &output) {
        Ok(answer) if is_refused(&answer) => match is_impossible(vector, &answer) {
            true => return None,
            false => format!("refused with {answer}"),
        },
        Ok(answer) => vector.difference(&answer)?,
        Err(fault) => fault,
    };
    Some(format!("{}: {difference}: {output:?}", vector.name))
}

/// Whether OTP compiles the script, but no node could run it.
fn is_refused(answer: &Term) -> bool {
    let parts = answer.as_tuple().unwrap_or_default();
    matches!(parts, [error, judge, _] if error.is_atom("error") && judge.is_atom("judge"))
}

/// Whether OTP's own relup calls functions that no application has, or a function of `application` that would return an
/// error.
fn is_impossible(vector: &Vector, answer: &Term) -> bool {
    let relup = vector.expected.to_string();
    let is_it = |(name, term): &(&str, &str)| {
        vector.name == *name && answer.to_string() == format!("{{error,judge,{term}}}")
    };
    IMPOSSIBLE.iter().any(|call| relup.contains(call)) || REFUSED.iter().any(is_it)
}

/// The cases in which OTP would continue and our node does not: a module of an application that the release does not
/// have.
const REFUSED: [(&str, &str); 1] = [("557_load_no_obj_other_lib", "{no_such_module,qq}")];

/// Calls in the vectors of functions that their applications do not have.
const IMPOSSIBLE: [&str; 4] = [
    "{apply,{x,",
    "{apply,{m,",
    "{apply,{io,",
    "{apply,{supervisor,",
];

#[test]
fn every_relup_and_every_error_on_standard_output_is_that_of_otp() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 100);
    let faults: Vec<String> = vectors.iter().filter_map(fault).collect();
    assert!(
        faults.is_empty(),
        "{} differ:\n{}",
        faults.len(),
        faults.join("\n\n")
    );
}

#[test]
fn a_relup_is_written_beside_the_release_or_where_one_says() {
    let (folder, vector) = laid_out("101");
    let relup = vector.case.make().unwrap().0;
    for (options, file) in [
        (&[][..], "relup"),
        (&["--outdir", "new/place"], "new/place/relup"),
    ] {
        let words = words(&vector.case);
        let output = run(
            folder.path(),
            words.into_iter().chain(options.iter().copied()),
        );
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"");
        assert_eq!(Relup::read(&folder.path().join(file)).unwrap(), relup);
    }
}

#[test]
fn an_error_leaves_the_relup_as_it_was_and_is_a_sentence() {
    let (folder, vector) = laid_out("514");
    let file = folder.path().join("relup");
    std::fs::write(&file, "before").unwrap();
    let output = run(folder.path(), words(&vector.case));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    expect![[r#"
        pq: failed to compile the appups: lib/a-2/ebin/a.appup: line 1: `m1` depends on `m2`, which has no instruction of its own; give it one, or take it from the list ({undef_module,m2})
    "#]]
    .assert_eq(text(&output.stderr));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
}

#[test]
fn what_otp_lets_pass_and_a_node_would_regret_is_a_warning() {
    let check = |name: &str, expected: Expect| {
        let (folder, vector) = laid_out(name);
        let output = run(folder.path(), words(&vector.case));
        assert!(output.status.success(), "{output:?}");
        expected.assert_eq(text(&output.stderr));
    };
    check(
        "406",
        expect![[r#"
        pq: warning: the way up from A loads `m1` and later removes it; the release would run without it
        pq: warning: the way down to A loads `m1` and later removes it; the release would run without it
    "#]],
    );
    check(
        "414",
        expect![[r#"
        pq: warning: lib/a-2/ebin/a.appup: line 1: the version is "2.1", and that of the application "2"; they should be one
    "#]],
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, vector) = laid_out("101");
    let output = run(
        folder.path(),
        words(&vector.case).into_iter().chain(["lbi"]),
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        text(&output.stderr),
        format!("{WARNING}--path lbi: no such directory\n")
    );
}

#[test]
fn an_ebin_folder_will_do_as_a_path() {
    let (folder, vector) = laid_out("101");
    let words = [
        "relup",
        "R2.rel",
        "--up-from",
        "R1.rel",
        "--down-to",
        "R1.rel",
        "--stdout",
    ];
    let paths = [
        "--path",
        "lib/a-1/ebin",
        "--path",
        "lib/a-2/ebin",
        "--path",
        "otp/kernel-8.5.3/ebin",
        "otp/stdlib-4.2",
        "otp",
    ];
    let output = run(folder.path(), words.into_iter().chain(paths));
    assert_eq!(
        text(&output.stdout),
        vector.case.make().unwrap().0.to_text(),
        "{output:?}"
    );
}

#[test]
fn sources_of_applications_will_do_as_a_path_and_parts_of_the_node_need_none() {
    let old = "releases/1.0.0/processquest.rel";
    let new = "releases/1.1.0/processquest.rel";
    let words = ["relup", new, "--up-from", old, "--down-to", old, "--stdout"];
    let folders = ["--path", "game-plugins", "sockserv/plugins"];
    let output = run(Path::new(SOURCES), words.into_iter().chain(folders));
    expect![[r#"
        %% coding: utf-8
        {"1.1.0",
         [{"1.0.0",[],
           [{load_object_code,{processquest,"1.1.0",
                                            [pq_player,pq_quest,pq_events,pq_enemy]}},
            {load_object_code,{sockserv,"1.0.1",[sockserv_serv]}},
            point_of_no_return,
            {suspend,[pq_player]},
            {load,{pq_events,brutal_purge,brutal_purge}},
            {load,{pq_quest,brutal_purge,brutal_purge}},
            {load,{pq_player,brutal_purge,brutal_purge}},
            {code_change,up,[{pq_player,[]}]},
            {resume,[pq_player]},
            {load,{pq_enemy,brutal_purge,brutal_purge}},
            {load,{sockserv_serv,brutal_purge,brutal_purge}}]}],
         [{"1.0.0",[],
           [{load_object_code,{processquest,"1.0.0",[pq_player,pq_enemy,pq_events]}},
            {load_object_code,{sockserv,"1.0.0",[sockserv_serv]}},
            point_of_no_return,
            {suspend,[pq_player]},
            {code_change,down,[{pq_player,[]}]},
            {load,{pq_player,brutal_purge,brutal_purge}},
            {resume,[pq_player]},
            {remove,{pq_quest,brutal_purge,brutal_purge}},
            {purge,[pq_quest]},
            {load,{pq_enemy,brutal_purge,brutal_purge}},
            {load,{pq_events,brutal_purge,brutal_purge}},
            {load,{sockserv_serv,brutal_purge,brutal_purge}}]}]}.
    "#]]
    .assert_eq(text(&output.stdout));
    let output = run(Path::new(SOURCES), words);
    expect![[r#"
        {error,systools_make,[{error_reading,{sockserv,{not_found,"sockserv.app"}}},{error_reading,{processquest,{not_found,"processquest.app"}}}]}.
    "#]].assert_eq(text(&output.stdout));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_description_stands_at_every_way() {
    let (folder, vector) = laid_out("101");
    let mut words = words(&vector.case);
    words.extend(["--description", "quests for everybody", "--stdout"]);
    let output = run(folder.path(), words);
    let relup = Relup::parse(Path::new("relup"), text(&output.stdout)).unwrap();
    let ways: Vec<&Term> = relup
        .up
        .iter()
        .chain(&relup.down)
        .map(|way| &way.description)
        .collect();
    assert_eq!(ways, [&Term::string("quests for everybody"); 2]);
}
