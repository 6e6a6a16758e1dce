//! The value of a subtree. The field names are those of the encoded form: unknown fields are skipped, and missing ones
//! have their default.

use pq_term::Pid;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::letters::Letter;
use super::numbers::Numbers;
use super::opens::Residue;
use crate::supervisor::{MovedChildren, SupervisorAtRest};

/// The processes of a subtree at most. An avatar has three; a subtree of more than some thousand would stop its shard
/// for milliseconds.
pub const PROCESSES_MAX: usize = 4_096;

/// A supervised subtree: all that its processes are.
///
/// A pid of a process outside of the subtree stays a pid. When the subtree is put into a node that it was not taken
/// from, such a pid becomes one of shard 255, which no node has: so it is dead, and different pids stay different as
/// long as their slots were used less than a million times. The pid 0, which stands for callers outside of the node,
/// becomes dead, too.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Subtree {
    /// The processes, the root first, parents before their children.
    pub(super) processes: Vec<Moved>,
    /// The arguments that the root was started with, as far as they are known: a supervisor above it may need them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<ByteBuf>,
    /// The processes that wait to run, by their place in `processes`, the first to run first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ready: Vec<u32>,
    /// The last number that the shard gave to a request or monitor.
    #[serde(default)]
    pub(super) last_ref: u64,
    /// The number of the shard's last start of a timer, which orders the timers.
    #[serde(default)]
    pub(super) last_timer: u32,
    /// The number of the node that the processes have left: pids of others stay there.
    #[serde(skip)]
    pub(super) home: Option<u64>,
}

/// A process as a value.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Moved {
    /// The pid before the move.
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) module: String,
    pub(super) vsn: String,
    pub(super) body: MovedBody,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) residues: Vec<Residue>,
    /// The local name (`erlang:register/2`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) registered: Option<String>,
    /// The names in the registry, as the registry writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<ByteBuf>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) traps_exit: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) suspended: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<Pid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) watchers: Vec<MovedWatcher>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) monitors: Vec<MovedMonitor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) requests: Vec<MovedRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wait: Option<MovedWait>,
    /// The timers with messages and events to the process itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) timers: Vec<MovedTimer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mailbox: Vec<Letter>,
}

/// The state of a process.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MovedBody {
    /// The exported state of a gen_server or gen_fsm.
    State(ByteBuf),
    /// The handlers of an event manager, the newest first.
    Handlers(Vec<MovedHandler>),
    /// A supervisor, and the arguments of its `init`.
    Supervisor(ByteBuf, Box<SupervisorAtRest>),
}

/// A handler of an event manager.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct MovedHandler {
    pub(super) module: String,
    pub(super) vsn: String,
    pub(super) state: ByteBuf,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) residues: Vec<Residue>,
}

/// A process that is told of the end of this one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct MovedWatcher {
    pub(super) pid: Pid,
    pub(super) tag: u64,
    /// Whether the watcher waits for an answer; otherwise it monitors.
    pub(super) asks: bool,
}

/// A process that this one monitors.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct MovedMonitor {
    pub(super) monitor: u64,
    pub(super) of: Pid,
}

/// A request of this process that waits for its answer. Without a clock its time is over, and a letter says so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct MovedRequest {
    pub(super) id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) clock: Option<Clock>,
}

/// A wait with a time-out. Without a clock its time is over, and a letter says so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct MovedWait {
    pub(super) number: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) clock: Option<Clock>,
}

/// A timer of a process.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct MovedTimer {
    pub(super) clock: Clock,
    /// Whether an event comes, for a state machine; otherwise a message.
    pub(super) event: bool,
    pub(super) data: ByteBuf,
}

/// The time that remains of a timer, and the timer's number before the move.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Clock {
    pub(super) in_ms: u64,
    pub(super) key: u64,
}

impl Subtree {
    /// The number of processes.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there is no process, which is true only of a value that was made by hand.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// The arguments that the root was started with, MessagePack; `None` if neither the root nor its supervisor keeps them.
    pub fn args(&self) -> Option<&[u8]> {
        self.args.as_deref().map(|args| &args[..])
    }

