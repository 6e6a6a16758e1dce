//! The dialogue with one client, as a machine without effects: what happened comes in, what is to be done
//! goes out. Its picture is in `sockserv_serv`, which does it.
//!
//! All of it is the session's state: an upgrade converts these types by the names of their fields.

use pq_sdk::pq_abi::spec::{self, ChildInfo};
use pq_sdk::{Level, ManagerReply, Pid, PortId, Reason, RequestId, SupReply, Term};
use pq_words::{Name, Stats};
use serde::{Deserialize, Serialize};

use super::teller::{Full, Teller, Told};
use super::typed;
use crate::sockserv_trans::{Piece, stat_lines};

/// One client's session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The client.
    pub port: PortId,
    /// How far the dialogue is.
    pub phase: Phase,
    /// The request whose answer this phase waits for. The answer to any other comes too late.
    pub asked: Option<RequestId>,
    /// The story of the hero.
    pub teller: Teller,
}

/// How far the dialogue is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The client was asked for a name.
    Name,
    /// The client was asked whether it agrees to these.
    Stats {
        /// Of the hero to be.
        name: Name,
        /// As rolled last.
        stats: Stats,
    },
    /// `processquest` was asked to start the hero.
    Starting {
        /// Of the hero to be.
        name: Name,
    },
    /// The hero plays.
    Playing {
        /// Which one.
        hero: Hero,
    },
    /// The client quit. When the hero has been stopped the session ends.
    Leaving,
}

/// The hero of a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hero {
    /// Its name.
    pub name: Name,
    /// Its `pq_sup`, monitored.
    pub sup: Pid,
    /// How well the session hears of it.
    pub watch: Watch,
}

/// How well a session hears of its hero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// The supervisor was asked for the event manager: the one before does not answer, or has fallen.
    Looking {
        /// The one before.
        before: Option<Pid>,
    },
    /// The event manager, monitored, was asked to take the session's handler.
    Joining {
        /// The event manager.
        events: Pid,
    },
    /// It has it.
    Hearing {
        /// The event manager.
        events: Pid,
    },
}

/// Something to be done by the process, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Do {
    /// Write a text to the client.
    Say(String),
    /// Write a log line.
    Log(Level, String),
    /// Start a timer for [`Session::waited`].
    Wait {
        /// Milliseconds.
        ms: u64,
        /// What it says then.
        turn: u64,
    },
    /// Hear of the end of a process: [`Session::down`].
    Monitor(Pid),
    /// Roll stats: [`Session::rolled`].
    Roll,
    /// Ask `processquest` for a hero: [`Session::answered`].
    Start {
        /// Its name.
        name: Name,
        /// Its stats.
        stats: Stats,
    },
    /// Ask `processquest` to stop a hero: [`Session::answered`].
    Stop {
        /// Its `pq_sup`.
        sup: Pid,
    },
    /// Look up the event manager of a hero: [`Session::found`].
    Find {
        /// The hero's name.
        name: Name,
    },
    /// Monitor an event manager and ask it to take the handler: [`Session::answered`].
    Subscribe {
        /// Which one.
        events: Pid,
    },
    /// Ask a hero's supervisor for its children, once it has settled: [`Session::answered`].
    WhichChildren {
        /// Which one.
        sup: Pid,
    },
    /// Close the port after what was said, and end.
    Close,
}

impl Do {
    fn say(text: impl Into<String>) -> Do {
        Do::Say(text.into())
    }
}

const PROMPT: &str = "What's your character's name?\n";

impl Session {
    /// A new session, and how it greets its client.
    pub fn new(port: PortId) -> (Session, Vec<Do>) {
        let session = Session {
            port,
            phase: Phase::Name,
            asked: None,
            teller: Teller::default(),
        };
        (session, vec![Do::say(PROMPT)])
    }

    /// A hero plays.
    pub fn is_playing(&self) -> bool {
        matches!(self.phase, Phase::Playing { .. })
    }

    /// The client sent a line.
    pub fn line(&mut self, line: &[u8]) -> Vec<Do> {
        if line.starts_with(b"quit") {
            return self.quit();
        }
        match &self.phase {
            Phase::Name => self.named(line),
            Phase::Stats { name, stats } => match typed::first_word(line) {
                Some(b"y") => {
                    let (name, stats) = (name.clone(), *stats);
                    self.phase = Phase::Starting { name: name.clone() };
                    vec![Do::Start { name, stats }]
                }
                Some(b"n") => vec![Do::Roll],
                _ => vec![Do::say("Answer with y (yes) or n (no)\n")],
            },
            Phase::Starting { .. } | Phase::Playing { .. } => {
                vec![Do::Say(format!(
                    "Unexpected input: {}\n",
                    typed::shown(line)
                ))]
            }
            Phase::Leaving => Vec::new(),
        }
    }

