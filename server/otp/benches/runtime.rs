//! The cost of one step of the runtime, without threads, sockets or a game: a shard under the virtual clock, and
//! a library of servers that do very little.
//!
//! Each bench is a chain: a process takes a step, which causes the next step of the same kind, as often as
//! criterion asks for. Figures are per step, and include the library's own part: decoding a number and
//! encoding it again. `tests/benches` measure the whole node.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use pq_abi::spec::{ManagerRequest, Start, SupRequest};
use pq_otp::moved::{Moving, PutIn, SameVersions, Subtree, Sweep, Under};
use pq_otp::{Ask, Config, Envelope, Module, Modules, Payload, Pid, Signal, Sim, Term};
use pq_sdk::Atom;
use pq_term::msgpack::{from_msgpack, to_msgpack};
use serde::Serialize;

#[path = "runtime/library.rs"]
mod library;

/// How long a request from outside may take on the virtual clock.
const PATIENCE_MS: u64 = 1_000;

/// The modules of the library, whose versions never change.
struct Linked {
    modules: HashMap<&'static str, Module>,
    epoch: AtomicU64,
}

impl Linked {
    fn new() -> Linked {
        let modules = pq_abi::host::linked_library(&library::LIBRARY)
            .expect("the library was built with this program");
        Linked {
            modules: modules
                .into_iter()
                .map(|module| (module.name(), module))
                .collect(),
            epoch: AtomicU64::new(1),
        }
    }
}

impl Modules for Linked {
    fn current(&self, name: &str) -> Option<Module> {
        self.modules.get(name).copied()
    }

    fn epoch(&self) -> &AtomicU64 {
        &self.epoch
    }
}

/// A node, with methods for the steps of the benches.
struct Rig(Sim);

impl Rig {
    fn new() -> Rig {
        Rig(Sim::new(Config::new(Arc::new(Linked::new()))))
    }

    fn start(&mut self, module: &'static str, args: &impl Serialize) -> Pid {
        let start = Start {
            module: Atom::from_static(module),
            args: encode(args),
        };
        self.0
            .start(start)
            .expect("the modules of the library start")
    }

    /// Tells the first process of a chain how many steps to take, and times the chain.
    fn chain(&mut self, first: Pid, links: u64, envelope: fn(Payload) -> Envelope) -> Duration {
        let envelope = envelope(Payload::from_vec(encode(&links)));
        let before = self.0.counters().envelopes;
        self.0.node().signal(Signal::Deliver(first, envelope));
        let began = Instant::now();
        // A step takes at most 1 ms of virtual time.
        self.0.run_ms(links + 1);
        let took = began.elapsed();
        let handled = self.0.counters().envelopes - before;
        assert!(
            handled >= links,
            "the chain broke after {handled} of {links}"
        );
        took
    }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("numbers and pids are MessagePack")
}

/// Two servers that send a number to each other by casts.
fn messages(c: &mut Criterion) {
    let mut rig = Rig::new();
    let (a, b) = (rig.start("player", &()), rig.start("player", &()));
    for (player, other) in [(a, b), (b, a)] {
        let told = Envelope::Info(Payload::from_vec(encode(&other)));
        rig.0.node().signal(Signal::Deliver(player, told));
    }
    c.bench_function("message between two gen_servers", |bench| {
        bench.iter_custom(|links| rig.chain(a, links, Envelope::Cast));
    });
}

/// A server that asks another one, with a timeout, and asks again after the answer.
fn calls(c: &mut Criterion) {
    let mut rig = Rig::new();
    let clerk = rig.start("clerk", &());
    let asker = rig.start("asker", &(clerk,));
    c.bench_function("call of a gen_server and its answer", |bench| {
        bench.iter_custom(|links| rig.chain(asker, links, Envelope::Cast));
    });
}

/// A server that starts the next one, linked, and ends when the next one runs.
fn births(c: &mut Criterion) {
    let mut rig = Rig::new();
    c.bench_function("start and end of a gen_server", |bench| {
        bench.iter_custom(|links| {
            let first = rig.start("mortal", &());
            rig.chain(first, links, Envelope::Cast)
        });
    });
}

