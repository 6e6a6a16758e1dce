//! A process without a node: the test gives it each message, answers its calls, and reads what its callbacks have asked for.
//!
//! A [`Node`](crate::Node) shows what a process does among others. A process alone shows every request in its order, and gets
//! answers that no other process would give.

use std::sync::atomic::{AtomicU64, Ordering};

use pq_abi::host::{Answer, Host, Module, State, Verdict, linked_library};
use pq_abi::raw::LibraryTable;
use pq_abi::{Callback, OpCode, Reason, spec};
use pq_term::Pid;
use serde::Serialize;

/// The answers of the test to calls of functions.
pub trait Answers {
    /// The result of `module:function`, encoded with [`encoded`]. `None` calls the function of the process's own library.
    fn call(&mut self, record: &mut Record, function: &str, args: &[u8]) -> Option<Vec<u8>>;

    /// The value of a request that has no line of its own in the record, such as the time: it is noted, and 0, unless the test
    /// says otherwise.
    fn other(&mut self, record: &mut Record, request: &str) -> u64 {
        record.note(request)
    }
}

/// The requests of a process, one on each line, in the order in which its callbacks have made them.
#[derive(Default)]
pub struct Record {
    text: String,
    /// The number of the last request to another process.
    request: u64,
    /// The message of the last timer.
    timer: Option<Vec<u8>>,
}

impl Record {
    /// Notes a line; the value is 0, which is the answer to requests without one.
    pub fn note(&mut self, line: &str) -> u64 {
        self.text += line;
        self.text.push('\n');
        0
    }

    /// Notes a request to another process, and returns its number.
    pub fn request(&mut self, what: &str) -> u64 {
        self.note(&format!("request {what}"));
        self.request += 1;
        self.request
    }
}

/// The pid of the process itself.
pub const OWN: Pid = Pid::new(0, 1, 1);

/// A process without a node.
pub struct Alone<A> {
    mock: Mock<A>,
    state: State,
}

/// A value as it is sent: MessagePack with the names of fields.
pub fn encoded(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("writing to a Vec cannot fail")
}

impl<A: Answers> Alone<A> {
    /// Starts a process of a module.
    ///
    /// # Panics
    /// When its `init` fails.
    pub fn start(
        library: &'static LibraryTable,
        module: &str,
        args: &impl Serialize,
        answers: A,
    ) -> Alone<A> {
        let mut mock = Mock::new(library, answers);
        let state = mock.module(module).init(&mut mock, &encoded(args));
        let state = state.unwrap_or_else(|error| panic!("{module}: {}", error.into_reason()));
        Alone { mock, state }
    }

    /// Makes a process from an exported state.
    ///
    /// # Panics
    /// When the module does not read the state.
    pub fn import(
        library: &'static LibraryTable,
        module: &str,
        state: &[u8],
        answers: A,
    ) -> Alone<A> {
        let mut mock = Mock::new(library, answers);
        let state = mock.module(module).import(&mut mock, state);
        let state = state.unwrap_or_else(|error| panic!("{module}: {}", error.into_reason()));
        Alone { mock, state }
    }

    /// The exported state.
    ///
    /// # Panics
    /// When the module does not write it.
    pub fn export(&mut self) -> Vec<u8> {
        let state = self.state.export(&mut self.mock);
        state.unwrap_or_else(|error| panic!("{}", error.into_reason()))
    }

    /// Goes on with an exported state in another library of the same application.
    ///
    /// # Panics
    /// When the module does not read the state.
    pub fn becomes(&mut self, library: &'static LibraryTable, state: &[u8]) {
        let module = self.state.module().name();
        self.mock.modules = modules(library);
        let state = self.mock.module(module).import(&mut self.mock, state);
        self.state = state.unwrap_or_else(|error| panic!("{module}: {}", error.into_reason()));
    }

    /// The answers of the test.
    pub fn answers(&mut self) -> &mut A {
        &mut self.mock.answers
    }

    /// Takes the requests since the last call, one on each line.
    pub fn done(&mut self) -> String {
        std::mem::take(&mut self.mock.record.text)
    }

    /// Sends a line of the client of a port.
    pub fn line(&mut self, port: u64, line: &str) -> Verdict {
        self.handle(Callback::PortData, (port, 0), line.as_bytes())
    }

