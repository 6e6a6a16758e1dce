//! Functions that are called from outside of the node and of any process. Their effects are carried out as usual.
//!
//! The functions run on their own threads (`calls`), and in a simulation on its one shard.
//!
//! A function may return the number of a request that it has made; `shop:close` does so, because its caller receives
//! the result in a later message. Outside of a process there is no mailbox, so the request is made for the caller
//! from outside, if that is wanted, and its answer replaces the number.

use std::sync::atomic::{AtomicBool, Ordering};

use pq_abi::op::Call;
use pq_abi::{Failure, Reason};
use pq_term::Term;
use pq_term::msgpack::from_msgpack;

use super::Shard;
use crate::answers::Calls;
use crate::callback::Callback;
use crate::effect::{Effect, Request};
use crate::message::{Caller, Envelope, ModuleCall, Payload, Returned};

/// The tag of requests whose answers are dropped. Callers from outside have tags from 1 on.
const NOBODYS: u64 = 0;

impl Shard {
    /// Calls a function of a module.
    pub(super) fn call_from_outside(&mut self, call: ModuleCall) {
        let result = self.in_callback(call.from.pid, |host| run(host, &call));
        self.answer_from_outside(call.from, answer(result));
    }

    /// Handles a function that has returned on a thread of its own.
    pub(super) fn returned_from_outside(&mut self, returned: Returned) {
        let Returned {
            from,
            effects,
            result,
        } = returned;
        self.core.effects = effects;
        self.apply_effects(from.pid);
        self.answer_from_outside(from, result);
    }

    fn answer_from_outside(&mut self, from: Caller, result: Option<Result<Payload, Reason>>) {
        if let Some(result) = result {
            let result = result.map_err(Box::new);
            self.send(from.pid, Envelope::Response(from.tag, result));
        }
    }
}

/// Runs a function; returns `None` when the answer to a request of the function replaces its result. The messages are
/// sent later, so no answer has come yet.
pub(crate) fn run(host: &mut Callback<'_>, call: &ModuleCall) -> Result<Option<Payload>, Failure> {
    let mut answer = Vec::new();
    let called = Call {
        module: call.module.as_bytes(),
        function: call.function.as_bytes(),
        args: &call.args,
    };
    host.call(called, &mut answer)?;
    let effects = &mut host.core.effects;
    let is_to_come = hand_over(effects, &answer, call.asks.as_deref(), call.from.tag);
    Ok((!is_to_come).then(|| Payload::from_vec(answer)))
}

/// The answer to a call, if it is known already.
pub(crate) fn answer(result: Result<Option<Payload>, Failure>) -> Option<Result<Payload, Reason>> {
    result.map_err(Failure::into_reason).transpose()
}

/// Gives the request with the returned number to the caller with this tag, if that is wanted, and drops the answers of
/// all others: tags of requests and of callers outside are different sequences. Returns whether there was such a request.
fn hand_over(effects: &mut [Effect], answer: &[u8], asks: Option<&AtomicBool>, tag: u64) -> bool {
    let number: Option<Term> = asks.and_then(|_| from_msgpack(answer).ok());
    let mut is_found = false;
    for effect in effects {
        if let Effect::Request(Request { id, .. }) | Effect::StartLink(_, _, id) = effect {
            let is_answer = number.as_ref() == Some(&Term::from(*id));
            *id = if is_answer { tag } else { NOBODYS };
            is_found |= is_answer;
        }
    }
    if let Some(asks) = asks {
        asks.store(is_found, Ordering::Release);
    }
    is_found
}
