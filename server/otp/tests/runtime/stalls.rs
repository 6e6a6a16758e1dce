//! Callbacks that do not end, on real threads: they are named, and block only their own shard.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pq_abi::spec::{self, SupReply, SupRequest};
use pq_otp::application::{Controller, Settings};
use pq_otp::sys::SysMessage;
use pq_otp::upgrade::{Abort, Live, OnOverrun, Plan, Transaction};
use pq_otp::{
    Ask, Called, Envelope, ExitCause, Node, Payload, Pid, Reason, RequestError, Signal, Stall,
    StallEvent, Term, Threads,
};

use crate::journal::Journal;
use crate::rig::{config, encode, payload, start};
use crate::snare;
use crate::threads::begin_application;

/// The limit for any step: on a machine with 20 other tasks, a second of processor time takes minutes.
const PATIENCE_MS: u64 = 600_000;

type Told = Arc<Mutex<Vec<(StallEvent, String)>>>;

/// A node with two shards, a third one for supervisors, and a crowd of snares.
struct Field {
    threads: Threads,
    modules: Arc<crate::rig::Linked>,
    journal: Journal,
    told: Told,
    traps: Pid,
}

impl Field {
    fn new() -> Field {
        let (mut config, journal, modules) = config();
        let told = Told::default();
        let heard = told.clone();
        (config.shards, config.supervisors_apart) = (3, true);
        config.on_stall = Some(Box::new(move |event, stall| {
            let line = (event, stall.called());
            heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }));
        let threads = Threads::start(config).unwrap();
        let node = threads.node().clone();
        let controller = Controller::new(Settings::new(), Settings::new(), Box::new(|_, _| ()));
        node.asking()
            .start_native(Box::new(controller), PATIENCE_MS)
            .unwrap();
        begin_application(&node, start("traps", &()));
        let traps = node.whereis("traps").unwrap();
        assert_eq!(traps.shard(), 2, "supervisors live on the last shard");
        Field {
            threads,
            modules,
            journal,
            told,
            traps,
        }
    }

    fn node(&self) -> &Node {
        self.threads.node()
    }

    /// Starts a snare that blocks at this place, under this word; does not wait for it.
    fn order(
        &self,
        at: &str,
        word: &str,
        on_reply: impl FnOnce(Result<Payload, Reason>) + Send + 'static,
    ) {
        let request = SupRequest::StartChild(encode(&(at, word)));
        self.node()
            .request(self.traps, &spec::encode(&request), on_reply);
    }

    /// Starts a snare that blocks at this place, under this word.
    fn snare(&self, at: &str, word: &str) -> Pid {
        let request = SupRequest::StartChild(encode(&(at, word)));
        let reply = self
            .node()
            .asking()
            .ask_supervisor(self.traps, &request, PATIENCE_MS);
        match reply.unwrap() {
            SupReply::Started(Some(pid)) => pid,
            other => panic!("{other:?}"),
        }
    }

    fn cast(&self, to: Pid) {
        let envelope = Envelope::Cast(payload(&()));
        self.node().signal(Signal::Deliver(to, envelope));
    }

