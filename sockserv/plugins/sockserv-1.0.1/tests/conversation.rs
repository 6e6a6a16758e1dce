//! The library in the view of a node: the tests call it through its table, with a mock node.
#![allow(clippy::unwrap_used)]

#[path = "conversation/node.rs"]
mod node;

use node::{Moment, Node, of_app};
use pq_sdk::SupReply;
use pq_sdk::pq_abi::{Direction, Reason, Verdict};

const NEW: &str = "1.0.1";
const OLD: &str = "1.0.0";
const END: Verdict = Verdict::Stop(Reason::Normal);
const STOP: &str = "request processquest:stop_player <0.10.1>\n";

#[test]
fn only_the_session_has_a_new_version() {
    let modules = |vsn| node::modules(vsn).into_iter();
    let changed: Vec<(&str, &str)> = modules(NEW)
        .zip(modules(OLD))
        .filter(|(new, old)| new.vsn() != old.vsn())
        .map(|(new, old)| (new.name(), old.name()))
        .collect();
    assert_eq!(changed, [("sockserv_serv", "sockserv_serv")]);
    let names: Vec<&str> = modules(NEW).map(|module| module.name()).collect();
    assert_eq!(of_app("modules"), format!("[{}]", names.join(",")));
    assert_eq!(of_app("vsn"), "\"1.0.1\"");
}

#[test]
fn a_client_that_goes_before_it_has_a_hero_leaves_nothing_behind() {
    for moment in [Moment::Greeted, Moment::Rolled] {
        let mut node = Node::at(NEW, moment);
        assert_eq!(node.closed(), END, "{moment:?}");
        assert_eq!(node.done(), "close port 7\n", "{moment:?}");
    }
}

#[test]
fn a_client_that_goes_takes_its_hero_along() {
    for moment in [Moment::Joining, Moment::Playing, Moment::Fallen] {
        let mut node = Node::at(NEW, moment);
        assert_eq!(node.closed(), Verdict::Wait, "{moment:?}");
        assert_eq!(node.done(), STOP, "{moment:?}");
        assert_eq!(node.answer(&SupReply::Ok), END, "{moment:?}");
        assert_eq!(node.done(), "close port 7\n", "{moment:?}");
    }
}

#[test]
fn a_client_that_goes_while_its_hero_starts_takes_it_along_when_it_has_started() {
    let mut node = Node::at(NEW, Moment::Starting);
    assert_eq!(node.closed(), Verdict::Wait);
    assert_eq!(node.done(), "");
    let started = SupReply::Started(Some(node::sup()));
    assert_eq!(node.answer(&started), Verdict::Wait);
    assert_eq!(node.done(), STOP);
    assert_eq!(node.answer(&SupReply::Ok), END);
}

#[test]
fn a_hero_that_could_not_start_is_not_waited_for() {
    let mut node = Node::at(NEW, Moment::Starting);
    node.closed();
    let taken = SupReply::Error(pq_term::Term::atom("name_taken"));
    assert_eq!(node.answer(&taken), END);
}

#[test]
fn a_client_that_quit_and_goes_is_let_go_once() {
    let mut node = Node::at(NEW, Moment::Leaving);
    assert_eq!(node.closed(), Verdict::Wait);
    assert_eq!(node.done(), "", "the stop was asked for already");
    assert_eq!(node.answer(&SupReply::Ok), END);
}

/// The behaviour of 1.0.0, which proves that the tests above detect the change.
#[test]
fn before_this_version_the_hero_stayed() {
    let mut node = Node::at(OLD, Moment::Playing);
    assert_eq!(node.closed(), END);
    assert_eq!(node.done(), "");
}

#[test]
fn a_session_is_written_the_same_in_both_versions_at_every_moment() {
    for moment in Moment::ALL {
        let here = Node::at(NEW, moment).export();
        assert_eq!(Node::at(OLD, moment).export(), here, "{moment:?}");
        for vsn in [OLD, NEW] {
            let mut moved = Node::import(vsn, &here);
            assert_eq!(moved.export(), here, "{moment:?} in {vsn}");
        }
        for direction in [Direction::Up, Direction::Down] {
            assert_eq!(node::code_change(direction, &here), here, "{moment:?}");
        }
    }
}

#[test]
fn a_session_that_changes_its_version_on_the_way_says_the_same() {
    for moment in Moment::ALL {
        let mut stays = Node::at(OLD, moment);
        let mut moves = Node::at(OLD, moment);
        for vsn in [NEW, OLD, NEW] {
            moves.change_to(vsn);
            for node in [&mut stays, &mut moves] {
                node.line("n");
                node.news();
                node.timer();
            }
            assert_eq!(moves.done(), stays.done(), "{moment:?}, {vsn}");
            assert_eq!(moves.export(), stays.export(), "{moment:?}, {vsn}");
        }
    }
}
