//! A process: about 70 bytes in a slab, and a box for the things that only few processes have.

use std::collections::BTreeMap;

use pq_abi::{Module, Reason, State};
use pq_term::{Pid, Term};

use crate::mailbox::Mailbox;
use crate::message::{Caller, Envelope};
use crate::native::Native;
use crate::numbered::Numbered;
use crate::residue::Residues;
use crate::supervisor::Supervisor;
use crate::sys::Debug;
use crate::wheel::{Own, TimerKey};

mod flags;
pub(crate) use flags::{Flag, Flags, Mark, Marks};

/// The outcome of a start: a process, `ignore` (`None`), or the reason of the failure.
pub type StartOutcome = Result<Option<Pid>, Reason>;

/// The code and state that run in a process.
pub(crate) enum Body {
    /// The process starts, or its code runs right now and has the state.
    Empty,
    /// A gen_server or gen_fsm of a library.
    Callback(State),
    /// An event manager and its handlers, the newest first.
    Manager(Vec<Handler>),
    /// A supervisor of a library (`supervisor(3)`).
    Supervisor(Box<SupervisorBody>),
    /// A process of the runtime itself.
    Native(Box<dyn Native>),
}

/// A handler of an event manager.
pub(crate) struct Handler {
    pub(crate) state: State,
    /// The residues that newer versions left beside the state.
    pub(crate) residues: Option<Box<Residues>>,
}

impl From<State> for Handler {
    fn from(state: State) -> Handler {
        Handler {
            state,
            residues: None,
        }
    }
}

/// The state of a supervisor process.
pub(crate) struct SupervisorBody {
    pub(crate) machine: Supervisor,
    /// The arguments of the supervisor's start: an upgrade calls `init` with them again.
    pub(crate) args: Box<[u8]>,
}

/// A process of the node, in the slab of its shard.
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    /// `None` for processes of the runtime itself.
    pub(crate) module: Option<Module>,
    pub(crate) body: Body,
    pub(crate) mailbox: Mailbox,
    /// The timers with messages and events to itself.
    pub(crate) timers: Own,
    pub(crate) flags: Flags,
    pub(crate) exported: Marks,
    pub(crate) extras: Option<Box<Extras>>,
}

/// Why one process watches another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Watch {
    /// The watcher has called `monitor`, and receives a `Down`.
    Monitor,
    /// A request of the watcher waits for an answer.
    Request,
}

/// A wait with a time-out: its number and its timer. A time-out of 0 ms has no timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) number: u32,
    pub(crate) timer: Option<TimerKey>,
}

/// The things that only few processes have.
#[derive(Default)]
pub(crate) struct Extras {
    /// Linked processes, except the parent and the children of a supervisor.
    pub(crate) links: Vec<Pid>,
    /// The callers that are told when this process ends. Thousands may wait for one supervisor.
    pub(crate) watchers: Numbered<Caller, Watch>,
    /// The processes that this process watches, by monitor.
    pub(crate) monitors: BTreeMap<u64, Pid>,
    /// The requests of this process that wait for answers, with their timers. A start has no timer: it always ends.
    pub(crate) requests: BTreeMap<u64, Option<TimerKey>>,
    /// The local name of the process in the registry.
    pub(crate) registered: Option<String>,
    /// The ports that the process owns.
    pub(crate) ports: Vec<u64>,
    /// The receive time-out of a callback that waits.
    pub(crate) wait: Option<Box<Wait>>,
    /// The data of `sys`: statistics, log and trace.
    pub(crate) debug: Option<Box<Debug>>,
    /// The residues that newer versions left beside the state.
    pub(crate) residues: Option<Box<Residues>>,
}

impl Extras {
    fn is_empty(&self) -> bool {
        self.links.is_empty()
            && self.watchers.is_empty()
            && self.monitors.is_empty()
            && self.requests.is_empty()
            && self.registered.is_none()
            && self.ports.is_empty()
            && self.wait.is_none()
            && self.debug.is_none()
            && self.residues.is_none()
    }
}

