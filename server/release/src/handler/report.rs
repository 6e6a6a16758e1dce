//! What a check says of an install, and what the exchanges of an install add to its record.

use std::collections::BTreeMap;

use pq_otp::Direction;
use pq_otp::upgrade::Committed;
use pq_protocol::record::{InstallRecord, Micros, ModuleChange};
use serde::{Deserialize, Serialize};

use crate::judge::Ends;

/// What an install would do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckReport {
    /// What runs.
    pub from: String,
    /// What would run.
    pub to: String,
    /// Which way that is.
    pub direction: Direction,
    /// What the author had to say about it; empty when that was nothing, a term when it was no text.
    pub description: String,
    /// The instructions of the relup, as terms.
    pub script: Vec<String>,
    /// The same as people read it: what becomes of each module.
    #[serde(default)]
    pub modules: Vec<ModuleChange>,
    /// The functions that are called, with their arguments.
    #[serde(default)]
    pub calls: Vec<String>,
    /// The node starts again with this release.
    #[serde(default)]
    pub restart: bool,
    /// Processes whose state would be converted or carried over, by module.
    pub processes: BTreeMap<String, u64>,
    /// States that were converted, there and back again.
    pub converted: u64,
    /// States that came back as something else: the way back loses something.
    pub differing: u64,
    /// Processes that would be killed, because their conversion does not end.
    pub killed: u64,
    /// Processes that would be ended, because their module or their application goes, or somebody is told to end them.
    #[serde(default)]
    pub ends: Ends,
    /// What is odd about it without stopping anything, as sentences.
    pub warnings: Vec<String>,
    /// How long a process would be kept from running that has something to do meanwhile, rounded up.
    pub expected_pause_ms: u64,
    /// The same in microseconds.
    #[serde(default)]
    pub expected_pause_us: u64,
    /// How long the install would take.
    #[serde(default)]
    pub expected_took_ms: u64,
    /// How long all of it took.
    pub took_ms: u64,
}

/// What the exchanges of one install have come to.
#[derive(Debug, Default)]
pub(super) struct Sum {
    processes: BTreeMap<String, u64>,
    killed: u64,
    pauses_us: Vec<u32>,
    unpaused: u64,
    shut_us: u32,
    stalls_us: Vec<u32>,
}

impl Sum {
    pub(super) fn add(&mut self, committed: Committed) {
        for (module, count) in committed.processes {
            *self.processes.entry(module).or_default() += count;
        }
        self.killed += committed.killed;
        self.pauses_us.extend(committed.pauses_us);
        self.unpaused += committed.unpaused;
        self.shut_us = self.shut_us.max(committed.shut_us);
        self.stalls_us.extend(committed.stalls_us);
    }

    /// Writes it down.
    pub(super) fn record(mut self, record: &mut InstallRecord) {
        self.pauses_us.sort_unstable();
        self.stalls_us.sort_unstable();
        record.pause_us = Micros::of_some(&self.pauses_us, self.unpaused);
        record.pause_us.max = record.pause_us.max.max(u64::from(self.shut_us));
        record.stall_us = Micros::of(&self.stalls_us);
        record.killed = self.killed;
        for change in &mut record.modules {
            change.processes = self.processes.get(&change.module).copied().unwrap_or(0);
        }
        record.processes = self.processes;
    }
}
