//! Running a supervisor: envelopes become inputs of its machine, its actions become signals.

use pq_abi::spec::{self, SupReply};
use pq_abi::{Failure, Kind, Module, Reason};
use pq_term::{Pid, Term};

use super::{Due, Shard};
use crate::called::{brief, brief_text};
use crate::message::{Ack, Caller, Envelope, Signal, Spawn};
use crate::node::{News, Notice, WATCHER};
use crate::process::{Body, Flag, SupervisorBody};
use crate::supervisor::{Action, Former, Input, Report, StartOutcome, Supervisor, Ticket};

/// The world outside of the node, which asks like a process.
const OUTSIDE: Pid = Pid::from_raw(0);

/// The capacity that is kept: only a supervisor that stops 100 000 children at once needs more.
const SPARE_ACTIONS_MAX: usize = 1_024;

impl Shard {
    /// Calls the module's `init` and starts the children; the result is reported when they run.
    pub(super) fn init_supervisor(&mut self, pid: Pid, module: Module, args: Vec<u8>, ack: Ack) {
        let mut actions = std::mem::take(&mut self.spare_actions);
        let made = self
            .in_callback(pid, |host| module.call(host, "init", &args))
            .and_then(|bytes| Supervisor::new(&bytes, &mut actions).map_err(Failure::Reason));
        match made {
            Err(failure) => self.settle(pid, Err(failure), ack),
            Ok(machine) => {
                if let Some(process) = self.slab.get_mut(pid) {
                    process.flags.raise(Flag::TrapsExit);
                    let args = args.into_boxed_slice();
                    process.body = Body::Supervisor(Box::new(SupervisorBody { machine, args }));
                }
                self.starting.insert(pid, ack);
                self.act_all(pid, actions);
            }
        }
    }

    pub(super) fn run_supervisor(&mut self, pid: Pid, envelope: Envelope) {
        let parent = self.slab.get(pid).map(|process| process.parent);
        let input = match envelope {
            Envelope::Started(ticket, outcome) => {
                let outcome = match outcome {
                    Ok(Some(pid)) => StartOutcome::Ok(pid),
                    Ok(None) => StartOutcome::Ignore,
                    Err(reason) => StartOutcome::Err(reason),
                };
                Input::Started {
                    ticket: Ticket(ticket),
                    outcome,
                }
            }
            Envelope::Exit(from, reason) if Some(from) == parent => Input::Stop(*reason),
            Envelope::Exit(from, reason) => {
                self.tell_ended(pid, from, &reason);
                Input::Exited {
                    pid: from,
                    reason: *reason,
                }
            }
            Envelope::Timer(id) => Input::Timer { id },
            Envelope::Left(child) => return self.child_left(pid, child),
            Envelope::Call(from, data) => match spec::decode_request(data.into_vec()) {
                Ok(request) => Input::Request { from, request },
                Err(error) => return self.refuse_request(pid, from, &error),
            },
            _ => return,
        };
        self.supervise(pid, input);
    }

    /// Gives the machine an input, and carries out its actions.
    pub(super) fn supervise(&mut self, pid: Pid, input: Input) {
        let now_ms = self.core.now_ms;
        let mut actions = std::mem::take(&mut self.spare_actions);
        if let Some(body) = self.supervisor(pid) {
            body.machine.handle(input, now_ms, &mut actions);
        }
        self.act_all(pid, actions);
    }

    fn refuse_request(&mut self, pid: Pid, from: Caller, error: &str) {
        let reason = Term::tuple([Term::atom("bad_request"), Term::string(error)]);
        self.unwatch(pid, from);
        self.reply(from, spec::encode_reply(&SupReply::Error(reason)));
    }

    pub(crate) fn supervisor(&mut self, pid: Pid) -> Option<&mut SupervisorBody> {
        match &mut self.slab.get_mut(pid)?.body {
            Body::Supervisor(body) => Some(body),
            _ => None,
        }
    }