impl Process {
    pub(crate) fn new(pid: Pid, parent: Pid, module: Option<Module>) -> Process {
        let (body, mailbox) = (Body::Empty, Mailbox::EMPTY);
        Process {
            pid,
            parent,
            module,
            body,
            mailbox,
            timers: Own::NONE,
            flags: Flags::default(),
            exported: Marks::default(),
            extras: None,
        }
    }

    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }

    /// Whether the process is suspended ([`Process::takes`] says what it takes then).
    pub(crate) fn waits(&self) -> bool {
        self.has(Flag::Suspended)
    }

    pub(crate) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Changes the extras, and frees their memory when they are empty afterwards.
    pub(crate) fn with_extras<R>(&mut self, change: impl FnOnce(&mut Extras) -> R) -> Option<R> {
        let extras = self.extras.as_mut()?;
        let result = change(extras);
        if extras.is_empty() {
            self.extras = None;
        }
        Some(result)
    }

    /// The residues that newer versions left beside the state.
    pub(crate) fn residues(&self) -> Option<&Residues> {
        self.extras.as_ref()?.residues.as_deref()
    }

    pub(crate) fn set_residues(&mut self, residues: Option<Box<Residues>>) {
        if residues.is_some() {
            self.extras();
        }
        self.with_extras(|extras| extras.residues = residues);
    }

    /// Whether the process may take this envelope now. A suspended process takes only system messages and the exit
    /// signal of its parent (`sys(3)`). Transactions hold processes elsewhere (`shard::gate`).
    pub(crate) fn takes(&self, envelope: &Envelope) -> bool {
        !self.waits() || matches!(envelope, Envelope::System(_)) || self.is_ordered_by(envelope)
    }

    /// Whether this envelope is the exit signal by which the parent ends the process.
    pub(crate) fn is_ordered_by(&self, envelope: &Envelope) -> bool {
        matches!(envelope, Envelope::Exit(from, _) if *from == self.parent)
    }

    /// Removes the link to a process that has ended. `false` when there is no link any more: the process unlinked while
    /// the signal was under way, so the signal is ignored.
    pub(crate) fn break_link(&mut self, with: Pid) -> bool {
        let forget = |extras: &mut Extras| {
            let before = extras.links.len();
            extras.links.retain(|link| *link != with);
            extras.links.len() < before
        };
        let was_linked = self.with_extras(forget).unwrap_or(false);
        // The parent and the children of a supervisor are linked without an entry in the list.
        was_linked
            || with == self.parent
            || matches!(self.body, Body::Supervisor(_) | Body::Native(_))
    }

    fn info(&self, view: View<'_>) -> ProcessInfo {
        let module = view.own(self);
        ProcessInfo {
            pid: self.pid,
            module: self.name().to_string(),
            vsn: module.map_or("", |module| module.vsn()).to_string(),
            kind: self.module.map_or("native", |module| module.kind().word()),
            registered: self
                .extras
                .as_ref()
                .and_then(|extras| extras.registered.clone()),
            parent: Some(self.parent).filter(|parent| parent.as_raw() != 0),
            messages: self.mailbox.len(),
            suspended: self.has(Flag::Suspended),
            held: view.is_shut && self.has(Flag::Concerned),
            measured: None,
        }
    }

    /// Whether this is an idle event manager without handlers, so that an event would change nothing. Most avatars play
    /// without a subscriber, and such events would be half of the cost of a kill.
    pub(crate) fn hears_nothing(&self) -> bool {
        matches!(&self.body, Body::Manager(handlers) if handlers.is_empty())
            && self.mailbox.is_empty()
            && !self.has(Flag::Debugged)
    }

    /// The name in logs and listings: that of the module, or of the runtime's process.
    pub(crate) fn name(&self) -> &str {
        match (self.module, &self.body) {
            (Some(module), _) => module.name(),
            (None, Body::Native(native)) => native.name(),
            (None, _) => "pq",
        }
    }
}

