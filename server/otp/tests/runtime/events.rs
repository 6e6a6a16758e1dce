//! gen_event: a manager and its handlers (`gen_event(3)`).

use pq_abi::spec::{self, ManagerReply, ManagerRequest};
use pq_otp::{Ask, Atom, Envelope, Payload, Pid, Reason, Term};

use crate::actor::Do;
use crate::house::{House, encode, payload};

fn bell(house: &mut House) -> Pid {
    house.begin("bell", "bell", &()).unwrap()
}

/// A bell with both handlers; the eye is the newer one.
fn furnished(house: &mut House) -> Pid {
    let bell = bell(house);
    add(house, bell, "ear", "a");
    add(house, bell, "eye", "b");
    house.lines();
    bell
}

fn ask(house: &mut House, bell: Pid, request: &ManagerRequest) -> ManagerReply {
    let reply = house.sim.call(bell, &spec::encode(request), 1_000).unwrap();
    spec::decode(&reply).unwrap()
}

fn add(house: &mut House, bell: Pid, handler: &'static str, word: &str) -> ManagerReply {
    ask(
        house,
        bell,
        &ManagerRequest::AddHandler(Atom::from_static(handler), encode(&(word,))),
    )
}

fn delete(house: &mut House, bell: Pid, handler: &'static str) -> ManagerReply {
    ask(
        house,
        bell,
        &ManagerRequest::DeleteHandler(Atom::from_static(handler)),
    )
}

fn which(house: &mut House, bell: Pid) -> Vec<&'static str> {
    match ask(house, bell, &ManagerRequest::WhichHandlers) {
        ManagerReply::Handlers(handlers) => handlers.into_iter().map(Atom::as_str).collect(),
        other => panic!("{other:?}"),
    }
}

fn call(
    house: &mut House,
    bell: Pid,
    handler: &'static str,
    request: &str,
) -> Result<String, String> {
    let request = ManagerRequest::Call(Atom::from_static(handler), encode(request));
    let reply = house
        .sim
        .call(bell, &spec::encode(&request), 1_000)
        .map_err(|error| error.to_string())?;
    Ok(pq_term::msgpack::from_msgpack(&reply).unwrap().to_string())
}

fn notify(house: &mut House, bell: Pid, event: &str) {
    house.deliver(bell, Envelope::Event(payload(event)));
    house.sim.settle();
}

fn error(word: &'static str) -> ManagerReply {
    ManagerReply::Error(Term::atom(word))
}

#[test]
fn handlers_are_added_listed_newest_first_and_deleted() {
    let mut house = House::new();
    let bell = bell(&mut house);
    assert_eq!(which(&mut house, bell), Vec::<&str>::new());
    assert_eq!(add(&mut house, bell, "ear", "a"), ManagerReply::Ok);
    assert_eq!(add(&mut house, bell, "eye", "b"), ManagerReply::Ok);
    assert_eq!(which(&mut house, bell), ["eye", "ear"]);
    assert_eq!(delete(&mut house, bell, "ear"), ManagerReply::Ok);
    assert_eq!(delete(&mut house, bell, "ear"), error("module_not_found"));
    assert_eq!(which(&mut house, bell), ["eye"]);
    assert_eq!(
        house.lines(),
        [
            "bell ear: init a",
            "bell eye: init b",
            "bell ear: terminate normal"
        ]
    );
}

#[test]
fn a_handler_that_cannot_be_added_changes_nothing() {
    let mut house = House::new();
    let bell = bell(&mut house);
    assert_eq!(add(&mut house, bell, "nonsense", "a"), error("undef"));
    assert_eq!(add(&mut house, bell, "actor", "a"), error("bad_module"));
    assert_eq!(add(&mut house, bell, "ear", "ignore"), error("ignore"));
    let refused = Reason::tagged("refused", "ear").to_term();
    assert_eq!(
        add(&mut house, bell, "ear", "refuse"),
        ManagerReply::Error(refused)
    );
    assert_eq!(which(&mut house, bell), Vec::<&str>::new());
}

