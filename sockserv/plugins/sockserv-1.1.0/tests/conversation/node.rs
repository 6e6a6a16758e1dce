//! A mock node: it answers the calls of a session and records the session's requests.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use pq_sdk::players::{Described, Players, Sheet};
use pq_sdk::pq_abi::spec::{self, ManagerReply, SupReply};
use pq_sdk::pq_abi::{
    Answer, Callback, Direction, Host, Module, OldVsn, OpCode, Reason, State, Verdict,
};
use pq_sdk::words::{Answer as Reply, Answered, Judged, Look, Said};
use pq_sdk::{Pid, Term};
use pq_words::{Event, Stats};
use serde::Serialize;
use sockserv_1_1_0::shown::Value;

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
        "1.0.1" => &sockserv_1_0_1::LIBRARY,
        _ => &sockserv_1_1_0::LIBRARY,
    };
    pq_sdk::pq_abi::host::linked_library(library).unwrap()
}

fn session_module(vsn: &str) -> Module {
    let mut modules = modules(vsn).into_iter();
    modules.find(|m| m.name() == "sockserv_serv").unwrap()
}

/// Calls `sockserv_serv:code_change` of 1.1.0, from or to an older version.
pub(crate) fn code_change(direction: Direction, vsn: &'static str, bytes: &[u8]) -> Vec<u8> {
    let module = session_module("1.1.0");
    let way = OldVsn { direction, vsn };
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Moment {
    Greeted,
    Asked,
    Checking,
    Rolled,
    Choosing,
    Again,
    Starting,
    Keeping,
    Joining,
    Playing,
    Fallen,
    Leaving,
}

impl Moment {
    pub(crate) const ALL: [Moment; 12] = [
        Moment::Greeted,
        Moment::Asked,
        Moment::Checking,
        Moment::Rolled,
        Moment::Choosing,
        Moment::Again,
        Moment::Starting,
        Moment::Keeping,
        Moment::Joining,
        Moment::Playing,
        Moment::Fallen,
        Moment::Leaving,
    ];
}

#[derive(Default)]
pub(crate) struct Paper {
    done: String,
    out: Vec<u8>,
    result: Vec<u8>,
    /// The number of the last request.
    request: u64,
    timer: Option<Vec<u8>>,
    /// The answers of the service for words.
    pub(crate) look: Look,
    pub(crate) has_word: bool,
    pub(crate) judged: Option<Judged>,
    pub(crate) are_two: bool,
    pub(crate) is_busy: bool,
    /// The number of the session's last question about a word.
    asked: u64,
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
            "words:look" => named(&self.look),
            "words:has" => named(&self.has_word),
            "words:judge" => named(&self.judged.unwrap_or(Judged::Fit)),
            "words:same" => named(&!self.are_two),
            "words:check" => self.check(args),
            "words:keep" => self.keep(args),
            "players:list" => named(&Players {
                count: 1,
                names: vec!["Ann".to_string()],
            }),
            "players:sheet" => {
                let (number,): (u64,) = rmp_serde::from_slice(args).unwrap();
                self.asked = number;
                self.write("ask for the sheet".to_string());
                named(&true)
            }
            "processquest:stop_player" => {
                let (sup,): (Pid,) = rmp_serde::from_slice(args).unwrap();
                named(&self.request(format!("{name} {sup}")))
            }
            "sockserv_trans:to_output" => {
                let trans = modules("1.1.0");
                let trans = trans.iter().find(|m| m.name() == "sockserv_trans").unwrap();
                trans.call(self, "to_output", args).unwrap()
            }
            asked => named(&self.request(asked.to_string())),
        };
        0
    }

    fn check(&mut self, args: &[u8]) -> Vec<u8> {
        let (_, line, name, number): (u64, u64, String, u64) = rmp_serde::from_slice(args).unwrap();
        self.asked = number;
        self.write(format!("check line {line} of {name}"));
        named(&!self.is_busy)
    }

    fn keep(&mut self, args: &[u8]) -> Vec<u8> {
        let (_, line, hero, number): (u64, u64, Pid, u64) = rmp_serde::from_slice(args).unwrap();
        self.asked = number;
        self.write(format!("keep line {line} for {hero}"));
        named(&!self.is_busy)
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
    pub(crate) paper: Paper,
    session: State,
}