/// The effect of a transaction on the view that others have of the processes concerned.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// Whether the transaction holds the processes.
    pub(crate) is_shut: bool,
    /// Pairs of versions, after a commit: processes of the first version count as processes of the second, even before
    /// they have run it.
    pub(crate) coming: &'a [(Module, Module)],
}

impl View<'_> {
    fn version(self, process: &Process, module: Module) -> Module {
        let mut coming = self.coming.iter();
        let new = coming.find(|(from, _)| process.has(Flag::Concerned) && *from == module);
        new.map_or(module, |(_, to)| *to)
    }

    fn own(self, process: &Process) -> Option<Module> {
        process.module.map(|module| self.version(process, module))
    }
}

/// A view of a process on its shard, without a copy.
pub struct Seen<'a> {
    process: &'a Process,
    view: View<'a>,
    measured: Option<u64>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(process: &'a Process, view: View<'a>) -> Seen<'a> {
        Seen {
            process,
            view,
            measured: None,
        }
    }

    /// Adds the figure that was measured for a listing.
    pub(crate) fn with(self, measured: Option<u64>) -> Seen<'a> {
        Seen { measured, ..self }
    }

    /// The pid of the process that is seen.
    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    /// The pid of the process that started this one; 0 if no process did.
    pub fn parent(&self) -> Pid {
        self.process.parent
    }

    /// The version of the process's module; `None` for a process of the runtime itself.
    pub fn module(&self) -> Option<Module> {
        self.view.own(self.process)
    }

    /// The versions of the modules of an event manager's handlers; empty for other processes.
    pub fn handlers(&self) -> impl Iterator<Item = Module> {
        let handlers: &[Handler] = match &self.process.body {
            Body::Manager(handlers) => handlers,
            _ => &[],
        };
        let modules = handlers.iter().map(|handler| handler.state.module());
        modules.map(|module| self.view.version(self.process, module))
    }

    /// The name of the process in listings: its module, or the name of a process of the runtime.
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// The description of the process in a listing.
    pub fn info(&self) -> ProcessInfo {
        ProcessInfo {
            measured: self.measured,
            ..self.process.info(self.view)
        }
    }
}

/// The description of a process in listings (`erlang:process_info/1`).
#[derive(Clone, PartialEq, Debug)]
pub struct ProcessInfo {
    /// The pid of the process described.
    pub pid: Pid,
    /// The name of the callback module, or of a process of the runtime.
    pub module: String,
    /// The version of the module; empty for a process of the runtime.
    pub vsn: String,
    /// The kind of the module (`gen_server`, …), or `native` for a process of the runtime.
    pub kind: &'static str,
    /// The local name, if the process is registered.
    pub registered: Option<String>,
    /// The process that started this one; `None` if no process did.
    pub parent: Option<Pid>,
    /// The number of messages in the mailbox.
    pub messages: u32,
    /// Whether `sys:suspend` has suspended the process.
    pub suspended: bool,
    /// Whether a transaction holds the process.
    pub held: bool,
    /// The figure that the listing has asked for ([`crate::Measure`]); `None` without one.
    pub measured: Option<u64>,
}

impl ProcessInfo {
    /// The description as a map, for callers that write terms.
    pub fn to_term(&self) -> Term {
        let pid = |pid: Option<Pid>| pid.map_or(Term::undefined(), Term::from);
        let registered = self
            .registered
            .as_deref()
            .map_or(Term::undefined(), Term::string);
        Term::map([
            (Term::atom("pid"), pid(Some(self.pid))),
            (Term::atom("module"), Term::string(self.module.as_str())),
            (Term::atom("vsn"), Term::string(self.vsn.as_str())),
            (Term::atom("registered"), registered),
            (Term::atom("parent"), pid(self.parent)),
            (Term::atom("messages"), Term::from(i64::from(self.messages))),
            (
                Term::atom("suspended"),
                Term::atom(if self.suspended { "true" } else { "false" }),
            ),
        ])
    }
}
