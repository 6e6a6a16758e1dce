//! One conversion, and the node as it sees it: reads, and nothing else.
//!
//! INVARIANT: a conversion is pure (`a_conversion_that_wants_something_done_fails`). What it asks to have done makes it
//! fail; so a converted state can be dropped, and made again.

use std::sync::atomic::AtomicU64;

use pq_abi::raw::Status;
use pq_abi::{Answer, Direction, Failure, Host, Module, OpCode, Reason, State, text};
use pq_term::{Pid, shorten};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use smallvec::SmallVec;

use super::{Conversion, Failed, Plan, Target};
use crate::answers::{self, CALL_DEPTH_MAX};
use crate::callback::undef;
use crate::export::{Export, Part, What};
use crate::node::Node;
use crate::process::Handler;
use crate::residue::{Beside, Residues};

/// How much of a state is shown that does not convert: its beginning, some lines of a terminal.
const STATE_CHARS_MAX: usize = 400;

/// What came of a part.
pub(crate) enum NewPart {
    State(State, Option<Box<Residues>>),
    Handler(usize, Handler),
    /// A specification; `None` when the module answers `ignore`.
    Supervisor(Option<Vec<u8>>),
}

/// What waits beside a process for the decision.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) parts: SmallVec<[NewPart; 1]>,
}

/// How a conversion came out.
pub(crate) enum Outcome {
    Staged(Staged),
    Failed(Box<Failed>),
    /// It was only tried: there and back again, to the same state or to another.
    Tried {
        same: bool,
    },
    /// It does not end.
    Kill,
}

/// What came of a process.
pub(crate) struct Converted {
    pub(crate) pid: Pid,
    pub(crate) outcome: Outcome,
}

/// Converts one process.
pub(super) fn convert(node: &Node, plan: &Plan, job: Export) -> Converted {
    let pid = job.pid;
    let outcome = match convert_parts(node, plan, job) {
        Ok(outcome) => outcome,
        Err(failed) => Outcome::Failed(failed),
    };
    Converted { pid, outcome }
}

fn convert_parts(node: &Node, plan: &Plan, job: Export) -> Result<Outcome, Box<Failed>> {
    let mut desk = Desk::new(node, plan, &job);
    let mut staged = Staged::default();
    let mut same = true;
    for part in &job.parts {
        let Some(target) = plan.target_of(part.from) else {
            continue;
        };
        let new = desk.convert(part, target).and_then(|new| {
            same &= !plan.trial || desk.comes_back(part, target, &new)?;
            Ok(new)
        });
        let new = new.map_err(|reason| failed(node, job.pid, part, target.module, reason))?;
        staged.parts.push(new);
    }
    Ok(match plan.trial {
        true => Outcome::Tried { same },
        false => Outcome::Staged(staged),
    })
}

fn failed(node: &Node, pid: Pid, part: &Part, to: Module, reason: Reason) -> Box<Failed> {
    let bytes = match &part.what {
        What::State(bytes) | What::Handler(_, bytes) => &bytes[..],
        What::Supervisor(args) => args,
    };
    Box::new(Failed {
        pid,
        called: node.called(pid),
        from: part.from,
        to,
        reason,
        state: show(bytes),
    })
}

/// A state as people read it.
fn show(bytes: &[u8]) -> String {
    let text = match pq_term::msgpack::from_msgpack(bytes) {
        Ok(term) => term.to_string(),
        Err(_) => return format!("{} bytes", bytes.len()),
    };
    shorten(&text, STATE_CHARS_MAX).into_owned()
}

/// The node as a conversion sees it.
struct Desk<'a> {
    node: &'a Node,
    plan: &'a Plan,
    me: Pid,
    parent: Pid,
    now_ms: u64,
    dice: Xoshiro256PlusPlus,
    out: Vec<u8>,
    result: Vec<u8>,
    depth: u32,
    /// What lies beside the state that is converted.
    beside: Option<Beside>,
    /// What it wanted done first, which is not allowed.
    wanted: Option<OpCode>,
}

