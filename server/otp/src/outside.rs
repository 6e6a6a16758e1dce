//! Questions from threads that are no shard: which processes there are, what a function answers.
//!
//! Lives here: what the operator and the release handler ask. The answers come from the shards, each in its own
//! time; whoever asks waits, with a deadline.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use pq_term::Term;
use pq_term::msgpack;

use crate::message::{ModuleCall, OnList, Payload, Signal};
use crate::node::{Node, OnReply, RequestError};
use crate::process::ProcessInfo;

/// How many processes run each version of each module.
pub type Census = BTreeMap<(String, String), u64>;

impl Node {
    /// All processes, shard by shard. Each shard answers between two slices of its work, so the list is no
    /// picture of one instant (`erlang:processes/0`).
    ///
    /// # Errors
    /// When a shard does not answer in time.
    pub fn processes(&self, timeout_ms: u64) -> Result<Vec<ProcessInfo>, RequestError> {
        let shards = self.ask_shards(timeout_ms, |processes| processes.collect::<Vec<_>>())?;
        Ok(shards.into_iter().flatten().collect())
    }

    /// How many processes run which version of which module, counted where they live.
    ///
    /// # Errors
    /// When a shard does not answer in time.
    pub fn census(&self, timeout_ms: u64) -> Result<Census, RequestError> {
        let shards = self.ask_shards(timeout_ms, |processes| {
            let mut census = Census::new();
            for process in processes {
                *census.entry((process.module, process.vsn)).or_default() += 1;
            }
            census
        })?;
        let mut sum = Census::new();
        for (line, count) in shards.into_iter().flatten() {
            *sum.entry(line).or_default() += count;
        }
        Ok(sum)
    }

    /// Calls `module:function(args…)` for somebody who writes terms (`rpc:call/5`): atoms reach typed functions as
    /// text, tuples as sequences.
    ///
    /// # Errors
    /// As [`Node::call_function`], and when the result is no term.
    pub fn call_module(
        &self,
        module: &str,
        function: &str,
        args: &[Term],
        timeout_ms: u64,
    ) -> Result<Term, RequestError> {
        let args = msgpack::to_plain_msgpack(&Term::list(args));
        let reply = self.call_function(module, function, &args, timeout_ms)?;
        msgpack::from_msgpack(&reply).map_err(|error| RequestError::BadReply(error.to_string()))
    }

    /// Calls a function of a module's current version in nobody's name, on a shard's thread; arguments and result are
    /// MessagePack.
    ///
    /// # Errors
    /// [`RequestError::Exit`] with `{undef, _}` when there is no such function, or with what it failed with; a
    /// timeout when its shard does not come to it, in which case it may still run.
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
        let from = self.expect_answer(on_reply);
        self.signal(Signal::CallModule(Box::new(ModuleCall {
            module: module.to_string(),
            function: function.to_string(),
            args: args.to_vec(),
            from,
        })));
        from.tag
    }

    /// Has every shard look through its processes; one answer per shard.
    fn ask_shards<R: Send + 'static>(
        &self,
        timeout_ms: u64,
        look: impl Fn(&mut dyn Iterator<Item = ProcessInfo>) -> R + Clone + Send + 'static,
    ) -> Result<Vec<R>, RequestError> {
        let (sender, receiver) = sync_channel(self.shards());
        for shard in 0..self.shards() {
            let (sender, look) = (sender.clone(), look.clone());
            // Whoever asked may have given up: then nobody takes the answer.
            let list: OnList = Box::new(move |processes| drop(sender.try_send(look(processes))));
            if let Some(inbox) = self.inbox(shard as u8) {
                inbox.push(Signal::List(list));
            }
        }
        let deadline = Instant::now() + Duration::from_millis(timeout_ms);
        let answer =
            |_| match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(answer) => Ok(answer),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    Err(RequestError::Timeout(timeout_ms))
                }
            };
        (0..self.shards()).map(answer).collect()
    }
}
