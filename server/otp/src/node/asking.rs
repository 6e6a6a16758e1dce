//! Asking from outside of the shards: a question goes in, and its answer is waited for or calls back.
//!
//! ```text
//!   Ask::call, sys, applications, … ─► Ask::ask ─┬─ Asking: this thread waits, under the real clock
//!                                                ├─ Sim: the node runs until there is an answer
//!                                                └─ Live: as Asking, in a transaction
//! ```
//! A type that lets a node go on implements [`Ask::ask`], and can ask everything then.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard};

use pq_abi::spec::{SupReply, SupRequest};
use pq_abi::{Module, Reason, spec};
use pq_term::msgpack;
use pq_term::{Pid, Term};

use super::{Node, RequestError, Runner, runners};
use crate::application::{AppReply, AppRequest, CONTROLLER};
use crate::message::{Ack, Caller, Envelope, ModuleCall, OnList, Payload, Signal};
use crate::native::Native;
use crate::numbered::Numbered;
use crate::process::{ProcessInfo, Seen};
use crate::run_clock::Receiving;
use crate::sys::{SysMessage, SysRequest};
use crate::unpoisoned::Unpoisoned;

/// Takes an answer; runs on a shard's thread and must not wait.
pub type OnReply = Box<dyn FnOnce(Result<Payload, Reason>) + Send>;

/// Sends something in the name of the caller, whom the answer finds.
pub type Question<'a> = Box<dyn FnOnce(&Node, Caller) -> Result<(), RequestError> + 'a>;

/// Who asks from outside takes a lock when it asks and a shard takes the same when it answers. With one lock for
/// all, a thread that orders avatars and a shard that starts them wait for each other.
const LOCKS: usize = 16;

/// The answers that are waited for.
#[derive(Default)]
pub(super) struct Answers([Mutex<Numbered<u64, OnReply>>; LOCKS]);

impl Answers {
    /// Those with tags like this one.
    fn of(&self, tag: u64) -> MutexGuard<'_, Numbered<u64, OnReply>> {
        self.0[tag as usize % LOCKS].lock().unpoisoned()
    }
}

/// Asks processes, and lets their node go on until they answer.
pub trait Ask {
    /// Sends a question, and answers what is answered.
    ///
    /// # Errors
    /// When it cannot be sent, is refused, or is not answered in time.
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError>;

    /// Asks a process (`gen_server:call/3`).
    ///
    /// # Errors
    /// When it does not answer in time, or ends before.
    fn call(&mut self, to: Pid, data: &[u8], timeout_ms: u64) -> Result<Payload, RequestError> {
        let question = |node: &Node, from| {
            let data = Payload::from_slice(data);
            node.signal(Signal::Deliver(to, Envelope::Call(from, data)));
            Ok(())
        };
        self.ask(timeout_ms, Box::new(question))
    }

    /// Asks a supervisor.
    ///
    /// # Errors
    /// As [`Ask::call`], and when it is none.
    fn ask_supervisor(
        &mut self,
        to: Pid,
        request: &SupRequest,
        timeout_ms: u64,
    ) -> Result<SupReply, RequestError> {
        let reply = self.call(to, &spec::encode(request), timeout_ms)?;
        spec::decode_reply(&reply).map_err(RequestError::BadReply)
    }

    /// Asks the application controller.
    ///
    /// # Errors
    /// As [`Ask::call`], and when there is none.
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
    /// As [`Ask::call`].
    fn sys(&mut self, to: Pid, message: SysMessage, timeout_ms: u64) -> Result<Term, RequestError> {
        let question = |node: &Node, from| {
            node.send_sys(to, from, message);
            Ok(())
        };
        term_of(&self.ask(timeout_ms, Box::new(question))?)
    }

    /// Calls a function of a module's current version in nobody's name, on a thread for calls (`calls`); arguments and
    /// result are MessagePack.
    ///
    /// # Errors
    /// [`RequestError::Exit`] with `{undef, _}` when there is no such function, with `{system_limit, _}` when all threads
    /// are taken, or with what it failed with; a timeout when it has not returned, in which case it may still run.
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

