//! Whole dialogues, without a node: what comes in, and what is to be done.

use expect_test::{Expect, expect};
use pq_sdk::pq_abi::spec::{ChildType, Modules};

use super::*;

const PORT: PortId = PortId(7);
const STATS: Stats = Stats {
    charisma: 7,
    constitution: 12,
    dexterity: 9,
    intelligence: 8,
    strength: 5,
    wisdom: 16,
};

fn pid(number: u32) -> Pid {
    Pid::new(0, number, 1)
}

fn sup() -> Pid {
    pid(10)
}

fn events() -> Pid {
    pid(11)
}

fn children(events: Option<Pid>) -> SupReply {
    let child = |id: &'static str, pid| ChildInfo {
        id: Term::atom(id),
        pid,
        kind: ChildType::Worker,
        modules: Modules::Dynamic,
    };
    SupReply::Children(vec![
        child("player", Some(pid(12))),
        child("events", events),
    ])
}

/// A session in some phase, with a request that waits for its answer.
fn session(phase: Phase) -> Session {
    Session {
        phase,
        asked: Some(RequestId(1)),
        ..Session::new(PORT).0
    }
}

fn playing(watch: Watch) -> Session {
    session(Phase::Playing {
        hero: Hero {
            name: "Ann".into(),
            sup: sup(),
            watch,
        },
    })
}

fn hearing() -> Session {
    playing(Watch::Hearing { events: events() })
}

fn starting() -> Session {
    session(Phase::Starting { name: "Ann".into() })
}

fn agreeing() -> Session {
    session(Phase::Stats {
        name: "Ann".into(),
        stats: STATS,
    })
}

impl Session {
    fn gets(&mut self, reply: Result<SupReply, Reason>) -> Vec<Do> {
        let bytes = reply.as_ref().map(spec::encode);
        self.answered(RequestId(1), bytes.as_deref().map_err(|reason| *reason))
    }

    fn gets_from_manager(&mut self, reply: ManagerReply) -> Vec<Do> {
        self.answered(RequestId(1), Ok(&spec::encode(&reply)))
    }
}

