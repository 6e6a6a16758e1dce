//! The library as a node sees it: through its table, with a node of paper behind it.
#![allow(clippy::unwrap_used)]

#[path = "conversation/node.rs"]
mod node;

use expect_test::{Expect, expect};
use node::{Node, children, events, pid, sup};
use pq_sdk::pq_abi::{Callback, Reason, Verdict};
use pq_sdk::{ManagerReply, SupReply};
use pq_words::{Event, Place};

fn check(node: &mut Node, expected: Expect) {
    expected.assert_eq(&node.done());
}

/// A session whose hero plays.
fn playing() -> Node {
    let mut node = Node::start();
    node.line("Ann");
    node.line("y");
    node.answer(&SupReply::Started(Some(sup())));
    node.answer(&ManagerReply::Ok);
    node.done();
    node
}

#[test]
fn the_manifest_names_every_module_with_its_kind_and_what_it_calls() {
    expect![[r#"{library,"sockserv","1.0.0",[{abi,1886453762},{modules,[{sockserv,"1.0.0",application,[]},{sockserv_sup,"1.0.0",supervisor,[]},{sockserv_serv,"1.0.0",gen_server,[{calls,["pq_stats:initial_roll/0","processquest:start_player/2","processquest:stop_player/1","sockserv_trans:to_output/1"]}]},{sockserv_pq_events,"1.0.0",gen_event,[]},{sockserv_trans,"1.0.0",functions,[]}]}]}."#]]
        .assert_eq(sockserv_1_0_0::MANIFEST);
}

#[test]
fn a_hero_is_asked_for_and_listened_to() {
    let mut node = Node::start();
    check(
        &mut node,
        expect![[r#"
        write "What's your character's name?\n"
    "#]],
    );
    node.line("Ann");
    check(
        &mut node,
        expect![[r#"
        write "Stats for your character:\n  Charisma: 7\n  Constitution: 12\n  Dexterity: 9\n  Intelligence: 8\n  Strength: 5\n  Wisdom: 16\n\nDo you agree to these? y/n\n\n"
    "#]],
    );
    node.line("y");
    check(
        &mut node,
        expect![[r#"
        request processquest:start_player
    "#]],
    );
    node.answer(&SupReply::Started(Some(sup())));
    check(
        &mut node,
        expect![[r#"
        monitor <0.10.1>
        monitor <0.11.1>
        request AddHandler sockserv_pq_events (<0.1.1>,) of <0.11.1>
    "#]],
    );
}

#[test]
fn a_story_is_told_at_its_own_pace_and_lines_are_answered_at_once() {
    let mut node = playing();
    node.cast(&Event::Heading {
        ms: 800,
        place: Place::Killing,
    });
    node.cast(&Event::Killed {
        ms: 1600,
        enemy: "Pig".into(),
        drop: "Bacon".into(),
        experience: 1,
    });
    node.cast(&Event::Heading {
        ms: 800,
        place: Place::Market,
    });
    check(
        &mut node,
        expect![[r#"
        write "Heading to the killing fields...\n"
        write "Executing a Pig...\n"
        timer 1600 ms
    "#]],
    );
    node.line("hello");
    check(
        &mut node,
        expect![[r#"
        write "Unexpected input: hello\n"
    "#]],
    );
    node.timer();
    check(
        &mut node,
        expect![[r#"
        write "Obtained Bacon.\nHeading to the marketplace to sell loot...\n"
    "#]],
    );
}

#[test]
fn a_session_that_quits_stops_its_hero_then_closes_and_ends() {
    let mut node = playing();
    assert_eq!(node.line("quit"), Verdict::Wait);
    check(
        &mut node,
        expect![[r#"
        request processquest:stop_player
    "#]],
    );
    assert_eq!(node.answer(&SupReply::Ok), Verdict::Stop(Reason::Normal));
    check(
        &mut node,
        expect![[r#"
        close port 7
    "#]],
    );
}

#[test]
fn a_hero_that_fell_is_asked_for_until_it_is_heard_again() {
    let mut node = playing();
    node.down(events());
    node.answer(&children(Some(pid(20))));
    check(
        &mut node,
        expect![[r#"
        request WhichChildren of <0.10.1>
        write "Ann fell, and rises again.\n"
        monitor <0.20.1>
        request AddHandler sockserv_pq_events (<0.1.1>,) of <0.20.1>
    "#]],
    );
    node.answer(&ManagerReply::Ok);
    node.down(sup());
    check(
        &mut node,
        expect![[r#"
        write "Ann has fallen for the last time.\nWhat's your character's name?\n"
    "#]],
    );
}

#[test]
fn a_client_that_is_gone_leaves_its_hero_behind() {
    let mut node = playing();
    assert_eq!(node.closed(), Verdict::Stop(Reason::Normal));
    check(&mut node, expect![]);
}

#[test]
fn a_client_that_quits_and_goes_takes_its_hero_with_it() {
    let mut node = Node::start();
    node.line("Ann");
    node.line("y");
    node.line("quit");
    node.done();
    assert_eq!(node.closed(), Verdict::Wait);
    node.answer(&SupReply::Started(Some(sup())));
    check(
        &mut node,
        expect![[r#"
        request processquest:stop_player
    "#]],
    );
    assert_eq!(node.answer(&SupReply::Ok), Verdict::Stop(Reason::Normal));
}

#[test]
fn the_state_can_be_written_and_read_at_every_moment() {
    let mut node = Node::start();
    let mut moments = vec![node.export()];
    node.line("Ann");
    moments.push(node.export());
    node.line("y");
    moments.push(node.export());
    node.answer(&SupReply::Started(Some(sup())));
    node.cast(&Event::Killed {
        ms: 1600,
        enemy: "Pig".into(),
        drop: "Bacon".into(),
        experience: 1,
    });
    moments.push(node.export());
    node.line("quit");
    moments.push(node.export());
    for bytes in moments {
        assert_eq!(node.import_and_export(&bytes), bytes);
    }
}

#[test]
fn a_request_that_cannot_even_be_made_is_told() {
    let mut node = Node::start();
    node.without_processquest();
    node.line("Ann");
    node.line("y");
    check(
        &mut node,
        expect![[r#"
        write "What's your character's name?\n"
        write "Stats for your character:\n  Charisma: 7\n  Constitution: 12\n  Dexterity: 9\n  Intelligence: 8\n  Strength: 5\n  Wisdom: 16\n\nDo you agree to these? y/n\n\n"
        log a hero could not be started: {undef,"processquest:start_player"}
        write "Your hero could not be started.\nWhat's your character's name?\n"
    "#]],
    );
}

#[test]
fn a_handler_passes_events_on_while_its_session_lives() {
    let (alive, dead) = (node::handler_hears(true), node::handler_hears(false));
    assert_eq!(
        alive,
        (Verdict::Wait, format!("cast to {}\n", node::SESSION))
    );
    assert_eq!(dead, (Verdict::Remove, String::new()));
}

#[test]
fn a_message_that_nobody_sends_is_passed_over() {
    let mut node = playing();
    assert_eq!(node.send(Callback::Info, b"\xa3odd"), Verdict::Wait);
    assert_eq!(node.send(Callback::Exit, b"\xc0"), Verdict::Wait);
    check(&mut node, expect![]);
}

#[test]
fn news_of_a_hero_that_is_no_longer_played_are_not_told() {
    let heading = Event::Heading {
        ms: 800,
        place: Place::Killing,
    };
    let mut node = playing();
    node.line("quit");
    node.done();
    node.cast(&heading);
    check(&mut node, expect![]);
    let mut node = playing();
    node.down(sup());
    node.done();
    node.cast(&heading);
    check(&mut node, expect![]);
}
