//! A question to a module outside of any process: which functions it has, which children its `init` names.
//!
//! Nothing comes of it but the answer. What the module asks to have done is not done, and makes the answer worth
//! nothing; a question has a thread of its own, so a module that does not end keeps nobody but that. Called by those
//! who judge a release before it runs.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use pq_abi::crash::watch_thread;
use pq_abi::raw::Status;
use pq_abi::{Answer, Failure, Host, Module, Modules, OpCode, Reason, text};

use crate::answers::{self, CALL_DEPTH_MAX};
use crate::application::Settings;
use crate::callback::undef;

/// How long a module may think. What is asked takes microseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The world as the module sees it.
#[derive(Clone)]
pub struct Inquiry {
    modules: Arc<dyn Modules>,
    env: Arc<Settings>,
}

/// What came of a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// The encoded result.
    Result(Vec<u8>),
    /// It refuses, or fails.
    Failure(Failure),
    /// It depends on what only a process can have done: a name of this operation.
    Depends(String),
    /// It does not end.
    Endless,
}

impl Inquiry {
    /// Among these modules, with this environment.
    pub fn new(modules: Arc<dyn Modules>, env: Settings) -> Inquiry {
        Inquiry {
            modules,
            env: Arc::new(env),
        }
    }

    /// Calls a function of this version of a module; `args` is a MessagePack array.
    pub fn call(&self, module: Module, function: &str, args: &[u8]) -> Answered {
        let (function, args) = (function.to_string(), args.to_vec());
        self.ask(move |desk| module.call(desk, &function, &args))
    }

    /// Makes a state as a new process would, and drops it.
    pub fn init(&self, module: Module, args: &[u8]) -> Answered {
        let args = args.to_vec();
        self.ask(move |desk| module.init(desk, &args).map(|_| Vec::new()))
    }

    fn ask(
        &self,
        question: impl FnOnce(&mut Desk) -> Result<Vec<u8>, Failure> + Send + 'static,
    ) -> Answered {
        let mut desk = Desk {
            world: self.clone(),
            out: Vec::new(),
            result: Vec::new(),
            depth: 0,
            wanted: None,
        };
        let (tell, told) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("pq-inquiry".to_string());
        let begun = thread.spawn(move || {
            watch_thread();
            let answer = question(&mut desk);
            // Nobody waits any more for an answer that took too long.
            let _ = tell.send((answer, desk.wanted));
        });
        if let Err(error) = begun {
            return Answered::Depends(format!("a thread: {error}"));
        }
        match told.recv_timeout(TIMEOUT) {
            Ok((_, Some(wanted))) => Answered::Depends(format!("{wanted:?}")),
            Ok((Ok(result), None)) => Answered::Result(result),
            Ok((Err(failure), None)) => Answered::Failure(failure),
            Err(_) => Answered::Endless,
        }
    }
}

/// The node as the module sees it.
struct Desk {
    world: Inquiry,
    out: Vec<u8>,
    result: Vec<u8>,
    depth: u32,
    /// The first thing that it asked and is not answered here.
    wanted: Option<OpCode>,
}

impl Desk {
    fn call_module(&mut self, name: &[u8], args: &[u8]) -> Answer<'_> {
        let name = String::from_utf8_lossy(name);
        let (module, function) = answers::halves(&name);
        let current = self.world.modules.current(module);
        let result = match current.filter(|_| self.depth < CALL_DEPTH_MAX) {
            Some(code) => {
                let outer = std::mem::take(&mut self.out);
                self.depth += 1;
                let result = code.call(self, function, args);
                self.depth -= 1;
                self.out = outer;
                result
            }
            // It may be a service of the node, which is not here.
            None => {
                self.wanted.get_or_insert(OpCode::CallModule);
                Err(Failure::Reason(undef(module, function)))
            }
        };
        let (status, bytes) = match result {
            Ok(bytes) => (Status::Ok, bytes),
            Err(failure) => (Status::Error, failure.into_reason().to_bytes()),
        };
        self.result = bytes;
        Answer {
            value: status as u64,
            bytes: &self.result,
        }
    }

    fn env(&mut self, name: &[u8]) -> Answer<'_> {
        let name = text(name);
        let (application, key) = answers::halves(&name);
        let setting = (application.to_string(), key.to_string());
        answers::env(self.world.env.get(&setting), &mut self.result)
    }

    fn depends(&mut self, code: OpCode) -> u64 {
        self.wanted.get_or_insert(code);
        0
    }
}

impl Host for Desk {
    fn op(&mut self, code: OpCode, (a, _): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        Answer::value(match code {
            OpCode::Out => answers::write_out(&mut self.out, a == 1, data),
            OpCode::Log => 0,
            OpCode::Env => return self.env(name),
            OpCode::CallModule => return self.call_module(name, data),
            OpCode::Current => {
                let current = self.world.modules.current(&String::from_utf8_lossy(name));
                current.map_or(0, Module::address)
            }
            other => self.depends(other),
        })
    }

    fn epoch(&self) -> *const AtomicU64 {
        self.world.modules.epoch()
    }

    fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

impl Answered {
    /// The arguments are none of this function's: it could not read them.
    pub fn is_badarg(&self) -> Option<&Reason> {
        let Answered::Failure(Failure::Reason(reason @ Reason::Other(term))) = self else {
            return None;
        };
        let tag = term.as_tuple().and_then(|parts| parts.first());
        tag.is_some_and(|tag| tag.is_atom("badarg"))
            .then_some(reason)
    }
}
