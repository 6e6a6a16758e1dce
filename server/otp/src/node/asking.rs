//! Requests from outside of the shards: a question is sent, and its answer is awaited or passed to a callback.
//!
//! ```text
//!   Ask::call, sys, applications, … ─► Ask::ask ─┬─ Asking: this thread waits, under the real clock
//!                                                ├─ Sim: the node runs until there is an answer
//!                                                └─ Live: as Asking, in a transaction
//! ```
//! An implementation of [`Ask::ask`] runs the node until the answer is there; all other methods use it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard};

use pq_abi::spec::{Start, SupReply, SupRequest};
use pq_abi::{Module, Reason, spec};
use pq_term::msgpack;
use pq_term::{Pid, Term};

use super::{Node, RequestError, Runner, runner};
use crate::application::{AppReply, AppRequest, CONTROLLER};
use crate::message::{Ack, Caller, Envelope, ModuleCall, OnList, Payload, Signal, Spawn};
use crate::native::Native;
use crate::numbered::Numbered;
use crate::pages::Pages;
use crate::process::{ProcessInfo, Seen};
use crate::run_clock::Receiving;
use crate::shard::Measure;
use crate::sys::{SysMessage, SysRequest};
use crate::unpoisoned::Unpoisoned;

/// A callback that takes an answer. The callback runs on a shard's thread and must not wait.
pub type OnReply = Box<dyn FnOnce(Result<Payload, Reason>) + Send>;

/// A function that sends a request for the given caller, which receives the answer.
pub type Question<'a> = Box<dyn FnOnce(&Node, Caller) -> Result<(), RequestError> + 'a>;

/// The limit for the start of a process from outside, by the clock of the node.
pub(crate) const START_TIMEOUT_MS: u64 = 60_000;

/// The number of locks for the callers that wait. The thread that asks and the shard that answers take the same lock. With
/// a single lock, a thread that starts avatars and the shards that start them would wait for each other.
const LOCKS: usize = 16;

/// The callers that wait for answers.
#[derive(Default)]
pub(super) struct Answers([Mutex<Numbered<u64, OnReply>>; LOCKS]);

impl Answers {
    /// The part of the table that holds the answer with this tag.
    fn of(&self, tag: u64) -> MutexGuard<'_, Numbered<u64, OnReply>> {
        self.0[tag as usize % LOCKS].lock().unpoisoned()
    }
}

/// A way to ask processes and to run the node until they answer.
pub trait Ask {
    /// Sends a question, and returns the answer.
    ///
    /// # Errors
    /// When the question cannot be sent, is refused, or is not answered in time.
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError>;

    /// Asks a process (`gen_server:call/3`).
    ///
    /// # Errors
    /// When the process does not answer in time, or ends before.
    fn call(&mut self, to: Pid, data: &[u8], timeout_ms: u64) -> Result<Payload, RequestError> {
        let question = |node: &Node, from| {
            let data = Payload::from_slice(data);
            node.signal(Signal::Deliver(to, Envelope::Call(from, data)));
            Ok(())
        };
        self.ask(timeout_ms, Box::new(question))
    }

    /// Sends a request to a supervisor.
    ///
    /// # Errors
    /// As [`Ask::call`], and when the process is no supervisor.
    fn ask_supervisor(
        &mut self,
        to: Pid,
        request: &SupRequest,
        timeout_ms: u64,
    ) -> Result<SupReply, RequestError> {
        let reply = self.call(to, &spec::encode(request), timeout_ms)?;
        spec::decode_reply(&reply).map_err(RequestError::BadReply)
    }

    /// Sends a request to the application controller.
    ///
    /// # Errors
    /// As [`Ask::call`], and when the controller does not run.
    fn applications(
        &mut self,
        request: &AppRequest,
        timeout_ms: u64,
    ) -> Result<AppReply, RequestError> {
        let question = |node: &Node, from| {
            let controller = node.whereis(CONTROLLER);
            let to = controller.ok_or_else(|| RequestError::NoName(CONTROLLER.to_string()))?;
            let data = Payload::from_vec(spec::encode(request));
            node.signal(Signal::Deliver(to, Envelope::Call(from, data)));
            Ok(())
        };
        let reply = self.ask(timeout_ms, Box::new(question))?;
        spec::decode(&reply).map_err(RequestError::BadReply)
    }

