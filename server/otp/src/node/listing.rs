//! Questions from threads that are no shard: which processes there are, what a function answers.
//!
//! Lives here: what the operator and the release handler ask. The answers come from the shards, each in its own
//! time; whoever asks waits, with a deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use pq_abi::Module;
use pq_term::msgpack;
use pq_term::{Pid, Term};

use super::{Node, OnReply, RequestError};
use crate::message::{ModuleCall, OnList, Payload, Signal};
use crate::process::{ProcessInfo, Seen};
use crate::run_clock::Receiving;

/// How many processes run each version of each module.
pub type Census = BTreeMap<(String, String), u64>;

impl Node {
    /// All processes, shard by shard. Each shard answers between two slices of its work, so the list is no
    /// picture of one instant (`erlang:processes/0`).
    ///
    /// # Errors
    /// When a shard does not answer in time, or stands still.
    pub fn processes(&self, timeout_ms: u64) -> Result<Vec<ProcessInfo>, RequestError> {
        let shards = self.ask_shards(timeout_ms, |processes| {
            processes.map(|seen| seen.info()).collect::<Vec<_>>()
        })?;
        Ok(shards.into_iter().flatten().collect())
    }

    /// The same of those shards that answer, for people who would rather see some of it than nothing.
    pub fn processes_that_answer(&self, timeout_ms: u64) -> Listing<ProcessInfo> {
        let shards = self.ask_those_that_answer(timeout_ms, |processes| {
            processes.map(|seen| seen.info()).collect::<Vec<_>>()
        });
        Listing {
            answers: shards.answers.into_iter().flatten().collect(),
            missing: shards.missing,
        }
    }

    /// How many processes run which version of which module, counted where they live.
    ///
    /// # Errors
    /// When a shard does not answer in time, or stands still.
    pub fn census(&self, timeout_ms: u64) -> Result<Census, RequestError> {
        let shards = self.ask_shards(timeout_ms, |processes| {
            let mut census: Vec<(Option<Module>, String, u64)> = Vec::new();
            for seen in processes {
                let module = seen.module();
                let known = census
                    .iter_mut()
                    .find(|(of, name, _)| *of == module && (of.is_some() || name == seen.name()));
                match known {
                    Some((_, _, count)) => *count += 1,
                    None => census.push((module, seen.name().to_string(), 1)),
                }
            }
            census
        })?;
        let lines = shards.into_iter().flatten().map(|(module, name, count)| {
            ((name, module.map_or("", Module::vsn).to_string()), count)
        });
        let mut sum = Census::new();
        for (line, count) in lines {
            *sum.entry(line).or_default() += count;
        }
        Ok(sum)
    }

    /// The processes that run this version, as their own module or as that of a handler.
    ///
    /// # Errors
    /// When a shard does not answer in time, or stands still.
    pub fn who_runs(&self, module: Module, timeout_ms: u64) -> Result<Vec<Runner>, RequestError> {
        let shards = self.ask_shards(timeout_ms, move |processes| runners(processes, module))?;
        Ok(shards.into_iter().flatten().collect())
    }

    /// Calls `module:function(args…)` for somebody who writes terms (`rpc:call/5`): atoms reach typed functions as
    /// text, tuples as sequences. A function that makes a request and returns its number is waited for until that is
    /// answered.
    ///
    /// # Errors
    /// As [`Node::call_function`], and when the result is no term; of a request, when nobody answers it.
    pub fn call_module(
        &self,
        module: &str,
        function: &str,
        args: &[Term],
        timeout_ms: u64,
    ) -> Result<Called, RequestError> {
        let args = msgpack::to_plain_msgpack(&Term::list(args));
        let asks = Arc::new(AtomicBool::new(false));
        let reply = self.wait(timeout_ms, |on_reply| {
            let call = (module, function, args.as_slice());
            self.send_call_module(call, Some(asks.clone()), on_reply)
        })?;
        if asks.load(Ordering::Acquire) {
            return Ok(Called::Answered(reply));
        }
        let returned = msgpack::from_msgpack(&reply);
        let returned = returned.map_err(|error| RequestError::BadReply(error.to_string()))?;
        Ok(Called::Returned(returned))
    }

    /// Calls a function of a module's current version in nobody's name, on a thread for calls (`calls`); arguments and
    /// result are MessagePack.
    ///
    /// # Errors
    /// [`RequestError::Exit`] with `{undef, _}` when there is no such function, with `{system_limit, _}` when all threads
    /// are taken, or with what it failed with; a timeout when it has not returned, in which case it may still run.
    pub fn call_function(
        &self,
        module: &str,
        function: &str,
        args: &[u8],
        timeout_ms: u64,
    ) -> Result<Payload, RequestError> {
        self.wait(timeout_ms, |on_reply| {
            self.send_function(module, function, args, on_reply)
        })
    }

