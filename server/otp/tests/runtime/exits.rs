//! Links and exit signals (`erlang:link/1`, `erlang:exit/1,2`, the table of exit signals in the reference manual).

use pq_otp::{Pid, Term};

use crate::actor::Do;
use crate::rig::{Rig, say};

/// The reaction of a process to an exit signal with this reason.
struct Case {
    reason: &'static str,
    traps: bool,
    /// The line that is noted; `None` when the process lives and notes nothing.
    linked: Option<&'static str>,
    explicit: Option<&'static str>,
}

/// Makes one line of the table.
const fn case(
    reason: &'static str,
    traps: bool,
    linked: Option<&'static str>,
    explicit: Option<&'static str>,
) -> Case {
    Case {
        reason,
        traps,
        linked,
        explicit,
    }
}

/// `linked`: a linked process stops with the reason; `explicit`: the process calls `exit/2` with it. The text is the
/// line of the receiver, or of the receiver's watcher.
const CASES: [Case; 8] = [
    case("normal", false, None, None),
    case(
        "normal",
        true,
        Some("b exit of a: normal"),
        Some("b exit of a: normal"),
    ),
    case(
        "shutdown",
        false,
        Some("w down b: shutdown"),
        Some("w down b: shutdown"),
    ),
    case(
        "shutdown",
        true,
        Some("b exit of a: shutdown"),
        Some("b exit of a: shutdown"),
    ),
    case(
        "boom",
        false,
        Some("w down b: boom"),
        Some("w down b: boom"),
    ),
    case(
        "boom",
        true,
        Some("b exit of a: boom"),
        Some("b exit of a: boom"),
    ),
    // A process that stops *with the reason* kill sends linked processes a signal that they can trap.
    case(
        "kill",
        false,
        Some("w down b: kill"),
        Some("w down b: killed"),
    ),
    case(
        "kill",
        true,
        Some("b exit of a: kill"),
        Some("w down b: killed"),
    ),
];

#[test]
fn exit_reasons_travel_along_links_as_in_otp() {
    for Case {
        reason,
        traps,
        linked,
        ..
    } in CASES
    {
        let (mut rig, a, b) = pair(traps);
        rig.tell(a, vec![Do::Link(b)]);
        rig.tell(a, vec![Do::Stop(Term::atom(reason))]);
        check(
            &mut rig,
            b,
            linked,
            &format!("link, {reason}, traps: {traps}"),
        );
    }
}

#[test]
fn exit_reasons_travel_with_explicit_signals_as_in_otp() {
    for Case {
        reason,
        traps,
        explicit,
        ..
    } in CASES
    {
        let (mut rig, a, b) = pair(traps);
        rig.tell(a, vec![Do::Exit(b, Term::atom(reason))]);
        check(
            &mut rig,
            b,
            explicit,
            &format!("exit/2, {reason}, traps: {traps}"),
        );
    }
}

/// Two processes, and a third one that monitors the second.
fn pair(traps: bool) -> (Rig, Pid, Pid) {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let b = rig.actor("b", vec![Do::Trap(traps)]);
    rig.actor("w", vec![Do::Monitor(b)]);
    (rig, a, b)
}

fn check(rig: &mut Rig, b: Pid, expected: Option<&str>, what: &str) {
    let lines = rig.lines();
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !line.starts_with("a "))
        .collect();
    assert_eq!(lines, Vec::from_iter(expected), "{what}");
    assert_eq!(
        rig.is_alive(b),
        expected.is_none_or(|line| line.starts_with("b ")),
        "{what}"
    );
}

#[test]
fn a_killed_process_is_seen_as_killed_by_those_linked_with_it() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![Do::Trap(true)]);
    let b = rig.actor("b", vec![Do::Trap(true), Do::Link(a)]);
    rig.exit(a, "kill");
    assert_eq!(rig.lines(), ["b exit of a: killed"]);
    assert!(rig.is_alive(b));
}

#[test]
fn a_dead_process_is_linked_with_in_vain() {
    for (traps, expected) in [(true, "a exit of b: noproc"), (false, "w down a: noproc")] {
        let mut rig = Rig::new();
        let b = rig.actor("b", vec![]);
        rig.exit(b, "boom");
        let a = rig.actor("a", vec![Do::Trap(traps)]);
        rig.actor("w", vec![Do::Monitor(a)]);
        rig.tell(a, vec![Do::Link(b)]);
        assert_eq!(rig.lines(), [expected]);
    }
}

#[test]
fn a_pid_of_a_shard_that_does_not_exist_is_dead() {
    let mut rig = Rig::new();
    let nobody = Pid::new(77, 1, 1);
    rig.call_it("nobody", nobody);
    let a = rig.actor("a", vec![Do::Trap(true)]);
    rig.tell(
        a,
        vec![
            Do::Link(nobody),
            Do::Monitor(nobody),
            Do::Ask(nobody, vec![], 1_000),
            Do::IsAlive(nobody),
        ],
    );
    let mut lines = rig.lines();
    lines.sort();
    let expected = [
        "a alive: false",
        "a down nobody: noproc",
        "a exit of nobody: noproc",
        "a no answer: noproc",
    ];
    assert_eq!(lines, expected);
    assert_eq!(rig.ask(nobody, &()), "noproc");
}