    /// Sends a system message (`sys(3)`).
    ///
    /// # Errors
    /// The errors of [`Ask::call`].
    fn sys(&mut self, to: Pid, message: SysMessage, timeout_ms: u64) -> Result<Term, RequestError> {
        let question = |node: &Node, from| {
            node.send_sys(to, from, message);
            Ok(())
        };
        term_of(&self.ask(timeout_ms, Box::new(question))?)
    }

    /// Calls a function of a module's current version outside of any process, on a thread for calls (`calls`);
    /// arguments and result are MessagePack.
    ///
    /// # Errors
    /// [`RequestError::Exit`] with `{undef, _}` when there is no such function, with `{system_limit, _}` when all
    /// threads are taken, or with the reason of its failure; a timeout when it has not returned, in which case it may
    /// still run.
    fn call_function(
        &mut self,
        module: &str,
        function: &str,
        args: &[u8],
        timeout_ms: u64,
    ) -> Result<Payload, RequestError> {
        let call = Function {
            module,
            function,
            args,
        };
        self.ask(timeout_ms, call.question(None))
    }

    /// Calls `module:function(args…)` for a caller that writes terms (`rpc:call/5`): typed functions receive atoms as
    /// text, tuples as sequences. When the function makes a request and returns its number, the answer to the request
    /// is awaited.
    ///
    /// # Errors
    /// As [`Ask::call_function`], and when the result is no term; for a request, when the request has no answer.
    fn call_module(
        &mut self,
        module: &str,
        function: &str,
        args: &[Term],
        timeout_ms: u64,
    ) -> Result<Called, RequestError> {
        let call = Function {
            module,
            function,
            args: &msgpack::to_plain_msgpack(&Term::list(args)),
        };
        let asks = Arc::new(AtomicBool::new(false));
        let reply = self.ask(timeout_ms, call.question(Some(asks.clone())))?;
        match asks.load(Ordering::Acquire) {
            true => Ok(Called::Answered(reply)),
            false => term_of(&reply).map(Called::Returned),
        }
    }

    /// Starts a process without a parent, and waits until its `init` has returned.
    ///
    /// # Errors
    /// When `init` fails or does not return in time, or the module is unknown.
    fn start(&mut self, start: Start, timeout_ms: u64) -> Result<Pid, RequestError> {
        let question = |node: &Node, from| {
            node.signal(Signal::Spawn(Spawn {
                start,
                parent: Pid::from_raw(0),
                ack: Ack::Request(from),
            }));
            Ok(())
        };
        pid_of(&self.ask(timeout_ms, Box::new(question))?)
    }

    /// Starts a process of the runtime's own, on the shard of the supervisors.
    ///
    /// # Errors
    /// When it has not started in time.
    fn start_native(
        &mut self,
        native: Box<dyn Native>,
        timeout_ms: u64,
    ) -> Result<Pid, RequestError> {
        let question = |node: &Node, from| {
            node.signal(Signal::SpawnNative(native, Ack::Request(from)));
            Ok(())
        };
        pid_of(&self.ask(timeout_ms, Box::new(question))?)
    }

    /// All processes, shard by shard. Each shard answers between two slices of its work, so the list is no
    /// snapshot of one instant (`erlang:processes/0`).
    ///
    /// # Errors
    /// When a shard does not answer in time, or is blocked.
    fn processes(&mut self, timeout_ms: u64) -> Result<Vec<ProcessInfo>, RequestError> {
        look_through(self, timeout_ms, |seen| Some(seen.info()))
    }