    /// Carries out the actions, and keeps their vector for the next call.
    pub(crate) fn act_all(&mut self, pid: Pid, mut actions: Vec<Action>) {
        for action in actions.drain(..) {
            self.act(pid, action);
        }
        if actions.capacity() <= SPARE_ACTIONS_MAX {
            self.spare_actions = actions;
        }
    }

    pub(crate) fn act(&mut self, pid: Pid, action: Action) {
        match action {
            Action::Start {
                ticket,
                start,
                dynamic,
                again,
                ..
            } => {
                let spawn = Spawn {
                    start,
                    parent: pid,
                    ack: Ack::Ticket(pid, ticket.0),
                };
                match again {
                    Some(again) => self.start_again(spawn, dynamic, *again),
                    None => self.start_child(spawn, dynamic),
                }
            }
            Action::Exit { pid: child, reason } => self.send_exit(child, pid, reason),
            Action::SetTimer { id, ms } => self.set_timer(pid, id, ms),
            Action::CancelTimer { .. } => (),
            Action::Reply { to, reply } => {
                self.unwatch(pid, to);
                let started = match &reply {
                    SupReply::Started(child) => *child,
                    _ => None,
                };
                // A process acts on its answer, so its listeners are told first. A caller outside of the node may enter the
                // child in its books, so the listeners are told afterwards.
                let (before, after) = match to.pid == OUTSIDE {
                    true => (None, started),
                    false => (started, None),
                };
                before.inspect(|child| self.tell_started(pid, to, *child));
                self.reply(to, spec::encode_reply(&reply));
                after.inspect(|child| self.tell_started(pid, to, *child));
            }
            Action::Ready => self.ready(pid),
            Action::Report(report) => self.report(pid, report),
            Action::End(reason) => self.end(pid, reason),
        }
    }

    /// A dynamic child may live on any shard; all others live on the shard of their supervisor, so an avatar's three
    /// processes share a shard. If that shard is only for supervisors, other children are born elsewhere.
    pub(super) fn start_child(&mut self, spawn: Spawn, dynamic: bool) {
        let shard = if dynamic || self.is_no_place_for(&spawn) {
            self.core.node.next_shard()
        } else {
            self.core.id
        };
        self.tell_shard(shard, Signal::Spawn(spawn));
    }

    /// Sends a signal to a shard, this one or another.
    pub(crate) fn tell_shard(&mut self, shard: u8, signal: Signal) {
        match shard == self.core.id {
            true => self.local.push_back(signal),
            false => self.outboxes[usize::from(shard)].push(signal),
        }
    }

    /// A child was started for a caller.
    fn tell_started(&mut self, supervisor: Pid, caller: Caller, child: Pid) {
        if let Some(children) = self.core.node.children() {
            children.started(supervisor, child);
        }
        if caller.owned_port() {
            self.tell_kin(caller.pid, child);
        }
    }

    /// A process that may be a child has ended ([`crate::Children`]).
    fn tell_ended(&mut self, supervisor: Pid, child: Pid, reason: &Reason) {
        let Some(children) = self.core.node.children() else {
            return;
        };
        let process = self.slab.get(supervisor);
        if let Some(Body::Supervisor(body)) = process.map(|process| &process.body)
            && let Some(end) = body.machine.end_of(child, reason)
        {
            children.ended(&self.core.node, child, end);
        }
    }

    /// A supervisor has restarted a child.
    fn tell_restarted(&self, supervisor: Pid, of: Former, new: Pid) {
        if let (Former::Process(old), Some(children)) = (of, self.core.node.children()) {
            children.replaced(supervisor, old, new);
        }
    }

    /// The owner of a port has its child: the listener ([`crate::Kin`]) is told of it, and of the end of both.
    fn tell_kin(&mut self, asker: Pid, child: Pid) {
        if let Some(kin) = self.core.node.kin() {
            kin.started(asker, child);
            for of in [child, asker] {
                let watcher = WATCHER;
                self.signal(Signal::Monitor { of, watcher });
            }
        }
    }

