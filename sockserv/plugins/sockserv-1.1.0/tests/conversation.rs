//! The library in the view of a node: the tests call it through its table, with a mock node.
#![allow(clippy::unwrap_used)]

#[path = "conversation/node.rs"]
mod node;

use node::{Moment, Node, of_app};
use pq_sdk::SupReply;
use pq_sdk::pq_abi::{Direction, Reason, Verdict};
use pq_sdk::words::{Judged, Said};
use sockserv_1_1_0::away::Away;

const END: Verdict = Verdict::Stop(Reason::Normal);
const STOP: &str = "request processquest:stop_player <0.10.1>\n";
const OLDER: [&str; 2] = ["1.0.0", "1.0.1"];

/// The texts that were written, and what was done besides.
fn texts(done: &str) -> String {
    let texts = done.lines().filter_map(|line| line.strip_prefix("write "));
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn only_the_session_and_its_handler_have_a_new_version() {
    let modules = |vsn| node::modules(vsn).into_iter();
    let changed: Vec<&str> = modules("1.1.0")
        .zip(modules("1.0.1"))
        .filter(|(new, old)| new.vsn() != old.vsn())
        .map(|(new, _)| new.name())
        .collect();
    assert_eq!(changed, ["sockserv_serv", "sockserv_pq_events"]);
    let names: Vec<&str> = modules("1.1.0").map(|module| module.name()).collect();
    assert_eq!(of_app("modules"), format!("[{}]", names.join(",")));
    assert_eq!(of_app("vsn"), "\"1.1.0\"");
}

#[test]
fn a_taken_name_is_told_when_it_is_given_and_its_word_is_asked_for() {
    let mut node = Node::at(Moment::Greeted);
    node.paper().look.taken = true;
    node.line("Ann");
    let done = texts(&node.done());
    assert!(
        done.contains("That name is taken.\\nIf Ann is yours"),
        "{done}"
    );
    assert!(done.contains("\\u{e}sealed\\u{f}"), "{done}");
    node.line("");
    assert!(node.done().contains("What's your character's name?"));
    node.paper().look.taken = false;
    node.line("Bob");
    assert!(node.done().contains("Do you agree to these? y/n"));
}

#[test]
fn without_words_a_taken_name_is_told_and_another_is_asked_for() {
    let mut node = Node::at(Moment::Greeted);
    node.paper().look.taken = true;
    node.paper().look.kept = false;
    node.line("Ann");
    let expected = "write \"That name is taken.\\nWhat's your character's name?\\n\"\n";
    assert_eq!(node.done(), expected);
    node.paper().look.taken = false;
    node.line("Bob");
    node.line("y");
    assert!(node.done().ends_with("request processquest:start_player\n"));
}

#[test]
fn the_right_word_leads_to_the_hero_that_plays() {
    let mut node = Node::at(Moment::Asked);
    node.line("\x007");
    assert_eq!(node.done(), "check line 7 of Ann\n");
    node.says(Said::Plays(node::sup()));
    let done = node.done();
    assert!(
        done.contains("Welcome back, Ann.\\n\"\nmonitor <0.10.1>\n"),
        "{done}"
    );
    assert!(
        done.ends_with("monitor <0.11.1>\nrequest of <0.11.1>\n"),
        "{done}"
    );
    // The handler of the session before passes the news on from now on, and has counted meanwhile.
    let kills = 3;
    node.answer(&Away {
        kills,
        ..Away::default()
    });
    assert!(
        node.done()
            .contains("Ann met 3 enemies while you were away")
    );
    node.news();
    assert!(node.done().contains("Executing a Pig"));
}

#[test]
fn the_third_wrong_word_ends_the_connection_after_a_pause() {
    let mut node = Node::at(Moment::Asked);
    for _ in 0..2 {
        node.line("\x001");
        node.says(Said::Wrong);
        assert!(
            node.done()
                .contains("That is not its word.\\nIf Ann is yours")
        );
    }
    node.line("\x001");
    node.says(Said::Wrong);
    assert!(node.done().contains("timer 3000 ms\n"));
    assert_eq!(node.line("\x001"), Verdict::Wait);
    assert_eq!(node.timer(), END);
    assert_eq!(node.done(), "close port 7\n");
}

#[test]
fn a_word_that_was_sent_before_the_question_is_not_taken() {
    for moment in [Moment::Asked, Moment::Choosing, Moment::Again] {
        let mut node = Node::at(moment);
        node.line("sesame");
        let done = node.done();
        assert!(
            done.contains("Words that come before the question"),
            "{moment:?}: {done}"
        );
        assert!(!done.contains("sesame"), "{moment:?}: {done}");
    }
}

#[test]
fn a_word_is_chosen_before_the_hero_starts_and_kept_when_it_plays() {
    let mut node = Node::at(Moment::Choosing);
    for (judged, said) in [(Judged::Short, "at least 6"), (Judged::Long, "at most 128")] {
        node.paper().judged = Some(judged);
        node.line("\x001");
        assert!(node.done().contains(said));
    }
    node.paper().judged = Some(Judged::Fit);
    node.line("\x002");
    let done = texts(&node.done());
    assert!(done.contains("Type the word once more."), "{done}");
    assert!(done.contains("\\u{e}sealed\\u{f}"), "{done}");
    node.line("\x003");
    assert_eq!(node.done(), "request processquest:start_player\n");
    node.answer(&SupReply::Started(Some(node::sup())));
    assert!(node.done().contains("keep line 3 for <0.10.1>"));
    node.says(Said::Kept);
    assert!(node.done().contains("Ann waits for you when you leave."));
}

#[test]
fn a_word_that_is_not_typed_the_same_way_twice_is_asked_for_anew() {
    let mut node = Node::at(Moment::Again);
    node.paper().are_two = true;
    node.line("\x002");
    let done = texts(&node.done());
    assert!(
        done.contains("These were two words.\\nChoose a word"),
        "{done}"
    );
    node.line("\x003");
    assert!(node.done().contains("Type the word once more."));
    node.line("");
    assert!(node.done().contains("write \"Choose a word"));
    node.line("");
    assert_eq!(node.done(), "request processquest:start_player\n");
}

#[test]
fn a_player_chooses_a_word_while_the_hero_plays() {
    let mut node = Node::at(Moment::Playing);
    node.line("word");
    let done = texts(&node.done());
    assert!(done.contains("(An empty line: as before.)"), "{done}");
    assert!(done.contains("\\u{e}sealed\\u{f}"), "{done}");
    node.timer();
    assert!(node.done().contains("Obtained Bacon"), "the story goes on");
    node.line("\x007");
    node.line("\x008");
    assert!(node.done().ends_with("keep line 8 for <0.10.1>\n"));
    node.line("word");
    assert_eq!(node.done(), "", "one at a time");
    node.says(Said::NotKept);
    assert!(node.done().contains("Ann has the one from before."));
    node.line("word");
    node.line("");
    node.done();
    node.line("look");
    assert!(node.done().contains("Unexpected input: look"));
    node.paper().look.kept = false;
    node.line("word");
    assert!(node.done().contains("Words are not kept here."));
}

#[test]
fn a_hero_that_ends_while_a_word_is_chosen_takes_the_question_along() {
    let mut node = Node::at(Moment::Playing);
    node.line("word");
    node.falls();
    node.done();
    node.line("Bob");
    let done = node.done();
    assert!(done.contains("Do you agree to these? y/n"), "{done}");
}

#[test]
fn an_empty_line_chooses_no_word() {
    let mut node = Node::at(Moment::Choosing);
    node.line("");
    node.answer(&SupReply::Started(Some(node::sup())));
    assert!(!node.done().contains("keep line"));
    assert_eq!(node.closed(), Verdict::Wait);
    assert_eq!(node.done(), STOP);
    assert_eq!(node.answer(&SupReply::Ok), END);
}

#[test]
fn a_word_that_could_not_be_kept_is_told() {
    let mut node = Node::at(Moment::Starting);
    node.paper().is_busy = true;
    node.answer(&SupReply::Started(Some(node::sup())));
    assert!(node.done().contains("Your word could not be kept."));
}

#[test]
fn a_hero_with_a_word_stays_when_its_client_goes() {
    for moment in [Moment::Playing, Moment::Fallen] {
        let mut node = Node::at(moment);
        assert_eq!(node.closed(), END, "{moment:?}");
        assert_eq!(node.done(), "", "{moment:?}");
    }
}

#[test]
fn a_client_that_goes_while_its_word_is_kept_leaves_its_hero_if_it_is() {
    let mut node = Node::at(Moment::Keeping);
    assert_eq!(node.closed(), Verdict::Wait);
    node.paper().has_word = true;
    assert_eq!(node.says(Said::Kept), END);
    assert_eq!(node.done(), "");
    let mut node = Node::at(Moment::Keeping);
    node.closed();
    assert_eq!(node.says(Said::NotKept), Verdict::Wait);
    assert_eq!(node.done(), STOP);
}

#[test]
fn a_client_that_goes_before_it_has_a_hero_leaves_nothing_behind() {
    for moment in [
        Moment::Greeted,
        Moment::Asked,
        Moment::Checking,
        Moment::Rolled,
        Moment::Choosing,
        Moment::Again,
    ] {
        let mut node = Node::at(moment);
        assert_eq!(node.closed(), END, "{moment:?}");
        assert_eq!(node.done(), "close port 7\n", "{moment:?}");
    }
}

#[test]
fn a_player_who_quits_reads_that_the_hero_rests() {
    let mut node = Node::at(Moment::Playing);
    node.line("quit");
    let done = node.done();
    assert!(
        done.contains("Your hero rests until you come back."),
        "{done}"
    );
    assert!(done.ends_with(STOP), "{done}");
}

#[test]
fn what_the_node_says_is_told() {
    for (said, text) in [
        (Said::Aside, "Ann cannot be continued now"),
        (Said::Busy, "Try again."),
        (Said::Later, "Come back in some minutes."),
    ] {
        let mut node = Node::at(Moment::Checking);
        node.says(said);
        let done = node.done();
        assert!(done.contains(text), "{said:?}: {done}");
    }
}

#[test]
fn sessions_of_older_versions_go_up_and_down_unchanged() {
    for moment in Moment::ALL {
        for vsn in OLDER {
            let old = node::code_change(Direction::Down, vsn, &Node::at(moment).export());
            let up = node::code_change(Direction::Up, vsn, &old);
            let down = node::code_change(Direction::Down, vsn, &up);
            assert_eq!(down, old, "{moment:?} {vsn}");
        }
    }
}

#[test]
fn a_session_that_goes_down_is_asked_what_its_version_can_ask() {
    for (moment, line, answer) in [
        (
            Moment::Asked,
            "\x001",
            "A name has only characters that can be seen.",
        ),
        (Moment::Checking, "Bob", "Do you agree to these? y/n"),
        (Moment::Choosing, "\x001", "Answer with y (yes) or n (no)"),
        (Moment::Again, "\x002", "Answer with y (yes) or n (no)"),
        (Moment::Choosing, "n", "Do you agree to these? y/n"),
        (Moment::Playing, "look", "Unexpected input: look"),
    ] {
        for vsn in OLDER {
            let mut node = Node::at(moment);
            node.goes_down(vsn);
            // An answer of the node that comes too late is for nobody.
            node.says(Said::Plays(node::sup()));
            assert_eq!(node.done(), "", "{moment:?} {vsn}");
            assert_eq!(node.line(line), Verdict::Wait, "{moment:?} {vsn}");
            let done = node.done();
            assert!(done.contains(answer), "{moment:?} {vsn}: {done}");
        }
    }
}

#[test]
fn commands_are_answered_while_the_hero_plays() {
    let mut node = Node::at(Moment::Playing);
    node.line("help");
    assert!(node.done().contains("inventory  what your hero wears"));
    node.line("who");
    assert!(node.done().contains("1 hero plays now:\\n  Ann"));
    node.line("score");
    node.line("inventory");
    assert_eq!(node.done(), "ask for the sheet\n", "one question at a time");
    node.describes("Ann");
    assert!(node.done().contains("write \"Ann\\n"));
    node.line("look");
    assert!(node.done().contains("Unexpected input: look"));
    let mut node = Node::at(Moment::Greeted);
    node.line("help");
    assert!(
        node.done().contains("Stats for your character"),
        "before the game it is a name"
    );
}
