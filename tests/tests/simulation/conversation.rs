//! The conversation of sockserv 1.0.0 with the whole game: each byte of the output, and its time.

use expect_test::{Expect, expect};
use pq_otp::Ask;
use pq_otp::spec::SupReply;
use pq_otp::sys::SysMessage;
use pq_tests::house::House;
use pq_tests::house::client::{Client, PROMPT};

const SEED: u64 = 4_711;
/// A simulated node, and a client that has read its greeting.
fn greeted() -> (House, Client) {
    let mut house = House::boot(SEED);
    let client = house.enter();
    (house, client)
}

/// A simulated node, and a client whose hero plays.
fn playing() -> (House, Client) {
    let mut house = House::boot(SEED);
    let client = house.enter_as("Conan");
    (house, client)
}

/// Output with its times in seconds, as text.
fn written(story: &[(u64, String)]) -> String {
    let line = |(ms, text): &(u64, String)| format!("{:.2} s {text:?}\n", *ms as f64 / 1_000.0);
    story.iter().map(line).collect()
}

fn check(story: &[(u64, String)], expected: Expect) {
    expected.assert_eq(&written(story));
}

#[test]
fn the_conversation_is_the_books_byte_for_byte() {
    let (mut house, client) = greeted();
    expect![[r#"
        Stats for your character:
          Charisma: 9
          Constitution: 13
          Dexterity: 13
          Intelligence: 7
          Strength: 14
          Wisdom: 8

        Do you agree to these? y/n

    "#]]
    .assert_eq(&house.types(&client, "Conan of Cimmeria"));
    assert_eq!(house.types(&client, "y"), "");
    check(
        &house.story(&client, 9_000),
        expect![[r#"
        0.80 s "Executing a Goblin...\n"
        2.40 s "Obtained Goblin hair.\nExecuting a Wildcat...\n"
        4.00 s "Obtained Pelt.\nExecuting a Wildcat...\n"
        5.60 s "Obtained Pelt.\nExecuting a Wild Pig...\n"
        7.20 s "Obtained Tasty Ribs.\nExecuting a Ant...\n"
        8.80 s "Obtained Ant Egg.\nExecuting a Goblin...\n"
    "#]],
    );
}

#[test]
fn a_full_bag_a_sale_a_bargain_and_a_level_are_told_like_this() {
    let (mut house, client) = playing();
    let story = house.story(&client, 400_000);
    let told = |word: &str| {
        story
            .iter()
            .position(|(_, text)| text.contains(word))
            .unwrap()
    };
    let around = |at: usize| &story[at - 1..at + 5];
    check(
        around(told("marketplace")),
        expect![[r#"
        44.00 s "Obtained Chunks of Metal.\nExecuting a Goblin...\n"
        45.60 s "Obtained Goblin hair.\nHeading to the marketplace to sell loot...\n"
        46.40 s "Selling Goblin hair\n"
        46.56 s "Got 1 bucks.\n"
        47.20 s "Selling Chunks of Metal\n"
        47.36 s "Got 3 bucks.\n"
    "#]],
    );
    check(
        around(told("Negotiating")),
        expect![[r#"
        68.16 s "Got 1 bucks.\n"
        68.80 s "Negotiating purchase of better equipment...\n"
        69.20 s "Bought a wool armor\nNegotiating purchase of better equipment...\n"
        69.60 s "Bought a plastic knife\nHeading to the killing fields...\n"
        70.40 s "Executing a Wild Pig...\n"
        72.00 s "Obtained Tasty Ribs.\nExecuting a Robot...\n"
    "#]],
    );
    check(
        around(told("Leveled")),
        expect![[r#"
        84.80 s "Obtained Pelt.\nExecuting a Pig...\n"
        86.40 s "Obtained Bacon.\nLeveled up to level 2 Here are your new stats:\n  Charisma: 10\n  Constitution: 16\n  Dexterity: 19\n  Intelligence: 11\n  Strength: 20\n  Wisdom: 10\n\n\nExecuting a Goblin...\n"
        88.00 s "Obtained Goblin hair.\nExecuting a Ant...\n"
        89.60 s "Obtained Ant Egg.\nExecuting a Wildcat...\n"
        91.20 s "Obtained Pelt.\nExecuting a Robot...\n"
        92.80 s "Obtained Chunks of Metal.\nExecuting a Ant...\n"
    "#]],
    );
}

#[test]
fn the_first_fight_begins_after_800_ms_and_each_next_one_1600_ms_later() {
    let (mut house, client) = playing();
    let fights: Vec<(u64, String)> = house.story(&client, 8_000);
    let begins = |text: &str| text.contains("Executing a ");
    let times: Vec<u64> = fights
        .iter()
        .filter(|(_, text)| begins(text))
        .map(|(ms, _)| *ms)
        .collect();
    assert_eq!(times, [800, 2_400, 4_000, 5_600, 7_200]);
    let ends = |text: &str| text.contains("Obtained ");
    let times: Vec<u64> = fights
        .iter()
        .filter(|(_, text)| ends(text))
        .map(|(ms, _)| *ms)
        .collect();
    assert_eq!(times, [2_400, 4_000, 5_600, 7_200]);
}

#[test]
fn who_does_not_agree_gets_other_stats_under_the_same_name() {
    let (mut house, client) = greeted();
    let rolls = [(); 5].map(|()| house.types(&client, "n"));
    assert_eq!(rolls[0].lines().next(), Some("Stats for your character:"));
    let first = house.types(&client, "n");
    assert!(
        rolls[1..]
            .iter()
            .all(|roll| *roll != first && roll.ends_with("y/n\n\n"))
    );
    house.types(&client, "y");
    assert!(house.whereis("n").is_some(), "the first `n` was the name");
}

#[test]
fn the_hero_has_the_stats_that_were_agreed_to() {
    let (mut house, client) = greeted();
    house.types(&client, "Conan");
    let agreed = house.types(&client, "n");
    house.types(&client, "y");
    let stats = house.hero("Conan").unwrap().data.stats;
    let shown: String = stats
        .iter()
        .map(|(name, value)| format!("  {name}: {value}\n"))
        .collect();
    assert!(agreed.contains(&shown), "{agreed} {shown}");
}

#[test]
fn an_answer_that_is_neither_yes_nor_no_is_asked_for_again() {
    let (mut house, client) = greeted();
    house.types(&client, "Conan");
    for line in ["", "   ", "yes", "Y", "no", "quiet", "\u{1b}[2J"] {
        let said = house.types(&client, line);
        assert_eq!(said, "Answer with y (yes) or n (no)\n", "{line:?}");
    }
    assert!(house.whereis("Conan").is_none());
    house.types(&client, "  y  ");
    assert!(house.whereis("Conan").is_some());
}

#[test]
fn a_name_that_cannot_be_is_explained_and_asked_for_again() {
    let (mut house, client) = greeted();
    let long = "x".repeat(33);
    let cases: [(&[u8], &str); 8] = [
        (b"", ""),
        (b" \t ", ""),
        (
            long.as_bytes(),
            "That name is too long: at most 32 characters.\n",
        ),
        (b"Con\xff", "That name is not written in UTF-8.\n"),
        (b"\xff\xfb\x01", "That name is not written in UTF-8.\n"),
        (
            "\u{202e}nanoC".as_bytes(),
            "A name has only characters that can be seen.\n",
        ),
        (
            b"Co\x07nan",
            "A name has only characters that can be seen.\n",
        ),
        (
            b"\x1b[2JConan",
            "A name has only characters that can be seen.\n",
        ),
    ];
    for (line, why) in cases {
        assert_eq!(
            house.types(&client, line),
            format!("{why}{PROMPT}"),
            "{line:?}"
        );
    }
    house.begin(&client, &"x".repeat(32));
}

#[test]
fn a_name_that_is_taken_is_refused_and_its_hero_does_not_notice() {
    let (mut house, _first) = playing();
    house.watch_hero("Conan");
    let sup = house.sup_of("Conan").unwrap();
    let second = house.enter();
    house.types(&second, "Conan");
    assert_eq!(
        house.types(&second, "y"),
        format!("That name is taken.\n{PROMPT}")
    );
    house.begin(&second, "Belit");
    house.sim.run_ms(600_000);
    house.check_hero("Conan", sup).unwrap();
}

#[test]
fn quit_ends_the_session_wherever_it_is() {
    let before: [&[&str]; 4] = [&[], &["Conan"], &["Conan", "n"], &["Conan", "y"]];
    for lines in before {
        for word in ["quit", "quitting time"] {
            let (mut house, client) = greeted();
            lines
                .iter()
                .for_each(|line| drop(house.types(&client, line)));
            assert_eq!(house.types(&client, word), "", "{lines:?}");
            assert!(client.is_closed(), "{lines:?}");
            assert!(house.is_gone("Conan"), "{lines:?}");
            assert_eq!(house.sim.node().port_count(), 0);
            assert_eq!(house.count_children("pq_supersup"), 0);
            assert_eq!(house.count_children("sockserv_sup"), 0);
        }
    }
}

#[test]
fn quit_is_known_only_as_it_is_written() {
    let (mut house, client) = greeted();
    house.begin(&client, "QUIT");
    assert_eq!(house.types(&client, " quit"), "Unexpected input:  quit\n");
    assert_eq!(house.types(&client, "Quit"), "Unexpected input: Quit\n");
    assert!(!client.is_closed());
}

#[test]
fn quit_in_the_same_breath_as_yes_leaves_no_hero_behind() {
    let (mut house, client) = greeted();
    house.types(&client, "Conan");
    house.sends(&client, "y");
    house.sends(&client, "quit");
    house.sim.settle();
    assert!(client.is_closed() && house.is_gone("Conan"));
    assert_eq!(house.count_children("pq_supersup"), 0);
}

/// The client sends `quit` and closes the connection at once.
#[test]
fn who_quits_and_goes_without_waiting_leaves_no_hero_behind() {
    for before in [&[][..], &["Conan"], &["Conan", "y"]] {
        let (mut house, client) = greeted();
        before.iter().for_each(|line| house.sends(&client, line));
        house.sends(&client, "quit");
        house.drops(&client);
        assert!(client.is_closed() && house.is_gone("Conan"), "{before:?}");
        assert_eq!(house.count_children("pq_supersup"), 0, "{before:?}");
        assert_eq!(house.count_children("sockserv_sup"), 0, "{before:?}");
    }
}

#[test]
fn a_hero_whose_client_quits_while_it_falls_does_not_rise() {
    for victim in [House::whereis, House::events_of] {
        let (mut house, client) = playing();
        house.sim.run_ms(5_000);
        house.sends(&client, "quit");
        house.kill(victim(&house, "Conan").unwrap());
        assert!(client.is_closed() && house.is_gone("Conan"));
        assert_eq!(house.count_children("pq_supersup"), 0);
    }
}

/// `sys:suspend` stops everything except an end that the parent orders.
#[test]
fn a_hero_that_is_suspended_can_be_quit() {
    for victim in [House::whereis, House::events_of] {
        let (mut house, client) = playing();
        let pid = victim(&house, "Conan").unwrap();
        house
            .sim
            .sys(pid, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
            .unwrap();
        let before_ms = house.sim.now_ms();
        house.types(&client, "quit");
        assert!(client.is_closed() && house.is_gone("Conan"));
        assert_eq!(house.sim.now_ms(), before_ms);
    }
}

#[test]
fn a_session_that_is_suspended_answers_afterwards_and_in_order() {
    let (mut house, client) = playing();
    house
        .sim
        .sys(client.session, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(house.types(&client, "one"), "");
    house.sim.run_ms(10_000);
    assert_eq!(house.types(&client, "two"), "");
    house
        .sim
        .sys(client.session, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    let told = client.read();
    let at = |text: &str| {
        told.find(text)
            .unwrap_or_else(|| panic!("{text} in {told}"))
    };
    assert!(at("input: one") < at("Executing") && at("Executing") < at("input: two"));
    house.types(&client, "quit");
    assert!(client.is_closed() && house.is_gone("Conan"));
}

#[test]
fn two_clients_who_want_one_name_at_once_do_not_both_get_it() {
    let mut house = House::boot(SEED);
    let rivals = [house.enter(), house.enter()];
    rivals
        .iter()
        .for_each(|client| drop(house.types(client, "Conan")));
    rivals.iter().for_each(|client| house.sends(client, "y"));
    house.sim.settle();
    assert_eq!(rivals[0].read(), "");
    assert_eq!(rivals[1].read(), format!("That name is taken.\n{PROMPT}"));
    house.types(&rivals[0], "quit");
    house.begin(&rivals[1], "Conan");
}

#[test]
fn a_session_answers_while_its_story_waits() {
    let (mut house, client) = playing();
    house.sim.run_ms(1_000);
    assert!(client.read().contains("Executing a "));
    assert_eq!(house.types(&client, "hello"), "Unexpected input: hello\n");
    let before = house.sim.now_ms();
    assert_eq!(house.types(&client, "quit"), "");
    assert!(client.is_closed() && house.is_gone("Conan"));
    assert_eq!(house.sim.now_ms(), before);
    house.sim.run_ms(10_000);
}

#[test]
fn a_name_that_was_quit_can_be_had_at_once() {
    let (mut house, client) = playing();
    house.types(&client, "quit");
    house.enter_as("Conan");
}

#[test]
fn a_client_that_goes_leaves_its_hero_and_its_name() {
    let (mut house, client) = playing();
    house.watch_hero("Conan");
    let sup = house.sup_of("Conan").unwrap();
    house.drops(&client);
    assert!(client.is_closed());
    assert!(!house.sim.node().is_alive(client.session));
    house.sim.run_ms(3_600_000);
    house.check_hero("Conan", sup).unwrap();
    let next = house.enter();
    house.types(&next, "Conan");
    assert_eq!(
        house.types(&next, "y"),
        format!("That name is taken.\n{PROMPT}")
    );
    assert_eq!(house.stop_hero(sup), SupReply::Ok);
    house.begin(&next, "Conan");
}

#[test]
fn a_client_that_goes_before_it_plays_leaves_nothing() {
    for lines in [&[][..], &["Conan"], &["Conan", "n"]] {
        let (mut house, client) = greeted();
        lines
            .iter()
            .for_each(|line| drop(house.types(&client, line)));
        house.drops(&client);
        assert!(client.is_closed() && house.is_gone("Conan"), "{lines:?}");
        assert_eq!(house.count_children("sockserv_sup"), 0);
        assert_eq!(house.sim.node().port_count(), 0);
    }
}

#[test]
fn a_hero_that_falls_rises_again_and_its_story_goes_on() {
    let (mut house, client) = playing();
    house.sim.run_ms(10_000);
    client.read();
    house.kill(house.whereis("Conan").unwrap());
    let story = house.story(&client, 5_000);
    check(
        &story,
        expect![[r#"
            0.00 s "Conan fell, and rises again.\n"
            0.80 s "Executing a Goblin...\n"
            2.40 s "Obtained Goblin hair.\nExecuting a Wildcat...\n"
            4.00 s "Obtained Pelt.\nExecuting a Wild Pig...\n"
        "#]],
    );
}

#[test]
fn an_event_manager_that_falls_takes_its_hero_along_and_both_are_heard_again() {
    let (mut house, client) = playing();
    house.sim.run_ms(10_000);
    client.read();
    house.kill(house.events_of("Conan").unwrap());
    assert_eq!(client.read(), "Conan fell, and rises again.\n");
    house.sim.run_ms(60_000);
    assert!(client.read().contains("Obtained "));
}

#[test]
fn the_third_fall_within_an_hour_is_the_last_and_the_client_is_asked_for_a_name() {
    let (mut house, client) = playing();
    for _ in 0..2 {
        house.sim.run_ms(60_000);
        client.read();
        house.kill(house.whereis("Conan").unwrap());
        assert_eq!(client.read(), "Conan fell, and rises again.\n");
    }
    house.sim.run_ms(60_000);
    client.read();
    house.kill(house.whereis("Conan").unwrap());
    assert_eq!(
        client.read(),
        format!("Conan has fallen for the last time.\n{PROMPT}")
    );
    assert!(house.is_gone("Conan"));
    house.sim.run_ms(60_000);
    assert_eq!(client.read(), "", "output of the ended hero");
    house.begin(&client, "Conan");
    house.sim.run_ms(60_000);
    assert!(client.read().contains("Obtained "));
}

#[test]
fn a_hero_that_is_stopped_by_the_operator_has_fallen_for_the_last_time() {
    let (mut house, client) = playing();
    let sup = house.sup_of("Conan").unwrap();
    house.stop_hero(sup);
    assert_eq!(
        client.read(),
        format!("Conan has fallen for the last time.\n{PROMPT}")
    );
}

#[test]
fn a_session_that_is_killed_closes_its_port_and_leaves_its_hero() {
    let (mut house, client) = playing();
    house.watch_hero("Conan");
    let sup = house.sup_of("Conan").unwrap();
    house.kill(client.session);
    assert!(client.is_closed());
    house.sim.run_ms(3_600_000);
    house.check_hero("Conan", sup).unwrap();
    house.enter_as("Belit");
}

#[test]
fn many_lines_at_once_are_answered_one_by_one_in_order() {
    let (mut house, client) = greeted();
    house.types(&client, "Conan");
    house.sends(&client, "y");
    (0..1_000).for_each(|number| house.sends(&client, number.to_string()));
    house.sim.settle();
    let expected: String = (0..1_000)
        .map(|number| format!("Unexpected input: {number}\n"))
        .collect();
    assert_eq!(client.read(), expected);
    assert_eq!(client.inputs_done(), 1_002);
}

#[test]
fn what_a_terminal_would_obey_is_not_sent_back_to_it() {
    let (mut house, client) = playing();
    let cases: [(&[u8], &str); 5] = [
        (b"\x1b[2J\x07", "\u{fffd}[2J\u{fffd}"),
        (b"\xff\xfb\x03", "\u{fffd}\u{fffd}\u{fffd}"),
        ("a\u{202e}b\u{2066}c".as_bytes(), "a\u{fffd}b\u{fffd}c"),
        (b"\xc2\x9b31m\x00", "\u{fffd}31m\u{fffd}"),
        ("\u{2603} d'accord".as_bytes(), "\u{2603} d'accord"),
    ];
    for (line, shown) in cases {
        assert_eq!(
            house.types(&client, line),
            format!("Unexpected input: {shown}\n")
        );
    }
}
