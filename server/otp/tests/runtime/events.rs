//! gen_event: a manager and its handlers (`gen_event(3)`).

use pq_abi::spec::{self, ManagerReply, ManagerRequest};
use pq_otp::{Ask, Atom, Envelope, Payload, Pid, Reason, Term};

use crate::actor::Do;
use crate::rig::{Rig, encode, payload};

fn bell(rig: &mut Rig) -> Pid {
    rig.begin("bell", "bell", &()).unwrap()
}

/// A bell with both handlers; the eye is the newer one.
fn furnished(rig: &mut Rig) -> Pid {
    let bell = bell(rig);
    add(rig, bell, "ear", "a");
    add(rig, bell, "eye", "b");
    rig.lines();
    bell
}

fn ask(rig: &mut Rig, bell: Pid, request: &ManagerRequest) -> ManagerReply {
    let reply = rig.sim.call(bell, &spec::encode(request), 1_000).unwrap();
    spec::decode(&reply).unwrap()
}

fn add(rig: &mut Rig, bell: Pid, handler: &'static str, word: &str) -> ManagerReply {
    ask(
        rig,
        bell,
        &ManagerRequest::AddHandler(Atom::from_static(handler), encode(&(word,))),
    )
}

fn delete(rig: &mut Rig, bell: Pid, handler: &'static str) -> ManagerReply {
    ask(
        rig,
        bell,
        &ManagerRequest::DeleteHandler(Atom::from_static(handler)),
    )
}

fn which(rig: &mut Rig, bell: Pid) -> Vec<&'static str> {
    match ask(rig, bell, &ManagerRequest::WhichHandlers) {
        ManagerReply::Handlers(handlers) => handlers.into_iter().map(Atom::as_str).collect(),
        other => panic!("{other:?}"),
    }
}

fn call(rig: &mut Rig, bell: Pid, handler: &'static str, request: &str) -> Result<String, String> {
    let request = ManagerRequest::Call(Atom::from_static(handler), encode(request));
    let reply = rig
        .sim
        .call(bell, &spec::encode(&request), 1_000)
        .map_err(|error| error.to_string())?;
    Ok(pq_term::msgpack::from_msgpack(&reply).unwrap().to_string())
}

fn notify(rig: &mut Rig, bell: Pid, event: &str) {
    rig.deliver(bell, Envelope::Event(payload(event)));
    rig.sim.settle();
}

fn error(word: &'static str) -> ManagerReply {
    ManagerReply::Error(Term::atom(word))
}

#[test]
fn handlers_are_added_listed_newest_first_and_deleted() {
    let mut rig = Rig::new();
    let bell = bell(&mut rig);
    assert_eq!(which(&mut rig, bell), Vec::<&str>::new());
    assert_eq!(add(&mut rig, bell, "ear", "a"), ManagerReply::Ok);
    assert_eq!(add(&mut rig, bell, "eye", "b"), ManagerReply::Ok);
    assert_eq!(which(&mut rig, bell), ["eye", "ear"]);
    assert_eq!(delete(&mut rig, bell, "ear"), ManagerReply::Ok);
    assert_eq!(delete(&mut rig, bell, "ear"), error("module_not_found"));
    assert_eq!(which(&mut rig, bell), ["eye"]);
    assert_eq!(
        rig.lines(),
        [
            "bell ear: init a",
            "bell eye: init b",
            "bell ear: terminate normal"
        ]
    );
}

#[test]
fn a_handler_that_cannot_be_added_changes_nothing() {
    let mut rig = Rig::new();
    let bell = bell(&mut rig);
    assert_eq!(add(&mut rig, bell, "nonsense", "a"), error("undef"));
    assert_eq!(add(&mut rig, bell, "actor", "a"), error("bad_module"));
    assert_eq!(add(&mut rig, bell, "ear", "ignore"), error("ignore"));
    let refused = Reason::tagged("refused", "ear").to_term();
    assert_eq!(
        add(&mut rig, bell, "ear", "refuse"),
        ManagerReply::Error(refused)
    );
    assert_eq!(which(&mut rig, bell), Vec::<&str>::new());
}

