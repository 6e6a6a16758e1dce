//! The registry as a process of a node uses it: each function of `regis`, each answer, each refusal.
//!
//! The test fixture is a node of one shard with only the registry, and a server that calls it. The crate `regis` tests
//! the tables, and `tests/tests/simulation.rs` tests their use by heroes.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use pq_otp::moved::{Moving as _, PutIn, SameVersions};
use pq_otp::{Ask as _, Config, Modules, NameRegistry, Service, ServiceCall, Sim, Term};
use pq_sdk::pq_abi::host::linked_library;
use pq_sdk::pq_abi::spec::Start;
use pq_sdk::regis;
use pq_sdk::{Atom, Ctx, From, GenServer, InitError, Module, Next, Pid, Reason};
use pq_term::msgpack::from_msgpack;
use regis_application::Names;
use serde::{Deserialize, Serialize};

pq_sdk::library! {
    application: "asking", vsn: "1.0.0",
    gen_server Asker,
}

/// A process that calls the registry and returns the answers as text.
#[derive(Serialize, Deserialize)]
struct Asker {}

/// The call to make: through the library for authors of modules, or without it.
#[derive(Serialize, Deserialize)]
enum Ask {
    Register(Term),
    Unregister(Term),
    Whereis(Term),
    GetNames,
    Apply(String, Vec<Term>),
}

impl Module for Asker {
    const NAME: &'static str = "asker";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Asker {
    type Args = ();
    type Call = Ask;
    type Cast = ();

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Asker, InitError> {
        Ok(Asker {})
    }

    fn handle_call(&mut self, ask: Ask, from: From, ctx: &mut Ctx<'_>) -> Next {
        let heard = match ask {
            Ask::Register(name) => format!("{:?}", regis::register(ctx, name)),
            Ask::Unregister(name) => format!("{:?}", regis::unregister(ctx, name)),
            Ask::Whereis(name) => format!("{:?}", regis::whereis(ctx, name)),
            Ask::GetNames => Term::list(regis::get_names(ctx)).to_string(),
            Ask::Apply(function, args) => match ctx.apply(&function, &args) {
                Ok(answer) => answer.to_string(),
                Err(reason) => format!("failed: {reason}"),
            },
        };
        ctx.reply(from, &heard);
        Next::Wait
    }
}

/// Finds the single module of these tests, which never changes.
struct Only(AtomicU64);

impl Modules for Only {
    fn current(&self, name: &str) -> Option<pq_otp::Module> {
        let modules = linked_library(&LIBRARY).unwrap();
        modules.into_iter().find(|module| module.name() == name)
    }

    fn epoch(&self) -> &AtomicU64 {
        &self.0
    }
}

/// A node with a registry.
struct Fixture {
    sim: Sim,
    names: Names,
    service: Arc<dyn Service>,
}

impl Fixture {
    fn new() -> Fixture {
        let mut config = Config::new(Arc::new(Only(AtomicU64::new(1))));
        let names = regis_application::install(&mut config);
        Fixture {
            names,
            service: config.services["regis"].clone(),
            sim: Sim::new(config),
        }
    }

    fn asker(&mut self) -> Pid {
        let module = Atom::from_static(Asker::NAME);
        let args = vec![0xc0];
        self.sim.start(Start { module, args }).unwrap()
    }

    fn ask(&mut self, asker: Pid, ask: &Ask) -> String {
        let request = rmp_serde::to_vec_named(ask).unwrap();
        let heard = self.sim.call(asker, &request, 1_000).unwrap();
        rmp_serde::from_slice(&heard).unwrap()
    }

    fn register(&mut self, asker: Pid, name: Term) -> String {
        self.ask(asker, &Ask::Register(name))
    }

    /// Calls `regis:Function(Args)` as a module would that does not use the library.
    fn apply(&mut self, asker: Pid, function: &str, args: &[Term]) -> String {
        let ask = Ask::Apply(format!("regis:{function}"), args.to_vec());
        self.ask(asker, &ask)
    }
}

fn gandalf() -> Term {
    Term::string("Gandalf")
}

