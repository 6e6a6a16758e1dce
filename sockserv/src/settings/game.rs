//! What the door wants to know of the game behind it: who plays at a session, and what there is to say of that hero
//! to programs of players.
//!
//! The node answers (`Settings::game`); the door knows neither heroes nor states of processes.

use pq_otp::Pid;
use serde_json::Value;

/// How far a session is with its player.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Login {
    /// Nobody is known yet.
    Nobody,
    /// A hero of this name is to be, when its player agrees.
    Named(String),
    /// A hero of this name is being started.
    Arriving(String),
    /// This hero plays.
    Playing(Hero),
}

/// A hero that plays at a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hero {
    /// Its name; empty where the game tells no names.
    pub name: String,
    /// The process with which it ends; without one it plays as long as its session.
    pub process: Option<Pid>,
}

impl Login {
    /// The hero's name; empty where there is none.
    pub(crate) fn name(&self) -> &str {
        match self {
            Login::Nobody => "",
            Login::Named(name) | Login::Arriving(name) => name,
            Login::Playing(hero) => &hero.name,
        }
    }
}

/// All that a game says about a hero to the programs of its players: messages of GMCP by their names, in the order
/// in which they are sent, each with its whole body. What of it is sent, and when, is the door's to decide.
pub type Sheet = Vec<(String, Value)>;

/// Takes an answer, on any thread, without waiting.
pub type Answer<T> = Box<dyn FnOnce(T) + Send>;

/// The game, as the door asks it. Nothing here waits: an answer comes later, or never when the process has ended.
pub trait Game: Send + Sync {
    /// Who plays at this session, once it has done with all that it was sent before.
    fn login(&self, session: Pid, answer: Answer<Login>);

    /// What there is to say about the hero that plays at this session: an empty sheet when none does, nothing when it
    /// cannot be asked just now. Called where tokio's tasks run.
    fn sheet(&self, session: Pid, answer: Answer<Option<Sheet>>);
}

/// A game of which nothing is known: everybody plays, under no name.
pub(crate) struct Unknown;

impl Game for Unknown {
    fn login(&self, _session: Pid, answer: Answer<Login>) {
        answer(Login::Playing(Hero {
            name: String::new(),
            process: None,
        }));
    }

    fn sheet(&self, _session: Pid, answer: Answer<Option<Sheet>>) {
        answer(None);
    }
}