    /// Calls `module:function(args…)` for somebody who writes terms (`rpc:call/5`): atoms reach typed functions as
    /// text, tuples as sequences. A function that makes a request and returns its number is waited for until that is
    /// answered.
    ///
    /// # Errors
    /// As [`Ask::call_function`], and when the result is no term; of a request, when nobody answers it.
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

    /// Starts a process of the runtime's own, where supervisors live.
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
    /// picture of one instant (`erlang:processes/0`).
    ///
    /// # Errors
    /// When a shard does not answer in time, or stands still.
    fn processes(&mut self, timeout_ms: u64) -> Result<Vec<ProcessInfo>, RequestError> {
        look_through(self, timeout_ms, |processes| {
            processes.map(|seen| seen.info()).collect()
        })
    }

    /// The processes that run this version, as their own module or as that of a handler.
    ///
    /// # Errors
    /// When a shard does not answer in time, or stands still.
    fn who_runs(&mut self, module: Module, timeout_ms: u64) -> Result<Vec<Runner>, RequestError> {
        look_through(self, timeout_ms, move |processes| {
            runners(processes, module)
        })
    }
}

/// Has every shard look through its processes.
fn look_through<R: Send + 'static>(
    asker: &mut (impl Ask + ?Sized),
    timeout_ms: u64,
    look: impl Fn(&mut dyn Iterator<Item = Seen<'_>>) -> Vec<R> + Clone + Send + 'static,
) -> Result<Vec<R>, RequestError> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let (all, outstanding) = (found.clone(), Arc::new(AtomicUsize::new(0)));
    let question = move |node: &Node, from: Caller| {
        // A question to a shard that stands still would lie there until it goes on.
        if let Some(stall) = node.stalled() {
            return Err(RequestError::Stalled(stall.to_string()));
        }
        outstanding.store(node.shards(), Ordering::Relaxed);
        for shard in 0..node.shards() {
            let (all, outstanding) = (all.clone(), outstanding.clone());
            let (look, node_of_list) = (look.clone(), node.clone());
            let list: OnList = Box::new(move |processes| {
                all.lock().unpoisoned().extend(look(processes));
                if outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
                    node_of_list.answer_outside(from.tag, Ok(Payload::new()));
                }
            });
            node.tell_shard(shard, Signal::List(list));
        }
        Ok(())
    };
    asker.ask(timeout_ms, Box::new(question))?;
    Ok(std::mem::take(&mut *found.lock().unpoisoned()))
}

/// The outcome of a function that was called from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Called {
    /// It has returned this.
    Returned(Term),
    /// It has made a request, and this is the answer, as the process writes it that was asked.
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
    /// `asks`: where the number of a request that it has made is no result, but the answer to that request is.
    fn question(self, asks: Option<Arc<AtomicBool>>) -> Question<'a> {
        Box::new(move |node, from| {
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
            Ok(())
        })
    }
}

/// A thread that asks and waits; it is no shard.
pub struct Asking<'a> {
    node: &'a Node,
    patience: Patience,
}

/// How long an answer is worth waiting for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// As long as there is time: one process is to answer.
    ForOne,
    /// While all shards answer: each may have it.
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
    /// Asks, and waits in this thread, which is no shard.
    pub fn asking(&self) -> Asking<'_> {
        Asking {
            node: self,
            patience: Patience::ForOne,
        }
    }

    /// The same for what needs all shards: it is waited for only while they answer.
    pub fn asking_all(&self) -> Asking<'_> {
        Asking {
            node: self,
            patience: Patience::ForAll,
        }
    }

    /// Asks a process; `on_reply` runs on a shard's thread and must not wait.
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

    /// Sends a system message and goes on; `on_reply` runs on a shard's thread and must not wait. Messages to
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

    fn send_sys(&self, to: Pid, from: Caller, message: SysMessage) {
        let request = Box::new(SysRequest { from, message });
        self.signal(Signal::Deliver(to, Envelope::System(request)));
    }

    /// Makes a place for an answer from inside.
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

/// The pid in the answer to a start.
pub(crate) fn pid_of(reply: &[u8]) -> Result<Pid, RequestError> {
    let term = term_of(reply)?;
    term.as_pid()
        .ok_or_else(|| RequestError::BadReply(format!("{term} is no pid")))
}
