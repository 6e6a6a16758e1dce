//! The requests from outside: as callbacks of a node, and as questions that wait for their answer.

use std::sync::{Arc, Mutex};

use pq_abi::Reason;
use pq_abi::spec::{self, SupReply};
use pq_term::{Pid, Term};

use super::sweep::{Batch, Sweep, SweepOrder, Which};
use super::taking::{Fate, TakeOut};
use super::{Arrival, NotMoved, PutIn, Subtree};
use crate::message::{Ack, Caller, Envelope, Payload, Signal};
use crate::node::{Ask, Node, RequestError, pid_of};
use crate::unpoisoned::Unpoisoned;

impl Node {
    /// Copies a subtree; its processes run on. `answer` runs on a shard's thread and must not wait.
    pub fn copy_out(
        &self,
        root: Pid,
        answer: impl FnOnce(Result<Subtree, NotMoved>) + Send + 'static,
    ) {
        self.order(root, Fate::Stay, Box::new(answer));
    }

    /// Takes a subtree out of the node: its processes leave without a `terminate`, and no link or monitor is told.
    /// Callers whose requests have not been answered wait on, and are answered after the subtree has been put into this
    /// node again. `answer` runs on a shard's thread and must not wait.
    pub fn take_out(
        &self,
        root: Pid,
        answer: impl FnOnce(Result<Subtree, NotMoved>) + Send + 'static,
    ) {
        self.order(root, Fate::Leave, Box::new(answer));
    }

    fn order(
        &self,
        root: Pid,
        fate: Fate,
        answer: Box<dyn FnOnce(Result<Subtree, NotMoved>) + Send>,
    ) {
        let order = TakeOut { root, fate, answer };
        self.signal(Signal::TakeOut(Box::new(order)));
    }

    /// Copies the next subtrees of a shard below a supervisor. `answer` runs on a shard's thread and must not wait.
    pub fn sweep(&self, shard: u8, sweep: Sweep, answer: impl FnOnce(Batch) + Send + 'static) {
        self.send_sweep(shard, Which::Below(sweep), Box::new(answer));
    }

    /// Copies those of these subtrees of a shard that have run since their last copy; the others are counted. `answer` runs
    /// on a shard's thread and must not wait.
    pub fn copy_changed(
        &self,
        shard: u8,
        roots: Vec<Pid>,
        answer: impl FnOnce(Batch) + Send + 'static,
    ) {
        self.send_sweep(shard, Which::These(roots), Box::new(answer));
    }

    fn send_sweep(&self, shard: u8, which: Which, answer: Box<dyn FnOnce(Batch) + Send>) {
        let order = Box::new(SweepOrder { which, answer });
        self.tell_shard(usize::from(shard), Signal::Sweep(order));
    }

    /// Puts a subtree into the node, with all its processes or none; the answer is the pid of its root. `answer` runs
    /// on a shard's thread and must not wait.
    pub fn put_in(&self, put: PutIn, answer: impl FnOnce(Result<Pid, NotMoved>) + Send + 'static) {
        let is_child = put.under.is_some();
        let from = self.expect_answer(Box::new(move |reply| answer(root_of(reply, is_child))));
        self.send_put(put, from);
    }

    fn send_put(&self, put: PutIn, from: Caller) {
        match &put.under {
            Some(under) => {
                let supervisor = under.supervisor;
                let put = Envelope::PutIn(from, Box::new(put));
                self.signal(Signal::Deliver(supervisor, put));
            }
            None => {
                let arrival = Arrival {
                    subtree: put.subtree,
                    opens: put.opens,
                    parent: Pid::from_raw(0),
                    ack: Ack::Request(from),
                    company: None,
                };
                let shard = usize::from(self.next_shard());
                self.tell_shard(shard, Signal::Arrive(Box::new(arrival)));
            }
        }
    }
}

/// Moves processes, and waits until it is done.
pub trait Moving: Ask {
    /// Copies a subtree; its processes run on.
    ///
    /// # Errors
    /// When the subtree cannot be copied, or cannot be copied now.
    fn copy_out(&mut self, root: Pid, timeout_ms: u64) -> Result<Subtree, NotMoved> {
        self.value(timeout_ms, |node, answer| node.copy_out(root, answer))?
    }

    /// Takes a subtree out of the node ([`Node::take_out`]).
    ///
    /// # Errors
    /// When the subtree cannot leave, or cannot leave now.
    fn take_out(&mut self, root: Pid, timeout_ms: u64) -> Result<Subtree, NotMoved> {
        self.value(timeout_ms, |node, answer| node.take_out(root, answer))?
    }

    /// Copies the next subtrees of a shard below a supervisor.
    ///
    /// # Errors
    /// When the shard does not answer.
    fn sweep(&mut self, shard: u8, sweep: Sweep, timeout_ms: u64) -> Result<Batch, NotMoved> {
        Ok(self.value(timeout_ms, move |node, answer| {
            node.sweep(shard, sweep, answer)
        })?)
    }

    /// Puts a subtree into the node, with all its processes or none. The answer is the pid of its root.
    ///
    /// # Errors
    /// [`NotMoved::Refused`] with the reason, which names the process and its module; nothing has changed then.
    fn put_in(&mut self, put: PutIn, timeout_ms: u64) -> Result<Pid, NotMoved> {
        self.value(timeout_ms, |node, answer| node.put_in(put, answer))?
    }

    /// Waits for a value that does not travel as bytes.
    #[doc(hidden)]
    fn value<T: Send + 'static>(
        &mut self,
        timeout_ms: u64,
        order: impl FnOnce(&Node, Box<dyn FnOnce(T) + Send>),
    ) -> Result<T, RequestError> {
        let place = Arc::new(Mutex::new(None));
        let given = place.clone();
        let question = move |node: &Node, from: Caller| {
            let answering = node.clone();
            order(
                node,
                Box::new(move |value| {
                    *given.lock().unpoisoned() = Some(value);
                    answering.answer_outside(from.tag, Ok(Payload::new()));
                }),
            );
            Ok(())
        };
        self.ask(timeout_ms, Box::new(question))?;
        let value = place.lock().unpoisoned().take();
        value.ok_or(RequestError::Timeout(timeout_ms))
    }
}

impl<A: Ask + ?Sized> Moving for A {}

/// The root in the answer to a start, or in that of a supervisor.
fn root_of(reply: Result<Payload, Reason>, is_child: bool) -> Result<Pid, NotMoved> {
    let reply = reply.map_err(|reason| NotMoved::Refused(sentence(&reason.to_term())))?;
    if !is_child {
        return Ok(pid_of(&reply)?);
    }
    match spec::decode_reply(&reply) {
        Ok(SupReply::Started(Some(root))) => Ok(root),
        Ok(SupReply::Error(why)) if why.is_atom("busy") => {
            let why = "other children of the supervisor start or end".to_string();
            Err(NotMoved::NotYet(why))
        }
        Ok(SupReply::Error(why)) => Err(NotMoved::Refused(sentence(&why))),
        other => Err(RequestError::BadReply(format!("{other:?}")).into()),
    }
}

/// The text of a refusal.
fn sentence(why: &Term) -> String {
    match why.as_tuple() {
        Some([tag, text]) if tag.is_atom("not_put_in") => text
            .as_str()
            .map_or_else(|| text.to_string(), str::to_string),
        _ => format!("the supervisor refuses the subtree: {why}"),
    }
}