    /// The processes that run this version as their own module, or as that of a handler.
    ///
    /// # Errors
    /// When a shard does not answer in time, or is blocked.
    fn who_runs(&mut self, module: Module, timeout_ms: u64) -> Result<Vec<Runner>, RequestError> {
        look_through(self, timeout_ms, move |seen| runner(&seen, module))
    }
}

/// Has every shard look through its processes, and collects the results.
fn look_through<R: Send + 'static>(
    asker: &mut (impl Ask + ?Sized),
    timeout_ms: u64,
    look: impl Fn(Seen<'_>) -> Option<R> + Clone + Send + 'static,
) -> Result<Vec<R>, RequestError> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let (all, outstanding) = (found.clone(), Arc::new(AtomicUsize::new(0)));
    let question = move |node: &Node, from: Caller| {
        // A question to a blocked shard would wait in its inbox until the shard continues.
        if let Some(stall) = node.stalled() {
            return Err(RequestError::Stalled(stall.to_string()));
        }
        outstanding.store(node.shards(), Ordering::Relaxed);
        for shard in 0..node.shards() {
            let (all, outstanding) = (all.clone(), outstanding.clone());
            let (look, node_of_list) = (look.clone(), node.clone());
            let mut own = Pages::new();
            let list: OnList = Box::new(move |seen| match seen {
                Some(seen) => look(seen).into_iter().for_each(|found| own.push(found)),
                None => {
                    all.lock().unpoisoned().push(std::mem::take(&mut own));
                    if outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
                        node_of_list.answer_outside(from.tag, Ok(Payload::new()));
                    }
                }
            });
            node.tell_shard(shard, Signal::List(list, Measure::Nothing));
        }
        Ok(())
    };
    asker.ask(timeout_ms, Box::new(question))?;
    let shards = std::mem::take(&mut *found.lock().unpoisoned());
    Ok(shards.into_iter().flat_map(Pages::into_elements).collect())
}

/// The result of a function that was called from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Called {
    /// The function has returned this term.
    Returned(Term),
    /// The function has made a request, and this is the answer, as the asked process encoded it.
    Answered(Payload),
}

/// A call of a function from outside.
#[derive(Clone, Copy)]
struct Function<'a> {
    module: &'a str,
    function: &'a str,
    args: &'a [u8],
}

impl<'a> Function<'a> {
    /// `asks`: set when the function returns the number of a request, whose answer is the result then.
    fn question(self, asks: Option<Arc<AtomicBool>>) -> Question<'a> {
        Box::new(move |node, from| {
            self.send(node, from, asks);
            Ok(())
        })
    }

    fn send(self, node: &Node, from: Caller, asks: Option<Arc<AtomicBool>>) {
        let call = ModuleCall {
            module: self.module.to_string(),
            function: self.function.to_string(),
            args: self.args.to_vec(),
            from,
            asks,
        };
        if let Err(call) = node.calls().take(node, call) {
            node.signal(Signal::CallModule(Box::new(call)));
        }
    }
}

/// A thread outside of the shards that asks and waits.
pub struct Asking<'a> {
    node: &'a Node,
    patience: Patience,
}

/// How long to wait for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Until the deadline: a single process has the answer.
    ForOne,
    /// While all shards answer: any shard may have the answer.
    ForAll,
}

impl Ask for Asking<'_> {
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError> {
        let (sender, receiver) = sync_channel(1);
        let on_reply = Box::new(move |result| drop(sender.send(result)));
        let from = self.node.expect_answer(on_reply);
        let sent = question(self.node, from);
        let mut while_answering = self.node.while_shards_answer();
        let goes_on = || self.patience == Patience::ForOne || while_answering();
        let answer = sent.and_then(|()| {
            let answer = Receiving::new(&receiver, timeout_ms).next_while(goes_on);
            answer.map_err(|_| self.unanswered(timeout_ms))
        });
        if answer.is_err() {
            self.node.forget_answer(from.tag);
        }
        answer?.map_err(RequestError::Exit)
    }
}

impl Asking<'_> {
    fn unanswered(&self, timeout_ms: u64) -> RequestError {
        match self.patience {
            Patience::ForOne => RequestError::Timeout(timeout_ms),
            Patience::ForAll => self.node.unanswered(timeout_ms),
        }
    }
}

