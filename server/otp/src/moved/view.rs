//! A subtree as people see it: its processes, each before its children, with terms as text. Only reads; hostile bytes of a
//! decoded subtree become binaries.

use std::collections::HashMap;

use pq_abi::Reason;
use pq_abi::spec::{ChildView, Strategy};
use pq_term::msgpack::from_msgpack;
use pq_term::{Pid, Term, pretty};
use serde::Serialize;

use super::letters::Letter;
use super::value::{Moved, MovedBody, Subtree};
use crate::supervisor::MovedChildren;

/// A process of a subtree.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct ProcessView {
    /// The distance to the root, which has 0.
    pub depth: u64,
    /// The module of the process.
    pub module: String,
    /// The version of that module.
    pub vsn: String,
    /// The pid that the process had when it was copied.
    pub pid: String,
    /// `worker`, `event manager`, or `supervisor` with its strategy.
    pub kind: String,
    /// The id of the child, for a process below a supervisor whose children have ids.
    pub id: Option<String>,
    /// The local name (`erlang:register/2`).
    pub registered: Option<String>,
    /// The names in the registry.
    pub names: Vec<String>,
    /// Whether `sys:suspend` holds the process.
    pub suspended: bool,
    /// The state of a worker, those of an event manager's handlers, or the arguments of a supervisor's `init`.
    pub states: Vec<StateView>,
    /// All timers, also those of requests and waits, the next one first.
    pub timers: Vec<TimerView>,
    /// The messages that wait, the next one first.
    pub messages: Vec<MessageView>,
}

/// A state, with the module that exported it.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct StateView {
    /// The module of the worker or handler.
    pub module: String,
    /// The version of that module.
    pub vsn: String,
    /// The state as that version exported it, in lines as `pq sys get-state` shows it.
    pub state: String,
}

/// A timer of a process at the moment of the copy.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct TimerView {
    /// The time that remained, in milliseconds.
    pub in_ms: u64,
    /// `message`, `event`, `request` for the time-out of a request, or `wait` for that of a callback.
    pub kind: &'static str,
    /// The message or event.
    pub data: Option<String>,
}

/// A message that waits.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct MessageView {
    /// `info`, `cast`, `event`, `call`, `answer`, `no answer`, `continue`, `exit`, `down` or `time-out`.
    pub kind: &'static str,
    /// The process that an `exit`, `down` or `call` comes from.
    pub from: Option<String>,
    /// The message, or the reason of an end; `None` for a time-out.
    pub data: Option<String>,
}

impl ProcessView {
    /// The bytes of its states, timers and messages: nearly all that it takes as text.
    pub fn bytes(&self) -> usize {
        let states: usize = self.states.iter().map(|it| it.state.len()).sum();
        let timers = self.timers.iter().filter_map(|it| it.data.as_ref());
        let messages = self.messages.iter().filter_map(|it| it.data.as_ref());
        states + timers.chain(messages).map(String::len).sum::<usize>()
    }
}

impl Subtree {
    /// All processes as people see them, each before its children.
    pub fn view(&self) -> Vec<ProcessView> {
        let mut below: HashMap<Pid, Vec<&Moved>> = HashMap::new();
        for process in self.processes.iter().skip(1) {
            below.entry(process.parent).or_default().push(process);
        }
        let ids = self.ids();
        let root = self.processes.first();
        let mut waiting: Vec<(u64, &Moved)> = root.map(|root| (0, root)).into_iter().collect();
        let mut views = Vec::with_capacity(self.processes.len());
        while let Some((depth, process)) = waiting.pop() {
            views.push(ProcessView {
                depth,
                id: ids.get(&process.pid).cloned(),
                ..process.view()
            });
            let children = below.get(&process.pid).into_iter().flatten().rev();
            waiting.extend(children.map(|child| (depth + 1, *child)));
        }
        views
    }

    /// The ids of children, by their pids.
    fn ids(&self) -> HashMap<Pid, String> {
        let rests = self.processes.iter().filter_map(|it| match &it.body {
            MovedBody::Supervisor(_, rest) => Some(&rest.children),
            _ => None,
        });
        let ordered = rests.filter_map(|children| match children {
            MovedChildren::Ordered(children) => Some(children),
            MovedChildren::Simple(..) => None,
        });
        let ids = ordered.flatten().filter_map(|child| {
            Some((child.pid?, ChildView::new(&child.spec).ok()?.id.to_string()))
        });
        ids.collect()
    }
}