#[test]
fn a_process_has_one_name_and_a_name_one_process_and_both_are_named_in_the_refusal() {
    let mut house = Fixture::new();
    let [first, second] = [house.asker(), house.asker()];
    assert_eq!(house.register(first, gandalf()), "Ok(())");
    let taken = format!("Err(NameTaken({first:?}))");
    assert_eq!(house.register(second, gandalf()), taken);
    let events = Term::tuple([Term::atom("events"), gandalf()]);
    let named = format!("Err(AlreadyNamed({:?}))", gandalf());
    assert_eq!(house.register(first, events.clone()), named);
    // A process cannot register its own name again, either.
    assert_eq!(house.register(first, gandalf()), named);
    assert_eq!(house.register(second, events.clone()), "Ok(())");
    let found = house.ask(first, &Ask::Whereis(events));
    assert_eq!(found, format!("{:?}", Some(second)));
}

/// The exact terms: the book's `{error, name_taken}` and `{error, already_named}`, extended by the holder or the name.
#[test]
fn a_refusal_is_the_term_of_the_book_with_the_holder_beside_it() {
    let mut house = Fixture::new();
    let [first, second] = [house.asker(), house.asker()];
    let register = |house: &mut Fixture, asker: Pid| {
        let args = [gandalf(), asker.into()];
        house.apply(asker, "register", &args)
    };
    assert_eq!(register(&mut house, first), "ok");
    assert_eq!(
        register(&mut house, second),
        format!("{{error,{{name_taken,{first}}}}}")
    );
    assert_eq!(
        register(&mut house, first),
        "{error,{already_named,\"Gandalf\"}}"
    );
}

#[test]
fn a_name_that_is_given_up_is_free_at_once_and_giving_up_nothing_is_fine() {
    let mut house = Fixture::new();
    let [first, second] = [house.asker(), house.asker()];
    assert_eq!(house.apply(first, "unregister", &[gandalf()]), "ok");
    house.register(first, gandalf());
    assert_eq!(house.ask(first, &Ask::Unregister(gandalf())), "()");
    assert_eq!(house.ask(second, &Ask::Whereis(gandalf())), "None");
    assert_eq!(
        house.apply(second, "whereis", &[gandalf()]),
        "undefined",
        "as a term"
    );
    assert_eq!(house.register(second, gandalf()), "Ok(())");
    // A process that has given up its name may register another one.
    assert_eq!(house.register(first, Term::string("Saruman")), "Ok(())");
    assert_eq!(house.apply(first, "unregister", &[gandalf()]), "ok");
    assert_eq!(
        house.ask(first, &Ask::GetNames),
        "[\"Saruman\"]",
        "any process may free a name, as in the book"
    );
}

/// A game that registers the input of players need not know Unicode, because the registry of its node does.
#[test]
fn a_name_that_looks_like_a_taken_one_is_taken_and_is_shown_as_it_was_registered() {
    let mut house = Fixture::new();
    let [first, second] = [house.asker(), house.asker()];
    let events = |name: &str| Term::tuple([Term::atom("events"), Term::string(name)]);
    assert_eq!(house.register(first, Term::string("Tom1")), "Ok(())");
    let taken = format!("Err(NameTaken({first:?}))");
    for name in [
        "Torn1",
        "Toml",
        "Ｔom1",
        "Tоm1",
        "Tom1\u{fe0f}",
        "\u{3164}Tom1",
        "Tom1\u{2800}",
    ] {
        assert_eq!(
            house.register(second, Term::string(name)),
            taken,
            "{name:?}"
        );
        let found = house.ask(second, &Ask::Whereis(Term::string(name)));
        assert_eq!(found, format!("{:?}", Some(first)), "{name:?}");
    }
    assert_eq!(house.register(second, events("Tom1")), "Ok(())");
    let found = house.ask(first, &Ask::Whereis(events("Ｔоｍl")));
    assert_eq!(found, format!("{:?}", Some(second)));
    assert_eq!(house.ask(first, &Ask::Whereis(Term::atom("Tom1"))), "None");
    let mut names: Vec<String> = house
        .names
        .get_names()
        .iter()
        .map(Term::to_string)
        .collect();
    names.sort();
    assert_eq!(names, ["\"Tom1\"", "{events,\"Tom1\"}"]);
    assert_eq!(
        house.ask(second, &Ask::Unregister(Term::string("toml"))),
        "()"
    );
    assert_eq!(house.names.len(), 2);
    house.ask(second, &Ask::Unregister(Term::string("Toml")));
    assert_eq!(house.names.len(), 1);
}

