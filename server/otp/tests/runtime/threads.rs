//! The runtime under the real clock, with two shards that exchange signals.

use std::time::{Duration, Instant};

use pq_abi::spec::{self, ChildCount, Start, SupReply, SupRequest};
use pq_otp::application::{AppReply, AppRequest, AppSpec, Controller, Settings, StartType};
use pq_otp::{Ask, Atom, Called, Envelope, ExitCause, Node, Pid, Reason, Signal, Term, Threads};

use crate::actor::Do;
use crate::journal::Journal;
use crate::rig::{config, encode, payload, say, start};

/// The limit for any step of a test, in milliseconds.
pub(crate) const PATIENCE_MS: u64 = 60_000;

/// A node with two shards, and a supervisor `crowd` that starts actors on each shard in turn.
struct Town {
    threads: Threads,
    journal: Journal,
    crowd: Pid,
}

impl Town {
    fn new() -> Town {
        Town::with_mailbox_max(100_000)
    }

    fn with_mailbox_max(mailbox_max: u32) -> Town {
        let (mut config, journal, _) = config();
        (config.shards, config.mailbox_max) = (2, mailbox_max);
        let threads = Threads::start(config).unwrap();
        let node = threads.node().clone();
        let controller = Controller::new(Settings::new(), Settings::new(), Box::new(|_, _| ()));
        node.asking()
            .start_native(Box::new(controller), PATIENCE_MS)
            .unwrap();
        begin_application(&node, start("crowd", &()));
        let crowd = node.whereis("crowd").unwrap();
        journal.take();
        Town {
            threads,
            journal,
            crowd,
        }
    }

    fn node(&self) -> &Node {
        self.threads.node()
    }

    fn actor(&self, script: Vec<Do>) -> Pid {
        let request = SupRequest::StartChild(encode(&(script,)));
        match self
            .node()
            .asking()
            .ask_supervisor(self.crowd, &request, PATIENCE_MS)
            .unwrap()
        {
            SupReply::Started(Some(pid)) => pid,
            other => panic!("{other:?}"),
        }
    }

    /// Starts one actor on each shard.
    fn pair(&self) -> (Pid, Pid) {
        let (a, b) = (
            self.actor(vec![Do::Trap(true)]),
            self.actor(vec![Do::Trap(true)]),
        );
        assert_ne!(a.shard(), b.shard(), "they take turns");
        (a, b)
    }

    fn tell(&self, to: Pid, script: Vec<Do>) {
        self.node()
            .signal(Signal::Deliver(to, Envelope::Cast(payload(&script))));
    }

    fn exit(&self, to: Pid, reason: Reason) {
        self.node().signal(Signal::Exit {
            to,
            from: Pid::from_raw(0),
            reason,
            cause: ExitCause::Explicit,
        });
    }

    /// Waits until the process has noted this line this many times.
    fn expect(&self, who: Pid, line: &str, times: usize) {
        let is_it = |(pid, text): &&(Pid, String)| *pid == who && text == line;
        self.journal
            .wait(|lines| lines.iter().filter(is_it).count() == times);
    }

