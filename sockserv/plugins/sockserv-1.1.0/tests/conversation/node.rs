//! Sessions without a node, at each moment of a conversation.

use std::collections::BTreeMap;

use pq_sdk::players::{Described, Players, Sheet};
use pq_sdk::pq_abi::raw::LibraryTable;
use pq_sdk::pq_abi::spec::{ManagerReply, SupReply};
use pq_sdk::pq_abi::{Direction, Module, Reason, Verdict};
use pq_sdk::words::{Answer as Reply, Answered, Judged, Look, Said};
use pq_sdk::{Pid, Term};
use pq_testing::alone::{Alone, Answers, Record, encoded};
use pq_testing::convert;
use pq_words::{Event, Stats};
use serde::Serialize;
use sockserv_1_1_0::shown::Value;

/// The module of sessions.
const SESSION: &str = "sockserv_serv";

const PORT: u64 = 7;

/// The pid of the hero's `pq_sup`.
pub(crate) fn sup() -> Pid {
    Pid::new(0, 10, 1)
}

fn events() -> Pid {
    Pid::new(0, 11, 1)
}

fn library(vsn: &str) -> &'static LibraryTable {
    match vsn {
        "1.0.0" => &sockserv_1_0_0::LIBRARY,
        "1.0.1" => &sockserv_1_0_1::LIBRARY,
        _ => &sockserv_1_1_0::LIBRARY,
    }
}

/// The modules in the library of a version.
pub(crate) fn modules(vsn: &str) -> Vec<Module> {
    pq_sdk::pq_abi::host::linked_library(library(vsn)).unwrap()
}

/// Calls `sockserv_serv:code_change` of 1.1.0, from or to an older version.
pub(crate) fn code_change(direction: Direction, vsn: &'static str, bytes: &[u8]) -> Vec<u8> {
    convert(library("1.1.0"), SESSION, direction, vsn, bytes).unwrap()
}