    fn is_no_place_for(&self, spawn: &Spawn) -> bool {
        let node = &self.core.node;
        let module = || node.module(spawn.start.module.as_str());
        node.is_for_supervisors(self.core.id)
            && module().is_some_and(|module| module.kind() != Kind::Supervisor)
    }

    /// A cancelled timer fires all the same, and is ignored then: such timers bound the
    /// end of a child, so there are few.
    fn set_timer(&mut self, pid: Pid, id: u32, ms: u32) {
        let due_ms = self.core.due_after(u64::from(ms));
        self.core.wheel.start(due_ms, Due::Timer(pid, id));
    }

    fn ready(&mut self, pid: Pid) {
        if let Some(ack) = self.starting.remove(&pid) {
            self.acknowledge(ack, Ok(Some(pid)));
        }
    }

    /// Logs progress and supervisor reports, in the terms of OTP's `supervisor_report`. By default the log has
    /// the ends of children with their reasons, and the restarts; first starts are logged at DEBUG.
    fn report(&mut self, pid: Pid, report: Report) {
        self.note_report(pid, &report);
        let supervisor = self.slab.get(pid).map_or("", |process| process.name());
        // A process that has ended has lost its name already.
        let name = |child: Pid| self.core.node.name_of(child);
        match report {
            Report::Progress { id, pid: child } => {
                tracing::debug!(supervisor, %pid, child = %id, started = %child, "progress");
            }
            Report::Restarted { id, pid: child, of } => {
                self.tell_restarted(pid, of, child);
                tracing::info!(supervisor, %pid, child = %id, started = %child, name = name(child), "progress: restarted");
            }
            Report::ChildTerminated {
                id,
                pid: child,
                reason,
            } => {
                tracing::warn!(supervisor, %pid, child = %id, ended = %child, reason = %brief(&reason), "child_terminated");
            }
            // The caller that ordered the start of this tree receives the reason, and decides whether to log it: any
            // player can ask for an avatar whose name is taken.
            Report::StartError { id, reason } if self.starting.contains_key(&pid) => {
                tracing::debug!(supervisor, %pid, child = %id, reason = %brief(&reason), "start_error");
            }
            Report::StartError { id, reason } => {
                tracing::warn!(supervisor, %pid, child = %id, reason = %brief(&reason), "start_error");
            }
            Report::ReachedMaxRestartIntensity { id } => {
                tracing::error!(supervisor, %pid, child = %id, "reached_max_restart_intensity");
            }
            other => {
                let report = brief_text(&format!("{other:?}"));
                tracing::warn!(supervisor, %pid, report, "supervisor report");
            }
        }
    }

    /// Counts restarts, and passes failures and restarts to the listener, if there is one ([`crate::Notices`]).
    fn note_report(&mut self, supervisor: Pid, report: &Report) {
        let (id, pid) = match report {
            Report::ChildTerminated { id, pid, .. } => (id, Some(*pid)),
            Report::Restarted { id, pid, .. } => {
                self.counters.restarts += 1;
                (id, Some(*pid))
            }
            Report::ReachedMaxRestartIntensity { id } => {
                self.counters.given_up += 1;
                (id, None)
            }
            _ => return,
        };
        let Some(notices) = self.core.node.notices() else {
            return;
        };
        let module = self
            .slab
            .get(supervisor)
            .map_or("", |process| process.name());
        notices.notice(Notice {
            supervisor: module.to_string(),
            child: brief_text(&id.to_string()),
            pid,
            name: pid.and_then(|pid| self.core.node.name_of(pid)),
            news: match report {
                Report::ChildTerminated { reason, .. } => News::Failed(brief(reason)),
                Report::Restarted { .. } => News::Restarted,
                _ => News::GivenUp,
            },
        });
    }
}
