//! A node for one hero: it answers what a callback asks, and writes down what it wants done.

use std::sync::atomic::AtomicU64;

use pq_sdk::pq_abi::host::{Answer, Failure, Host, Module, State, Verdict, linked_library};
use pq_sdk::pq_abi::{Callback, OpCode, Reason, raw};
use pq_sdk::{Pid, Term};
use pq_term::msgpack::to_msgpack;
use pq_words::{Name, Opts, Report};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::pq_player::{Event, Whole};

/// The hero's own pid.
pub(super) const HERO: Pid = Pid::new(0, 5, 1);

/// The pid of the hero's supervisor.
pub(super) const SUP: Pid = Pid::new(0, 3, 1);

/// The node.
pub(super) struct FakeHost {
    modules: Vec<Module>,
    /// Modules whose current version is said to be in another library: calls to them are encoded.
    pub(super) elsewhere: &'static [&'static str],
    /// Names that the registry holds.
    pub(super) names: Vec<(Term, Pid)>,
    /// What the subscribers heard.
    pub(super) told: Vec<Report<'static>>,
    /// The events that the hero sends itself, with their pauses.
    pub(super) next: Vec<(u64, Event)>,
    /// Its last reply.
    pub(super) reply: Vec<u8>,
    dice: Xoshiro256PlusPlus,
    epoch: AtomicU64,
    out: Vec<u8>,
    answer: Vec<u8>,
}

impl FakeHost {
    /// A node with the dice of this seed: a test that fails, fails again.
    pub(super) fn new(seed: u64) -> FakeHost {
        FakeHost {
            modules: linked_library(&crate::LIBRARY).unwrap(),
            elsewhere: &[],
            names: Vec::new(),
            told: Vec::new(),
            next: Vec::new(),
            reply: Vec::new(),
            dice: Xoshiro256PlusPlus::seed_from_u64(seed),
            // Functions remember the epoch at which they last asked where they are: no two nodes share one.
            epoch: AtomicU64::new(next_epoch()),
            out: Vec::new(),
            answer: Vec::new(),
        }
    }

    /// A module of the library.
    pub(super) fn module(&self, name: &str) -> Module {
        *self
            .modules
            .iter()
            .find(|module| module.name() == name)
            .unwrap()
    }

    /// Starts a hero.
    pub(super) fn start(&mut self, name: &str, opts: &Opts) -> Result<State, Failure> {
        let args = rmp_serde::to_vec_named(&(Name::from(name), opts)).unwrap();
        self.module("pq_player").init(self, &args)
    }

    /// A hero that has been playing for a while.
    pub(super) fn resume(&mut self, whole: &Whole) -> State {
        let bytes = rmp_serde::to_vec_named(whole).unwrap();
        self.module("pq_player").import(self, &bytes).unwrap()
    }

    /// How a hero is now.
    pub(super) fn look(&mut self, hero: &State) -> Whole {
        rmp_serde::from_slice(&hero.export(self).unwrap()).unwrap()
    }

    /// Gives a hero an event.
    pub(super) fn event(&mut self, hero: &mut State, event: Event) -> Verdict {
        let bytes = rmp_serde::to_vec_named(&event).unwrap();
        hero.handle(self, Callback::Event, (0, 0), &bytes)
    }

    fn write(&mut self, afresh: bool, data: &[u8]) -> u64 {
        if afresh {
            self.out.clear();
        }
        self.out.extend_from_slice(data);
        0
    }

    fn replied(&mut self, reply: &[u8]) -> u64 {
        self.reply = reply.to_vec();
        0
    }

    fn sent(&mut self, pause_ms: u64, event: &[u8]) -> u64 {
        self.next
            .push((pause_ms, rmp_serde::from_slice(event).unwrap()));
        1
    }

    fn heard(&mut self, report: &[u8]) -> u64 {
        self.told.push(rmp_serde::from_slice(report).unwrap());
        0
    }

    fn current(&self, name: &str) -> u64 {
        if self.elsewhere.contains(&name) {
            0
        } else {
            self.module(name).address()
        }
    }

    fn call(&mut self, name: &str, args: &[u8]) -> raw::Status {
        let (module, function) = name.split_once(':').unwrap();
        let result = match (module, function) {
            ("regis", "register") => Ok(to_msgpack(&self.register(args))),
            ("regis", "whereis") => Ok(to_msgpack(&self.whereis(args))),
            _ => self.module(module).call(self, function, args),
        };
        let (status, answer) = match result {
            Ok(answer) => (raw::Status::Ok, answer),
            Err(failure) => (raw::Status::Error, failure.into_reason().to_bytes()),
        };
        self.answer = answer;
        status
    }

    /// `ok`, or `{error, {name_taken, Pid}}`, as the registry answers.
    fn register(&mut self, args: &[u8]) -> Term {
        let (name, pid): (Term, Pid) = rmp_serde::from_slice(args).unwrap();
        match self.names.iter().find(|(taken, _)| *taken == name) {
            Some((_, holder)) => {
                let taken = Term::tuple([Term::atom("name_taken"), Term::from(*holder)]);
                Term::tuple([Term::atom("error"), taken])
            }
            None => {
                self.names.push((name, pid));
                Term::atom("ok")
            }
        }
    }

    fn whereis(&self, args: &[u8]) -> Term {
        let (name,): (Term,) = rmp_serde::from_slice(args).unwrap();
        let mut known = self.names.iter().filter(|(known, _)| *known == name);
        known
            .next()
            .map_or(Term::undefined(), |(_, pid)| Term::from(*pid))
    }
}

impl Host for FakeHost {
    fn op(&mut self, code: OpCode, (a, b): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        self.answer.clear();
        let name = std::str::from_utf8(name).unwrap();
        let value = match code {
            OpCode::Out => self.write(a == 1, data),
            OpCode::Random => self.dice.next_u64(),
            OpCode::SelfPid => HERO.as_raw(),
            OpCode::Parent => SUP.as_raw(),
            OpCode::Listens => 1,
            OpCode::Notify if a == HERO.as_raw() => self.sent(0, data),
            OpCode::Notify => self.heard(data),
            OpCode::StartTimer => {
                assert_eq!(b, Callback::Event as u64);
                self.sent(a, data)
            }
            OpCode::Current => self.current(name),
            OpCode::CallModule => self.call(name, data) as u64,
            OpCode::Reply => self.replied(data),
            other => panic!("no hero asks for {other:?}"),
        };
        Answer {
            value,
            bytes: &self.answer,
        }
    }

    fn epoch(&self) -> *const AtomicU64 {
        &self.epoch
    }

    fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// The reason of a failed start.
pub(super) fn refusal(started: Result<State, Failure>) -> Reason {
    match started {
        Ok(_) => panic!("the hero was started"),
        Err(failure) => failure.into_reason(),
    }
}

fn next_epoch() -> u64 {
    static EPOCH: AtomicU64 = AtomicU64::new(1);
    EPOCH.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
