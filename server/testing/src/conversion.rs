//! Conversions of states, checked on single states: up, down, and up again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use pq_abi::host::{Answer, Failure, Host, Module, linked_library};
use pq_abi::raw::{LibraryTable, Status};
use pq_abi::{Direction, OldVsn, OpCode, Reason};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::Serialize;

/// The seed of the random numbers that conversions draw.
const SEED: u64 = 1;

/// The extra argument of a conversion: `nil`, which stands for `[]`.
const EXTRA: [u8; 1] = [0xc0];

/// Converts states of the older version `older` of a module up, down and up again.
///
/// A state that went up and down has the same bytes. A state that goes up again is what it was above: the conversion down keeps
/// everything for which the older version has no place.
///
/// # Panics
/// With the first state that breaks a rule; also without any state.
pub fn there_and_back<S: Serialize>(
    library: &'static LibraryTable,
    module: &str,
    older: &'static str,
    states: impl IntoIterator<Item = S>,
) {
    let mut count = 0;
    for state in states {
        let before = rmp_serde::to_vec_named(&state).expect("a state can be written");
        check(&mut Converter::of(library), (module, older), &before);
        count += 1;
    }
    assert!(count > 0, "no state of {module} {older} was converted");
}

/// Converts one state of a module, up from the older version or down to it.
///
/// # Errors
/// The reason of the conversion.
pub fn convert(
    library: &'static LibraryTable,
    module: &str,
    direction: Direction,
    older: &str,
    state: &[u8],
) -> Result<Vec<u8>, Reason> {
    let way = OldVsn {
        direction,
        vsn: older,
    };
    Converter::of(library).change(module, way, state)
}

fn check(converter: &mut Converter, (module, older): (&str, &'static str), before: &[u8]) {
    let mut change = |direction, bytes: &[u8]| {
        let way = OldVsn {
            direction,
            vsn: older,
        };
        let changed = converter.change(module, way, bytes);
        changed.unwrap_or_else(|reason| {
            panic!(
                "{module} does not convert {} {older}: {reason}; the state: {}",
                match direction {
                    Direction::Up => "up from",
                    Direction::Down => "down to",
                },
                shown(bytes)
            )
        })
    };
    let above = change(Direction::Up, before);
    let below = change(Direction::Down, &above);
    assert!(
        below == before,
        "{module}: a state of {older} that went up and down is another one\nbefore: {}\nafter:  {}",
        shown(before),
        shown(&below)
    );
    let again = change(Direction::Up, &below);
    assert!(
        again == above,
        "{module}: a state that went down to {older} and up again has lost something; `down` keeps it with `ctx.keep`, and `up` \
         takes it with `ctx.kept`\nbefore: {}\nafter:  {}",
        shown(&above),
        shown(&again)
    );
}

/// The state as a term.
fn shown(bytes: &[u8]) -> String {
    match pq_term::msgpack::from_msgpack(bytes) {
        Ok(term) => term.to_string(),
        Err(error) => format!("{} bytes that are no state: {error}", bytes.len()),
    }
}

/// A node as a conversion sees it: it may only read.
struct Converter {
    modules: Vec<Module>,
    dice: Xoshiro256PlusPlus,
    epoch: AtomicU64,
    out: Vec<u8>,
    answer: Vec<u8>,
    /// The data that conversions down have kept, by the version of the module.
    kept: BTreeMap<Vec<u8>, Vec<u8>>,
    /// An operation that a conversion must not ask for.
    refused: Option<OpCode>,
}

impl Converter {
    fn of(library: &'static LibraryTable) -> Converter {
        static EPOCHS: AtomicU64 = AtomicU64::new(1);
        Converter {
            modules: linked_library(library).expect("the library is linked into this test"),
            dice: Xoshiro256PlusPlus::seed_from_u64(SEED),
            // Functions keep the current module of an epoch, so no two nodes may share one.
            epoch: AtomicU64::new(EPOCHS.fetch_add(1, Ordering::Relaxed)),
            out: Vec::new(),
            answer: Vec::new(),
            kept: BTreeMap::new(),
            refused: None,
        }
    }

    fn change(&mut self, name: &str, way: OldVsn<'_>, bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        let module = self.module(name);
        let module = module.unwrap_or_else(|| panic!("the library has no module {name}"));
        let changed = module.code_change(self, way, bytes, &EXTRA);
        if let Some(refused) = self.refused.take() {
            panic!("{name}: a conversion only reads, and asked for {refused:?}");
        }
        changed.map_err(Failure::into_reason)
    }

    fn module(&self, name: &str) -> Option<Module> {
        self.modules
            .iter()
            .find(|module| module.name() == name)
            .copied()
    }

    fn residue(&mut self, name: &[u8], action: u64, data: &[u8]) -> u64 {
        match action {
            0 => match self.kept.remove(name) {
                Some(kept) => {
                    self.answer = kept;
                    1
                }
                None => 0,
            },
            1 => {
                self.kept.insert(name.to_vec(), data.to_vec());
                1
            }
            _ => 0,
        }
    }

    fn call(&mut self, name: &str, args: &[u8]) -> Status {
        let (module, function) = name.split_once(':').unwrap_or((name, ""));
        let result = match self.module(module) {
            Some(module) => module.call(self, function, args),
            None => {
                self.answer = Reason::tagged("undef", name).to_bytes();
                return Status::Error;
            }
        };
        let (status, answer) = match result {
            Ok(answer) => (Status::Ok, answer),
            Err(failure) => (Status::Error, failure.into_reason().to_bytes()),
        };
        self.answer = answer;
        status
    }
}

impl Host for Converter {
    fn op(&mut self, code: OpCode, (a, _): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        self.answer.clear();
        let value = match code {
            OpCode::Out => {
                if a == 1 {
                    self.out.clear();
                }
                self.out.extend_from_slice(data);
                0
            }
            OpCode::Random => self.dice.next_u64(),
            OpCode::Residue => self.residue(name, a, data),
            OpCode::Current => {
                let module = std::str::from_utf8(name)
                    .ok()
                    .and_then(|name| self.module(name));
                module.map_or(0, Module::address)
            }
            OpCode::CallModule => self.call(&String::from_utf8_lossy(name), data) as u64,
            // There is no clock, environment, name or log here.
            OpCode::Now | OpCode::Env | OpCode::Whereis | OpCode::IsAlive | OpCode::Log => 0,
            OpCode::SelfPid | OpCode::Parent => 0,
            other => {
                self.refused = Some(other);
                0
            }
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
