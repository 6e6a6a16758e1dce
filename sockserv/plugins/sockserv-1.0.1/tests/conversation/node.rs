//! A mock node: it answers the calls of a session and records the session's requests.

use std::sync::atomic::AtomicU64;

use pq_sdk::Pid;
use pq_sdk::pq_abi::spec::{self, ManagerReply, SupReply};
use pq_sdk::pq_abi::{
    Answer, Callback, Direction, Host, Module, OldVsn, OpCode, Reason, State, Verdict,
};
use pq_words::{Event, Stats};
use serde::Serialize;

const PORT: u64 = 7;

static EPOCH: AtomicU64 = AtomicU64::new(1);

/// The pid of the hero's `pq_sup`.
pub(crate) fn sup() -> Pid {
    Pid::new(0, 10, 1)
}

fn events() -> Pid {
    Pid::new(0, 11, 1)
}

/// The modules in the library of a version.
pub(crate) fn modules(vsn: &str) -> Vec<Module> {
    let library = match vsn {
        "1.0.0" => &sockserv_1_0_0::LIBRARY,
        _ => &sockserv_1_0_1::LIBRARY,
    };
    pq_sdk::pq_abi::host::linked_library(library).unwrap()
}

fn session_module(vsn: &str) -> Module {
    let mut modules = modules(vsn).into_iter();
    modules.find(|m| m.name() == "sockserv_serv").unwrap()
}

/// Calls `sockserv_serv:code_change` of 1.0.1, from or to 1.0.0.
pub(crate) fn code_change(direction: Direction, bytes: &[u8]) -> Vec<u8> {
    let module = session_module("1.0.1");
    let way = OldVsn {
        direction,
        vsn: "1.0.0",
    };
    let changed = module.code_change(&mut Paper::default(), way, bytes, &[0xc0]);
    changed.unwrap()
}

/// The value of a key in `sockserv.app`.
pub(crate) fn of_app(key: &str) -> String {
    let app = pq_term::read_one(include_str!("../../sockserv.app")).unwrap();
    let keys = app.as_tuple().unwrap()[2].as_list().unwrap();
    let mut pairs = keys.iter().map(|pair| pair.as_tuple().unwrap());
    pairs.find(|pair| pair[0].is_atom(key)).unwrap()[1].to_string()
}

fn named(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    rmp_serde::to_vec_named(value).unwrap()
}

/// The phases of a session in their order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    Greeted,
    Rolled,
    Starting,
    Joining,
    Playing,
    Fallen,
    Leaving,
}

impl Moment {
    pub(crate) const ALL: [Moment; 7] = [
        Moment::Greeted,
        Moment::Rolled,
        Moment::Starting,
        Moment::Joining,
        Moment::Playing,
        Moment::Fallen,
        Moment::Leaving,
    ];
}

#[derive(Default)]
struct Paper {
    done: String,
    out: Vec<u8>,
    result: Vec<u8>,
    /// The number of the last request.
    request: u64,
    timer: Option<Vec<u8>>,
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

    fn call(&mut self, name: &str, args: &[u8]) -> u64 {
        self.result = match name {
            "pq_stats:initial_roll" => named(&Stats::from_fn(|| 7)),
            "regis:whereis" => named(&Some(events())),
            "processquest:stop_player" => {
                let (sup,): (Pid,) = rmp_serde::from_slice(args).unwrap();
                named(&self.request(format!("{name} {sup}")))
            }
            "sockserv_trans:to_output" => {
                let trans = modules("1.0.1");
                let trans = trans.iter().find(|m| m.name() == "sockserv_trans").unwrap();
                trans.call(self, "to_output", args).unwrap()
            }
            asked => named(&self.request(asked.to_string())),
        };
        0
    }

    fn keep_timer(&mut self, ms: u64, message: &[u8]) -> u64 {
        self.timer = Some(message.to_vec());
        self.write(format!("timer {ms} ms"))
    }
}

