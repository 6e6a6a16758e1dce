//! A mock node with one version of the game: it answers the calls of a hero, and records the hero's reports and next
//! events.

use std::sync::atomic::{AtomicU64, Ordering};

use pq_sdk::pq_abi::host::{Answer, Failure, Host, Module, State, Verdict, linked_library};
use pq_sdk::pq_abi::{Callback, Direction, OldVsn, OpCode, raw};
use pq_sdk::{Pid, Reason, Term};
use pq_words::{Event as News, Name, Opts, Report};
use processquest_1_0_0::pq_player::Event;
use processquest_1_0_0::processquest::events_name;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

pub(crate) const OLD: &str = "1.0.0";
pub(crate) const NEW: &str = "1.1.0";

/// The pids of the hero and of its event manager.
const HERO: Pid = Pid::new(0, 5, 1);
pub(crate) const EVENTS: Pid = Pid::new(1, 22, 333);

/// The modules in the library of a version.
pub(crate) fn modules(vsn: &str) -> Vec<Module> {
    let library = match vsn {
        OLD => &processquest_1_0_0::LIBRARY,
        _ => &processquest_1_1_0::LIBRARY,
    };
    linked_library(library).unwrap()
}

/// A mock node with one version of the game.
pub(crate) struct Node {
    modules: Vec<Module>,
    /// The news that the subscribers received.
    pub(crate) told: Vec<News<'static>>,
    /// The events that the hero sends to itself, with their pauses in milliseconds.
    pub(crate) next: Vec<(u64, Event)>,
    dice: Xoshiro256PlusPlus,
    epoch: AtomicU64,
    out: Vec<u8>,
    answer: Vec<u8>,
    /// The state that a conversion down has kept beside the hero.
    kept: Option<Vec<u8>>,
}

impl Node {
    /// Makes a node of this version with random numbers from this seed.
    pub(crate) fn new(vsn: &str, seed: u64) -> Node {
        static EPOCHS: AtomicU64 = AtomicU64::new(1);
        Node {
            modules: modules(vsn),
            told: Vec::new(),
            next: Vec::new(),
            dice: Xoshiro256PlusPlus::seed_from_u64(seed),
            // Functions cache the current module under an epoch, so no two nodes may share an epoch.
            epoch: AtomicU64::new(EPOCHS.fetch_add(1, Ordering::Relaxed)),
            out: Vec::new(),
            answer: Vec::new(),
            kept: None,
        }
    }

    pub(crate) fn module(&self, name: &str) -> Module {
        let mut modules = self.modules.iter();
        *modules.find(|module| module.name() == name).unwrap()
    }

    /// Starts a hero with these options.
    pub(crate) fn start(&mut self, opts: &Opts) -> Result<State, Failure> {
        let args = rmp_serde::to_vec_named(&(Name::from("Gandalf"), opts)).unwrap();
        self.module("pq_player").init(self, &args)
    }

    /// Makes a hero from an exported state.
    pub(crate) fn import(&mut self, bytes: &[u8]) -> Result<State, Failure> {
        self.module("pq_player").import(self, bytes)
    }

    /// The exported state of a hero.
    pub(crate) fn export(&mut self, hero: &State) -> Vec<u8> {
        hero.export(self).unwrap()
    }

    /// Calls `pq_player:code_change` of this version, from or to 1.0.0.
    pub(crate) fn change(&mut self, direction: Direction, bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        let (module, way) = (
            self.module("pq_player"),
            OldVsn {
                direction,
                vsn: OLD,
            },
        );
        let changed = module.code_change(self, way, bytes, &[0xc0]);
        changed.map_err(Failure::into_reason)
    }

    /// Sends an event to a hero.
    pub(crate) fn event(&mut self, hero: &mut State, event: Event) -> Verdict {
        let bytes = rmp_serde::to_vec_named(&event).unwrap();
        hero.handle(self, Callback::Event, (0, 0), &bytes)
    }

    /// Runs a hero for `events` events, beginning with `first`; returns the event that would be next.
    pub(crate) fn play(&mut self, hero: &mut State, first: Event, events: usize) -> Event {
        let mut event = first;
        for _ in 0..events {
            assert_eq!(self.event(hero, event), Verdict::Wait);
            assert_eq!(self.next.len(), 1, "a living hero has one next event");
            event = self.next.remove(0).1;
        }
        event
    }

    fn heard(&mut self, report: &[u8]) -> u64 {
        let report: Report<'static> = rmp_serde::from_slice(report).unwrap();
        assert_eq!(report.name, "Gandalf");
        self.told.push(report.event);
        0
    }

    fn sent(&mut self, pause_ms: u64, event: &[u8]) -> u64 {
        let event = rmp_serde::from_slice(event).unwrap();
        self.next.push((pause_ms, event));
        1
    }

    fn call(&mut self, name: &str, args: &[u8]) -> raw::Status {
        let (module, function) = name.split_once(':').unwrap();
        let result = match (module, function) {
            ("regis", "register") => Ok(pq_term::msgpack::OK.to_vec()),
            ("regis", "whereis") => Ok(whereis(args)),
            _ => self.module(module).call(self, function, args),
        };
        let (status, answer) = match result {
            Ok(answer) => (raw::Status::Ok, answer),
            Err(failure) => (raw::Status::Error, failure.into_reason().to_bytes()),
        };
        self.answer = answer;
        status
    }
}

fn whereis(args: &[u8]) -> Vec<u8> {
    let (name,): (Term,) = rmp_serde::from_slice(args).unwrap();
    let found = (name == events_name("Gandalf")).then_some(EVENTS);
    rmp_serde::to_vec_named(&found).unwrap()
}

impl Host for Node {
    fn op(&mut self, code: OpCode, (a, b): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        self.answer.clear();
        let name = std::str::from_utf8(name).unwrap();
        let value = match code {
            OpCode::Out => {
                if a == 1 {
                    self.out.clear();
                }
                self.out.extend_from_slice(data);
                0
            }
            OpCode::Random => self.dice.next_u64(),
            OpCode::SelfPid => HERO.as_raw(),
            OpCode::Listens => 1,
            OpCode::Notify if a == HERO.as_raw() => self.sent(0, data),
            OpCode::Notify => self.heard(data),
            OpCode::StartTimer => {
                assert_eq!(b, Callback::Event as u64);
                self.sent(a, data)
            }
            OpCode::Current => self.module(name).address(),
            OpCode::CallModule => self.call(name, data) as u64,
            OpCode::Residue if a == 1 => {
                self.kept = Some(data.to_vec());
                1
            }
            OpCode::Residue => match self.kept.take() {
                Some(kept) => {
                    self.answer = kept;
                    1
                }
                None => 0,
            },
            other => panic!("a hero does not request {other:?}"),
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