/// The value of a key in `sockserv.app`.
pub(crate) fn of_app(key: &str) -> String {
    let app = pq_term::read_one(include_str!("../../sockserv.app")).unwrap();
    let keys = app.as_tuple().unwrap()[2].as_list().unwrap();
    let mut pairs = keys.iter().map(|pair| pair.as_tuple().unwrap());
    pairs.find(|pair| pair[0].is_atom(key)).unwrap()[1].to_string()
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

/// The answers of other processes, modules and services.
#[derive(Default)]
pub(crate) struct Paper {
    /// The answers of the service for words.
    pub(crate) look: Look,
    pub(crate) has_word: bool,
    pub(crate) judged: Option<Judged>,
    pub(crate) are_two: bool,
    pub(crate) is_busy: bool,
    /// The number of the session's last question about a word.
    asked: u64,
}

impl Answers for Paper {
    fn call(&mut self, record: &mut Record, function: &str, args: &[u8]) -> Option<Vec<u8>> {
        Some(match function {
            "pq_stats:initial_roll" => encoded(&Stats::from_fn(|| 7)),
            "regis:whereis" => encoded(&Some(events())),
            "words:look" => encoded(&self.look),
            "words:has" => encoded(&self.has_word),
            "words:judge" => encoded(&self.judged.unwrap_or(Judged::Fit)),
            "words:same" => encoded(&!self.are_two),
            "words:check" => self.check(record, args),
            "words:keep" => self.keep(record, args),
            "players:list" => encoded(&Players {
                count: 1,
                names: vec!["Ann".to_string()],
            }),
            "players:sheet" => {
                let (number,): (u64,) = rmp_serde::from_slice(args).unwrap();
                self.asked = number;
                record.note("ask for the sheet");
                encoded(&true)
            }
            "processquest:stop_player" => {
                let (sup,): (Pid,) = rmp_serde::from_slice(args).unwrap();
                encoded(&record.request(&format!("{function} {sup}")))
            }
            "sockserv_trans:to_output" => return None,
            asked => encoded(&record.request(asked)),
        })
    }

    fn other(&mut self, _record: &mut Record, request: &str) -> u64 {
        panic!("a session does not request {request}")
    }
}

impl Paper {
    fn check(&mut self, record: &mut Record, args: &[u8]) -> Vec<u8> {
        let (_, line, name, number): (u64, u64, String, u64) = rmp_serde::from_slice(args).unwrap();
        self.asked = number;
        record.note(&format!("check line {line} of {name}"));
        encoded(&!self.is_busy)
    }

    fn keep(&mut self, record: &mut Record, args: &[u8]) -> Vec<u8> {
        let (_, line, hero, number): (u64, u64, Pid, u64) = rmp_serde::from_slice(args).unwrap();
        self.asked = number;
        record.note(&format!("keep line {line} for {hero}"));
        encoded(&!self.is_busy)
    }
}

/// An input that moves a session to its next phase.
type Step = fn(&mut Node);

/// A session without a node.
pub(crate) struct Node(Alone<Paper>);

/// The way to the question for the word of a hero.
const BACK: [(Moment, Step); 2] = [
    (Moment::Asked, |node| {
        node.paper().look.taken = true;
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
        node.paper().has_word = true;
        node.has_no_handler();
        node.answer(&ManagerReply::Ok);
        node.news();
    }),
    (Moment::Fallen, |node| {
        node.0.down(events(), &Reason::Shutdown);
    }),
    (Moment::Leaving, |node| drop(node.line("quit"))),
];

impl Node {
    /// Makes a session of 1.1.0 and moves it to this phase; the record of the way is dropped.
    pub(crate) fn at(moment: Moment) -> Node {
        let mut paper = Paper::default();
        paper.look.kept = true;
        let library = library("1.1.0");
        let mut node = Node(Alone::start(library, SESSION, &(PORT,), paper));
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

    /// The answers of everything around the session.
    pub(crate) fn paper(&mut self) -> &mut Paper {
        self.0.answers()
    }

    /// Refuses the last request: the event manager has no handler of a session.
    fn has_no_handler(&mut self) {
        self.0.refuse(&Reason::Other(Term::atom("bad_module")));
    }

    /// Sends the answer to the last question about a word.
    pub(crate) fn says(&mut self, said: Said) -> Verdict {
        let r#ref = self.paper().asked;
        let words = Reply { r#ref, said };
        self.0.info(&Answered { words })
    }

    /// Sends the facts about the hero: its name alone.
    pub(crate) fn describes(&mut self, name: &str) {
        let name = BTreeMap::from([("name".to_string(), Value::Text(name.to_string()))]);
        let sheet = Sheet {
            r#ref: self.paper().asked,
            parts: vec![("Char.Name".to_string(), name)],
        };
        self.0.info(&Described { sheet });
    }

    /// Converts the session down to an older version.
    pub(crate) fn goes_down(&mut self, vsn: &'static str) {
        let bytes = code_change(Direction::Down, vsn, &self.export());
        self.0.becomes(library(vsn), &bytes);
    }

    /// Takes the record since the last call.
    pub(crate) fn done(&mut self) -> String {
        self.0.done()
    }

    pub(crate) fn line(&mut self, line: &str) -> Verdict {
        self.0.line(PORT, line)
    }

    pub(crate) fn closed(&mut self) -> Verdict {
        self.0.closed(PORT)
    }

    /// Sends the news of a fight.
    pub(crate) fn news(&mut self) {
        self.0.cast(&Event::Killed {
            ms: 1_600,
            enemy: "Pig".into(),
            drop: "Bacon".into(),
            experience: 1,
        });
    }

    /// Fires the last timer.
    pub(crate) fn timer(&mut self) -> Verdict {
        self.0.timer().unwrap()
    }

    /// Sends the answer to the last request.
    pub(crate) fn answer(&mut self, reply: &impl Serialize) -> Verdict {
        self.0.answer(reply)
    }

    /// Reports the end of the hero.
    pub(crate) fn falls(&mut self) {
        self.0.down(sup(), &Reason::Shutdown);
    }

    pub(crate) fn export(&mut self) -> Vec<u8> {
        self.0.export()
    }
}