    /// Tells that the port was closed by its client.
    pub fn closed(&mut self, port: u64) -> Verdict {
        self.handle(Callback::PortClosed, (port, 0), b"closed by the client")
    }

    /// Sends a cast to the process.
    pub fn cast(&mut self, message: &impl Serialize) -> Verdict {
        self.handle(Callback::Cast, (0, 0), &encoded(message))
    }

    /// Sends a message to the process.
    pub fn info(&mut self, message: &impl Serialize) -> Verdict {
        self.handle(Callback::Info, (0, 0), &encoded(message))
    }

    /// Fires the last timer, if there is one.
    pub fn timer(&mut self) -> Option<Verdict> {
        let message = self.mock.record.timer.take()?;
        Some(self.handle(Callback::Info, (0, 0), &message))
    }

    /// Answers the last request.
    pub fn answer(&mut self, reply: &impl Serialize) -> Verdict {
        let request = self.mock.record.request;
        self.handle(Callback::Response, (request, 0), &spec::encode(reply))
    }

    /// Refuses the last request.
    pub fn refuse(&mut self, reason: &Reason) -> Verdict {
        let request = self.mock.record.request;
        self.handle(Callback::Response, (request, 1), &reason.to_bytes())
    }

    /// Tells that a monitored process has ended.
    pub fn down(&mut self, of: Pid, reason: &Reason) -> Verdict {
        self.handle(Callback::Down, (of.as_raw(), 1), &reason.to_bytes())
    }

    fn handle(&mut self, callback: Callback, operands: (u64, u64), data: &[u8]) -> Verdict {
        self.state.handle(&mut self.mock, callback, operands, data)
    }
}

/// The node of the process.
struct Mock<A> {
    modules: Vec<Module>,
    answers: A,
    record: Record,
    epoch: AtomicU64,
    out: Vec<u8>,
    result: Vec<u8>,
}

fn modules(library: &'static LibraryTable) -> Vec<Module> {
    linked_library(library).expect("the library is linked into this test")
}

impl<A: Answers> Mock<A> {
    fn new(library: &'static LibraryTable, answers: A) -> Mock<A> {
        static EPOCHS: AtomicU64 = AtomicU64::new(1);
        Mock {
            modules: modules(library),
            answers,
            record: Record::default(),
            epoch: AtomicU64::new(EPOCHS.fetch_add(1, Ordering::Relaxed)),
            out: Vec::new(),
            result: Vec::new(),
        }
    }

    fn module(&self, name: &str) -> Module {
        let found = self.modules.iter().find(|module| module.name() == name);
        *found.unwrap_or_else(|| panic!("the library has no module {name}"))
    }

    fn call(&mut self, name: &str, args: &[u8]) -> u64 {
        if let Some(answer) = self.answers.call(&mut self.record, name, args) {
            self.result = answer;
            return 0;
        }
        let (module, function) = name.split_once(':').unwrap_or((name, ""));
        let result = self.module(module).call(self, function, args);
        self.result = result.unwrap_or_else(|error| panic!("{name}: {}", error.into_reason()));
        0
    }
}

impl<A: Answers> Host for Mock<A> {
    fn op(&mut self, code: OpCode, (a, _): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        let (name, text) = (String::from_utf8_lossy(name), String::from_utf8_lossy(data));
        let record = &mut self.record;
        let value = match code {
            OpCode::Out => {
                self.out.extend_from_slice(data);
                0
            }
            OpCode::SelfPid => OWN.as_raw(),
            // Nothing is current here, so all calls go through the table of the node.
            OpCode::Current => 0,
            OpCode::CallModule => self.call(&name, data),
            OpCode::Request => record.request(&format!("of {}", Pid::from_raw(a))),
            OpCode::StartTimer => {
                record.timer = Some(data.to_vec());
                record.note(&format!("timer {a} ms"))
            }
            OpCode::Log => record.note(&format!("log {text}")),
            OpCode::Monitor => record.note(&format!("monitor {}", Pid::from_raw(a))),
            OpCode::PortCommand => record.note(&format!("write {text:?}")),
            OpCode::PortClose => record.note(&format!("close port {a}")),
            other => self.answers.other(record, &format!("{other:?} {a}")),
        };
        Answer {
            value,
            bytes: &self.result,
        }
    }

    fn epoch(&self) -> *const AtomicU64 {
        &self.epoch
    }

    fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}