impl Moved {
    fn view(&self) -> ProcessView {
        let mailbox = self.mailbox.iter().map(Letter::view);
        ProcessView {
            depth: 0,
            pid: self.pid.to_string(),
            module: self.module.clone(),
            vsn: self.vsn.clone(),
            kind: self.kind(),
            id: None,
            registered: self.registered.clone(),
            names: self.names.iter().map(|name| text(name)).collect(),
            suspended: self.suspended,
            states: self.states(),
            timers: self.timer_views(),
            messages: mailbox.collect(),
        }
    }

    fn kind(&self) -> String {
        match &self.body {
            MovedBody::State(_) => "worker".to_string(),
            MovedBody::Handlers(_) => "event manager".to_string(),
            MovedBody::Supervisor(_, rest) => {
                let strategy = match rest.strategy() {
                    Strategy::OneForOne => "one_for_one",
                    Strategy::OneForAll => "one_for_all",
                    Strategy::RestForOne => "rest_for_one",
                    Strategy::SimpleOneForOne => "simple_one_for_one",
                };
                format!("supervisor, {strategy}")
            }
        }
    }

    fn states(&self) -> Vec<StateView> {
        let own = |bytes: &[u8]| {
            vec![StateView {
                module: self.module.clone(),
                vsn: self.vsn.clone(),
                state: pretty(&term(bytes)),
            }]
        };
        match &self.body {
            MovedBody::State(state) => own(state),
            MovedBody::Supervisor(args, _) => own(args),
            MovedBody::Handlers(handlers) => {
                let view = handlers.iter().map(|handler| StateView {
                    module: handler.module.clone(),
                    vsn: handler.vsn.clone(),
                    state: pretty(&term(&handler.state)),
                });
                view.collect()
            }
        }
    }

    fn timer_views(&self) -> Vec<TimerView> {
        let own = self.timers.iter().map(|timer| TimerView {
            in_ms: timer.clock.in_ms,
            kind: if timer.event { "event" } else { "message" },
            data: Some(text(&timer.data)),
        });
        let clock = |kind| {
            move |in_ms| TimerView {
                in_ms,
                kind,
                data: None,
            }
        };
        let requests = self.requests.iter().filter_map(|it| Some(it.clock?.in_ms));
        let wait = self.wait.iter().filter_map(|it| Some(it.clock?.in_ms));
        let requests = requests.map(clock("request"));
        let mut views: Vec<TimerView> =
            own.chain(requests).chain(wait.map(clock("wait"))).collect();
        views.sort_by_key(|timer| timer.in_ms);
        views
    }
}

impl Letter {
    fn view(&self) -> MessageView {
        let (kind, from, data) = match self {
            Letter::Info(bytes) => ("info", None, Some(text(bytes))),
            Letter::Cast(bytes) => ("cast", None, Some(text(bytes))),
            Letter::Event(bytes) => ("event", None, Some(text(bytes))),
            Letter::Call(from, _, bytes) => ("call", Some(*from), Some(text(bytes))),
            Letter::Answer(_, bytes) => ("answer", None, Some(text(bytes))),
            Letter::NoAnswer(_, why) => ("no answer", None, Some(reason(why))),
            Letter::Continue(bytes) => ("continue", None, Some(text(bytes))),
            Letter::Exit(from, why) => ("exit", Some(*from), Some(reason(why))),
            Letter::Down(of, _, why) => ("down", Some(*of), Some(reason(why))),
            Letter::TimeOut(_) => ("time-out", None, None),
        };
        let from = from.map(|from: Pid| from.to_string());
        MessageView { kind, from, data }
    }
}

/// The term of these bytes, or the bytes as a binary.
fn term(bytes: &[u8]) -> Term {
    from_msgpack(bytes).unwrap_or_else(|_| Term::binary(bytes))
}

/// The term of these bytes in one line.
fn text(bytes: &[u8]) -> String {
    term(bytes).to_string()
}

fn reason(bytes: &[u8]) -> String {
    Reason::from_bytes(bytes).to_term().to_string()
}