    fn named(&mut self, line: &[u8]) -> Vec<Do> {
        match typed::name(line) {
            Some(Ok(name)) => {
                self.phase = Phase::Stats {
                    name: name.into(),
                    stats: Stats::default(),
                };
                vec![Do::Roll]
            }
            Some(Err(error)) => vec![Do::Say(format!("{}\n{PROMPT}", error.sentence()))],
            None => vec![Do::say(PROMPT)],
        }
    }

    /// Stops the hero, if there is one or will be, and ends then: who comes back finds the name free.
    pub fn quit(&mut self) -> Vec<Do> {
        self.teller.fall_silent();
        match std::mem::replace(&mut self.phase, Phase::Leaving) {
            Phase::Name | Phase::Stats { .. } => vec![Do::Close],
            Phase::Playing { hero } => vec![Do::Stop { sup: hero.sup }],
            // The answer to the start is still to come, or that to the stop.
            Phase::Starting { .. } | Phase::Leaving => Vec::new(),
        }
    }

    /// Stats were rolled.
    pub fn rolled(&mut self, rolled: Stats) -> Vec<Do> {
        let Phase::Stats { stats, .. } = &mut self.phase else {
            return Vec::new();
        };
        *stats = rolled;
        let lines = stat_lines(stats);
        vec![Do::Say(format!(
            "Stats for your character:\n{lines}\nDo you agree to these? y/n\n\n"
        ))]
    }

    /// The story goes on.
    pub fn tell(&mut self, pieces: Vec<Piece>) -> Vec<Do> {
        match self.teller.tell(pieces) {
            Ok(told) => done(told),
            Err(Full) => {
                let text = "a session is closed: its story has fallen too far behind".to_string();
                [vec![Do::Log(Level::Warn, text)], self.quit()].concat()
            }
        }
    }

    /// A pause of the story is over.
    pub fn waited(&mut self, turn: u64) -> Vec<Do> {
        done(self.teller.waited(turn))
    }

    /// The event manager of the hero was looked up.
    pub fn found(&mut self, events: Option<Pid>) -> Vec<Do> {
        match events {
            Some(events) => self.join(events),
            None => self.look(None),
        }
    }

    /// A request was answered: with bytes, or not at all for this reason.
    pub fn answered(&mut self, id: RequestId, result: Result<&[u8], &Reason>) -> Vec<Do> {
        match self.asked == Some(id) {
            true => self.answer(result),
            false => Vec::new(),
        }
    }

    /// What was asked last is answered.
    pub(super) fn answer(&mut self, result: Result<&[u8], &Reason>) -> Vec<Do> {
        self.asked = None;
        match &self.phase {
            Phase::Starting { name } => {
                let name = name.clone();
                self.started(name, sup_reply(result))
            }
            Phase::Playing {
                hero:
                    Hero {
                        watch: Watch::Joining { events },
                        ..
                    },
            } => {
                let events = *events;
                self.joined(events, manager_reply(result))
            }
            Phase::Playing {
                hero:
                    Hero {
                        watch: Watch::Looking { before },
                        ..
                    },
            } => {
                let before = *before;
                self.looked(before, sup_reply(result))
            }
            Phase::Leaving => leaving(sup_reply(result)),
            Phase::Name | Phase::Stats { .. } | Phase::Playing { .. } => Vec::new(),
        }
    }

    fn started(&mut self, name: Name, reply: Result<SupReply, Reason>) -> Vec<Do> {
        match reply {
            Ok(SupReply::Started(Some(sup))) => {
                let watch = Watch::Looking { before: None };
                let hero = Hero {
                    name: name.clone(),
                    sup,
                    watch,
                };
                self.phase = Phase::Playing { hero };
                vec![Do::Monitor(sup), Do::Find { name }]
            }
            Ok(SupReply::Error(reason)) if mentions(&reason, "name_taken") => {
                self.ask_name("That name is taken.\n")
            }
            failed => {
                let text = format!("a hero could not be started: {}", why(failed));
                let asked = self.ask_name("Your hero could not be started.\n");
                [vec![Do::Log(Level::Error, text)], asked].concat()
            }
        }
    }

    /// Asks this event manager to take the handler.
    fn join(&mut self, events: Pid) -> Vec<Do> {
        match self.watch(Watch::Joining { events }) {
            Some(_) => vec![Do::Subscribe { events }],
            None => Vec::new(),
        }
    }

    fn joined(&mut self, events: Pid, reply: Result<ManagerReply, Reason>) -> Vec<Do> {
        match reply {
            Ok(ManagerReply::Error(reason)) if !reason.is_atom("already_present") => {
                self.lose(format!("a hero cannot be watched: {reason}"))
            }
            Ok(_) => {
                self.watch(Watch::Hearing { events });
                Vec::new()
            }
            // It has fallen meanwhile, or it is too busy: its supervisor knows who is to be asked now.
            Err(_) => self.look(Some(events)),
        }
    }

    /// Asks the hero's supervisor for the event manager. It answers when all its restarts are done.
    fn look(&mut self, before: Option<Pid>) -> Vec<Do> {
        match self.watch(Watch::Looking { before }) {
            Some(sup) => vec![Do::WhichChildren { sup }],
            None => Vec::new(),
        }
    }