/// One thing to be done per line, a text in quotes.
fn check(todo: Vec<Do>, expected: Expect) {
    let lines = todo.into_iter().map(|todo| match todo {
        Do::Say(text) => format!("say {text:?}\n"),
        other => format!("{other:?}\n"),
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn a_client_is_greeted_with_the_question_for_a_name() {
    check(
        Session::new(PORT).1,
        expect![[r#"
        say "What's your character's name?\n"
    "#]],
    );
}

#[test]
fn a_name_is_followed_by_a_roll_and_the_stats() {
    let (mut session, _) = Session::new(PORT);
    check(
        session.line(b"Ann of the Hills"),
        expect![[r#"
        Roll
    "#]],
    );
    check(
        session.rolled(STATS),
        expect![[r#"
        say "Stats for your character:\n  Charisma: 7\n  Constitution: 12\n  Dexterity: 9\n  Intelligence: 8\n  Strength: 5\n  Wisdom: 16\n\nDo you agree to these? y/n\n\n"
    "#]],
    );
    assert_eq!(
        session,
        Session {
            asked: None,
            ..agreeing()
        }
    );
}

#[test]
fn the_stats_are_shown_byte_for_byte_as_in_the_book() {
    let Some(Do::Say(text)) = agreeing().rolled(STATS).pop() else {
        panic!("nothing is said")
    };
    let expected = "Stats for your character:\n  Charisma: 7\n  Constitution: 12\n  Dexterity: 9\n  \
                    Intelligence: 8\n  Strength: 5\n  Wisdom: 16\n\nDo you agree to these? y/n\n\n";
    assert_eq!(text, expected);
}

#[test]
fn a_blank_line_is_answered_with_the_question_again() {
    for blank in ["", "   ", "\t"] {
        let (mut session, greeting) = Session::new(PORT);
        assert_eq!(session.line(blank.as_bytes()), greeting);
        assert_eq!(session.phase, Phase::Name);
    }
}

#[test]
fn a_name_that_cannot_be_is_refused_in_a_sentence() {
    let (mut session, _) = Session::new(PORT);
    check(
        session.line(b"\xff\xfd\x01"),
        expect![[r#"
        say "That name is not written in UTF-8.\nWhat's your character's name?\n"
    "#]],
    );
    check(
        session.line("x".repeat(33).as_bytes()),
        expect![[r#"
        say "That name is too long: at most 32 characters.\nWhat's your character's name?\n"
    "#]],
    );
    check(
        session.line(b"\x1b[31mRed"),
        expect![[r#"
        say "A name has only characters that can be seen.\nWhat's your character's name?\n"
    "#]],
    );
    assert_eq!(session.phase, Phase::Name);
}

#[test]
fn stats_are_agreed_to_or_rolled_again() {
    let mut session = agreeing();
    check(
        session.line(b"n"),
        expect![[r#"
        Roll
    "#]],
    );
    for other in [&b""[..], b"Y", b"yes", b"maybe", b"\xff"] {
        assert_eq!(
            session.line(other),
            [Do::say("Answer with y (yes) or n (no)\n")]
        );
    }
    assert_eq!(session, agreeing());
    check(
        session.line(b"y "),
        expect![[r#"
        Start { name: "Ann", stats: Stats { charisma: 7, constitution: 12, dexterity: 9, intelligence: 8, strength: 5, wisdom: 16 } }
    "#]],
    );
    assert_eq!(session.phase, Phase::Starting { name: "Ann".into() });
}

#[test]
fn a_hero_that_was_started_is_watched() {
    let mut session = starting();
    check(
        session.gets(Ok(SupReply::Started(Some(sup())))),
        expect![[r#"
            Monitor(<0.10.1>)
            Find { name: "Ann" }
        "#]],
    );
    check(
        session.found(Some(events())),
        expect![[r#"
        Subscribe { events: <0.11.1> }
    "#]],
    );
    session.asked = Some(RequestId(1));
    check(session.gets_from_manager(ManagerReply::Ok), expect![]);
    assert_eq!(
        session,
        Session {
            asked: None,
            ..hearing()
        }
    );
}

#[test]
fn a_taken_name_is_told_wherever_it_stands_in_the_reason() {
    let inner = Term::tuple([
        Term::atom("failed_to_start_child"),
        Term::atom("player"),
        Term::atom("name_taken"),
    ]);
    for reason in [
        Term::atom("name_taken"),
        Term::tuple([Term::atom("shutdown"), inner.clone()]),
        Term::list([Term::tuple([Term::atom("shutdown"), inner])]),
    ] {
        let mut session = starting();
        let said = session.gets(Ok(SupReply::Error(reason)));
        assert_eq!(
            said,
            [Do::say(
                "That name is taken.\nWhat's your character's name?\n"
            )]
        );
        assert_eq!(session.phase, Phase::Name);
    }
}

#[test]
fn a_hero_that_cannot_be_started_is_told_and_logged() {
    check(
        starting().gets(Ok(SupReply::Error(Term::atom("boom")))),
        expect![[r#"
            Log(Error, "a hero could not be started: boom")
            say "Your hero could not be started.\nWhat's your character's name?\n"
        "#]],
    );
    check(
        starting().gets(Err(Reason::NoProc)),
        expect![[r#"
            Log(Error, "a hero could not be started: noproc")
            say "Your hero could not be started.\nWhat's your character's name?\n"
        "#]],
    );
    check(
        starting().answered(RequestId(1), Ok(b"\xc1")),
        expect![[r#"
            Log(Error, "a hero could not be started: {bad_reply,\"wrong msgpack marker Reserved\"}")
            say "Your hero could not be started.\nWhat's your character's name?\n"
        "#]],
    );
}

#[test]
fn the_answer_to_an_older_request_changes_nothing() {
    for before in [
        starting(),
        hearing(),
        playing(Watch::Looking { before: None }),
        session(Phase::Leaving),
    ] {
        let mut session = before.clone();
        assert_eq!(session.answered(RequestId(2), Err(&Reason::NoProc)), []);
        assert_eq!(session, before);
    }
}

#[test]
fn lines_while_a_hero_plays_are_unexpected_and_shown_without_danger() {
    check(
        hearing().line(b"look at \x1b[2J\xff"),
        expect![[r#"
        say "Unexpected input: look at �[2J�\n"
    "#]],
    );
    for mut session in [starting(), hearing()] {
        assert_eq!(session.line(b""), [Do::say("Unexpected input: \n")]);
        assert_eq!(session.line(b"Quit"), [Do::say("Unexpected input: Quit\n")]);
    }
}

#[test]
fn an_answer_to_a_line_does_not_wait_for_the_story() {
    let mut session = hearing();
    let story = vec![
        Piece::Text("Executing a Pig...\n".into()),
        Piece::Wait(1600),
        Piece::Text("Obtained Bacon.\n".into()),
    ];
    check(
        session.tell(story),
        expect![[r#"
        say "Executing a Pig...\n"
        Wait { ms: 1600, turn: 1 }
    "#]],
    );
    check(
        session.line(b"hello"),
        expect![[r#"
        say "Unexpected input: hello\n"
    "#]],
    );
    check(
        session.waited(1),
        expect![[r#"
        say "Obtained Bacon.\n"
    "#]],
    );
}

#[test]
fn quit_closes_at_once_while_there_is_no_hero() {
    for mut session in [Session::new(PORT).0, agreeing()] {
        assert_eq!(session.line(b"quit"), [Do::Close]);
        assert_eq!(session.phase, Phase::Leaving);
    }
}

#[test]
fn quit_stops_the_hero_before_it_closes() {
    let mut session = hearing();
    assert_eq!(session.line(b"quitting time"), [Do::Stop { sup: sup() }]);
    assert_eq!(session.line(b"quit"), []);
    assert_eq!(session.gets(Ok(SupReply::Ok)), [Do::Close]);
}

#[test]
fn quit_while_the_hero_starts_waits_for_it_and_stops_it() {
    let mut session = starting();
    assert_eq!(session.line(b"quit"), []);
    assert_eq!(
        session.gets(Ok(SupReply::Started(Some(sup())))),
        [Do::Stop { sup: sup() }]
    );
    session.asked = Some(RequestId(1));
    assert_eq!(session.gets(Ok(SupReply::Ok)), [Do::Close]);
}

#[test]
fn quit_ends_also_when_the_hero_cannot_be_started_or_stopped() {
    let mut session = starting();
    session.line(b"quit");
    assert_eq!(
        session.gets(Ok(SupReply::Error(Term::atom("name_taken")))),
        [Do::Close]
    );
    let mut session = hearing();
    session.line(b"quit");
    check(
        session.gets(Err(Reason::Timeout)),
        expect![[r#"
        Log(Warn, "a hero may live on without its client: timeout")
        Close
    "#]],
    );
}

#[test]
fn after_quit_nothing_is_told_and_no_end_is_heard() {
    let mut session = hearing();
    session.tell(vec![Piece::Wait(5), Piece::Text("never".into())]);
    session.line(b"quit");
    assert_eq!(session.waited(1), []);
    assert_eq!(session.down(sup()), []);
    assert_eq!(session.down(events()), []);
}

#[test]
fn a_hero_that_fell_and_rose_is_watched_again() {
    let mut session = hearing();
    check(
        session.down(events()),
        expect![[r#"
        WhichChildren { sup: <0.10.1> }
    "#]],
    );
    session.asked = Some(RequestId(1));
    check(
        session.gets(Ok(children(Some(pid(20))))),
        expect![[r#"
        say "Ann fell, and rises again.\n"
        Subscribe { events: <0.20.1> }
    "#]],
    );
    session.asked = Some(RequestId(1));
    session.gets_from_manager(ManagerReply::Ok);
    assert_eq!(
        session,
        Session {
            asked: None,
            ..playing(Watch::Hearing { events: pid(20) })
        }
    );
}

/// What the fallen hero was about to get, the one that rose does not have.
#[test]
fn the_story_of_a_hero_that_fell_is_not_told_to_its_end() {
    let mut session = hearing();
    session.tell(vec![
        Piece::Wait(5),
        Piece::Text("Obtained a crown.\n".into()),
    ]);
    session.down(events());
    session.asked = Some(RequestId(1));
    session.gets(Ok(children(Some(pid(20)))));
    assert_eq!(session.waited(1), []);
}

#[test]
fn a_manager_that_falls_while_it_is_asked_is_looked_for_again() {
    let mut session = playing(Watch::Joining { events: events() });
    check(
        session.gets(Err(Reason::NoProc)),
        expect![[r#"
        WhichChildren { sup: <0.10.1> }
    "#]],
    );
    assert_eq!(session.down(events()), []);
    let mut session = playing(Watch::Joining { events: events() });
    assert_eq!(session.down(events()), [Do::WhichChildren { sup: sup() }]);
}

#[test]
fn a_manager_that_was_only_slow_has_not_fallen() {
    let mut session = playing(Watch::Joining { events: events() });
    session.gets(Err(Reason::Timeout));
    session.asked = Some(RequestId(1));
    assert_eq!(
        session.gets(Ok(children(Some(events())))),
        [Do::Subscribe { events: events() }]
    );
    session.asked = Some(RequestId(1));
    assert_eq!(
        session.gets_from_manager(ManagerReply::Error(Term::atom("already_present"))),
        []
    );
    assert_eq!(
        session,
        Session {
            asked: None,
            ..hearing()
        }
    );
}

#[test]
fn a_hero_that_fell_before_it_was_watched_is_looked_for() {
    let mut session = starting();
    session.gets(Ok(SupReply::Started(Some(sup()))));
    assert_eq!(session.found(None), [Do::WhichChildren { sup: sup() }]);
}

#[test]
fn a_hero_that_fell_for_good_is_told_once_and_another_name_asked_for() {
    let mut session = hearing();
    session.tell(vec![Piece::Wait(5), Piece::Text("never".into())]);
    check(
        session.down(sup()),
        expect![[r#"
        say "Ann has fallen for the last time.\nWhat's your character's name?\n"
    "#]],
    );
    assert_eq!(
        (session.phase.clone(), session.waited(1)),
        (Phase::Name, vec![])
    );
    assert_eq!(session.down(events()), []);

    let mut session = hearing();
    session.down(events());
    session.asked = Some(RequestId(1));
    check(
        session.gets(Err(Reason::NoProc)),
        expect![[r#"
        say "Ann has fallen for the last time.\nWhat's your character's name?\n"
    "#]],
    );
    assert_eq!(session.down(sup()), []);
}

#[test]
fn a_supervisor_that_is_too_busy_is_asked_again() {
    let mut session = playing(Watch::Looking { before: None });
    assert_eq!(
        session.gets(Err(Reason::Timeout)),
        [Do::WhichChildren { sup: sup() }]
    );
}

#[test]
fn a_hero_that_cannot_be_watched_is_stopped_and_told() {
    let mut session = playing(Watch::Joining { events: events() });
    check(
        session.gets_from_manager(ManagerReply::Error(Term::atom("bad_module"))),
        expect![[r#"
            Log(Error, "a hero cannot be watched: bad_module")
            Stop { sup: <0.10.1> }
            say "Ann has fallen for the last time.\nWhat's your character's name?\n"
        "#]],
    );
    let mut session = playing(Watch::Looking { before: None });
    check(
        session.gets(Ok(children(None))),
        expect![[r#"
        Log(Error, "a hero has no event manager")
        Stop { sup: <0.10.1> }
        say "Ann has fallen for the last time.\nWhat's your character's name?\n"
    "#]],
    );
}

#[test]
fn a_story_that_falls_too_far_behind_ends_the_session() {
    let mut session = hearing();
    session.tell(vec![Piece::Wait(5)]);
    session.tell(vec![Piece::Wait(5); crate::sockserv_serv::PIECES_MAX]);
    check(
        session.tell(vec![Piece::Wait(5)]),
        expect![[r#"
        Log(Warn, "a session is closed: its story has fallen too far behind")
        Stop { sup: <0.10.1> }
    "#]],
    );
    assert_eq!(session.phase, Phase::Leaving);
}
