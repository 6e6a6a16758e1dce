//! Running a supervisor: envelopes become inputs of its machine, its actions become signals.

use pq_abi::spec::{self, SupReply};
use pq_abi::{Failure, Kind, Module};
use pq_term::{Pid, Term};

use super::{Due, Shard};
use crate::called::{brief, brief_text};
use crate::message::{Ack, Caller, Envelope, Signal, Spawn};
use crate::process::{Body, Flag, SupervisorBody};
use crate::supervisor::{Action, Input, Report, StartOutcome, Supervisor, Ticket};

/// The world outside the node, which asks as if it were a process.
const OUTSIDE: Pid = Pid::from_raw(0);

/// The monitor by which it hears of ends for [`crate::Kin`]. Other monitors of its are none.
const KIN: u64 = 0;

/// Room that is kept: a supervisor that stops a hundred thousand children at once needs more, once.
const SPARE_ACTIONS_MAX: usize = 1_024;

impl Shard {
    /// Asks the module for its children and starts them; the outcome is told when they run.
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
            Envelope::Exit(from, reason) => Input::Exited {
                pid: from,
                reason: *reason,
            },
            Envelope::Timer(id) => Input::Timer { id },
            Envelope::Call(from, data) => match spec::decode_request(data.into_vec()) {
                Ok(request) => Input::Request { from, request },
                Err(error) => return self.refuse_request(pid, from, &error),
            },
            _ => return,
        };
        self.supervise(pid, input);
    }

    /// Gives the machine an input and does what it says.
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

    fn supervisor(&mut self, pid: Pid) -> Option<&mut SupervisorBody> {
        match &mut self.slab.get_mut(pid)?.body {
            Body::Supervisor(body) => Some(body),
            _ => None,
        }
    }

    /// Does them, and keeps their room for the next.
    fn act_all(&mut self, pid: Pid, mut actions: Vec<Action>) {
        for action in actions.drain(..) {
            self.act(pid, action);
        }
        if actions.capacity() <= SPARE_ACTIONS_MAX {
            self.spare_actions = actions;
        }
    }

    fn act(&mut self, pid: Pid, action: Action) {
        match action {
            Action::Start {
                ticket,
                start,
                dynamic,
                ..
            } => {
                let spawn = Spawn {
                    start,
                    parent: pid,
                    ack: Ack::Ticket(pid, ticket.0),
                };
                self.start_child(spawn, dynamic);
            }
            Action::Exit { pid: child, reason } => self.send_exit(child, pid, reason),
            Action::SetTimer { id, ms } => self.set_timer(pid, id, ms),
            Action::CancelTimer { .. } => (),
            Action::Reply { to, reply } => {
                self.unwatch(pid, to);
                if let (SupReply::Started(Some(child)), true) = (&reply, to.owned_port()) {
                    self.tell_kin(to.pid, *child);
                }
                self.reply(to, spec::encode_reply(&reply));
            }
            Action::Ready => self.ready(pid),
            Action::Report(report) => self.report(pid, report),
            Action::End(reason) => self.end(pid, reason),
        }
    }

    /// A dynamic child may live anywhere, all others live where their supervisor does: an avatar's three
    /// processes share a shard. Where only supervisors live, whoever is none is born elsewhere.
    fn start_child(&mut self, spawn: Spawn, dynamic: bool) {
        let shard = if dynamic || self.is_no_place_for(&spawn) {
            self.core.node.next_shard()
        } else {
            self.core.id
        };
        let signal = Signal::Spawn(spawn);
        match shard == self.core.id {
            true => self.local.push_back(signal),
            false => self.outboxes[usize::from(shard)].push(signal),
        }
    }

    /// The owner of a port has its child: whoever looks after such hears of it, and of the end of both.
    fn tell_kin(&mut self, asker: Pid, child: Pid) {
        if let Some(kin) = self.core.node.kin() {
            kin.started(asker, child);
            let (pid, tag) = (OUTSIDE, KIN);
            for of in [child, asker] {
                let watcher = Caller { pid, tag };
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

    /// A timer that the machine takes back fires all the same, and is ignored then: it is one that bounds the
    /// end of a child, so there are few.
    fn set_timer(&mut self, pid: Pid, id: u32, ms: u32) {
        let due_ms = self.core.now_ms + u64::from(ms);
        self.core.wheel.start(due_ms, Due::Timer(pid, id));
    }

    fn ready(&mut self, pid: Pid) {
        if let Some(ack) = self.starting.remove(&pid) {
            self.acknowledge(ack, Ok(Some(pid)));
        }
    }

    /// Progress and supervisor reports, in the words of OTP's `supervisor_report`. The log says by default
    /// which child ended and why, and that it is back; that one started is for debugging.
    fn report(&mut self, pid: Pid, report: Report) {
        let supervisor = self.slab.get(pid).map_or("", |process| process.name());
        // Who has ended has lost its name by now.
        let name = |child: Pid| self.core.node.name_of(child);
        match report {
            Report::Progress { id, pid: child } => {
                tracing::debug!(supervisor, %pid, child = %id, started = %child, "progress");
            }
            Report::Restarted { id, pid: child } => {
                tracing::info!(supervisor, %pid, child = %id, started = %child, name = name(child), "progress: restarted");
            }
            Report::ChildTerminated {
                id,
                pid: child,
                reason,
            } => {
                tracing::warn!(supervisor, %pid, child = %id, ended = %child, reason = %brief(&reason), "child_terminated");
            }
            // Whoever ordered the start of this tree hears the reason, and decides what it is worth: anybody
            // can ask for an avatar whose name is taken.
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
}
