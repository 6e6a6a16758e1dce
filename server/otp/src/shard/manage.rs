//! Running an event manager: an event goes to every handler, the newest handler first
//! (`gen_event(3)`). A handler that fails is removed; the manager and the other handlers continue.

use pq_abi::spec::{self, ManagerReply, ManagerRequest};
use pq_abi::{Callback as Number, Failure, Kind, Reason, State, Verdict};
use pq_term::{Atom, Pid, Term};

use super::Shard;
use super::run::Call;
use crate::callback::Callback;
use crate::called::brief;
use crate::message::{Caller, Envelope, Payload};
use crate::process::{Body, Handler};

impl Shard {
    pub(super) fn run_manager(&mut self, pid: Pid, envelope: Envelope) {
        let parent = self.slab.get(pid).map(|process| process.parent);
        match envelope {
            Envelope::Cast(data) => self.run_manager(pid, Envelope::Info(data)),
            Envelope::Exit(from, reason) if Some(from) == parent => self.stop_manager(pid, *reason),
            Envelope::Call(from, data) => match spec::decode(&data) {
                Ok(ManagerRequest::AddHandler(module, _))
                    if self.hold_manager_for(pid, module.as_str()) =>
                {
                    self.put_back(pid, Envelope::Call(from, data));
                }
                Ok(request) => self.manager_request(pid, from, request),
                Err(error) => {
                    let reason = Term::tuple([Term::atom("bad_request"), Term::string(error)]);
                    self.answer_manager(pid, from, ManagerReply::Error(reason));
                }
            },
            other => {
                if let Some(call) = self.call_of(pid, other) {
                    self.run_handlers(pid, &call);
                }
            }
        }
    }

    /// Ends the manager in order: `terminate` runs in every handler.
    pub(super) fn stop_manager(&mut self, pid: Pid, reason: Reason) {
        self.run_handlers(pid, &Call::terminate(&reason));
        self.end(pid, reason);
    }

    /// Puts back an envelope that the manager cannot handle before it continues, at the head of its mailbox.
    fn put_back(&mut self, pid: Pid, envelope: Envelope) {
        if let Some(process) = self.slab.get_mut(pid) {
            self.arena.push_front(&mut process.mailbox, envelope);
        }
    }

    fn run_handlers(&mut self, pid: Pid, call: &Call) {
        let Some(mut handlers) = self.take_handlers(pid) else {
            return;
        };
        handlers.retain_mut(|handler| self.run_handler(pid, &mut handler.state, call) == Ok(true));
        self.put_handlers(pid, handlers);
    }

    /// Runs one handler. `false`: the handler asked to be removed, and its `terminate` has run; an error: it failed.
    fn run_handler(&mut self, pid: Pid, handler: &mut State, call: &Call) -> Result<bool, Reason> {
        let parent = self
            .slab
            .get(pid)
            .map_or(Pid::from_raw(0), |process| process.parent);
        let mut host = Callback::new(&mut self.core, &self.slab, pid, parent);
        let verdict = handler.handle(&mut host, call.number, call.operands, &call.data);
        let holds_name = host.finish();
        self.note_name(pid, holds_name);
        match verdict {
            Verdict::Wait => {
                self.apply_effects(pid);
                Ok(true)
            }
            Verdict::Remove | Verdict::Stop(_) => {
                self.apply_effects(pid);
                let removed = Call::terminate(&Reason::Other(Term::atom("remove_handler")));
                self.run_handler(pid, handler, &removed).map(|_| false)
            }
            Verdict::Fail(failure) => {
                self.forget_effects();
                let reason = failure.into_reason();
                let (name, shown) = (self.core.node.name_of(pid), brief(&reason));
                tracing::error!(%pid, name, handler = handler.module().name(), reason = shown, "event handler terminated");
                Err(reason)
            }
        }
    }

    fn manager_request(&mut self, pid: Pid, from: Caller, request: ManagerRequest) {
        let reply = match request {
            ManagerRequest::AddHandler(module, args) => self.add_handler(pid, module, &args),
            ManagerRequest::DeleteHandler(module) => self.delete_handler(pid, module),
            ManagerRequest::WhichHandlers => ManagerReply::Handlers(self.which_handlers(pid)),
            ManagerRequest::Call(module, data) => {
                return self.call_handler(pid, from, module, &data);
            }
        };
        self.answer_manager(pid, from, reply);
    }