impl Node {
    /// Starts a process without a parent, and waits in this thread, which must be no shard, until its `init` has returned.
    ///
    /// # Errors
    /// When `init` fails or does not return within a minute, or the module is unknown.
    pub fn start(&self, start: Start) -> Result<Pid, RequestError> {
        self.asking().start(start, START_TIMEOUT_MS)
    }

    /// Asks and waits in this thread, which must be no shard.
    pub fn asking(&self) -> Asking<'_> {
        Asking {
            node: self,
            patience: Patience::ForOne,
        }
    }

    /// Like [`Node::asking`], for questions that need all shards: the wait ends when a shard is blocked.
    pub fn asking_all(&self) -> Asking<'_> {
        Asking {
            node: self,
            patience: Patience::ForAll,
        }
    }

    /// Sends a request to a process; `on_reply` runs on a shard's thread and must not wait.
    pub fn request(
        &self,
        to: Pid,
        data: &[u8],
        on_reply: impl FnOnce(Result<Payload, Reason>) + Send + 'static,
    ) {
        let from = self.expect_answer(Box::new(on_reply));
        let data = Payload::from_slice(data);
        self.signal(Signal::Deliver(to, Envelope::Call(from, data)));
    }

    /// Sends a system message without waiting; `on_reply` runs on a shard's thread and must not wait. Messages to
    /// one process are answered in the order of sending.
    pub fn sys_request(
        &self,
        to: Pid,
        message: SysMessage,
        on_reply: impl FnOnce(Result<Term, Reason>) + Send + 'static,
    ) {
        let from = self.expect_answer(Box::new(move |result: Result<Payload, Reason>| {
            on_reply(result.and_then(|reply| {
                msgpack::from_msgpack(&reply)
                    .map_err(|error| Reason::tagged("bad_reply", &error.to_string()))
            }));
        }));
        self.send_sys(to, from, message);
    }

    /// Calls a function as [`Ask::call_function`] does, without waiting; `on_reply` runs on the thread of the call or
    /// on a shard's thread, and must not wait. While the function has not returned, `on_reply` is kept.
    pub fn function_request(
        &self,
        module: &str,
        function: &str,
        args: &[u8],
        on_reply: impl FnOnce(Result<Payload, Reason>) + Send + 'static,
    ) {
        let call = Function {
            module,
            function,
            args,
        };
        let from = self.expect_answer(Box::new(on_reply));
        call.send(self, from, None);
    }

    fn send_sys(&self, to: Pid, from: Caller, message: SysMessage) {
        let request = Box::new(SysRequest { from, message });
        self.signal(Signal::Deliver(to, Envelope::System(request)));
    }

    /// Registers a callback for an answer, and returns the caller that the answer is for.
    pub(crate) fn expect_answer(&self, on_reply: OnReply) -> Caller {
        let tag = self.shared.next_tag.fetch_add(1, Ordering::Relaxed);
        self.shared.answers.of(tag).insert(tag, on_reply);
        Caller {
            pid: Pid::from_raw(0),
            tag,
        }
    }

    pub(crate) fn answer_outside(&self, tag: u64, result: Result<Payload, Reason>) {
        let on_reply = self.shared.answers.of(tag).remove(&tag);
        if let Some(on_reply) = on_reply {
            on_reply(result);
        }
    }

    pub(crate) fn forget_answer(&self, tag: u64) {
        self.shared.answers.of(tag).remove(&tag);
    }
}

fn term_of(reply: &[u8]) -> Result<Term, RequestError> {
    msgpack::from_msgpack(reply).map_err(|error| RequestError::BadReply(error.to_string()))
}

/// Decodes the pid in the answer to a start.
pub(crate) fn pid_of(reply: &[u8]) -> Result<Pid, RequestError> {
    let term = term_of(reply)?;
    term.as_pid()
        .ok_or_else(|| RequestError::BadReply(format!("{term} is no pid")))
}
