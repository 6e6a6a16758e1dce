//! A node of paper: it answers what the library asks and writes down what the library wants done.

use std::sync::atomic::AtomicU64;

use pq_sdk::pq_abi::spec::{
    self, ChildInfo, ChildType, ManagerRequest, Modules, SupReply, SupRequest,
};
use pq_sdk::pq_abi::{Answer, Callback, Host, Module, OpCode, Reason, State, Verdict};
use pq_sdk::{Pid, Term};
use pq_words::{Event, Place, Report, Stats};
use serde::Serialize;

const STATS: Stats = Stats {
    charisma: 7,
    constitution: 12,
    dexterity: 9,
    intelligence: 8,
    strength: 5,
    wisdom: 16,
};

const PORT: u64 = 7;

/// The session's own number as a pid.
pub(crate) const SESSION: &str = "<0.1.1>";

static EPOCH: AtomicU64 = AtomicU64::new(1);

pub(crate) fn pid(number: u32) -> Pid {
    Pid::new(0, number, 1)
}

pub(crate) fn sup() -> Pid {
    pid(10)
}

pub(crate) fn events() -> Pid {
    pid(11)
}

pub(crate) fn children(events: Option<Pid>) -> SupReply {
    let id = Term::atom("events");
    SupReply::Children(vec![ChildInfo {
        id,
        pid: events,
        kind: ChildType::Worker,
        modules: Modules::Dynamic,
    }])
}

fn module(name: &str) -> Module {
    let modules = pq_sdk::pq_abi::host::linked_library(&sockserv_1_0_0::LIBRARY).unwrap();
    modules
        .into_iter()
        .find(|module| module.name() == name)
        .unwrap()
}

fn named(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    rmp_serde::to_vec_named(value).unwrap()
}

#[derive(Default)]
struct Paper {
    done: String,
    out: Vec<u8>,
    result: Vec<u8>,
    /// The last request and the last timer.
    request: u64,
    timer: Vec<u8>,
    without_processquest: bool,
    session_is_dead: bool,
}

impl Paper {
    fn write(&mut self, line: String) -> u64 {
        self.done += &line;
        self.done.push('\n');
        0
    }

    fn request(&mut self, what: String) -> u64 {
        self.write(format!("request {what}"));
        self.request += 1;
        self.request
    }

    fn call(&mut self, name: &str) -> u64 {
        self.result = match name {
            "pq_stats:initial_roll" => named(&STATS),
            "regis:whereis" => named(&Some(events())),
            _ if self.without_processquest => {
                self.result = Reason::tagged("undef", name).to_bytes();
                return 2;
            }
            asked => named(&self.request(asked.to_string())),
        };
        0
    }
}

impl Host for Paper {
    fn op(&mut self, code: OpCode, (a, _): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        let name = String::from_utf8_lossy(name);
        let to = Pid::from_raw(a);
        let value = match code {
            OpCode::Out => {
                self.out.extend_from_slice(data);
                0
            }
            OpCode::SelfPid => pid(1).as_raw(),
            OpCode::Current => module(&name).address(),
            OpCode::CallModule => self.call(&name),
            OpCode::IsAlive => u64::from(!self.session_is_dead),
            OpCode::Request => self.request(request(to, data)),
            OpCode::StartTimer => {
                self.timer = data.to_vec();
                self.write(format!("timer {a} ms"))
            }
            OpCode::Log => self.write(format!("log {}", String::from_utf8_lossy(data))),
            OpCode::Monitor => self.write(format!("monitor {to}")),
            OpCode::Cast => self.write(format!("cast to {to}")),
            OpCode::PortCommand => self.write(format!("write {:?}", String::from_utf8_lossy(data))),
            OpCode::PortClose => self.write(format!("close port {a}")),
            other => panic!("{other:?} is not what a session asks for"),
        };
        Answer {
            value,
            bytes: &self.result,
        }
    }

    fn epoch(&self) -> *const AtomicU64 {
        &EPOCH
    }

    fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// What a request says; the two languages do not overlap.
fn request(to: Pid, data: &[u8]) -> String {
    let said = match (
        spec::decode::<SupRequest>(data),
        spec::decode::<ManagerRequest>(data),
    ) {
        (Ok(request), _) => format!("{request:?}"),
        (_, Ok(ManagerRequest::AddHandler(handler, args))) => {
            format!(
                "AddHandler {handler} {:?}",
                rmp_serde::from_slice::<(Pid,)>(&args).unwrap()
            )
        }
        other => panic!("{other:?}"),
    };
    format!("{said} of {to}")
}

/// A session in a node of paper.
pub(crate) struct Node {
    paper: Paper,
    session: State,
}

impl Node {
    pub(crate) fn start() -> Node {
        let mut paper = Paper::default();
        let session = module("sockserv_serv")
            .init(&mut paper, &named(&(PORT,)))
            .unwrap();
        Node { paper, session }
    }

    /// What was done since the last time.
    pub(crate) fn done(&mut self) -> String {
        std::mem::take(&mut self.paper.done)
    }

    pub(crate) fn without_processquest(&mut self) {
        self.paper.without_processquest = true;
    }

    pub(crate) fn send(&mut self, callback: Callback, data: &[u8]) -> Verdict {
        self.session
            .handle(&mut self.paper, callback, (PORT, 0), data)
    }

    pub(crate) fn line(&mut self, line: &str) -> Verdict {
        self.send(Callback::PortData, line.as_bytes())
    }

    pub(crate) fn closed(&mut self) -> Verdict {
        self.send(Callback::PortClosed, b"closed by the client")
    }

    pub(crate) fn cast(&mut self, event: &Event<'_>) -> Verdict {
        self.send(Callback::Cast, &named(event))
    }

    pub(crate) fn timer(&mut self) -> Verdict {
        let message = self.paper.timer.clone();
        self.send(Callback::Info, &message)
    }

    /// Answers the last request.
    pub(crate) fn answer(&mut self, reply: &impl Serialize) -> Verdict {
        let id = self.paper.request;
        self.session.handle(
            &mut self.paper,
            Callback::Response,
            (id, 0),
            &spec::encode(reply),
        )
    }

    pub(crate) fn down(&mut self, pid: Pid) -> Verdict {
        let reason = Reason::Shutdown.to_bytes();
        self.session
            .handle(&mut self.paper, Callback::Down, (pid.as_raw(), 1), &reason)
    }

    pub(crate) fn export(&mut self) -> Vec<u8> {
        self.session.export(&mut self.paper).unwrap()
    }

    pub(crate) fn import_and_export(&mut self, bytes: &[u8]) -> Vec<u8> {
        let state = module("sockserv_serv")
            .import(&mut self.paper, bytes)
            .unwrap();
        state.export(&mut self.paper).unwrap()
    }
}

/// What a handler does with an event, for a session that lives or has ended.
pub(crate) fn handler_hears(session_is_alive: bool) -> (Verdict, String) {
    let mut paper = Paper {
        session_is_dead: !session_is_alive,
        ..Paper::default()
    };
    let mut handler = module("sockserv_pq_events")
        .init(&mut paper, &named(&(pid(1),)))
        .unwrap();
    let report = Report {
        name: "Ann".into(),
        event: Event::Heading {
            ms: 0,
            place: Place::Market,
        },
    };
    let verdict = handler.handle(&mut paper, Callback::Event, (0, 0), &named(&report));
    (verdict, paper.done)
}