impl Desk<'_> {
    /// The dice of a conversion hang on node and process: the same state converts the same way, however often.
    fn new<'a>(node: &'a Node, plan: &'a Plan, job: &Export) -> Desk<'a> {
        Desk {
            node,
            plan,
            me: job.pid,
            parent: job.parent,
            now_ms: job.now_ms,
            dice: Xoshiro256PlusPlus::seed_from_u64(node.config().seed ^ job.pid.as_raw()),
            out: Vec::new(),
            result: Vec::new(),
            depth: 0,
            beside: None,
            wanted: None,
        }
    }

    fn convert(&mut self, part: &Part, target: &Target) -> Result<NewPart, Reason> {
        let new = match &part.what {
            What::State(bytes) => self
                .state(part, target, bytes)
                .map(|new| NewPart::State(new.state, new.residues)),
            What::Handler(at, bytes) => self
                .state(part, target, bytes)
                .map(|new| NewPart::Handler(*at, new)),
            What::Supervisor(args) => self.supervisor(target.module, args),
        };
        let new = new.map_err(Failure::into_reason)?;
        match self.wanted.take() {
            None => Ok(new),
            Some(code) => Err(Reason::tagged(
                "not_pure",
                &format!("a conversion may only read, and this one wanted {code:?}"),
            )),
        }
    }

    fn state(&mut self, part: &Part, target: &Target, bytes: &[u8]) -> Result<Handler, Failure> {
        let (from, to) = (part.from, target.module);
        let (new, residues) = match &target.conversion {
            // Nobody converts, and what lies beside the state waits on.
            Conversion::Carry => (None, part.residues.clone()),
            Conversion::CodeChange { direction, extra } => {
                let way = (from, to, *direction);
                let (new, residues) =
                    self.code_change(way, bytes, extra, part.residues.as_deref())?;
                (Some(new), residues)
            }
        };
        let state = to.import(self, new.as_deref().unwrap_or(bytes))?;
        Ok(Handler { state, residues })
    }

    /// The newer of the two versions converts, in both directions. Answers what lies beside the new state, too.
    fn code_change(
        &mut self,
        (from, to, direction): (Module, Module, Direction),
        bytes: &[u8],
        extra: &[u8],
        residues: Option<&Residues>,
    ) -> Result<(Vec<u8>, Option<Box<Residues>>), Failure> {
        let (newer, older) = match direction {
            Direction::Up => (to, from),
            Direction::Down => (from, to),
        };
        self.beside = Some(Beside::begin(residues, newer, to));
        let new = newer.code_change(self, (direction, older.vsn()), bytes, extra)?;
        let residues = self.beside.take().map(Beside::end).transpose();
        Ok((new, residues.map_err(Failure::Reason)?.flatten()))
    }

    /// Whether the way back leads from a new state to the one it was made of.
    fn comes_back(&mut self, part: &Part, target: &Target, new: &NewPart) -> Result<bool, Reason> {
        let (bytes, state, residues) = match (&part.what, new) {
            (What::State(bytes), NewPart::State(state, residues)) => (bytes, state, residues),
            (What::Handler(_, bytes), NewPart::Handler(_, new)) => {
                (bytes, &new.state, &new.residues)
            }
            _ => return Ok(true),
        };
        let back = self.way_back(part.from, target, (state, residues.as_deref()));
        back.map(|back| back == *bytes)
            .map_err(|failure| Reason::tagged("way_back", &failure.into_reason().to_string()))
    }

    fn way_back(
        &mut self,
        from: Module,
        target: &Target,
        (new, residues): (&State, Option<&Residues>),
    ) -> Result<Vec<u8>, Failure> {
        let bytes = new.export(self)?;
        let old = match &target.conversion {
            Conversion::Carry => bytes,
            Conversion::CodeChange { direction, extra } => {
                let back = match direction {
                    Direction::Up => Direction::Down,
                    Direction::Down => Direction::Up,
                };
                let way = (target.module, from, back);
                self.code_change(way, &bytes, extra, residues)?.0
            }
        };
        from.import(self, &old)?.export(self)
    }

    fn supervisor(&mut self, module: Module, args: &[u8]) -> Result<NewPart, Failure> {
        match module.call(self, "init", args) {
            Ok(spec) => Ok(NewPart::Supervisor(Some(spec))),
            Err(Failure::Ignore) => Ok(NewPart::Supervisor(None)),
            Err(failure) => Err(failure),
        }
    }

    fn call_module(&mut self, name: &[u8], args: &[u8]) -> Answer<'_> {
        let (status, bytes) = match self.dispatch(name, args) {
            Ok(bytes) => (Status::Ok, bytes),
            Err(failure) => (Status::Error, failure.into_reason().to_bytes()),
        };
        self.result = bytes;
        Answer {
            value: status as u64,
            bytes: &self.result,
        }
    }

    /// Calls among the modules as they will be. The services of the node change things: they are not for this.
    fn dispatch(&mut self, name: &[u8], args: &[u8]) -> Result<Vec<u8>, Failure> {
        let name = String::from_utf8_lossy(name);
        let (module, function) = answers::halves(&name);
        let code = self
            .plan
            .modules
            .current(module)
            .filter(|_| self.depth < CALL_DEPTH_MAX)
            .ok_or_else(|| Failure::Reason(undef(module, function)))?;
        let outer = std::mem::take(&mut self.out);
        self.depth += 1;
        let result = code.call(self, function, args);
        self.depth -= 1;
        self.out = outer;
        result
    }

    fn env(&mut self, name: &[u8]) -> Answer<'_> {
        let name = text(name);
        let (application, key) = answers::halves(&name);
        let setting = self.node.env(application, key);
        answers::env(setting.as_ref(), &mut self.result)
    }

    fn log(&self, level: u64, data: &[u8]) -> u64 {
        let (pid, text) = (self.me, String::from_utf8_lossy(data));
        match level {
            0 => tracing::error!(target: "module", %pid, name = self.node.name_of(pid), "{text}"),
            1 => tracing::warn!(target: "module", %pid, name = self.node.name_of(pid), "{text}"),
            _ => tracing::debug!(target: "module", %pid, name = self.node.name_of(pid), "{text}"),
        }
        0
    }

    fn refuse(&mut self, code: OpCode) -> u64 {
        self.wanted.get_or_insert(code);
        0
    }
}

