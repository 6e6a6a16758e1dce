//! Sessions without a node, at each moment of a conversation.

use pq_sdk::Pid;
use pq_sdk::pq_abi::raw::LibraryTable;
use pq_sdk::pq_abi::spec::{ManagerReply, SupReply};
use pq_sdk::pq_abi::{Direction, Module, Reason, Verdict};
use pq_testing::alone::{Alone, Answers, Record, encoded};
use pq_testing::convert;
use pq_words::{Event, Stats};
use serde::Serialize;

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
        _ => &sockserv_1_0_1::LIBRARY,
    }
}

/// The modules in the library of a version.
pub(crate) fn modules(vsn: &str) -> Vec<Module> {
    pq_sdk::pq_abi::host::linked_library(library(vsn)).unwrap()
}

/// Calls `sockserv_serv:code_change` of 1.0.1, from or to 1.0.0.
pub(crate) fn code_change(direction: Direction, bytes: &[u8]) -> Vec<u8> {
    convert(library("1.0.1"), SESSION, direction, "1.0.0", bytes).unwrap()
}

/// The value of a key in `sockserv.app`.
pub(crate) fn of_app(key: &str) -> String {
    let app = pq_term::read_one(include_str!("../../sockserv.app")).unwrap();
    let keys = app.as_tuple().unwrap()[2].as_list().unwrap();
    let mut pairs = keys.iter().map(|pair| pair.as_tuple().unwrap());
    pairs.find(|pair| pair[0].is_atom(key)).unwrap()[1].to_string()
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

/// The answers of other processes and modules.
struct Others;

impl Answers for Others {
    fn call(&mut self, record: &mut Record, function: &str, args: &[u8]) -> Option<Vec<u8>> {
        Some(match function {
            "pq_stats:initial_roll" => encoded(&Stats::from_fn(|| 7)),
            "regis:whereis" => encoded(&Some(events())),
            "sockserv_trans:to_output" => return None,
            "processquest:stop_player" => {
                let (sup,): (Pid,) = rmp_serde::from_slice(args).unwrap();
                encoded(&record.request(&format!("{function} {sup}")))
            }
            asked => encoded(&record.request(asked)),
        })
    }
}

/// An input that moves a session to its next phase.
type Step = fn(&mut Node);

/// A session without a node.
pub(crate) struct Node(Alone<Others>);

impl Node {
    /// Makes a session of this version and moves it to this phase; the record of the way is dropped.
    pub(crate) fn at(vsn: &str, moment: Moment) -> Node {
        let mut node = Node(Alone::start(library(vsn), SESSION, &(PORT,), Others));
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
            (Moment::Fallen, |node| {
                node.0.down(events(), &Reason::Shutdown);
            }),
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
        Node(Alone::import(library(vsn), SESSION, bytes, Others))
    }

    /// Moves the state of the session to the code of another version.
    pub(crate) fn change_to(&mut self, vsn: &str) {
        let bytes = self.export();
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

    /// Fires the last timer, if there is one.
    pub(crate) fn timer(&mut self) {
        self.0.timer();
    }

    /// Sends the answer to the last request.
    pub(crate) fn answer(&mut self, reply: &impl Serialize) -> Verdict {
        self.0.answer(reply)
    }

    pub(crate) fn export(&mut self) -> Vec<u8> {
        self.0.export()
    }
}