    /// Waits for a stall that matches.
    fn stall(&self, is_it: impl Fn(&Stall) -> bool) -> Stall {
        let mut found = None;
        self.until("no such stall", || {
            found = self.node().stalls().into_iter().find(&is_it);
            found.is_some()
        });
        found.unwrap()
    }

    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_millis(PATIENCE_MS);
        while !holds() {
            let stalls = self.node().stalls();
            assert!(Instant::now() < end, "{what}: {stalls:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The events reported for this callback, in order.
    fn told_of(&self, called: &str) -> Vec<StallEvent> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let of = told.iter().filter(|(_, of)| of == called);
        of.map(|(event, _)| *event).collect()
    }

    fn answers(&self, pid: Pid) -> bool {
        let reply = self.node().asking().call(pid, &encode(&()), PATIENCE_MS);
        reply.unwrap().to_vec() == encode("here")
    }

    /// Opens the snare, and checks that no stall remains.
    fn ends(self, word: &str) {
        snare::open(word);
        self.until("a stall is left", || self.node().stalls().is_empty());
        self.threads.stop();
    }
}

#[test]
fn a_callback_that_does_not_end_is_named_and_holds_up_its_shard_only() {
    let field = Field::new();
    let word = "the fox";
    let (caught, other) = (field.snare("handle_cast", word), field.snare("", word));
    assert_ne!(caught.shard(), other.shard());
    field.cast(caught);
    // These births come before the stall is known: they go to both shards.
    let born: Arc<Mutex<Vec<u8>>> = Arc::default();
    for _ in 0..20 {
        let born = born.clone();
        field.order("", word, move |reply| {
            let reply = spec::decode_reply(&reply.unwrap()).unwrap();
            let SupReply::Started(Some(pid)) = reply else {
                panic!("{reply:?}")
            };
            born.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(pid.shard());
        });
    }
    let stall = field.stall(|stall| stall.is_stalled);
    assert_eq!(stall.shard, Some(usize::from(caught.shard())));
    assert_eq!(stall.pid, Some(caught));
    let called = format!("snare:handle_cast of {caught}");
    assert_eq!(
        (stall.called(), stall.vsn.as_str()),
        (called.clone(), "1.0.0")
    );
    assert!(stall.cpu_ms >= 1_000 && stall.age_ms >= 1_000, "{stall:?}");
    assert_eq!(
        field.told_of(&called),
        [StallEvent::Slow, StallEvent::Stalled]
    );
    // Births that waited behind the callback were moved, and new ones go to the other shard.
    let all_born = || born.lock().unwrap_or_else(PoisonError::into_inner).len() == 20;
    field.until("births wait", all_born);
    for _ in 0..6 {
        assert_eq!(field.snare("", word).shard(), other.shard());
    }
    assert!(field.answers(other));
    questions_are_answered_by_the_others(&field, caught, other);
    let Abort::Stalled(why) = field.exchange() else {
        panic!("the exchange goes on")
    };
    let known = format!("shard {} is blocked: {called} has used ", caught.shard());
    assert!(why.starts_with(&known), "{why}");
    snare::open(word);
    field.until("the callback runs", || field.told_of(&called).len() == 3);
    assert_eq!(field.told_of(&called)[2], StallEvent::Over);
    assert!(field.answers(caught));
    assert_eq!(field.node().stalled_soon(0), None);
    assert!(field.node().asking().processes(PATIENCE_MS).is_ok());
    field.ends(word);
}

fn questions_are_answered_by_the_others(field: &Field, caught: Pid, other: Pid) {
    let node = field.node();
    let seen = node.processes_that_answer(PATIENCE_MS);
    let missing: Vec<usize> = seen.missing.iter().map(|missing| missing.shard).collect();
    assert_eq!(missing, [usize::from(caught.shard())]);
    let why = &seen.missing[0].why;
    assert!(why.contains("is blocked: snare:handle_cast of"), "{why}");
    let pids: Vec<Pid> = seen.answers.iter().map(|process| process.pid).collect();
    assert!(pids.contains(&other) && pids.contains(&field.traps) && !pids.contains(&caught));
    // A question that needs all shards fails at once.
    let whole = node.asking().processes(PATIENCE_MS).unwrap_err();
    assert!(matches!(whole, RequestError::Stalled(_)), "{whole:?}");
    assert!(node.stalled_soon(PATIENCE_MS).is_some());
}

impl Field {
    /// Tries to exchange a module, which needs all shards.
    fn exchange(&self) -> Abort {
        let plan = Plan {
            modules: self.modules.clone(),
            targets: Vec::new(),
            removed: Vec::new(),
            suspend_timeout_ms: PATIENCE_MS,
            code_change_timeout_ms: PATIENCE_MS,
            on_overrun: OnOverrun::Abort,
            slice: Plan::SLICE,
            trial: false,
        };
        let mut live = Live::new(self.node().clone());
        let mut transaction = Transaction::begin(&mut live, plan);
        let outcome = transaction.copy();
        transaction.abort();
        outcome.unwrap_err()
    }
}

/// Every place where a loop of an author may be.
#[test]
fn wherever_a_process_is_caught_the_function_is_named() {
    let field = Field::new();
    for at in [
        "init",
        "handle_cast",
        "handle_call",
        "handle_info",
        "handle_continue",
        "handle_timeout",
        "terminate",
        "export",
        "drop",
    ] {
        let word = format!("caught in {at}");
        field.catch(at, &word);
        let stall = field.stall(|stall| stall.shard.is_some());
        assert_eq!(
            (stall.module.as_str(), stall.function.as_str()),
            ("snare", at),
            "{stall:?}"
        );
        assert!(stall.pid.is_some(), "{stall:?}");
        snare::open(&word);
        field.until("the callback runs", || field.node().stalls().is_empty());
    }
    // When a callback has called a function of another module, the stall names that function.
    let word = "a pit";
    let pid = field.snare("catch", word);
    field.cast(pid);
    let stall = field.stall(|stall| stall.shard.is_some());
    assert_eq!(stall.called(), format!("pit:catch of {pid}"));
    field.ends(word);
}

impl Field {
    /// Lets a snare run the callback in which it blocks.
    fn catch(&self, at: &str, word: &str) {
        if at == "init" {
            return self.order(at, word, |_| ());
        }
        let pid = self.snare(at, word);
        let deliver = |envelope| self.node().signal(Signal::Deliver(pid, envelope));
        match at {
            "handle_continue" | "handle_timeout" => (),
            "handle_cast" => self.cast(pid),
            "handle_call" => self.node().request(pid, &encode(&()), |_| ()),
            "handle_info" => deliver(Envelope::Info(payload(&()))),
            "export" => self.node().sys_request(pid, SysMessage::GetState, |_| ()),
            _ => self.node().signal(Signal::Exit {
                to: pid,
                from: self.traps,
                reason: Reason::Shutdown,
                cause: ExitCause::Explicit,
            }),
        }
    }
}

#[test]
fn a_callback_that_sleeps_is_named_by_the_time_that_it_sleeps() {
    let field = Field::new();
    let word = "the bear";
    let caught = field.snare("asleep", word);
    field.cast(caught);
    let stall = field.stall(|stall| stall.shard.is_some());
    assert!(
        stall.asleep_ms >= 500 && stall.asleep_ms > stall.cpu_ms,
        "{stall:?}"
    );
    assert!(
        !stall.is_stalled,
        "that takes longer than a loop: {stall:?}"
    );
    let sentence = stall.to_string();
    assert!(
        sentence.contains(&format!("snare:handle_cast of {caught} has slept for")),
        "{sentence}"
    );
    assert_ne!(
        field.snare("", word).shard(),
        caught.shard(),
        "births do not wait for that"
    );
    field.ends(word);
}

#[test]
fn a_function_that_does_not_end_keeps_a_thread_and_no_shard() {
    let field = Field::new();
    let word = "the well";
    let catch = || {
        field
            .node()
            .asking()
            .call_module("pit", "catch", &[Term::string(word)], 300)
    };
    assert_eq!(catch(), Err(RequestError::Timeout(300)));
    let stall = field.stall(|stall| stall.is_stalled);
    assert_eq!(
        (stall.shard, stall.pid, stall.called()),
        (None, None, "pit:catch".to_string())
    );
    // No shard is blocked: installs and questions work.
    assert_eq!(field.node().stalled_soon(0), None);
    assert!(field.node().asking().processes(PATIENCE_MS).is_ok());
    let effects = field.snare("", word);
    assert!(field.answers(effects));
    // There are few threads, and the last caller learns which functions occupy them.
    let mut refused = String::new();
    field.until("no call is refused", || match catch() {
        Err(RequestError::Exit(reason)) => {
            refused = reason.to_string();
            true
        }
        other => other == Ok(Called::Returned(Term::undefined())),
    });
    assert!(refused.starts_with("{system_limit,"), "{refused}");
    assert!(
        refused.ends_with("after a restart: pit:catch\"}"),
        "{refused}"
    );
    snare::open(word);
    field.until("stalls are left", || field.node().stalls().is_empty());
    field.until("no call is answered", || catch().is_ok());
    field.ends(word);
}

#[test]
fn what_a_function_wants_done_is_done_when_it_has_ended_well_and_before_its_answer() {
    let field = Field::new();
    let request = spec::encode(&SupRequest::StartChild(encode(&(Vec::<()>::new(),))));
    begin_application_of_actors(&field);
    let crowd = field.node().whereis("crowd").unwrap();
    let reply = field
        .node()
        .asking()
        .call(crowd, &request, PATIENCE_MS)
        .unwrap();
    let SupReply::Started(Some(actor)) = spec::decode_reply(&reply).unwrap() else {
        panic!("no actor")
    };
    field.journal.take();
    let tell = |fails: bool| {
        let fails = Term::atom(if fails { "true" } else { "false" });
        field
            .node()
            .asking()
            .call_module("pit", "tell", &[Term::from(actor), fails], PATIENCE_MS)
    };
    assert_eq!(tell(false), Ok(Called::Returned(Term::from(7_i64))));
    let failed = tell(true).unwrap_err().to_string();
    assert!(failed.contains("as it should"), "{failed}");
    assert_eq!(tell(false), Ok(Called::Returned(Term::from(7_i64))));
    let lines = field.journal.wait(|lines| lines.len() >= 2);
    let info = (actor, "info \"told\"".to_string());
    assert_eq!(lines, [info.clone(), info], "what failed has sent nothing");
    field.ends("nobody");
}

fn begin_application_of_actors(field: &Field) {
    let town = pq_otp::application::AppSpec {
        name: "crowd".to_string(),
        vsn: "1.0.0".to_string(),
        description: String::new(),
        modules: vec![],
        applications: vec![],
        callback: Some((
            pq_otp::Atom::from_static("house"),
            Term::binary(spec::encode(&start("crowd", &()))),
        )),
        env: vec![],
    };
    for request in [
        pq_otp::application::AppRequest::Load(town),
        pq_otp::application::AppRequest::Start(
            "crowd".to_string(),
            pq_otp::application::StartType::Temporary,
        ),
    ] {
        let reply = field.node().asking().applications(&request, PATIENCE_MS);
        assert_eq!(reply, Ok(pq_otp::application::AppReply::Ok));
    }
    let noted = field.node().applications_noted();
    let names: Vec<&str> = noted.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        ["crowd", "town"],
        "the last started first, without asking"
    );
}