impl Host for Paper {
    fn op(&mut self, code: OpCode, (a, _): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        let name = String::from_utf8_lossy(name);
        let value = match code {
            OpCode::Out => {
                self.out.extend_from_slice(data);
                0
            }
            OpCode::SelfPid => Pid::new(0, 1, 1).as_raw(),
            // Nothing is current here, so all calls go through the host table.
            OpCode::Current => 0,
            OpCode::CallModule => self.call(&name, data),
            OpCode::Request => self.request(format!("of {}", Pid::from_raw(a))),
            OpCode::StartTimer => self.keep_timer(a, data),
            OpCode::Log => self.write(format!("log {}", String::from_utf8_lossy(data))),
            OpCode::Monitor => self.write(format!("monitor {}", Pid::from_raw(a))),
            OpCode::PortCommand => self.write(format!("write {:?}", String::from_utf8_lossy(data))),
            OpCode::PortClose => self.write(format!("close port {a}")),
            other => panic!("a session does not request {other:?}"),
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

/// An input that moves a session to its next phase.
type Step = fn(&mut Node);

/// A session in a mock node.
pub(crate) struct Node {
    paper: Paper,
    session: State,
}

impl Node {
    fn start(vsn: &str) -> Node {
        let mut paper = Paper::default();
        let args = named(&(PORT,));
        let session = session_module(vsn).init(&mut paper, &args).unwrap();
        Node { paper, session }
    }

    /// Makes a session of this version and moves it to this phase; the record of the way is dropped.
    pub(crate) fn at(vsn: &str, moment: Moment) -> Node {
        let mut node = Node::start(vsn);
        let steps: [(Moment, Step); 6] = [
            (Moment::Rolled, |node| drop(node.line("Ann"))),
            (Moment::Starting, |node| drop(node.line("y"))),
            (Moment::Joining, |node| {
                node.answer(&SupReply::Started(Some(sup())));
            }),
            (Moment::Playing, |node| {
                node.answer(&ManagerReply::Ok);
                node.news();
            }),
            (Moment::Fallen, |node| node.fell()),
            (Moment::Leaving, |node| drop(node.line("quit"))),
        ];
        let wanted = moment as usize;
        for (_, step) in steps.iter().filter(|(at, _)| *at as usize <= wanted) {
            step(&mut node);
        }
        node.done();
        node
    }

    /// Makes a session of this version from an exported state.
    pub(crate) fn import(vsn: &str, bytes: &[u8]) -> Node {
        let mut paper = Paper::default();
        let session = session_module(vsn).import(&mut paper, bytes).unwrap();
        Node { paper, session }
    }

    /// Moves the state of the session to the code of another version.
    pub(crate) fn change_to(&mut self, vsn: &str) {
        let bytes = self.export();
        let module = session_module(vsn);
        self.session = module.import(&mut self.paper, &bytes).unwrap();
    }

    /// Takes the record since the last call.
    pub(crate) fn done(&mut self) -> String {
        std::mem::take(&mut self.paper.done)
    }

    fn send(&mut self, callback: Callback, ab: (u64, u64), data: &[u8]) -> Verdict {
        self.session.handle(&mut self.paper, callback, ab, data)
    }

    pub(crate) fn line(&mut self, line: &str) -> Verdict {
        self.send(Callback::PortData, (PORT, 0), line.as_bytes())
    }

    pub(crate) fn closed(&mut self) -> Verdict {
        self.send(Callback::PortClosed, (PORT, 0), b"closed by the client")
    }

    /// Sends the news of a fight.
    pub(crate) fn news(&mut self) {
        let killed = Event::Killed {
            ms: 1_600,
            enemy: "Pig".into(),
            drop: "Bacon".into(),
            experience: 1,
        };
        self.send(Callback::Cast, (PORT, 0), &named(&killed));
    }

    /// Fires the last timer, if there is one.
    pub(crate) fn timer(&mut self) {
        if let Some(message) = self.paper.timer.take() {
            self.send(Callback::Info, (PORT, 0), &message);
        }
    }

    /// Sends the answer to the last request.
    pub(crate) fn answer(&mut self, reply: &impl Serialize) -> Verdict {
        let id = self.paper.request;
        self.send(Callback::Response, (id, 0), &spec::encode(reply))
    }

    /// Reports the end of the hero's event manager.
    fn fell(&mut self) {
        let reason = Reason::Shutdown.to_bytes();
        self.send(Callback::Down, (events().as_raw(), 1), &reason);
    }

    pub(crate) fn export(&mut self) -> Vec<u8> {
        self.session.export(&mut self.paper).unwrap()
    }
}