    /// The modules of all processes and handlers with their versions, those of the root first.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.processes.iter().flat_map(|process| {
            let handlers: &[MovedHandler] = match &process.body {
                MovedBody::Handlers(handlers) => handlers,
                _ => &[],
            };
            let handlers = handlers.iter().map(|it| (&*it.module, &*it.vsn));
            std::iter::once((&*process.module, &*process.vsn)).chain(handlers)
        })
    }

    /// The names of all processes in the registry, as MessagePack, in the order of the processes.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let names = self.processes.iter().flat_map(|process| &process.names);
        names.map(|name| &name[..])
    }

    /// The state of the first process of this module, with the version that exported it.
    pub fn state_of(&self, module: &str) -> Option<(&str, &[u8])> {
        self.processes
            .iter()
            .find_map(|process| match &process.body {
                MovedBody::State(state) if process.module == module => {
                    Some((&*process.vsn, &state[..]))
                }
                _ => None,
            })
    }

    /// The pids of the processes before the move.
    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.processes.iter().map(|process| process.pid)
    }
}

/// The name in the registry of the first process that has one; empty without any.
pub(super) fn name_of_all(processes: &[Moved]) -> &[u8] {
    let first = processes.iter().find_map(|process| process.names.first());
    first.map_or(&[], |name| name)
}

impl Moved {
    /// The process in errors: its module and version, and its pid before the move.
    pub(super) fn called(&self) -> String {
        format!("{}-{} ({})", self.module, self.vsn, self.pid)
    }

    /// The clocks of all timers: of its own, of requests, of a wait.
    pub(super) fn clocks_mut(&mut self) -> impl Iterator<Item = &mut Clock> {
        let timers = self.timers.iter_mut().map(|timer| &mut timer.clock);
        let requests = self.requests.iter_mut().filter_map(|it| it.clock.as_mut());
        let wait = self.wait.iter_mut().filter_map(|wait| wait.clock.as_mut());
        timers.chain(requests).chain(wait)
    }

    /// Replaces all pids and timers by those after the move.
    pub(super) fn renumber(&mut self, numbers: &Numbers) {
        numbers.pid(&mut self.pid);
        numbers.pid(&mut self.parent);
        self.body.renumber(numbers);
        residues_of(&mut self.residues, numbers);
        self.names.iter_mut().for_each(|name| numbers.bytes(name));
        self.links.iter_mut().for_each(|link| numbers.pid(link));
        let watchers = self.watchers.iter_mut();
        watchers.for_each(|watcher| numbers.pid(&mut watcher.pid));
        let monitors = self.monitors.iter_mut();
        monitors.for_each(|monitor| numbers.pid(&mut monitor.of));
        let timers = self.timers.iter_mut();
        timers.for_each(|timer| numbers.bytes(&mut timer.data));
        for clock in self.clocks_mut() {
            clock.key = numbers.timer(clock.key);
        }
        self.mailbox
            .iter_mut()
            .for_each(|letter| letter.renumber(numbers));
    }
}

impl MovedBody {
    fn renumber(&mut self, numbers: &Numbers) {
        match self {
            MovedBody::State(state) => numbers.bytes(state),
            MovedBody::Handlers(handlers) => {
                for handler in handlers {
                    numbers.bytes(&mut handler.state);
                    residues_of(&mut handler.residues, numbers);
                }
            }
            MovedBody::Supervisor(args, rest) => {
                numbers.bytes(args);
                match &mut rest.children {
                    MovedChildren::Ordered(children) => {
                        for child in children {
                            numbers.bytes(&mut child.spec);
                            child.pid.iter_mut().for_each(|pid| numbers.pid(pid));
                        }
                    }
                    MovedChildren::Simple(template, children) => {
                        numbers.bytes(template);
                        for child in children {
                            numbers.pid(&mut child.pid);
                            child.args.iter_mut().for_each(|args| numbers.bytes(args));
                        }
                    }
                }
            }
        }
    }
}

fn residues_of(residues: &mut [Residue], numbers: &Numbers) {
    let residues = residues.iter_mut();
    residues.for_each(|residue| numbers.bytes(&mut residue.bytes));
}

/// The form that serde asks for.
#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(it: &bool) -> bool {
    !it
}
