//! What the door wants to know of the game behind it: who plays at a session, and what there is to say of that avatar
//! to programs of players.
//!
//! An **avatar** is what plays for a client: whatever process the client's session has had started. The node answers
//! (`Settings::game`); the door knows no states of processes.

use pq_otp::Pid;
use serde_json::Value;

/// What a game calls its avatars, in sentences for its players and operators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Noun {
    /// One of them.
    pub one: String,
    /// Several.
    pub many: String,
}

impl Default for Noun {
    fn default() -> Noun {
        Noun {
            one: "avatar".to_string(),
            many: "avatars".to_string(),
        }
    }
}

/// How far a session is with its player.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Login {
    /// It cannot be said just now: to be asked again.
    Unknown,
    /// Nobody is known yet.
    Nobody,
    /// An avatar of this name is to be, when its player agrees.
    Named(String),
    /// An avatar of this name is being started.
    Arriving(String),
    /// This avatar plays.
    Playing(Avatar),
}

/// An avatar that plays at a session.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Avatar {
    /// Its name; empty where the game tells no names.
    pub name: String,
    /// The process with which it ends; without one it plays as long as its session.
    pub process: Option<Pid>,
}

impl Login {
    /// The avatar's name; empty where there is none.
    pub(crate) fn name(&self) -> &str {
        match self {
            Login::Unknown | Login::Nobody => "",
            Login::Named(name) | Login::Arriving(name) => name,
            Login::Playing(avatar) => &avatar.name,
        }
    }
}

/// All that a game says about an avatar to the programs of its players: messages of GMCP by their names, in the order
/// in which they are sent, each with its whole body. What of it is sent, and when, is the door's to decide.
pub type Sheet = Vec<(String, Value)>;

/// Takes an answer, on any thread, without waiting.
pub type Answer<T> = Box<dyn FnOnce(T) + Send>;

/// The game, as the door asks it. Nothing here waits: an answer comes later, or never when the process has ended.
pub trait Game: Send + Sync {
    /// Who plays at this session, once it has done with all that it was sent before.
    fn login(&self, session: Pid, answer: Answer<Login>);

    /// What there is to say about the avatar that plays at this session: an empty sheet when none does, nothing when it
    /// cannot be asked just now. Called where tokio's tasks run.
    fn sheet(&self, session: Pid, answer: Answer<Option<Sheet>>);
}

/// A game of which nothing is known: everybody plays, under no name.
pub(crate) struct Unknown;

impl Game for Unknown {
    fn login(&self, _session: Pid, answer: Answer<Login>) {
        answer(Login::Playing(Avatar::default()));
    }

    fn sheet(&self, _session: Pid, answer: Answer<Option<Sheet>>) {
        answer(None);
    }
}
