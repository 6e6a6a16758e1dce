//! Lost time only: the program is stopped in the middle of an install, and continues.

use std::time::{Duration, Instant};

use pq_tests::running::{BROKEN_VSN, Draft, PATIENCE, Player, Signal, poll};
use pq_tests::story::Version;

use crate::broken::stage::Stage;

/// The deadline of a conversion as a multiple of the slowest conversion.
const PATIENT: u32 = 4;

/// Whether an install copies states, according to `pq status`. The check before it copies states, too; a command that
/// gives up during its check sends no install.
fn copies(stage: &Stage) -> bool {
    let operation = &stage.tree.answer(&["status"])["operation"];
    let is_install = operation["operation"].as_str();
    let is_install = is_install.is_some_and(|typed| typed.starts_with("install"));
    is_install && operation["progress"]["step"] == "copy"
}

#[test]
fn an_install_goes_on_when_the_program_was_stopped_for_longer_than_it_may_take() {
    let mut stage = Stage::with(&["Ann"]);
    stage.unpacks(&Draft::broken().package());
    stage.players.push(Player::enter(&stage.node, "Works"));
    let began = Instant::now();
    stage.tree.does(&["check-install", BROKEN_VSN, "--partial"]);
    let limit = began.elapsed() * PATIENT;
    for player in &mut stage.players {
        player.may_become(Version::New);
    }
    let limit_ms = limit.as_millis().to_string();
    let options = [
        "--partial",
        "--code-change-timeout",
        &limit_ms,
        "--suspend-timeout",
        &limit_ms,
    ];
    let args = [&["install", BROKEN_VSN][..], &options].concat();
    std::thread::scope(|scope| {
        let install = scope.spawn(|| stage.tree.operate(&args));
        assert!(poll(PATIENCE, || copies(&stage).then_some(())).is_some());
        stage.node.signal(Signal::STOP);
        // The test needs the time itself to pass.
        std::thread::sleep(limit + Duration::from_secs(1));
        stage.node.signal(Signal::CONT);
        // The command may have given up meanwhile; the history has the result of the install.
        let said = install.join().unwrap();
        let runs =
            || (stage.tree.answer(&["status"])["release"]["vsn"] == BROKEN_VSN).then_some(());
        let installed = poll(PATIENCE, runs);
        let past = stage.tree.answer(&["history"]);
        assert!(installed.is_some(), "{said:?}: {past}");
    });
    assert_eq!(stage.tree.answer(&["status"])["conversions_given_up"], 0);
    stage.play_on();
}