    pub(crate) fn send_function(
        &self,
        module: &str,
        function: &str,
        args: &[u8],
        on_reply: OnReply,
    ) -> u64 {
        self.send_call_module((module, function, args), None, on_reply)
    }

    fn send_call_module(
        &self,
        (module, function, args): (&str, &str, &[u8]),
        asks: Option<Arc<AtomicBool>>,
        on_reply: OnReply,
    ) -> u64 {
        let from = self.expect_answer(on_reply);
        let call = ModuleCall {
            module: module.to_string(),
            function: function.to_string(),
            args: args.to_vec(),
            from,
            asks,
        };
        if let Err(call) = self.calls().take(self, call) {
            self.signal(Signal::CallModule(Box::new(call)));
        }
        from.tag
    }

    /// Has every shard look through its processes; one answer per shard.
    fn ask_shards<R: Send + 'static>(
        &self,
        timeout_ms: u64,
        look: impl Fn(&mut dyn Iterator<Item = Seen<'_>>) -> R + Clone + Send + 'static,
    ) -> Result<Vec<R>, RequestError> {
        let listing = self.ask_those_that_answer(timeout_ms, look);
        match listing.missing.is_empty() {
            true => Ok(listing.answers),
            false => Err(self.unanswered(timeout_ms)),
        }
    }

    /// The same of those shards that answer; nobody waits for one that stands still.
    fn ask_those_that_answer<R: Send + 'static>(
        &self,
        timeout_ms: u64,
        look: impl Fn(&mut dyn Iterator<Item = Seen<'_>>) -> R + Clone + Send + 'static,
    ) -> Listing<R> {
        let (sender, receiver) = sync_channel(self.shards());
        let mut waited_for: BTreeSet<usize> = (0..self.shards()).collect();
        let is_stalled = |shard: &usize| self.watched().is_stalled(*shard);
        // What is asked of a shard that stands still would lie there until it goes on.
        for shard in waited_for.iter().filter(|shard| !is_stalled(shard)) {
            let (sender, look, shard) = (sender.clone(), look.clone(), *shard);
            // Whoever asked may have given up: then nobody takes the answer.
            let list: OnList =
                Box::new(move |processes| drop(sender.try_send((shard, look(processes)))));
            if let Some(inbox) = self.inbox(shard as u8) {
                inbox.push(Signal::List(list));
            }
        }
        let mut answers = Vec::new();
        let mut receiving = Receiving::new(&receiver, timeout_ms);
        while !waited_for.iter().all(is_stalled) {
            let goes_on = || !waited_for.iter().all(is_stalled);
            let Ok((shard, answer)) = receiving.next_while(goes_on) else {
                break;
            };
            waited_for.remove(&shard);
            answers.push(answer);
        }
        let missing = waited_for.into_iter();
        Listing {
            answers,
            missing: missing
                .map(|shard| self.missing(shard, timeout_ms))
                .collect(),
        }
    }

    fn missing(&self, shard: usize, timeout_ms: u64) -> Missing {
        let stall = self.stall_of(shard);
        Missing {
            shard,
            why: stall.map_or_else(
                || format!("shard {shard} has not answered within {timeout_ms} ms"),
                |stall| stall.to_string(),
            ),
        }
    }
}

/// What shards have answered.
#[derive(Clone, PartialEq, Debug)]
pub struct Listing<R> {
    /// The answers.
    pub answers: Vec<R>,
    /// The shards that have given none.
    pub missing: Vec<Missing>,
}

/// A shard that has not answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// Which.
    pub shard: usize,
    /// A sentence.
    pub why: String,
}

/// What a function came to that was called from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Called {
    /// It has returned this.
    Returned(Term),
    /// It has made a request, and this is the answer, as the process writes it that was asked.
    Answered(Payload),
}

/// A process that runs a version of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runner {
    /// It is its own module.
    Process(Pid),
    /// A handler of this event manager is of it.
    Manager(Pid),
}

/// Those of the processes that run this version.
pub(crate) fn runners(
    processes: &mut dyn Iterator<Item = Seen<'_>>,
    module: Module,
) -> Vec<Runner> {
    let runner = |seen: Seen<'_>| match seen.module() == Some(module) {
        true => Some(Runner::Process(seen.pid())),
        false => seen
            .handlers()
            .any(|handler| handler == module)
            .then_some(Runner::Manager(seen.pid())),
    };
    processes.filter_map(runner).collect()
}