#[test]
fn who_ends_has_no_name_any_more() {
    let mut house = Fixture::new();
    let [first, second] = [house.asker(), house.asker()];
    house.register(first, gandalf());
    house.register(second, Term::string("Saruman"));
    house.sim.exit(first, Reason::Kill);
    assert_eq!(house.ask(second, &Ask::Whereis(gandalf())), "None");
    assert_eq!(house.ask(second, &Ask::GetNames), "[\"Saruman\"]");
}

/// The hook leaves nothing to sweep, so the test enters the name of a dead process without the node.
#[test]
fn sweep_frees_the_names_of_the_dead_and_says_how_many() {
    let mut house = Fixture::new();
    let [living, dead] = [house.asker(), house.asker()];
    house.register(living, gandalf());
    house.sim.exit(dead, Reason::Kill);
    assert_eq!(house.apply(living, "sweep", &[]), "0");
    let ghost = Term::string("ghost");
    let exact = pq_term::msgpack::to_msgpack(&ghost);
    house.names.register_alive(&exact, dead, |_| true).unwrap();
    assert_eq!(
        house.ask(living, &Ask::Whereis(ghost)),
        format!("{:?}", Some(dead))
    );
    assert_eq!(house.apply(living, "sweep", &[]), "1");
    assert_eq!(house.ask(living, &Ask::GetNames), "[\"Gandalf\"]");
    assert_eq!(house.apply(living, "sweep", &[]), "0");
}

#[test]
fn a_process_can_register_only_itself() {
    let mut house = Fixture::new();
    let [first, second] = [house.asker(), house.asker()];
    let refused = house.apply(first, "register", &[gandalf(), second.into()]);
    assert!(
        refused.starts_with("failed: {badarg,") && refused.contains("only itself"),
        "{refused}"
    );
    assert!(house.names.is_empty());
}

#[test]
fn a_function_that_is_not_there_is_named_with_its_arity() {
    let mut house = Fixture::new();
    let asker = house.asker();
    let one = Term::from(1);
    let cases: [(&str, &[Term]); 7] = [
        ("dance", &[one.clone(), one.clone()]),
        ("register", std::slice::from_ref(&one)),
        ("register", &[one.clone(), one.clone(), one.clone()]),
        ("unregister", &[]),
        ("whereis", &[one.clone(), one.clone()]),
        ("get_names", std::slice::from_ref(&one)),
        ("sweep", std::slice::from_ref(&one)),
    ];
    for (function, args) in cases {
        let refused = house.apply(asker, function, args);
        let name = format!("regis:{function}/{}", args.len());
        assert!(
            refused.starts_with("failed: {undef,") && refused.contains(&name),
            "{name}: {refused}"
        );
    }
}

/// MessagePack has longer encodings of a text, a pid and a list than necessary; a module in another language may use
/// them.
#[test]
fn a_name_in_another_encoding_is_the_same_name() {
    let mut house = Fixture::new();
    let [first, second] = [house.asker(), house.asker()];
    let name = b"\xd9\x07Gandalf";
    let pid = |pid: Pid| [&b"\xc7\x08\x01"[..], &pid.as_raw().to_be_bytes()].concat();
    let ask = |house: &Fixture, caller: Pid, function: &str, args: &[&[u8]]| {
        let mut answer = Vec::new();
        let outcome = house.service.call(ServiceCall {
            node: house.sim.node(),
            caller,
            function: function.as_bytes(),
            args: &args.concat(),
            answer: &mut answer,
            holds_name: &mut false,
        });
        outcome.unwrap();
        from_msgpack(&answer).unwrap().to_string()
    };
    let register = |house: &Fixture, caller: Pid| {
        let args = [&b"\xdc\0\x02"[..], name, &pid(caller)];
        ask(house, caller, "register", &args)
    };
    assert_eq!(register(&house, first), "ok");
    let taken = format!("{{error,{{name_taken,{first}}}}}");
    assert_eq!(register(&house, second), taken);
    for list in [&b"\x91"[..], b"\xdc\0\x01"] {
        let found = ask(&house, second, "whereis", &[list, name]);
        assert_eq!(found, first.to_string());
    }
    let found = house.ask(second, &Ask::Whereis(gandalf()));
    assert_eq!(found, format!("{:?}", Some(first)));
    assert_eq!(ask(&house, second, "unregister", &[b"\x91", name]), "ok");
    assert_eq!(
        ask(&house, second, "whereis", &[b"\x91", name]),
        "undefined"
    );
}

