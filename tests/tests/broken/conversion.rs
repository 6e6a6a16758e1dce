//! States that do not convert: the release is rolled back, the error names the process, and that process also
//! continues.

use pq_tests::running::{BROKEN_VSN, Draft, Player};
use pq_tests::story::Version;

use crate::broken::stage::Stage;

/// The pid of the hero with this name.
fn pid(stage: &Stage, name: &str) -> String {
    let reply = stage.tree.answer(&["sys", "get-status", name]);
    reply["pid"].as_str().unwrap().to_string()
}

/// A hero with this name prevents the installation of release 1.1.1 with these options, for this reason.
fn spoils(stage: &mut Stage, name: &str, options: &[&str], reason: &str) {
    let hero = Player::enter(&stage.node, name);
    stage.players.push(hero);
    let pid = pid(stage, name);
    for command in ["check-install", "install"] {
        let args = [&[command, BROKEN_VSN, "--partial"], options].concat();
        let called = format!("it is that of {name} ({pid})");
        stage.refuses(&args, 4, &[&called, "pq_player", reason]);
    }
    stage.players.pop().unwrap().quits();
}

#[test]
fn a_hero_that_does_not_convert_keeps_the_release_away_from_everybody() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    stage.unpacks(&Draft::broken().package());
    spoils(&mut stage, "Errs", &[], "this hero is not convertible");
    spoils(&mut stage, "Panics", &[], "this hero is not convertible");
    spoils(&mut stage, "Sends", &[], "a conversion may only read");
    let soon = ["--code-change-timeout", "1000"];
    assert_eq!(stage.tree.answer(&["status"])["conversions_given_up"], 0);
    spoils(&mut stage, "Loops", &soon, "it runs for more than 1000 ms");
    // Counted in the check, and in the check at the beginning of the install.
    assert_eq!(stage.tree.answer(&["status"])["conversions_given_up"], 2);
    stage.installs_the_good_one();
}

#[test]
fn with_other_heroes_the_same_release_is_installed_and_left_again() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    stage.unpacks(&Draft::broken().package());
    for (vsn, version) in [(BROKEN_VSN, Version::New), ("1.0.0", Version::Old)] {
        stage
            .players
            .iter_mut()
            .for_each(|player| player.may_become(version));
        stage.tree.does(&["check-install", vsn, "--partial"]);
        stage.tree.does(&["install", vsn, "--partial"]);
        stage.play_on();
    }
    stage.installs_the_good_one();
}

#[test]
fn a_hero_that_does_not_convert_back_keeps_everybody_in_the_newer_release() {
    let stage = Stage::with(&[]);
    stage.unpacks(&Draft::broken().package());
    stage.tree.does(&["install", BROKEN_VSN, "--partial"]);
    let names = ["Ann", "Errs"];
    let mut players = Player::enter_all(&stage.node, &names).into_iter();
    let mut players = [(); 2].map(|()| players.next().unwrap().of_version(Version::New));
    let before = stage.tree.releases();
    let sentence = stage.tree.refuses(&["install", "1.0.0"], 4);
    assert!(sentence.contains(&pid(&stage, "Errs")), "{sentence}");
    assert_eq!(stage.tree.releases(), before);
    Player::all_play_on(&mut players);
    let [mut ann, errs] = players;
    errs.quits();
    ann.may_become(Version::Old);
    stage.tree.does(&["install", "1.0.0"]);
    ann.plays_on();
    ann.tale();
}

#[test]
fn a_hero_whose_conversion_never_ends_can_be_given_up() {
    let mut stage = Stage::with(&["Ann", "Bob"]);
    stage.unpacks(&Draft::broken().package());
    let mut loops = Player::enter(&stage.node, "Loops");
    let give_up = ["--on-overrun", "kill", "--code-change-timeout", "1000"];
    stage
        .players
        .iter_mut()
        .for_each(|player| player.may_become(Version::New));
    stage
        .tree
        .does(&[&["install", BROKEN_VSN, "--partial"][..], &give_up].concat());
    // The hero plays until the decision; its saved state does not convert either, so it waits for a release with a better
    // conversion.
    loops.sees("Your hero cannot be continued now; it is kept for the operators.");
    loops.sees("Loops has fallen for the last time.");
    let aside = stage.tree.does(&["heroes", "--set-aside"]);
    assert!(aside.contains("Loops"), "{aside}");
    stage.play_on();
}

#[test]
fn a_supervisor_that_describes_nonsense_keeps_its_description() {
    let mut stage = Stage::with(&["Ann", "heroine"]);
    let mut draft = Draft::broken();
    let (load, update) = ("{load_module, pq_enemy}", "{update, pq_sup, supervisor}");
    draft.appup = draft
        .appup
        .replace(load, &format!("{load},\n             {update}"));
    stage.unpacks(&draft.package());
    stage.does_not_install(4, &["pq_sup", "duplicate_child_name"]);
    stage.installs_the_good_one();
}
