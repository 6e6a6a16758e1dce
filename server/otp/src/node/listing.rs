//! Listings of processes for operators, as far as the shards answer.
//!
//! Each shard answers in its own time. The caller waits until a deadline, and learns which shards have not answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::sync_channel;

use pq_abi::Module;
use pq_term::Pid;

use super::{Node, RequestError};
use crate::message::{OnList, Signal};
use crate::pages::Pages;
use crate::process::{ProcessInfo, Seen};
use crate::run_clock::Receiving;
use crate::shard::Measure;

/// The number of processes for each version of each module.
pub type Census = BTreeMap<(String, String), u64>;

impl Node {
    /// All processes of the shards that answer: an incomplete list is more useful to an operator than none.
    pub fn processes_that_answer(&self, timeout_ms: u64) -> Listing<ProcessInfo> {
        self.measured_processes(timeout_ms, Measure::Nothing)
    }

    /// As [`Node::processes_that_answer`], with a figure of each process that is measured only for this list.
    pub fn measured_processes(&self, timeout_ms: u64, measure: Measure) -> Listing<ProcessInfo> {
        let see = |all: &mut Pages<ProcessInfo>, seen: Seen<'_>| all.push(seen.info());
        let shards = self.ask_those_that_answer(timeout_ms, measure, see);
        let answers = shards.answers.into_iter();
        Listing {
            answers: answers.flat_map(Pages::into_elements).collect(),
            missing: shards.missing,
        }
    }

    /// The number of processes for each version of each module, counted on their shards.
    ///
    /// # Errors
    /// When a shard does not answer in time, or is blocked.
    pub fn census(&self, timeout_ms: u64) -> Result<Census, RequestError> {
        let see = |census: &mut Vec<(Option<Module>, String, u64)>, seen: Seen<'_>| {
            let module = seen.module();
            let known = census
                .iter_mut()
                .find(|(of, name, _)| *of == module && (of.is_some() || name == seen.name()));
            match known {
                Some((_, _, count)) => *count += 1,
                None => census.push((module, seen.name().to_string(), 1)),
            }
        };
        let shards = self.ask_shards(timeout_ms, see)?;
        let lines = shards.into_iter().flatten().map(|(module, name, count)| {
            ((name, module.map_or("", Module::vsn).to_string()), count)
        });
        let mut sum = Census::new();
        for (line, count) in lines {
            *sum.entry(line).or_default() += count;
        }
        Ok(sum)
    }

    /// Has every shard show its processes to `see`, and returns one answer for each shard.
    fn ask_shards<R: Default + Send + 'static>(
        &self,
        timeout_ms: u64,
        see: impl Fn(&mut R, Seen<'_>) + Clone + Send + 'static,
    ) -> Result<Vec<R>, RequestError> {
        let listing = self.ask_those_that_answer(timeout_ms, Measure::Nothing, see);
        match listing.missing.is_empty() {
            true => Ok(listing.answers),
            false => Err(self.unanswered(timeout_ms)),
        }
    }

    /// As [`Node::ask_shards`], but returns the answers of the shards that answer; the wait does not include blocked ones.
    pub(super) fn ask_those_that_answer<R: Default + Send + 'static>(
        &self,
        timeout_ms: u64,
        measure: Measure,
        see: impl Fn(&mut R, Seen<'_>) + Clone + Send + 'static,
    ) -> Listing<R> {
        let (sender, receiver) = sync_channel(self.shards());
        let mut waited_for: BTreeSet<usize> = (0..self.shards()).collect();
        let is_stalled = |shard: &usize| self.watched().is_stalled(*shard);
        // A question to a blocked shard would wait in its inbox until the shard continues.
        for shard in waited_for.iter().filter(|shard| !is_stalled(shard)) {
            let (sender, see, shard) = (sender.clone(), see.clone(), *shard);
            let mut own = R::default();
            let list: OnList = Box::new(move |seen| match seen {
                Some(seen) => see(&mut own, seen),
                // The caller may have given up. Then there is no receiver, and the answer is dropped.
                None => drop(sender.try_send((shard, std::mem::take(&mut own)))),
            });
            if let Some(inbox) = self.inbox(shard as u8) {
                inbox.push(Signal::List(list, measure));
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

/// The answers of the shards.
#[derive(Clone, PartialEq, Debug)]
pub struct Listing<R> {
    /// The answers, one per shard that has answered.
    pub answers: Vec<R>,
    /// The shards that have not answered.
    pub missing: Vec<Missing>,
}

/// A shard that has not answered, and the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// The number of the shard, from 0 on.
    pub shard: usize,
    /// The reason, as a sentence for people.
    pub why: String,
}

/// A process that runs a version of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runner {
    /// The version is the process's own module.
    Process(Pid),
    /// The version is that of a handler of this event manager.
    Manager(Pid),
}

/// A process that runs this version.
pub(crate) fn runner(seen: &Seen<'_>, module: Module) -> Option<Runner> {
    match seen.module() == Some(module) {
        true => Some(Runner::Process(seen.pid())),
        false => seen
            .handlers()
            .any(|handler| handler == module)
            .then_some(Runner::Manager(seen.pid())),
    }
}
