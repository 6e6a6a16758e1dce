//! Running a native process (`native`): its inputs and actions.

use pq_abi::Failure;
use pq_term::Pid;

use super::{Due, Shard};
use crate::answers::undef;
use crate::callback::Callback;
use crate::effect::Request;
use crate::message::{Ack, Envelope, Payload, Signal, Spawn};
use crate::native::{Native, NativeAction, NativeCtx, NativeInput};
use crate::process::Body;

impl Shard {
    pub(super) fn run_native_envelope(&mut self, pid: Pid, envelope: Envelope) {
        let parent = self.slab.get(pid).map(|process| process.parent);
        let input = match envelope {
            Envelope::Info(data) | Envelope::Event(data) | Envelope::Continue(data) => {
                NativeInput::Info(data)
            }
            Envelope::Cast(data) => NativeInput::Cast(data),
            Envelope::Call(from, data) => NativeInput::Call(from, data),
            Envelope::Response(id, result) => match self.take_request(pid, id) {
                Some(()) => NativeInput::Response(id, result.map_err(|reason| *reason)),
                None => return,
            },
            Envelope::Exit(from, reason) if Some(from) == parent => NativeInput::Stop(*reason),
            Envelope::Exit(from, reason) | Envelope::Down(from, _, reason) => {
                NativeInput::Exit(from, *reason)
            }
            Envelope::Started(ticket, outcome) => NativeInput::Started(ticket, outcome),
            Envelope::Timer(id) => NativeInput::Timer(id),
            Envelope::PortData(..)
            | Envelope::PortClosed(..)
            | Envelope::PutIn(..)
            | Envelope::System(_) => return,
        };
        self.run_native(pid, input);
    }

    pub(super) fn run_native(&mut self, pid: Pid, input: NativeInput) {
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        let Body::Native(mut native) = std::mem::replace(&mut process.body, Body::Empty) else {
            return;
        };
        let actions = self.handle_native(pid, native.as_mut(), input);
        if let Some(process) = self.slab.get_mut(pid) {
            process.body = Body::Native(native);
        }
        for action in actions {
            self.act_native(pid, action);
        }
    }

    fn handle_native(
        &mut self,
        pid: Pid,
        native: &mut dyn Native,
        input: NativeInput,
    ) -> Vec<NativeAction> {
        let (node, now_ms) = (self.core.node.clone(), self.core.now_ms);
        let code = node.clone();
        let mut call = |module: &str, function: &str, args: &[u8]| {
            let module = code.module(module).ok_or_else(|| undef(module, function))?;
            self.in_callback(pid, |host: &mut Callback<'_>| {
                module.call(host, function, args)
            })
            .map_err(Failure::into_reason)
        };
        let mut ctx = NativeCtx {
            node: &node,
            pid,
            now_ms,
            actions: Vec::new(),
            call: &mut call,
        };
        native.handle(input, &mut ctx);
        ctx.actions
    }

    fn act_native(&mut self, pid: Pid, action: NativeAction) {
        match action {
            NativeAction::Start(ticket, start) => {
                let spawn = Spawn {
                    start,
                    parent: pid,
                    ack: Ack::Ticket(pid, ticket),
                };
                self.signal(Signal::Spawn(spawn));
            }
            NativeAction::Reply(to, bytes) => {
                self.unwatch(pid, to);
                self.reply(to, bytes);
            }
            NativeAction::Request(to, id, data, timeout_ms) => {
                let data = Payload::from_vec(data);
                let request = Request {
                    to,
                    id,
                    timeout_ms,
                    data,
                };
                self.request(pid, request);
            }
            NativeAction::Exit(to, reason) => self.send_exit(to, pid, reason),
            NativeAction::Timer(id, ms) => {
                let due = Due::Timer(pid, id);
                let due_ms = self.core.due_after(u64::from(ms));
                self.core.wheel.start(due_ms, due);
            }
            NativeAction::End(reason) => self.end(pid, reason),
        }
    }
}
