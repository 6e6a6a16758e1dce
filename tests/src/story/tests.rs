//! Transcripts of simulated hours pass the check; the same transcripts with one changed line fail it.

use expect_test::expect;

use super::*;
use crate::house::House;

const SEED: u64 = 0x5709;

/// The game time of one transcript, which covers several trips to the market and a few levels.
const HOURS_MS: u64 = 2 * 3_600_000;

/// The number of lines of a transcript that are changed one by one.
const LINES: usize = 2_000;

/// The largest number of lines until a changed line is detected: a trip to the market.
const SHOWS: usize = 100;

/// The transcripts of three clients in two hours of this version.
fn transcripts(version: Version) -> Vec<String> {
    let mut house = House::boot(SEED);
    if version == Version::New {
        let library = house.code.link_library(&processquest_1_1_0::LIBRARY);
        let library = library.expect("it is compiled with this crate");
        let code = &house.code;
        code.make_all_current(library).expect("it was just linked");
    }
    let tapes = ["Ann", "Bob", "Cyd"].map(|name| {
        let client = house.connect().expect("sockserv runs");
        let rolled = house.types(&client, name) + &house.types(&client, "n");
        let asides = house.types(&client, "what?") + &house.types(&client, "y");
        (client, rolled + &asides)
    });
    house.sim.run_ms(HOURS_MS);
    let whole = |(client, begin): &(crate::house::client::Client, String)| {
        let told = client.read();
        let end = told.rfind('\n').map_or(0, |end| end + 1);
        format!("{begin}{}", &told[..end])
    };
    tapes.iter().map(whole).collect()
}

/// The first lines of a transcript, and the index of the first line of play: the dialogue before accepts changed lines,
/// because a client that is asked twice may have answered twice.
fn lines(transcript: &str) -> (Vec<&str>, usize) {
    let lines: Vec<&str> = transcript.split_inclusive('\n').take(LINES).collect();
    let play = lines.iter().position(|line| line.starts_with("Executing"));
    (lines, play.expect("the hero plays"))
}

#[test]
fn what_a_simulated_hero_tells_is_a_story_of_its_version() {
    for (version, other) in [(Version::Old, Version::New), (Version::New, Version::Old)] {
        for transcript in transcripts(version) {
            let story = Story::judge(&[version], &transcript).unwrap();
            let tale = story.tale().unwrap();
            assert!(
                tale.kills > 1_000 && tale.lvl > 3 && tale.trips > 10,
                "{tale:?}"
            );
            assert_eq!(tale.quests > 10, version == Version::New);
            assert!(Story::judge(&[other], &transcript).is_err());
        }
    }
}

#[test]
fn a_story_without_one_of_its_lines_is_none() {
    for version in [Version::Old, Version::New] {
        let transcript = &transcripts(version)[0];
        let (lines, play) = lines(transcript);
        for gone in play..lines.len() - SHOWS {
            let mut fewer = lines.clone();
            let line = fewer.remove(gone);
            let found = Story::judge(&[version], &fewer.concat());
            assert!(
                found.is_err(),
                "the missing line {gone} is not detected, {line:?}"
            );
        }
    }
}

#[test]
fn a_story_in_which_a_line_is_doubled_or_torn_is_none() {
    let transcript = &transcripts(Version::New)[1];
    let (lines, play) = lines(transcript);
    for at in play..lines.len() - SHOWS {
        let mut more = lines.clone();
        more.insert(at, lines[at]);
        let found = Story::judge(&[Version::New], &more.concat());
        assert!(
            found.is_err(),
            "the doubled line {at} is not detected, {:?}",
            lines[at]
        );
        if lines[at].len() > 2 {
            more[at] = &lines[at][..lines[at].len() / 2];
            let found = Story::judge(&[Version::New], &more.concat());
            assert!(
                found.is_err(),
                "the torn line {at} is not detected, {:?}",
                lines[at]
            );
        }
    }
}

#[test]
fn versions_follow_one_another_only_in_their_order() {
    let kill = |enemy, drop| format!("Executing a {enemy}...\nObtained {drop}.\n");
    let begin = "Stats for your character:\n  Charisma: 9\n  Constitution: 9\n  Dexterity: 9\n  \
                 Intelligence: 9\n  Strength: 9\n  Wisdom: 9\n\nDo you agree to these? y/n\n\n";
    let [ant, spider] = [kill("Ant", "Ant Egg"), kill("Spider", "Spider Egg")];
    let both = format!("{begin}{ant}{spider}");
    let judge = |versions: &[Version]| Story::judge(versions, &both).map(|story| story.version());
    assert_eq!(judge(&[Version::Old, Version::New]), Ok(Version::New));
    assert!(judge(&[Version::New, Version::Old]).is_err());
    let mut story = Story::judge(&[Version::Old], &format!("{begin}{ant}")).unwrap();
    assert!(story.clone().read("Executing a Spider...").is_err());
    story.may_become(Version::New);
    assert!(story.clone().read("Executing a Ant...").is_ok());
    story.has_become();
    assert!(story.clone().read("Executing a Ant...").is_err());
    assert!(story.read("Executing a Spider...").is_ok());
}

#[test]
fn a_fault_says_what_stood_before_it() {
    let transcript = "What's your character's name?\nObtained Pelt.\n";
    let fault = Story::judge(&[Version::Old], transcript).unwrap_err();
    expect![[
        r#"line 2 cannot be "Obtained Pelt.": the versions are [Old], and the state before the line is Dialogue(None)"#
    ]]
    .assert_eq(&fault);
    let torn = Story::judge(&[Version::Old], "What's your char").unwrap_err();
    expect![[r#"the transcript ends inside the line "What's your char""#]].assert_eq(&torn);
}