/// The way to the question for the word of a hero.
const BACK: [(Moment, Step); 2] = [
    (Moment::Asked, |node| {
        node.paper.look.taken = true;
        node.line("Ann");
    }),
    (Moment::Checking, |node| drop(node.line("\x001"))),
];

/// The way to a hero with a word.
const ANEW: [(Moment, Step); 9] = [
    (Moment::Rolled, |node| drop(node.line("Ann"))),
    (Moment::Choosing, |node| drop(node.line("y"))),
    (Moment::Again, |node| drop(node.line("\x001"))),
    (Moment::Starting, |node| drop(node.line("\x002"))),
    (Moment::Keeping, |node| {
        node.answer(&SupReply::Started(Some(sup())));
    }),
    (Moment::Joining, |node| drop(node.says(Said::Kept))),
    (Moment::Playing, |node| {
        node.paper.has_word = true;
        node.has_no_handler();
        node.answer(&ManagerReply::Ok);
        node.news();
    }),
    (Moment::Fallen, |node| node.fell()),
    (Moment::Leaving, |node| drop(node.line("quit"))),
];

impl Node {
    /// Makes a session of 1.1.0 and moves it to this phase; the record of the way is dropped.
    pub(crate) fn at(moment: Moment) -> Node {
        let mut paper = Paper::default();
        paper.look.kept = true;
        let args = named(&(PORT,));
        let session = session_module("1.1.0").init(&mut paper, &args).unwrap();
        let mut node = Node { paper, session };
        let way: &[(Moment, Step)] = match moment {
            Moment::Asked | Moment::Checking => &BACK,
            _ => &ANEW,
        };
        for (_, step) in way.iter().filter(|(at, _)| *at <= moment) {
            step(&mut node);
        }
        node.done();
        node
    }

    /// Refuses the last request: the event manager has no handler of a session.
    fn has_no_handler(&mut self) {
        let reason = Reason::Other(Term::atom("bad_module")).to_bytes();
        self.send(Callback::Response, (self.paper.request, 1), &reason);
    }

    /// Sends the answer to the last question about a word.
    pub(crate) fn says(&mut self, said: Said) -> Verdict {
        let words = Reply {
            r#ref: self.paper.asked,
            said,
        };
        self.send(Callback::Info, (PORT, 0), &named(&Answered { words }))
    }

    /// Sends the facts about the hero: its name alone.
    pub(crate) fn describes(&mut self, name: &str) {
        let name = BTreeMap::from([("name".to_string(), Value::Text(name.to_string()))]);
        let sheet = Sheet {
            r#ref: self.paper.asked,
            parts: vec![("Char.Name".to_string(), name)],
        };
        self.send(Callback::Info, (PORT, 0), &named(&Described { sheet }));
    }

    /// Converts the session down to an older version.
    pub(crate) fn goes_down(&mut self, vsn: &'static str) {
        let bytes = code_change(Direction::Down, vsn, &self.export());
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

    /// Fires the last timer.
    pub(crate) fn timer(&mut self) -> Verdict {
        let message = self.paper.timer.take().unwrap();
        self.send(Callback::Info, (PORT, 0), &message)
    }

    /// Sends the answer to the last request.
    pub(crate) fn answer(&mut self, reply: &impl Serialize) -> Verdict {
        let id = self.paper.request;
        self.send(Callback::Response, (id, 0), &spec::encode(reply))
    }

    /// Reports the end of the hero.
    pub(crate) fn falls(&mut self) {
        let reason = Reason::Shutdown.to_bytes();
        self.send(Callback::Down, (sup().as_raw(), 1), &reason);
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