#[test]
fn events_and_messages_reach_all_handlers_newest_first() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    notify(&mut rig, bell, "ding");
    rig.deliver(bell, Envelope::Info(payload("knock")));
    rig.sim.settle();
    let expected = [
        "bell eye: ding",
        "bell ear: ding",
        "bell eye: info \"knock\"",
        "bell ear: info \"knock\"",
    ];
    assert_eq!(rig.lines(), expected);
}

#[test]
fn an_event_that_a_handler_sends_its_own_manager_reaches_all() {
    let mut rig = Rig::new();
    let bell = bell(&mut rig);
    add(&mut rig, bell, "ear", "rings");
    notify(&mut rig, bell, "ear rings");
    let expected = ["init rings", "from init", "ear rings", "echo"];
    assert_eq!(
        rig.lines(),
        expected.map(|line| format!("bell ear: {line}"))
    );
}

#[test]
fn a_handler_that_panics_is_removed_and_the_others_go_on() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    notify(&mut rig, bell, "eye panics");
    notify(&mut rig, bell, "dong");
    assert_eq!(
        rig.lines(),
        [
            "bell eye: eye panics",
            "bell ear: eye panics",
            "bell ear: dong"
        ]
    );
    assert_eq!(which(&mut rig, bell), ["ear"]);
}

#[test]
fn an_event_that_no_handler_can_read_removes_them_and_the_manager_stays() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    rig.deliver(bell, Envelope::Event(payload(&17)));
    rig.sim.settle();
    assert_eq!(which(&mut rig, bell), Vec::<&str>::new());
    assert!(rig.is_alive(bell));
}

#[test]
fn a_handler_that_leaves_is_told_that_it_is_removed() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    notify(&mut rig, bell, "ear leaves");
    let expected = [
        "bell eye: ear leaves",
        "bell ear: ear leaves",
        "bell ear: terminate remove_handler",
    ];
    assert_eq!(rig.lines(), expected);
    assert_eq!(which(&mut rig, bell), ["eye"]);
}

#[test]
fn a_call_reaches_the_one_handler_that_it_is_for() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    notify(&mut rig, bell, "ding");
    assert_eq!(
        call(&mut rig, bell, "ear", "well"),
        Ok("\"ear: well, heard 1\"".to_string())
    );
    assert_eq!(
        call(&mut rig, bell, "nose", "well"),
        Err("the process ended: bad_module".to_string())
    );
    let panicked = call(&mut rig, bell, "ear", "panic").unwrap_err();
    assert!(
        panicked.starts_with("the process ended: {panic,\"asked to, at "),
        "{panicked}"
    );
    assert_eq!(which(&mut rig, bell), ["eye"]);
    assert_eq!(
        call(&mut rig, bell, "eye", "leave"),
        Ok("\"eye: leave, heard 1\"".to_string())
    );
    assert_eq!(which(&mut rig, bell), Vec::<&str>::new());
}

#[test]
fn a_manager_hears_of_the_ends_of_linked_processes_and_tells_its_handlers() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    let a = rig.actor("a", vec![Do::Link(bell)]);
    rig.exit(a, "boom");
    assert_eq!(rig.lines(), ["bell eye: exit boom", "bell ear: exit boom"]);
    assert!(rig.is_alive(bell));
}

#[test]
fn the_end_of_a_manager_is_told_to_every_handler() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    // The exit comes from outside, which is the parent of processes without a parent.
    rig.exit(bell, "shutdown");
    assert_eq!(
        rig.lines(),
        [
            "bell eye: terminate shutdown",
            "bell ear: terminate shutdown"
        ]
    );
    assert!(!rig.is_alive(bell));
}

#[test]
fn a_request_that_it_cannot_read_is_refused_and_the_manager_stays() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    let reply = rig
        .sim
        .call(bell, &Payload::from_slice(&[0xc1]), 1_000)
        .unwrap();
    let reply: ManagerReply = spec::decode(&reply).unwrap();
    assert!(
        matches!(&reply, ManagerReply::Error(term) if term.to_string().starts_with("{bad_request,")),
        "{reply:?}"
    );
    assert_eq!(which(&mut rig, bell), ["eye", "ear"]);
}