    fn count(&self) -> ChildCount {
        match self
            .node()
            .asking()
            .ask_supervisor(self.crowd, &SupRequest::CountChildren, PATIENCE_MS)
            .unwrap()
        {
            SupReply::Count(count) => count,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn begin_application(node: &Node, top: Start) {
    let app = AppSpec {
        name: "town".to_string(),
        vsn: "1.0.0".to_string(),
        description: String::new(),
        modules: vec![],
        applications: vec![],
        callback: Some((Atom::from_static("house"), Term::binary(spec::encode(&top)))),
        env: vec![],
    };
    for request in [
        AppRequest::Load(app),
        AppRequest::Start("town".to_string(), StartType::Temporary),
    ] {
        assert_eq!(
            node.asking().applications(&request, PATIENCE_MS),
            Ok(AppReply::Ok)
        );
    }
}

/// Waits until the condition holds.
fn until(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_millis(PATIENCE_MS);
    while !holds() {
        assert!(Instant::now() < end, "timed out");
        std::thread::yield_now();
    }
}

#[test]
fn messages_requests_links_and_monitors_cross_shards() {
    let town = Town::new();
    let (a, b) = town.pair();
    town.tell(a, (0..50).map(|n| Do::Send(b, n.to_string())).collect());
    let lines = town.journal.wait(|lines| lines.len() == 50);
    assert_eq!(
        lines,
        (0..50)
            .map(|n| (b, format!("info \"{n}\"")))
            .collect::<Vec<_>>()
    );
    town.tell(
        a,
        vec![Do::Ask(
            b,
            vec![Do::Reply("across".to_string())],
            PATIENCE_MS,
        )],
    );
    town.expect(a, "answer \"across\"", 1);
    town.tell(
        a,
        vec![
            Do::Link(b),
            Do::Monitor(b),
            Do::Ask(b, vec![Do::Keep], PATIENCE_MS),
        ],
    );
    town.tell(
        a,
        vec![Do::Ask(
            b,
            vec![Do::Reply("linked".to_string())],
            PATIENCE_MS,
        )],
    );
    town.expect(a, "answer \"linked\"", 1);
    town.exit(b, Reason::Kill);
    let lines = town.journal.wait(|lines| lines.len() == 3);
    let mut lines: Vec<_> = lines
        .into_iter()
        .map(|(pid, line)| line.replace(&b.to_string(), "b") + if pid == a { "" } else { "?" })
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        ["down b: killed", "exit of b: killed", "no answer: killed"]
    );
    town.tell(
        a,
        vec![Do::Link(b), Do::Monitor(b), Do::Ask(b, vec![], PATIENCE_MS)],
    );
    let lines = town.journal.wait(|lines| lines.len() == 3);
    assert!(
        lines
            .iter()
            .all(|(pid, line)| *pid == a && line.ends_with(": noproc")),
        "{lines:?}"
    );
    town.threads.stop();
}

#[test]
fn an_end_that_was_on_its_way_does_not_reach_who_has_unlinked() {
    let town = Town::new();
    for _ in 0..200 {
        let a = town.actor(vec![]);
        let b = town.actor(vec![Do::Link(a)]);
        // Both orders are possible, but after the return of `unlink`, the end of `b` never ends `a`.
        town.exit(b, Reason::Kill);
        town.tell(a, vec![Do::Trap(true), Do::Unlink(b), say("unlinked")]);
        until(|| !town.node().is_alive(b));
        let asked = town.node().asking().call(
            a,
            &encode(&vec![Do::Reply("lives".to_string())]),
            PATIENCE_MS,
        );
        let lines = town.journal.take();
        let unlinked = lines
            .iter()
            .position(|(pid, line)| *pid == a && line == "unlinked");
        // Either `a` had removed the link and lives, or the end came before that.
        assert_eq!(unlinked.is_some(), asked.is_ok(), "{lines:?}");
        let heard = lines
            .iter()
            .position(|(pid, line)| *pid == a && line.starts_with("exit of"));
        assert_eq!(
            heard.filter(|heard| unlinked.is_some_and(|unlinked| unlinked < *heard)),
            None,
            "{lines:?}"
        );
        if asked.is_ok() {
            town.exit(a, Reason::Kill);
        }
    }
    town.threads.stop();
}

#[test]
fn ten_thousand_processes_come_and_go() {
    let town = Town::new();
    let pids: Vec<Pid> = (0..10_000).map(|_| town.actor(vec![])).collect();
    let on_first = pids.iter().filter(|pid| pid.shard() == 0).count();
    assert!(
        (4_900..=5_100).contains(&on_first),
        "{on_first} on the first shard"
    );
    assert!(pids.iter().all(|pid| town.node().is_alive(*pid)));
    assert_eq!(town.count().active, 10_000);
    for pid in &pids[..5_000] {
        town.tell(*pid, vec![Do::Stop(Term::atom("normal"))]);
    }
    until(|| town.count().active == 5_000);
    assert_eq!(
        town.node()
            .asking()
            .applications(&AppRequest::Stop("town".to_string()), PATIENCE_MS),
        Ok(AppReply::Ok)
    );
    assert!(!pids.iter().any(|pid| town.node().is_alive(*pid)));
    // Only the controller is left.
    until(|| {
        town.threads
            .counters()
            .iter()
            .map(|counters| counters.spawned - counters.exited)
            .sum::<u64>()
            == 1
    });
    town.threads.stop();
}

#[test]
fn threads_that_are_no_shards_ask_at_the_same_time() {
    let town = Town::new();
    let (a, b) = town.pair();
    std::thread::scope(|scope| {
        for asker in 0..8 {
            let node = town.node();
            scope.spawn(move || {
                for n in 0..200 {
                    let to = if (asker + n) % 2 == 0 { a } else { b };
                    let word = format!("{asker}-{n}");
                    let reply = node
                        .asking()
                        .call(to, &encode(&vec![Do::Reply(word.clone())]), PATIENCE_MS)
                        .unwrap();
                    assert_eq!(reply.to_vec(), encode(&word));
                }
            });
        }
    });
    town.threads.stop();
}

#[test]
fn an_outside_call_that_waits_too_long_fails_and_its_late_answer_harms_nobody() {
    let town = Town::new();
    let (a, _) = town.pair();
    let error = town
        .node()
        .asking()
        .call(a, &encode(&vec![Do::Keep]), 50)
        .unwrap_err();
    assert_eq!(error, pq_otp::RequestError::Timeout(50));
    town.tell(a, vec![Do::ReplyKept("late".to_string()), say("replied")]);
    town.expect(a, "replied", 1);
    assert!(town.node().is_alive(a));
    town.threads.stop();
}

#[test]
fn a_child_that_does_not_end_in_time_is_killed() {
    let town = Town::new();
    let actors = [
        town.actor(vec![Do::Trap(true)]),
        town.actor(vec![Do::Trap(true)]),
    ];
    let [busy, watcher] = if actors[0].shard() == 1 {
        actors
    } else {
        [actors[1], actors[0]]
    };
    assert_eq!(
        (town.crowd.shard(), busy.shard()),
        (0, 1),
        "the supervisor goes on while the child works"
    );
    town.tell(watcher, vec![Do::Monitor(busy)]);
    // Far longer than the 100 ms that the crowd gives its children to end.
    town.tell(busy, vec![say("works"), Do::Work(700)]);
    town.expect(busy, "works", 1);
    let ended = town
        .node()
        .asking()
        .ask_supervisor(town.crowd, &SupRequest::TerminatePid(busy), PATIENCE_MS)
        .unwrap();
    assert_eq!(ended, SupReply::Ok);
    let lines = town.journal.wait(|lines| !lines.is_empty());
    assert_eq!(
        lines,
        [(watcher, format!("down {busy}: killed"))],
        "it has not come to its `terminate`"
    );
    town.threads.stop();
}

#[test]
fn a_timer_of_a_new_process_counts_from_its_birth_on_a_shard_that_slept() {
    let town = Town::new();
    // Longer than the timer, and shorter than the longest sleep of an idle shard.
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let a = town.actor(vec![Do::Timer(200, "rings".to_string())]);
    town.expect(a, "info \"rings\"", 1);
    assert!(
        begun.elapsed() >= Duration::from_millis(199),
        "it rang after {:?}",
        begun.elapsed()
    );
    town.threads.stop();
}

#[test]
fn a_node_stops_with_processes_that_wait_and_timers_that_run() {
    let town = Town::new();
    for _ in 0..10 {
        town.actor(vec![Do::Timer(3_600_000, "never".to_string())]);
    }
    let begun = Instant::now();
    town.threads.stop();
    assert!(begun.elapsed() < Duration::from_millis(PATIENCE_MS));
}

#[test]
fn children_whose_supervisor_dies_while_they_start_do_not_outlive_it() {
    for round in 0..5 {
        let town = Town::new();
        for _ in 0..400 {
            let request = spec::encode(&SupRequest::StartChild(encode(&(vec![Do::Trap(true)],))));
            town.node().request(town.crowd, &request, |_| ());
        }
        // Of the children, part have started, part are on their way to the other shard, and part are in the mailbox.
        until(|| town.threads.counters()[1].spawned > 20 * round);
        town.exit(town.crowd, Reason::Kill);
        until(|| {
            town.threads
                .counters()
                .iter()
                .map(|counters| counters.spawned - counters.exited)
                .sum::<u64>()
                == 1
        });
        town.threads.stop();
    }
}

#[test]
fn shards_that_flood_each_other_free_each_other() {
    /// More signals than a shard's inbox and outbox hold together.
    const FLOOD: u32 = 100_000;
    let town = Town::with_mailbox_max(u32::MAX);
    let (a, b) = town.pair();
    town.tell(a, vec![Do::Flood(b, FLOOD)]);
    town.tell(b, vec![Do::Flood(a, FLOOD)]);
    for pid in [a, b] {
        town.tell(
            pid,
            vec![Do::Ask(
                if pid == a { b } else { a },
                vec![Do::Reply("alive".to_string())],
                PATIENCE_MS,
            )],
        );
    }
    let lines = town.journal.wait(|lines| lines.len() == 2);
    assert!(
        lines.iter().all(|(_, line)| line == "answer \"alive\""),
        "{lines:?}"
    );
    let taken = || {
        town.threads
            .counters()
            .iter()
            .map(|counters| counters.envelopes)
            .sum::<u64>()
    };
    until(|| taken() >= 2 * u64::from(FLOOD));
    town.threads.stop();
}

#[test]
fn a_process_that_never_rests_holds_up_neither_its_shard_nor_the_end_of_the_node() {
    let town = Town::new();
    let (a, _) = town.pair();
    let neighbour = town.actor(vec![]);
    assert_eq!(neighbour.shard(), a.shard());
    town.tell(a, vec![Do::Mumble]);
    town.tell(neighbour, vec![Do::Timer(20, "rings".to_string())]);
    town.expect(neighbour, "info \"rings\"", 1);
    let reply = town
        .node()
        .asking()
        .call(
            neighbour,
            &encode(&vec![Do::Reply("here".to_string())]),
            PATIENCE_MS,
        )
        .unwrap();
    assert_eq!(reply.to_vec(), encode("here"));
    town.exit(a, Reason::Kill);
    until(|| !town.node().is_alive(a));
    let (a, _) = town.pair();
    town.tell(a, vec![Do::Mumble]);
    town.threads.stop();
}

#[test]
fn somebody_outside_sees_all_processes_counts_them_and_calls_functions() {
    let town = Town::new();
    let actors = [town.actor(vec![]), town.actor(vec![])];
    let processes = town.node().asking().processes(PATIENCE_MS).unwrap();
    let found = |pid| processes.iter().find(|process| process.pid == pid).unwrap();
    assert!(actors.iter().all(|pid| found(*pid).kind == "gen_server"));
    assert_ne!(
        actors[0].shard(),
        actors[1].shard(),
        "both shards are asked"
    );
    let census = town.node().census(PATIENCE_MS).unwrap();
    assert_eq!(
        census[&("actor".to_string(), found(actors[0]).vsn.clone())],
        2
    );
    let call = |function| {
        town.node()
            .asking()
            .call_module("well", function, &[Term::from(1_i64)], PATIENCE_MS)
    };
    assert_eq!(call("setting"), Ok(Called::Returned(Term::undefined())));
    let failed = call("nothing").unwrap_err().to_string();
    assert!(
        failed.contains("undef") && failed.contains("nothing"),
        "{failed}"
    );
    town.threads.stop();
}
