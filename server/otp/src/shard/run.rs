//! Running a process: each of its envelopes goes through one callback.

use pq_abi::{Callback as Number, Failure, Reason, Verdict};
use pq_term::Pid;

use super::{Shard, TURN_MAX};
use crate::callback::Callback;
use crate::called::brief;
use crate::crowd::CrowdChange;
use crate::message::{Caller, Envelope, Payload};
use crate::process::{Body, Flag, Mark};

/// One in so many messages is shown to a view of the crowd: with 100 000 avatars at the book's pace some 8 000 per second.
const SHOWN_EACH: u64 = 16;

/// An envelope in the form of a callback: its number, its operands, its bytes.
pub(super) struct Call {
    pub(super) number: Number,
    pub(super) operands: (u64, u64),
    pub(super) data: Payload,
}

impl Call {
    /// The last callback of a process or a handler.
    pub(super) fn terminate(reason: &Reason) -> Call {
        Call {
            number: Number::Terminate,
            operands: (0, 0),
            data: Payload::from_vec(reason.to_bytes()),
        }
    }
}

impl Shard {
    /// Runs the process at this index of the slab for one turn.
    pub(super) fn run(&mut self, index: u32) {
        let Some(process) = self.slab.at(index) else {
            return;
        };
        process.flags.lower(Flag::Queued);
        let pid = process.pid;
        let handled = self.run_turn(pid);
        self.counting.add(pid, handled, self.core.now_ms);
    }

    /// Runs the process for one turn; returns the number of envelopes.
    fn run_turn(&mut self, pid: Pid) -> u32 {
        for handled in 0..TURN_MAX {
            let Some(envelope) = self.next_envelope(pid) else {
                return handled;
            };
            self.counters.envelopes += 1;
            if self.counters.envelopes.is_multiple_of(SHOWN_EACH) {
                self.tell_crowd(pid, CrowdChange::Acted);
            }
            let input_of = match &envelope {
                Envelope::PortData(port, _) => Some(*port),
                _ => None,
            };
            let timed = self.timing.begin();
            self.dispatch(pid, envelope);
            if let Some(took_ns) = self.timing.end(timed) {
                self.trace_handled(pid, took_ns);
            }
            if let Some(port) = input_of {
                self.core.node.ports().input_done(port);
            }
            self.handle_local();
        }
        self.wake(pid);
        TURN_MAX
    }

    /// The next envelope that the process may take now.
    fn next_envelope(&mut self, pid: Pid) -> Option<Envelope> {
        let is_concerned = self.slab.get(pid)?.has(Flag::Concerned);
        if is_concerned && !self.gate.is_open() && !self.passes_gate(pid) {
            return self.wait_at_gate(pid);
        }
        let process = self.slab.get_mut(pid)?;
        let mut mailbox = process.mailbox;
        let envelope = match process.waits() {
            true => self
                .arena
                .pop_first(&mut mailbox, |envelope| process.takes(envelope)),
            false => self.arena.pop(&mut mailbox),
        };
        process.mailbox = mailbox;
        let envelope = envelope?;
        if process.has(Flag::Debugged) && !matches!(envelope, Envelope::System(_)) {
            let is_traced = process.note_in(&envelope, self.core.now_ms);
            if is_traced {
                self.timing.trace();
            }
        }
        if process.exported.are_set() {
            self.note_change(pid);
        }
        Some(envelope)
    }

    /// Earlier exports no longer show the state of the process.
    fn note_change(&mut self, pid: Pid) {
        if let Some(process) = self.slab.get_mut(pid)
            && process.exported.clear().has(Mark::Upgrade)
        {
            self.changed.note(process);
        }
    }

    /// Passes an envelope to the body of the process.
    pub(super) fn dispatch(&mut self, pid: Pid, envelope: Envelope) {
        if let Envelope::System(request) = envelope {
            return self.system(pid, *request);
        }
        if let Envelope::PutIn(from, put) = envelope {
            return self.put_under(pid, from, *put);
        }
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        if let (true, Envelope::Exit(_, reason)) = (process.waits(), &envelope) {
            return self.terminate(pid, (**reason).clone());
        }
        match &process.body {
            Body::Callback(_) => self.run_callback(pid, envelope),
            Body::Manager(_) => self.run_manager(pid, envelope),
            Body::Supervisor(_) => self.run_supervisor(pid, envelope),
            Body::Native(_) => self.run_native_envelope(pid, envelope),
            Body::Empty => (),
        }
    }

    /// Runs a gen_server or a gen_fsm.
    fn run_callback(&mut self, pid: Pid, envelope: Envelope) {
        let parent = self.slab.get(pid).map(|process| process.parent);
        match envelope {
            Envelope::Exit(from, reason) if parent == Some(from) => return self.stop(pid, *reason),
            _ => (),
        }
        let Some(call) = self.call_of(pid, envelope) else {
            return;
        };
        self.end_wait(pid);
        match self.call_state(pid, &call) {
            Verdict::Wait | Verdict::Remove => self.apply_effects(pid),
            Verdict::Stop(reason) => {
                self.apply_effects(pid);
                self.stop(pid, reason);
            }
            Verdict::Fail(failure) => {
                self.forget_effects();
                self.crash(pid, call.number, failure);
            }
        }
    }