#[test]
fn events_and_messages_reach_all_handlers_newest_first() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    notify(&mut house, bell, "ding");
    house.deliver(bell, Envelope::Info(payload("knock")));
    house.sim.settle();
    let expected = [
        "bell eye: ding",
        "bell ear: ding",
        "bell eye: info \"knock\"",
        "bell ear: info \"knock\"",
    ];
    assert_eq!(house.lines(), expected);
}

#[test]
fn an_event_that_a_handler_sends_its_own_manager_reaches_all() {
    let mut house = House::new();
    let bell = bell(&mut house);
    add(&mut house, bell, "ear", "rings");
    notify(&mut house, bell, "ear rings");
    let expected = ["init rings", "from init", "ear rings", "echo"];
    assert_eq!(
        house.lines(),
        expected.map(|line| format!("bell ear: {line}"))
    );
}

#[test]
fn a_handler_that_panics_is_removed_and_the_others_go_on() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    notify(&mut house, bell, "eye panics");
    notify(&mut house, bell, "dong");
    assert_eq!(
        house.lines(),
        [
            "bell eye: eye panics",
            "bell ear: eye panics",
            "bell ear: dong"
        ]
    );
    assert_eq!(which(&mut house, bell), ["ear"]);
}

#[test]
fn an_event_that_no_handler_can_read_removes_them_and_the_manager_stays() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    house.deliver(bell, Envelope::Event(payload(&17)));
    house.sim.settle();
    assert_eq!(which(&mut house, bell), Vec::<&str>::new());
    assert!(house.is_alive(bell));
}

#[test]
fn a_handler_that_leaves_is_told_that_it_is_removed() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    notify(&mut house, bell, "ear leaves");
    let expected = [
        "bell eye: ear leaves",
        "bell ear: ear leaves",
        "bell ear: terminate remove_handler",
    ];
    assert_eq!(house.lines(), expected);
    assert_eq!(which(&mut house, bell), ["eye"]);
}

#[test]
fn a_call_reaches_the_one_handler_that_it_is_for() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    notify(&mut house, bell, "ding");
    assert_eq!(
        call(&mut house, bell, "ear", "well"),
        Ok("\"ear: well, heard 1\"".to_string())
    );
    assert_eq!(
        call(&mut house, bell, "nose", "well"),
        Err("the process ended: bad_module".to_string())
    );
    let panicked = call(&mut house, bell, "ear", "panic").unwrap_err();
    assert!(
        panicked.starts_with("the process ended: {panic,\"asked to, at "),
        "{panicked}"
    );
    assert_eq!(which(&mut house, bell), ["eye"]);
    assert_eq!(
        call(&mut house, bell, "eye", "leave"),
        Ok("\"eye: leave, heard 1\"".to_string())
    );
    assert_eq!(which(&mut house, bell), Vec::<&str>::new());
}

#[test]
fn a_manager_hears_of_the_ends_of_linked_processes_and_tells_its_handlers() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    let a = house.actor("a", vec![Do::Link(bell)]);
    house.exit(a, "boom");
    assert_eq!(
        house.lines(),
        ["bell eye: exit boom", "bell ear: exit boom"]
    );
    assert!(house.is_alive(bell));
}

#[test]
fn the_end_of_a_manager_is_told_to_every_handler() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    // From outside, which is the parent of processes that are nobody's child.
    house.exit(bell, "shutdown");
    assert_eq!(
        house.lines(),
        [
            "bell eye: terminate shutdown",
            "bell ear: terminate shutdown"
        ]
    );
    assert!(!house.is_alive(bell));
}

#[test]
fn a_request_that_it_cannot_read_is_refused_and_the_manager_stays() {
    let mut house = House::new();
    let bell = furnished(&mut house);
    let reply = house
        .sim
        .call(bell, &Payload::from_slice(&[0xc1]), 1_000)
        .unwrap();
    let reply: ManagerReply = spec::decode(&reply).unwrap();
    assert!(
        matches!(&reply, ManagerReply::Error(term) if term.to_string().starts_with("{bad_request,")),
        "{reply:?}"
    );
    assert_eq!(which(&mut house, bell), ["eye", "ear"]);
}
