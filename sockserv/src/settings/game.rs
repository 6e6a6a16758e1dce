//! The questions of the door to the game behind it: the avatar of a session, and the facts about that avatar for the
//! programs of players.
//!
//! An **avatar** is the process that plays for a client, started by the client's session. The node implements
//! [`Game`] (`Settings::game`); the door knows no states of processes.

use pq_otp::Pid;
use serde_json::Value;

use crate::session::port::Sealed;

/// The game's word for its avatars, in sentences for players and operators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Noun {
    /// The singular, such as `ship`.
    pub one: String,
    /// The plural, such as `ships`.
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

/// The progress of a session's login.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Login {
    /// The progress is unknown at this time: the door asks again later.
    Unknown,
    /// The session has no name yet.
    Nobody,
    /// The session has a name, and its player has still to confirm it or to log in.
    Named(String),
    /// The avatar with this name is being started.
    Arriving(String),
    /// This avatar plays for the session.
    Playing(Avatar),
}

/// An avatar that plays for a session.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Avatar {
    /// The name of the avatar; empty where the game gives no names.
    pub name: String,
    /// The process whose end is the avatar's end; `None` when the avatar lives as long as its session.
    pub process: Option<Pid>,
}

impl Login {
    /// The avatar's name; empty while no avatar is named.
    pub(crate) fn name(&self) -> &str {
        match self {
            Login::Unknown | Login::Nobody => "",
            Login::Named(name) | Login::Arriving(name) => name,
            Login::Playing(avatar) => &avatar.name,
        }
    }
}

/// All facts about an avatar for the programs of its player: messages of GMCP by their names, in the order in which they
/// are sent, each with its whole body. The door decides which parts are sent, and when.
pub type Sheet = Vec<(String, Value)>;

/// A callback for an answer. It may run on any thread and must not wait.
pub type Answer<T> = Box<dyn FnOnce(T) + Send>;

/// The game's answers to the door. No function waits: the answer comes later, or never when the process has ended.
pub trait Game: Send + Sync {
    /// Asks for the login of this session, after the session has handled all its earlier input.
    fn login(&self, session: Pid, answer: Answer<Login>);

    /// Asks for the facts about this session's avatar: an empty sheet without an avatar, `None` when the avatar cannot be
    /// asked at this time. Called on a thread that runs tokio's tasks.
    fn sheet(&self, session: Pid, answer: Answer<Option<Sheet>>);

    /// Ends a token that leads to the avatar with this name. A game without tokens has nothing to do.
    fn forget(&self, _name: String, _token: Sealed) {}
}

/// A game that gives no answers: every client plays, without a name.
pub(crate) struct Unknown;

impl Game for Unknown {
    fn login(&self, _session: Pid, answer: Answer<Login>) {
        answer(Login::Playing(Avatar::default()));
    }

    fn sheet(&self, _session: Pid, answer: Answer<Option<Sheet>>) {
        answer(None);
    }
}