    /// Runs the callback; its effects are recorded, and not carried out yet.
    fn call_state(&mut self, pid: Pid, call: &Call) -> Verdict {
        let Some(process) = self.slab.get_mut(pid) else {
            return Verdict::Wait;
        };
        let parent = process.parent;
        let Body::Callback(mut state) = std::mem::replace(&mut process.body, Body::Empty) else {
            return Verdict::Wait;
        };
        let mut host = Callback::new(&mut self.core, &self.slab, pid, parent);
        let verdict = state.handle(&mut host, call.number, call.operands, &call.data);
        let holds_name = host.finish();
        if let Some(process) = self.slab.get_mut(pid) {
            process.body = Body::Callback(state);
        }
        self.note_name(pid, holds_name);
        verdict
    }

    /// Ends a process in order: `terminate`, then the end.
    pub(super) fn stop(&mut self, pid: Pid, reason: Reason) {
        match self.call_state(pid, &Call::terminate(&reason)) {
            Verdict::Fail(failure) => {
                self.forget_effects();
                self.crash(pid, Number::Terminate, failure);
            }
            _ => {
                self.apply_effects(pid);
                self.report_end(pid, &reason);
                self.end(pid, reason);
            }
        }
    }

    /// A callback failed: its process ends, with a log line that names the callback.
    fn crash(&mut self, pid: Pid, number: Number, failure: Failure) {
        let reason = failure.into_reason();
        let module = self.slab.get(pid).map_or("", |process| process.name());
        let (name, shown) = (self.core.node.name_of(pid), brief(&reason));
        tracing::error!(%pid, name, module, callback = ?number, reason = shown, "process terminated");
        self.end(pid, reason);
    }

    fn report_end(&mut self, pid: Pid, reason: &Reason) {
        if !reason.is_orderly() {
            let module = self.slab.get(pid).map_or("", |process| process.name());
            let (name, reason) = (self.core.node.name_of(pid), brief(reason));
            tracing::error!(%pid, name, module, reason, "process terminated");
        }
    }

    /// The callback for an envelope; `None` for an answer to a request that is closed.
    pub(super) fn call_of(&mut self, pid: Pid, envelope: Envelope) -> Option<Call> {
        let call = |number, a, b, data| {
            Some(Call {
                number,
                operands: (a, b),
                data,
            })
        };
        let bytes = |reason: &Reason| Payload::from_vec(reason.to_bytes());
        match envelope {
            Envelope::Event(data) => call(Number::Event, 0, 0, data),
            Envelope::Info(data) => call(Number::Info, 0, 0, data),
            Envelope::Cast(data) => call(Number::Cast, 0, 0, data),
            Envelope::Call(Caller { pid: from, tag }, data) => {
                call(Number::Call, from.as_raw(), tag, data)
            }
            Envelope::Continue(data) => call(Number::Continue, 0, 0, data),
            Envelope::Exit(from, reason) => call(Number::Exit, from.as_raw(), 0, bytes(&reason)),
            Envelope::Down(of, monitor, reason) => {
                self.forget_monitor(pid, monitor)?;
                call(Number::Down, of.as_raw(), monitor, bytes(&reason))
            }
            Envelope::PortData(port, data) => call(Number::PortData, port, 0, data),
            Envelope::PortClosed(port, why) => call(Number::PortClosed, port, 0, why),
            Envelope::Response(id, result) => {
                self.take_request(pid, id)?;
                match result {
                    Ok(data) => call(Number::Response, id, 0, data),
                    Err(reason) => call(Number::Response, id, 1, bytes(&reason)),
                }
            }
            Envelope::Timer(wait) => {
                self.take_time_out(pid, wait)?;
                call(Number::TimeOut, 0, 0, Payload::new())
            }
            Envelope::Started(..)
            | Envelope::Left(_)
            | Envelope::PutIn(..)
            | Envelope::System(_) => None,
        }
    }

    fn forget_monitor(&mut self, pid: Pid, monitor: u64) -> Option<()> {
        self.slab
            .get_mut(pid)?
            .with_extras(|extras| extras.monitors.remove(&monitor))?
            .map(drop)
    }

    /// Closes the request whose answer has come.
    pub(super) fn take_request(&mut self, pid: Pid, id: u64) -> Option<()> {
        let timeout = self
            .slab
            .get_mut(pid)?
            .with_extras(|extras| extras.requests.remove(&id))??;
        if let Some(key) = timeout {
            self.core.wheel.cancel(key);
        }
        Some(())
    }
}
