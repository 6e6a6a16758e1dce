//! Wrong texts: a relup for other versions, unreadable settings, failing calls.

use std::fs;

use pq_tests::running::{BROKEN_VSN, Draft};
use rustix::fs::{CWD, FileType, Mode};

use crate::broken::stage::Stage;

const RELUP: &str = "releases/1.1.1/relup";

/// Changes a text file of the unpacked release.
fn rewritten(stage: &Stage, path: &str, change: impl FnOnce(String) -> String) {
    let file = stage.file(path);
    let text = change(fs::read_to_string(&file).unwrap());
    fs::write(&file, text).unwrap();
}

/// A release whose relup has one more instruction, in front of another one in the upgrade from 1.0.0.
fn with_instruction(change: fn(String) -> String) -> Vec<u8> {
    let mut draft = Draft::broken();
    draft.relup = change;
    draft.package()
}

#[test]
fn a_relup_that_knows_no_way_from_here_is_refused() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let mut draft = Draft::broken();
    draft.ways = vec!["1.1.0"];
    // The node composes a way that the appup has.
    draft.appup = draft.appup.replace("{\"1.0.0\"", "{\"0.9.0\"");
    let elsewhere = draft.package();
    stage.breaks(&elsewhere, |_| (), (3, &["no way from 1.0.0 to 1.1.1"]));

    let good = Draft::broken().package();
    let no_relup = |stage: &Stage| fs::remove_file(stage.file(RELUP)).unwrap();
    stage.breaks(&good, no_relup, (3, &[RELUP, "SHA256SUMS lists it"]));
    let of_another = |text: String| text.replacen("{\"1.1.1\"", "{\"1.2.0\"", 1);
    stage.breaks(
        &good,
        |stage| rewritten(stage, RELUP, of_another),
        (10, &[RELUP, "SHA-256"]),
    );
    let garbled = |text: String| text.replacen("[{", "[{{", 1);
    stage.breaks(
        &good,
        |stage| rewritten(stage, RELUP, garbled),
        (10, &[RELUP, "SHA-256"]),
    );
    let empty = |stage: &Stage| fs::write(stage.file(RELUP), "").unwrap();
    stage.breaks(&good, empty, (10, &[RELUP, "SHA-256"]));
    let pipe = |stage: &Stage| {
        let file = stage.file("releases/1.1.1/sys.config");
        fs::remove_file(&file).unwrap();
        let (kind, mode) = (FileType::Fifo, Mode::RUSR | Mode::WUSR);
        rustix::fs::mknodat(CWD, &file, kind, mode, 0).unwrap();
    };
    stage.breaks(&good, pipe, (3, &["sys.config", "it is a pipe"]));
    let nothing = |_: String| "{\"1.1.1\",[{\"1.0.0\",[],[]}],[]}.\n".to_string();
    let does_nothing = with_instruction(nothing);
    stage.unpacks(&does_nothing);
    let left = ["version 1.0.0 of pq_player", "--partial"];
    stage.refuses(&["install", BROKEN_VSN], 3, &left);
    stage.tree.does(&["remove", BROKEN_VSN]);
    stage.installs_the_good_one();
}

#[test]
fn an_appup_that_does_not_know_the_running_version_is_refused() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let mut draft = Draft::broken();
    draft.appup = draft.appup.replace("\"1.0.0\"", "\"0.9.0\"");
    draft.ways = vec!["1.1.0"];
    stage.unpacks(&draft.package());
    let folder = stage.file("lib/processquest-1.1.1");
    let upgrade = ["upgrade-app", "processquest", folder.to_str().unwrap()];
    stage.refuses(&upgrade, 3, &["processquest.appup", "1.0.0"]);
    stage.tree.does(&["remove", BROKEN_VSN]);
    stage.installs_the_good_one();
}

#[test]
fn settings_that_cannot_be_read_are_refused_and_those_of_before_stay() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let config = "releases/1.1.1/sys.config";
    let good = Draft::broken().package();
    for (from, to) in [("]}].", "]}"), ("sockserv", "Sockserv"), ("[{", "{")] {
        let garble = |text: String| text.replacen(from, to, 1);
        stage.breaks(
            &good,
            |stage| rewritten(stage, config, garble),
            (3, &[config]),
        );
    }
    stage.installs_the_good_one();
}

#[test]
fn a_call_of_what_is_not_there_is_refused() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    let calls = |text: String| {
        let call = "{apply,{pq_market,nowhere,[]}},\n";
        text.replace("point_of_no_return", &format!("{call}point_of_no_return"))
    };
    stage.unpacks(&with_instruction(calls));
    stage.does_not_install(3, &["`pq_market:nowhere/0` cannot be called", "find/3"]);
    stage.tree.does(&["remove", BROKEN_VSN]);

    let loads = |text: String| text.replace("pq_quest", "pq_guest");
    stage.breaks(&with_instruction(loads), |_| (), (3, &["pq_guest"]));
    let emulator = |text: String| {
        text.replace(
            "[{load_object_code",
            "[restart_new_emulator,{load_object_code",
        )
    };
    stage.breaks(
        &with_instruction(emulator),
        |_| (),
        (3, &["restart_new_emulator"]),
    );
    stage.installs_the_good_one();
}
