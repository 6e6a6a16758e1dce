//! Births: a start becomes a process, and the caller of the start receives the result.

use pq_abi::{Failure, Kind, Module, Reason};
use pq_term::{Pid, Term};

use super::Shard;
use super::stage::Birth;
use crate::answers::undef;
use crate::callback::Callback;
use crate::crowd::CrowdChange;
use crate::message::{Ack, Envelope, Payload, Signal, Spawn};
use crate::native::{Native, NativeInput};
use crate::process::{Body, Flag, Process, StartOutcome};

impl Shard {
    /// Carries out a birth, unless a transaction keeps it back.
    pub(super) fn give_birth(&mut self, birth: Birth) {
        match self.hold_back(birth) {
            Some(Birth::Start(spawn)) => self.spawn(spawn),
            Some(Birth::Arrival(arrival)) => self.arrive(*arrival),
            None => (),
        }
    }

    /// Starts a process of the current version of its module.
    fn spawn(&mut self, spawn: Spawn) {
        let Spawn { start, parent, ack } = spawn;
        let Some(module) = self.core.node.module(start.module.as_str()) else {
            return self.acknowledge(ack, Err(undef(start.module.as_str(), "init")));
        };
        let pid = self.birth(parent, Some(module));
        self.follow(pid, module);
        if let Err(holder) = self.give_name(pid, module.registered()) {
            let reason = Term::tuple([Term::atom("already_started"), Term::from(holder)]);
            let reason = Reason::Other(reason);
            self.vanish(pid, &reason);
            return self.acknowledge(ack, Err(reason));
        }
        match module.kind() {
            Kind::Supervisor => self.init_supervisor(pid, module, start.args, ack),
            _ => {
                let outcome = self.init(pid, module, &start.args);
                self.settle(pid, outcome, ack);
            }
        }
    }

    /// Starts a process of the runtime's own.
    pub(super) fn spawn_native(&mut self, native: Box<dyn Native>, ack: Ack) {
        let pid = self.birth(Pid::from_raw(0), None);
        let name = native.name();
        if let Some(process) = self.slab.get_mut(pid) {
            process.body = Body::Native(native);
            process.flags.raise(Flag::TrapsExit);
        }
        // The runtime starts each native process once, so the name is free.
        let _ = self.give_name(pid, Some(name));
        self.run_native(pid, NativeInput::Init);
        self.acknowledge(ack, Ok(Some(pid)));
    }

    pub(crate) fn birth(&mut self, parent: Pid, module: Option<Module>) -> Pid {
        let pid = self.slab.insert(|pid| Process::new(pid, parent, module));
        self.core.node.alive(self.core.id).born(pid);
        self.counters.spawned += 1;
        self.tallies.start(&self.core.node, module);
        self.tell_crowd(pid, CrowdChange::Born);
        pid
    }

    /// Logs a change of the process for views, while somebody wants it.
    pub(crate) fn tell_crowd(&self, pid: Pid, change: CrowdChange) {
        let crowd = self.core.node.crowd();
        if crowd.is_wanted()
            && let Some(process) = self.slab.get(pid)
        {
            crowd.note(process, change);
        }
    }

    pub(crate) fn give_name(&mut self, pid: Pid, name: Option<&str>) -> Result<(), Pid> {
        let Some(name) = name else { return Ok(()) };
        self.core.node.register(name, pid)?;
        if let Some(process) = self.slab.get_mut(pid) {
            process.extras().registered = Some(name.to_string());
        }
        Ok(())
    }

    /// Runs `init` and gives the process its body.
    fn init(&mut self, pid: Pid, module: Module, args: &[u8]) -> Result<(), Failure> {
        let body = match module.kind() {
            Kind::GenServer | Kind::GenFsm => self
                .in_callback(pid, |host| module.init(host, args))
                .map(Body::Callback),
            Kind::EventManager => self
                .in_callback(pid, |host| module.call(host, "init", args))
                .map(|_| Body::Manager(Vec::new())),
            kind => Err(Failure::Reason(Reason::tagged(
                "bad_module",
                &format!("{module:?} is of kind {}", kind.word()),
            ))),
        }?;
        if let Some(process) = self.slab.get_mut(pid) {
            if matches!(body, Body::Manager(_)) {
                process.flags.raise(Flag::TrapsExit);
            }
            process.body = body;
        }
        Ok(())
    }

    /// Runs a function for a process; its effects are carried out when it succeeds.
    pub(crate) fn in_callback<R>(
        &mut self,
        pid: Pid,
        run: impl FnOnce(&mut Callback<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let parent = self
            .slab
            .get(pid)
            .map_or(Pid::from_raw(0), |process| process.parent);
        let mut host = Callback::new(&mut self.core, &self.slab, pid, parent);
        let result = run(&mut host);
        let holds_name = host.finish();
        self.note_name(pid, holds_name);
        match &result {
            Ok(_) => self.apply_effects(pid),
            Err(_) => self.forget_effects(),
        }
        result
    }

    /// Records whether the registry holds a name of this process.
    pub(crate) fn note_name(&mut self, pid: Pid, holds_name: bool) {
        if let Some(process) = self.slab.get_mut(pid).filter(|_| holds_name) {
            process.flags.raise(Flag::HoldsName);
        }
    }

    /// Reports the result of a start; a process that did not start is removed.
    pub(super) fn settle(&mut self, pid: Pid, outcome: Result<(), Failure>, ack: Ack) {
        let outcome = match outcome {
            Ok(()) => {
                self.link_to_parent(pid, ack);
                Ok(Some(pid))
            }
            Err(Failure::Ignore) => {
                self.vanish(pid, &Reason::Normal);
                Ok(None)
            }
            Err(failure) => {
                let reason = failure.into_reason();
                self.vanish(pid, &reason);
                Err(reason)
            }
        };
        self.acknowledge(ack, outcome);
    }

    /// A supervisor knows its children; a process that used `start_link` gets a link instead. The other
    /// half of both is the child's parent.
    fn link_to_parent(&mut self, pid: Pid, ack: Ack) {
        let parent = self
            .slab
            .get(pid)
            .map_or(Pid::from_raw(0), |process| process.parent);
        if matches!(ack, Ack::Request(_)) && parent.as_raw() != 0 {
            self.signal(Signal::Link(parent, pid));
        }
    }

    pub(crate) fn acknowledge(&mut self, ack: Ack, outcome: StartOutcome) {
        match ack {
            Ack::Ticket(to, ticket) => self.send(to, Envelope::Started(ticket, outcome)),
            Ack::Request(caller) => {
                let result = outcome.map_err(Box::new).map(|pid| {
                    let term = pid.map_or(Term::undefined(), Term::from);
                    Payload::from_vec(pq_term::msgpack::to_msgpack(&term))
                });
                self.send(caller.pid, Envelope::Response(caller.tag, result));
            }
        }
    }
}