    fn answer_manager(&mut self, pid: Pid, from: Caller, reply: ManagerReply) {
        self.unwatch(pid, from);
        self.reply(from, spec::encode(&reply));
    }

    fn add_handler(&mut self, pid: Pid, name: Atom, args: &[u8]) -> ManagerReply {
        let refuse = |word| ManagerReply::Error(Term::atom(word));
        let Some(module) = self.core.node.module(name.as_str()) else {
            return refuse("undef");
        };
        if module.kind() != Kind::GenEvent {
            return refuse("bad_module");
        }
        let mut handlers = self.take_handlers(pid).unwrap_or_default();
        let reply = match self.in_callback(pid, |host| module.init(host, args)) {
            Ok(state) => {
                handlers.insert(0, Handler::from(state));
                self.follow(pid, module);
                ManagerReply::Ok
            }
            Err(Failure::Ignore) => refuse("ignore"),
            Err(failure) => ManagerReply::Error(failure.into_reason().to_term()),
        };
        self.put_handlers(pid, handlers);
        reply
    }

    fn delete_handler(&mut self, pid: Pid, name: Atom) -> ManagerReply {
        let mut handlers = self.take_handlers(pid).unwrap_or_default();
        let at = handlers
            .iter()
            .position(|handler| handler.state.module().name() == name.as_str());
        let Some(at) = at else {
            self.put_handlers(pid, handlers);
            return ManagerReply::Error(Term::atom("module_not_found"));
        };
        let mut handler = handlers.remove(at);
        self.put_handlers(pid, handlers);
        // The handler is removed in each case; the log has the failure of its `terminate`.
        let _ = self.run_handler(pid, &mut handler.state, &Call::terminate(&Reason::Normal));
        ManagerReply::Ok
    }

    /// The handler answers through its context; for a handler that is missing or fails, the manager answers.
    fn call_handler(&mut self, pid: Pid, from: Caller, name: Atom, data: &[u8]) {
        let mut handlers = self.take_handlers(pid).unwrap_or_default();
        let at = handlers
            .iter()
            .position(|handler| handler.state.module().name() == name.as_str());
        let operands = (from.pid.as_raw(), from.tag);
        let call = Call {
            number: Number::Call,
            operands,
            data: Payload::from_slice(data),
        };
        let outcome = match at {
            Some(at) => self.run_handler(pid, &mut handlers[at].state, &call),
            None => Err(Reason::Other(Term::atom("bad_module"))),
        };
        if let Some(at) = at.filter(|_| outcome != Ok(true)) {
            handlers.remove(at);
        }
        self.put_handlers(pid, handlers);
        if let Err(reason) = outcome {
            self.refuse_call(pid, from, reason);
        }
    }

    fn refuse_call(&mut self, pid: Pid, from: Caller, reason: Reason) {
        self.unwatch(pid, from);
        self.fail_caller(from, reason);
    }

    pub(super) fn which_handlers(&mut self, pid: Pid) -> Vec<Atom> {
        let handlers = self.take_handlers(pid).unwrap_or_default();
        let names = handlers
            .iter()
            .filter_map(|handler| Atom::new(handler.state.module().name()).ok())
            .collect();
        self.put_handlers(pid, handlers);
        names
    }

    /// Takes the handlers out while they run: meanwhile the body is empty, and messages to
    /// their own manager go to its mailbox. `None` when this is no manager.
    pub(crate) fn take_handlers(&mut self, pid: Pid) -> Option<Vec<Handler>> {
        let body = &mut self.slab.get_mut(pid)?.body;
        match std::mem::replace(body, Body::Empty) {
            Body::Manager(handlers) => Some(handlers),
            other => {
                *body = other;
                None
            }
        }
    }

    pub(crate) fn put_handlers(&mut self, pid: Pid, handlers: Vec<Handler>) {
        if let Some(process) = self.slab.get_mut(pid) {
            process.body = Body::Manager(handlers);
        }
    }
}