/// A server that starts one timer after the other, each alone in its millisecond.
fn timers(c: &mut Criterion) {
    let mut rig = Rig::new();
    let clock = rig.start("clock", &());
    c.bench_function("timer of 1 ms, alone", |bench| {
        bench.iter_custom(|links| rig.chain(clock, links, Envelope::Cast));
    });
}

/// A handler that sends the next event to its own manager.
fn events(c: &mut Criterion) {
    let mut rig = Rig::new();
    let manager = rig.start("bell", &());
    let add = ManagerRequest::AddHandler(Atom::from_static("ear"), encode(&()));
    let added = rig
        .0
        .call(manager, &pq_abi::spec::encode(&add), PATIENCE_MS);
    added.expect("a manager answers");
    c.bench_function("event to a manager with one handler", |bench| {
        bench.iter_custom(|links| rig.chain(manager, links, Envelope::Event));
    });
}

/// The name of a hero's event manager, as the registry receives it.
fn names(c: &mut Criterion) {
    let name = Term::tuple([Term::atom("events"), Term::string("bot-123456")]);
    c.bench_function("a name to MessagePack", |bench| {
        bench.iter(|| to_msgpack(black_box(&name)));
    });
    let bytes = to_msgpack(&name);
    assert_eq!(from_msgpack(&bytes), Ok(name));
    c.bench_function("a name from MessagePack", |bench| {
        bench.iter(|| from_msgpack(black_box(&bytes)));
    });
}

/// How many subtrees are moved in one piece.
const TREES: u32 = 1_000;

/// A node with a supervisor of trees, each of three processes: a supervisor, an event manager, and a hero with 400
/// bytes of state and a timer.
fn forest() -> (Rig, Pid) {
    let mut rig = Rig::new();
    let above = rig.start("forest", &());
    for number in 0..TREES {
        let request = SupRequest::StartChild(encode(&(number,)));
        let started = rig.0.ask_supervisor(above, &request, PATIENCE_MS);
        started.expect("a tree starts");
    }
    (rig, above)
}

/// Copies and encodes all trees.
fn copies(rig: &mut Rig) -> Vec<Vec<u8>> {
    let sweep = Sweep {
        supervisor: "forest".to_string(),
        from: 0,
        copies_max: TREES,
        unchanged_too: true,
        leaves_marks: true,
    };
    let batch = rig.0.sweep(0, sweep, PATIENCE_MS);
    let copies = batch.expect("the shard answers").copies;
    assert_eq!(copies.len(), TREES as usize);
    copies.iter().map(|(_, copy)| copy.to_bytes()).collect()
}

/// Subtrees of three processes: out of a node as bytes, and from bytes into another one, under a supervisor.
fn moves(c: &mut Criterion) {
    let (mut rig, _) = forest();
    let each = |pieces: u64| pieces.div_ceil(TREES.into());
    let scaled = |took: Duration, pieces: u64| {
        took.mul_f64(pieces as f64 / (each(pieces) * u64::from(TREES)) as f64)
    };
    c.bench_function("copy and encode a subtree of three processes", |bench| {
        bench.iter_custom(|pieces| {
            let began = Instant::now();
            for _ in 0..each(pieces) {
                black_box(copies(&mut rig));
            }
            scaled(began.elapsed(), pieces)
        });
    });
    let bytes = copies(&mut rig);
    c.bench_function("decode and put in a subtree of three processes", |bench| {
        bench.iter_custom(|pieces| {
            let took = (0..each(pieces)).map(|_| put_all(&bytes)).sum();
            scaled(took, pieces)
        });
    });
}

/// The time for putting these subtrees into a new node.
fn put_all(bytes: &[Vec<u8>]) -> Duration {
    let mut rig = Rig::new();
    let supervisor = rig.start("forest", &());
    let began = Instant::now();
    for bytes in bytes {
        let put = PutIn {
            subtree: Subtree::from_bytes(bytes).expect("a sweep has encoded it"),
            under: Some(Under {
                supervisor,
                id: None,
            }),
            opens: Arc::new(SameVersions),
        };
        rig.0.node().put_in(put, |root| {
            root.expect("there is room for it");
        });
    }
    rig.0.settle();
    let took = began.elapsed();
    assert_eq!(rig.0.processes().len(), 3 * bytes.len() + 1);
    took
}

criterion_group!(
    benches, messages, calls, births, timers, events, names, moves
);
criterion_main!(benches);