#[test]
fn who_has_unlinked_hears_nothing_whichever_side_it_was() {
    for unlinks in ["a", "b"] {
        let mut rig = Rig::new();
        let a = rig.actor("a", vec![Do::Trap(true)]);
        let b = rig.actor("b", vec![Do::Link(a)]);
        match unlinks {
            "a" => rig.tell(a, vec![Do::Unlink(b)]),
            _ => rig.tell(b, vec![Do::Unlink(a)]),
        }
        rig.exit(b, "boom");
        assert_eq!(rig.lines(), Vec::<String>::new(), "{unlinks} unlinked");
    }
}

#[test]
fn linking_twice_is_linking_once() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![Do::Trap(true)]);
    let b = rig.actor("b", vec![Do::Link(a), Do::Link(a)]);
    rig.tell(a, vec![Do::Link(b), Do::Link(a)]);
    rig.exit(b, "boom");
    assert_eq!(rig.lines(), ["a exit of b: boom"]);
}

#[test]
fn a_process_can_send_itself_the_end() {
    for (reason, traps, expected) in [
        // `exit(self(), normal)` is the one case in which `normal` ends a process.
        ("normal", false, "w down a: normal"),
        ("boom", false, "w down a: boom"),
        ("kill", true, "w down a: killed"),
        ("normal", true, "a exit of a: normal"),
        ("boom", true, "a exit of a: boom"),
    ] {
        let mut rig = Rig::new();
        let a = rig.actor("a", vec![Do::Trap(traps)]);
        rig.actor("w", vec![Do::Monitor(a)]);
        rig.tell(a, vec![Do::ExitSelf(Term::atom(reason))]);
        assert_eq!(rig.lines(), [expected], "{reason}, traps: {traps}");
    }
}

#[test]
fn signals_from_one_process_to_another_keep_their_order() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![Do::Trap(true)]);
    let word = |text: &str| Do::Send(b, text.to_string());
    rig.actor(
        "a",
        vec![word("one"), Do::Exit(b, Term::atom("boom")), word("two")],
    );
    rig.sim.settle();
    assert_eq!(
        rig.lines(),
        ["b info \"one\"", "b exit of a: boom", "b info \"two\""]
    );
}

#[test]
fn a_started_process_ends_with_its_parent() {
    for (reason, outlives) in [
        ("boom", false),
        ("shutdown", false),
        ("kill", false),
        ("normal", true),
    ] {
        let mut rig = Rig::new();
        let a = rig.actor("a", vec![]);
        let child = child_of(&mut rig, a, vec![]);
        rig.tell(a, vec![Do::Stop(Term::atom(reason))]);
        assert_eq!(rig.is_alive(child), outlives, "{reason}");
    }
}

#[test]
fn a_parents_end_makes_a_trapping_child_terminate() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let child = child_of(&mut rig, a, vec![Do::Trap(true)]);
    rig.lines();
    rig.exit(a, "boom");
    assert_eq!(rig.lines(), ["child terminate boom"]);
    assert!(!rig.is_alive(child));
}

#[test]
fn a_childs_end_reaches_its_parent() {
    for (traps, expected) in [(true, "a exit of child: boom"), (false, "w down a: boom")] {
        let mut rig = Rig::new();
        let a = rig.actor("a", vec![Do::Trap(traps)]);
        rig.actor("w", vec![Do::Monitor(a)]);
        let child = child_of(&mut rig, a, vec![]);
        rig.exit(child, "boom");
        assert_eq!(rig.lines(), [expected]);
    }
}

#[test]
fn a_parent_that_has_unlinked_its_child_has_nothing_to_do_with_it() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let child = child_of(&mut rig, a, vec![]);
    rig.tell(a, vec![Do::UnlinkChild]);
    rig.exit(child, "boom");
    assert!(rig.is_alive(a));
    let other = child_of(&mut rig, a, vec![]);
    rig.tell(a, vec![Do::UnlinkChild, Do::Stop(Term::atom("boom"))]);
    assert!(!rig.is_alive(a) && rig.is_alive(other));
}

#[test]
fn a_start_answers_with_the_pid_or_with_the_reason() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![Do::Trap(true)]);
    let child = child_of(&mut rig, a, vec![say("runs")]);
    assert!(rig.is_alive(child));
    rig.tell(a, vec![Do::Start(vec![Do::Stop(Term::atom("no"))])]);
    rig.tell(a, vec![Do::Start(vec![Do::Ignore])]);
    rig.tell(a, vec![Do::Start(vec![Do::Panic("oh".to_string())])]);
    let lines = rig.lines();
    // A failed start is reported as an answer, without an exit signal (`gen_server:start_link/4`).
    assert_eq!(lines[..2], ["a no answer: no", "a answer undefined"]);
    assert!(
        lines[2].starts_with("a no answer: {panic,\"oh, at "),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3, "{lines:?}");
}

/// Lets `parent` start a child, named `child`, and drops the lines of the start.
fn child_of(rig: &mut Rig, parent: Pid, script: Vec<Do>) -> Pid {
    let before = rig.sim.processes();
    rig.tell(parent, vec![Do::Start(script)]);
    let born = rig
        .sim
        .processes()
        .into_iter()
        .find(|new| before.iter().all(|old| old.pid != new.pid))
        .unwrap();
    assert_eq!(born.parent, Some(parent));
    rig.call_it("child", born.pid);
    assert!(
        rig.lines()
            .contains(&format!("{} answer child", rig.named(&parent.to_string())))
    );
    born.pid
}
