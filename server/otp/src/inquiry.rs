//! A question to a module outside of any process, such as its functions, or the children that its `init` returns.
//!
//! A question has no effects. An operation of the module that would have one is not carried out, and makes the answer
//! invalid. A question has its own thread, so a module that does not end blocks only that thread. Called by the checks
//! of a release before it runs.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use pq_abi::crash::watch_thread;
use pq_abi::op::{Call, Op, Read};
use pq_abi::{Answer, Failure, Host, Module, Modules, OpCode, Reason, text};

use crate::answers::{self, Calls, Written};
use crate::application::Settings;

/// How long a module may take for an answer, which needs microseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The modules and the environment that the module finds.
#[derive(Clone)]
pub struct Inquiry {
    modules: Arc<dyn Modules>,
    env: Arc<Settings>,
}

/// The outcome of a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// The result, encoded as MessagePack.
    Result(Vec<u8>),
    /// The module refuses, or fails.
    Failure(Failure),
    /// The answer depends on an operation that needs a process; the text names the operation.
    Depends(String),
    /// The module has not answered within 5 s.
    Endless,
}

impl Inquiry {
    /// An inquiry among these modules, with this environment.
    pub fn new(modules: Arc<dyn Modules>, env: Settings) -> Inquiry {
        Inquiry {
            modules,
            env: Arc::new(env),
        }
    }

    /// Calls a function of this version of a module; `args` is a MessagePack array.
    pub fn call(&self, module: Module, function: &str, args: &[u8]) -> Answered {
        let (function, args) = (function.to_string(), args.to_vec());
        self.ask(move |host| module.call(host, &function, &args))
    }

    /// Makes a state as a new process would, and drops it.
    pub fn init(&self, module: Module, args: &[u8]) -> Answered {
        let args = args.to_vec();
        self.ask(move |host| module.init(host, &args).map(|_| Vec::new()))
    }

    fn ask(
        &self,
        question: impl FnOnce(&mut InquiryHost) -> Result<Vec<u8>, Failure> + Send + 'static,
    ) -> Answered {
        let mut host = InquiryHost {
            world: self.clone(),
            written: Written::default(),
            result: Vec::new(),
            wanted: None,
        };
        let (tell, told) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("pq-inquiry".to_string());
        let begun = thread.spawn(move || {
            watch_thread();
            let answer = question(&mut host);
            // After the timeout, no receiver waits for the answer.
            let _ = tell.send((answer, host.wanted));
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

/// The host of a module that is asked.
struct InquiryHost {
    world: Inquiry,
    written: Written,
    result: Vec<u8>,
    /// The first operation that the module asked for and that is not answered here.
    wanted: Option<OpCode>,
}

impl InquiryHost {
    fn depends(&mut self, code: OpCode) -> u64 {
        self.wanted.get_or_insert(code);
        0
    }

    fn env(&mut self, application: &[u8], key: &[u8]) -> Answer<'_> {
        let setting = (text(application).into_owned(), text(key).into_owned());
        answers::env(self.world.env.get(&setting), &mut self.result)
    }
}

impl Calls for InquiryHost {
    fn written(&mut self) -> &mut Written {
        &mut self.written
    }

    fn result(&mut self) -> &mut Vec<u8> {
        &mut self.result
    }

    fn call(&mut self, call: Call<'_>, answer: &mut Vec<u8>) -> Result<(), Failure> {
        let Some(module) = self.world.modules.current(&text(call.module)) else {
            // The function may belong to a service of the node, and services are not available here.
            self.depends(OpCode::CallModule);
            return Err(answers::undefined(call));
        };
        *answer = answers::call_within(self, module, call)?;
        Ok(())
    }
}

impl Host for InquiryHost {
    fn op(&mut self, code: OpCode, operands: (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        Answer::value(match Op::decode(code, operands, name, data) {
            Op::Out(out, bytes) => self.written.write(out, bytes),
            Op::Log(..) => 0,
            Op::Call(call) => return answers::call(self, call),
            Op::Read(Read::Env(application, key)) => return self.env(application, key),
            Op::Read(Read::Current(name)) => answers::current(&*self.world.modules, name),
            Op::Read(_) | Op::Residue(..) | Op::Wish(_) => self.depends(code),
        })
    }

    fn epoch(&self) -> *const AtomicU64 {
        self.world.modules.epoch()
    }

    fn take_out(&mut self) -> Vec<u8> {
        self.written.take()
    }
}

impl Answered {
    /// The reason, when the function could not decode its arguments.
    pub fn is_badarg(&self) -> Option<&Reason> {
        let Answered::Failure(Failure::Reason(reason @ Reason::Other(term))) = self else {
            return None;
        };
        let tag = term.as_tuple().and_then(|parts| parts.first());
        tag.is_some_and(|tag| tag.is_atom("badarg"))
            .then_some(reason)
    }
}