    fn looked(&mut self, before: Option<Pid>, reply: Result<SupReply, Reason>) -> Vec<Do> {
        match reply {
            Ok(SupReply::Children(children)) => match events_among(&children) {
                Some(same) if before == Some(same) => self.join(same),
                Some(events) => [self.rise(), self.join(events)].concat(),
                None => self.lose("a hero has no event manager".to_string()),
            },
            Err(Reason::Timeout) => self.look(before),
            _ => self.fall(),
        }
    }

    /// The hero began afresh; what the one before was about to get it does not have.
    fn rise(&mut self) -> Vec<Do> {
        self.teller.fall_silent();
        match &self.phase {
            Phase::Playing { hero } => {
                vec![Do::Say(format!("{} fell, and rises again.\n", hero.name))]
            }
            _ => Vec::new(),
        }
    }

    /// A monitored process ended.
    pub fn down(&mut self, pid: Pid) -> Vec<Do> {
        match &self.phase {
            Phase::Playing { hero } if hero.sup == pid => self.fall(),
            Phase::Playing { hero } if hero.watch.events() == Some(pid) => self.look(Some(pid)),
            _ => Vec::new(),
        }
    }

    /// The hero has ended for good.
    fn fall(&mut self) -> Vec<Do> {
        match &self.phase {
            Phase::Playing { hero } => {
                let text = format!("{} has fallen for the last time.\n", hero.name);
                self.ask_name(&text)
            }
            _ => Vec::new(),
        }
    }

    /// The hero lives but cannot be watched: it is given up.
    fn lose(&mut self, why: String) -> Vec<Do> {
        let Phase::Playing { hero } = &self.phase else {
            return Vec::new();
        };
        let stop = Do::Stop { sup: hero.sup };
        [vec![Do::Log(Level::Error, why), stop], self.fall()].concat()
    }

    /// Says something and begins again.
    fn ask_name(&mut self, first: &str) -> Vec<Do> {
        self.phase = Phase::Name;
        self.asked = None;
        self.teller.fall_silent();
        vec![Do::Say(format!("{first}{PROMPT}"))]
    }

    /// Notes how well the hero is heard; returns its supervisor.
    fn watch(&mut self, watch: Watch) -> Option<Pid> {
        match &mut self.phase {
            Phase::Playing { hero } => {
                hero.watch = watch;
                Some(hero.sup)
            }
            _ => None,
        }
    }
}

impl Watch {
    fn events(self) -> Option<Pid> {
        match self {
            Watch::Looking { .. } => None,
            Watch::Joining { events } | Watch::Hearing { events } => Some(events),
        }
    }
}

/// The client quit: a hero that has just started is stopped, and then nothing is left to wait for.
fn leaving(reply: Result<SupReply, Reason>) -> Vec<Do> {
    match reply {
        Ok(SupReply::Started(Some(sup))) => vec![Do::Stop { sup }],
        Ok(_) => vec![Do::Close],
        Err(reason) => {
            vec![
                Do::Log(
                    Level::Warn,
                    format!("a hero may live on without its client: {reason}"),
                ),
                Do::Close,
            ]
        }
    }
}

fn done(told: Told) -> Vec<Do> {
    let say = Some(told.text).filter(|text| !text.is_empty()).map(Do::Say);
    let wait = told.pause.map(|(ms, turn)| Do::Wait { ms, turn });
    say.into_iter().chain(wait).collect()
}

/// For the log: why a request was not granted.
fn why(reply: Result<SupReply, Reason>) -> String {
    match reply {
        Ok(SupReply::Error(reason)) => reason.to_string(),
        Ok(other) => format!("{other:?}"),
        Err(reason) => reason.to_string(),
    }
}

fn sup_reply(result: Result<&[u8], &Reason>) -> Result<SupReply, Reason> {
    spec::decode(result.map_err(Reason::clone)?)
        .map_err(|error| Reason::tagged("bad_reply", &error))
}

fn manager_reply(result: Result<&[u8], &Reason>) -> Result<ManagerReply, Reason> {
    spec::decode(result.map_err(Reason::clone)?)
        .map_err(|error| Reason::tagged("bad_reply", &error))
}

/// The event manager among a hero's processes.
fn events_among(children: &[ChildInfo]) -> Option<Pid> {
    children
        .iter()
        .find(|child| child.id.is_atom("events"))?
        .pid
}

/// Is this atom anywhere in the reason? Each supervisor on the way wraps the reason of its child:
/// `{shutdown,{failed_to_start_child,player,name_taken}}`.
fn mentions(reason: &Term, atom: &str) -> bool {
    let any = |items: &[Term]| items.iter().any(|item| mentions(item, atom));
    reason.is_atom(atom) || reason.as_tuple().is_some_and(any) || reason.as_list().is_some_and(any)
}

#[cfg(test)]
mod tests;
