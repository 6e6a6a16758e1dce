//! A process: seventy bytes in a slab, and a box for what few processes have.

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
use crate::wheel::TimerKey;

mod flags;
pub(crate) use flags::{Flag, Flags, Mark, Marks};

/// How a start came out: a process, `ignore` (`None`), or why not.
pub type StartOutcome = Result<Option<Pid>, Reason>;

/// What runs in a process.
pub(crate) enum Body {
    /// It starts, or its code runs right now.
    Empty,
    /// A gen_server or gen_fsm of a library.
    Callback(State),
    /// An event manager and its handlers, the newest first.
    Manager(Vec<Handler>),
    /// A supervisor.
    Supervisor(Box<SupervisorBody>),
    /// A process of the runtime's own.
    Native(Box<dyn Native>),
}

/// A handler of an event manager.
pub(crate) struct Handler {
    pub(crate) state: State,
    /// What newer versions left beside it.
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

/// A supervisor.
pub(crate) struct SupervisorBody {
    pub(crate) machine: Supervisor,
    /// The arguments of its start: `init` is asked again with them at an upgrade.
    pub(crate) args: Box<[u8]>,
}

/// A process.
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    /// `None` for processes of the runtime's own.
    pub(crate) module: Option<Module>,
    pub(crate) body: Body,
    pub(crate) mailbox: Mailbox,
    pub(crate) flags: Flags,
    pub(crate) exported: Marks,
    pub(crate) extras: Option<Box<Extras>>,
}

/// Why somebody watches a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Watch {
    /// `monitor`: is told with a `Down`.
    Monitor,
    /// A request of theirs waits for this process's answer.
    Request,
}

/// A wait with a time-out: which, and its timer; one of 0 ms has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) number: u32,
    pub(crate) timer: Option<TimerKey>,
}

/// What few processes have.
#[derive(Default)]
pub(crate) struct Extras {
    /// Linked processes, without parent and children of a supervisor.
    pub(crate) links: Vec<Pid>,
    /// Who hears of the end of this process. Thousands may wait for one supervisor.
    pub(crate) watchers: Numbered<Caller, Watch>,
    /// Whom this process watches, by monitor.
    pub(crate) monitors: BTreeMap<u64, Pid>,
    /// Its requests that wait, with their timeouts; a start has none, it always comes out.
    pub(crate) requests: BTreeMap<u64, Option<TimerKey>>,
    /// Its local name.
    pub(crate) registered: Option<String>,
    /// The ports it owns.
    pub(crate) ports: Vec<u64>,
    /// Its receive time-out.
    pub(crate) wait: Option<Box<Wait>>,
    /// What `sys` keeps.
    pub(crate) debug: Option<Box<Debug>>,
    /// What newer versions left here.
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
            flags: Flags::default(),
            exported: Marks::default(),
            extras: None,
        }
    }

    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }

    /// Suspended: it takes only what cannot wait.
    pub(crate) fn waits(&self) -> bool {
        self.has(Flag::Suspended)
    }

    pub(crate) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Changes what few processes have, and gives its memory back when nothing is left.
    pub(crate) fn with_extras<R>(&mut self, change: impl FnOnce(&mut Extras) -> R) -> Option<R> {
        let extras = self.extras.as_mut()?;
        let result = change(extras);
        if extras.is_empty() {
            self.extras = None;
        }
        Some(result)
    }

    /// What newer versions left beside its state.
    pub(crate) fn residues(&self) -> Option<&Residues> {
        self.extras.as_ref()?.residues.as_deref()
    }

    pub(crate) fn set_residues(&mut self, residues: Option<Box<Residues>>) {
        if residues.is_some() {
            self.extras();
        }
        self.with_extras(|extras| extras.residues = residues);
    }

    /// Whether it may take this now. A suspended process takes system messages and the end that its parent
    /// orders (`sys(3)`); all else waits. A transaction holds processes elsewhere (`shard::gate`).
    pub(crate) fn takes(&self, envelope: &Envelope) -> bool {
        !self.waits() || matches!(envelope, Envelope::System(_)) || self.is_ordered_by(envelope)
    }

    /// Whether this is the end that its parent orders.
    pub(crate) fn is_ordered_by(&self, envelope: &Envelope) -> bool {
        matches!(envelope, Envelope::Exit(from, _) if *from == self.parent)
    }

    /// A linked process has ended: forgets the link. `false` when there is none any more, and the end is no
    /// business of this process: it has unlinked, and the signal was on its way.
    pub(crate) fn break_link(&mut self, with: Pid) -> bool {
        let forget = |extras: &mut Extras| {
            let before = extras.links.len();
            extras.links.retain(|link| *link != with);
            extras.links.len() < before
        };
        let was_linked = self.with_extras(forget).unwrap_or(false);
        // A parent, and the children of a supervisor, are linked without standing in the list.
        was_linked
            || with == self.parent
            || matches!(self.body, Body::Supervisor(_) | Body::Native(_))
    }

    /// Its line in a listing.
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
        }
    }

    /// An event manager at rest that nobody has subscribed to: an event would change nothing. Most avatars
    /// play unseen, and telling nobody is half of what a kill costs.
    pub(crate) fn hears_nothing(&self) -> bool {
        matches!(&self.body, Body::Manager(handlers) if handlers.is_empty())
            && self.mailbox.is_empty()
            && !self.has(Flag::Debugged)
    }

    /// What it is called in logs and listings.
    pub(crate) fn name(&self) -> &str {
        match (self.module, &self.body) {
            (Some(module), _) => module.name(),
            (None, Body::Native(native)) => native.name(),
            (None, _) => "pq",
        }
    }
}

/// What a transaction makes of the processes that it concerns, as others see them.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// It holds them.
    pub(crate) is_shut: bool,
    /// It is decided: processes of the first version count as those of the second, whether they have run since or not.
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

/// A look at a process, where it lives.
pub struct Seen<'a> {
    process: &'a Process,
    view: View<'a>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(process: &'a Process, view: View<'a>) -> Seen<'a> {
        Seen { process, view }
    }

    /// Which.
    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    /// The version of its module; `None` for a process of the runtime's own.
    pub fn module(&self) -> Option<Module> {
        self.view.own(self.process)
    }

    /// Those of its handlers.
    pub fn handlers(&self) -> impl Iterator<Item = Module> {
        let handlers: &[Handler] = match &self.process.body {
            Body::Manager(handlers) => handlers,
            _ => &[],
        };
        let modules = handlers.iter().map(|handler| handler.state.module());
        modules.map(|module| self.view.version(self.process, module))
    }

    /// Its name in listings.
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// Its line in a listing.
    pub fn info(&self) -> ProcessInfo {
        self.process.info(self.view)
    }
}

/// A line about a process, for listings (`erlang:process_info/1`).
#[derive(Clone, PartialEq, Debug)]
pub struct ProcessInfo {
    /// Which.
    pub pid: Pid,
    /// Its module.
    pub module: String,
    /// The version of the module that runs in it.
    pub vsn: String,
    /// What it is: the word of its module's kind, or `native` for a process of the runtime's own.
    pub kind: &'static str,
    /// Its local name.
    pub registered: Option<String>,
    /// Who started it.
    pub parent: Option<Pid>,
    /// Messages that wait.
    pub messages: u32,
    /// `sys:suspend` holds it.
    pub suspended: bool,
    /// A transaction holds it.
    pub held: bool,
}

impl ProcessInfo {
    /// As a term: a map.
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