impl Host for Desk<'_> {
    fn op(&mut self, code: OpCode, (a, _): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        Answer::value(match code {
            OpCode::Out => answers::write_out(&mut self.out, a == 1, data),
            OpCode::Log => self.log(a, data),
            OpCode::Random => self.dice.next_u64(),
            OpCode::Now => self.now_ms,
            OpCode::SelfPid => self.me.as_raw(),
            OpCode::Parent => self.parent.as_raw(),
            OpCode::Listens => 1,
            OpCode::Whereis => {
                let name = String::from_utf8_lossy(name);
                self.node.whereis(&name).map_or(0, Pid::as_raw)
            }
            OpCode::IsAlive => u64::from(self.node.is_alive(Pid::from_raw(a))),
            OpCode::Env => return self.env(name),
            OpCode::CallModule => return self.call_module(name, data),
            OpCode::Residue => match &mut self.beside {
                Some(beside) => return beside.op(a, name, data),
                None => 0,
            },
            OpCode::Current => {
                let current = self.plan.modules.current(&String::from_utf8_lossy(name));
                current.map_or(0, Module::address)
            }
            other => self.refuse(other),
        })
    }

    fn epoch(&self) -> *const AtomicU64 {
        self.plan.modules.epoch()
    }

    fn process(&self) -> Option<u64> {
        Some(self.me.as_raw())
    }

    fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}
