//! The processes of a saved child as a list for people: terms as text, in the order of a tree.

use pq_otp::Pid;
use pq_otp::moved::{MessageView, ProcessView, StateView, Subtree, TimerView};
use pq_term::{Term, pretty};
use serde::Serialize;

/// A process of a saved child.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// The distance to the root, which has 0.
    pub depth: u64,
    /// The module of the process.
    pub module: String,
    /// The version of that module.
    pub vsn: String,
    /// The pid at the time of the save.
    pub pid: String,
    /// `worker`, `event manager`, or `supervisor` with its strategy.
    pub kind: String,
    /// The id of the child, as a term; `None` below a supervisor whose children have no ids.
    pub id: Option<String>,
    /// The local name (`erlang:register/2`).
    pub registered: Option<String>,
    /// The names in the registry, as terms.
    pub names: Vec<String>,
    /// Whether `sys:suspend` holds the process.
    pub suspended: bool,
    /// The states of the process or its handlers, or the arguments of a supervisor.
    pub states: Vec<Shown>,
    /// The timers, the next one first.
    pub timers: Vec<Timer>,
    /// The messages that wait, the next one first.
    pub messages: Vec<Message>,
}

/// The state of a worker or handler, as people see it.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The module that exported the state.
    pub module: String,
    /// The version of that module.
    pub vsn: String,
    /// The state as `pq sys get-state` shows it.
    pub state: String,
}

/// A timer that ran at the time of the save.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Timer {
    /// The time that remained, in milliseconds.
    pub in_ms: u64,
    /// `message`, `event`, `request` or `wait`.
    pub kind: String,
    /// The message or event, as a term.
    pub data: Option<String>,
}

/// A message that waits.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// `info`, `cast`, `event`, `call`, `answer`, `no answer`, `continue`, `exit`, `down` or `time-out`.
    pub kind: String,
    /// The pid of the process that an `exit`, `down` or `call` comes from.
    pub from: Option<String>,
    /// The content, as a term.
    pub data: Option<String>,
}

impl Process {
    /// The processes of a subtree, each before its children.
    pub fn all(subtree: &Subtree) -> Vec<Process> {
        subtree.view().iter().map(Process::of).collect()
    }

    fn of(view: &ProcessView) -> Process {
        Process {
            depth: view.depth as u64,
            module: view.module.clone(),
            vsn: view.vsn.clone(),
            pid: view.pid.to_string(),
            kind: view.kind.clone(),
            id: view.id.as_ref().map(Term::to_string),
            registered: view.registered.clone(),
            names: view.names.iter().map(Term::to_string).collect(),
            suspended: view.suspended,
            states: view.states.iter().map(Shown::of).collect(),
            timers: view.timers.iter().map(Timer::of).collect(),
            messages: view.messages.iter().map(Message::of).collect(),
        }
    }

    /// The bytes of its states and messages: nearly all that it takes as text.
    pub(crate) fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let states: usize = self.states.iter().map(|it| it.state.len()).sum();
        let timers: usize = self.timers.iter().map(|it| text(&it.data)).sum();
        let messages: usize = self.messages.iter().map(|it| text(&it.data)).sum();
        states + timers + messages
    }
}

impl Shown {
    fn of(view: &StateView) -> Shown {
        Shown {
            module: view.module.clone(),
            vsn: view.vsn.clone(),
            state: pretty(&view.state),
        }
    }
}

impl Timer {
    fn of(view: &TimerView) -> Timer {
        Timer {
            in_ms: view.in_ms,
            kind: view.kind.to_string(),
            data: view.data.as_ref().map(Term::to_string),
        }
    }
}

impl Message {
    fn of(view: &MessageView) -> Message {
        Message {
            kind: view.kind.to_string(),
            from: view.from.as_ref().map(Pid::to_string),
            data: view.data.as_ref().map(Term::to_string),
        }
    }
}