#[test]
fn any_term_is_a_name_of_any_length() {
    let mut house = Fixture::new();
    let names = [
        Term::list([]),
        Term::from(0.5_f64.to_bits()),
        Term::map([(Term::atom("hero"), gandalf())]),
        Term::string("ö".repeat(40)),
        Term::tuple(vec![gandalf(); 300]),
    ];
    let found: Vec<bool> = names
        .iter()
        .map(|name| {
            let asker = house.asker();
            assert_eq!(house.register(asker, name.clone()), "Ok(())");
            house.ask(asker, &Ask::Whereis(name.clone())) == format!("{:?}", Some(asker))
        })
        .collect();
    assert_eq!(found, [true; 5]);
    assert_eq!(house.names.len(), 5);
}

/// No module in Rust can send such arguments. The node gets an error and continues.
#[test]
fn arguments_that_are_no_messagepack_are_refused() {
    let mut house = Fixture::new();
    let asker = house.asker();
    for function in ["register", "unregister", "whereis", "get_names", "sweep"] {
        let refused = house.service.call(ServiceCall {
            node: house.sim.node(),
            caller: asker,
            function: function.as_bytes(),
            args: &[0xc1],
            answer: &mut Vec::new(),
            holds_name: &mut false,
        });
        let refused = refused.unwrap_err().to_string();
        assert!(refused.starts_with("{badarg,"), "{function}: {refused}");
    }
    assert_eq!(house.register(asker, gandalf()), "Ok(())");
}

#[test]
fn a_process_that_moves_keeps_its_name_and_one_whose_name_is_taken_does_not_arrive() {
    let mut house = Fixture::new();
    let holder = house.asker();
    let name = Term::tuple([Term::atom("events"), gandalf()]);
    assert_eq!(house.register(holder, name.clone()), "Ok(())");
    let subtree = house.sim.take_out(holder, 1_000).unwrap();
    assert_eq!(house.names.whereis(&name), None);
    let put = |house: &mut Fixture| {
        let (subtree, under, opens) = (subtree.clone(), None, Arc::new(SameVersions));
        let put = PutIn {
            subtree,
            under,
            opens,
        };
        house.sim.put_in(put, 1_000)
    };
    let moved = put(&mut house).unwrap();
    assert_eq!(house.names.whereis(&name), Some(moved));
    let refusal = put(&mut house).unwrap_err().to_string();
    assert!(
        refusal.contains("one of its names is that of {events,\"Gandalf\"}"),
        "{refusal}"
    );
    assert_eq!(house.sim.processes().len(), 1);
    house.sim.exit(moved, Reason::Kill);
    assert!(house.names.is_empty());
    // Bytes that are no name.
    let node = house.sim.node().clone();
    assert!(house.names.register(&node, &[0xc1], moved).is_err());
}

#[test]
fn a_reserved_name_is_taken_for_processes_that_ask_for_it_and_not_for_one_that_comes_back() {
    let mut house = Fixture::new();
    let folded = regis_confusable::skeleton("Gandalf").as_bytes().to_vec();
    house.names.reserve(Box::new(move |name| name == folded));
    let asker = house.asker();
    for name in ["Gandalf", "GandaIf", "Ｇandalf"] {
        let heard = house.register(asker, Term::string(name));
        assert!(heard.starts_with("Err(NameTaken("), "{name}: {heard}");
        assert!(house.names.is_taken(&Term::string(name)), "{name}");
    }
    let events = Term::tuple([Term::atom("events"), gandalf()]);
    assert_eq!(house.register(asker, events), "Ok(())");
    let back = house.asker();
    let name = pq_term::msgpack::to_msgpack(&gandalf());
    let node = house.sim.node().clone();
    assert_eq!(
        NameRegistry::register(&house.names, &node, &name, back),
        Ok(())
    );
    assert_eq!(house.names.whereis(&gandalf()), Some(back));
}
