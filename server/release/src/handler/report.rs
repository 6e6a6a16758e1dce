//! The report of a check, and the sums over all exchanges of an install for its record.

use std::collections::BTreeMap;

use pq_histogram::Histogram;
use pq_otp::Direction;
use pq_otp::upgrade::Committed;
use pq_protocol::record::{InstallRecord, Micros, ModuleChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::Ends;

/// The effects that an install would have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// The version of the running release.
    pub from: String,
    /// The version of the release to install.
    pub to: String,
    /// The direction of the relup's way: up or down.
    #[schemars(with = "String")]
    pub direction: Direction,
    /// The author's description in the relup; empty without one, and printed as a term when it is not text.
    pub description: String,
    /// The instructions of the relup, as terms.
    pub script: Vec<String>,
    /// The versions of applications in between through which states go, as `App-Vsn`, in the order of the way.
    #[serde(default)]
    pub through: Vec<String>,
    /// The change of each module, in the order of their names.
    #[serde(default)]
    pub modules: Vec<ModuleChange>,
    /// The functions that the script calls, with their arguments.
    #[serde(default)]
    pub calls: Vec<String>,
    /// True when the node restarts with the new release.
    #[serde(default)]
    pub restart: bool,
    /// The number of processes by module whose state would be converted or carried over.
    pub processes: BTreeMap<String, u64>,
    /// The number of states that were converted to the new version and back again.
    pub converted: u64,
    /// The number of states that differ after the way back: a downgrade would lose data.
    pub differing: u64,
    /// The number of processes that would be killed because their conversion does not end.
    pub killed: u64,
    /// The processes that would end: their module or application is removed, or the script ends them.
    #[serde(default)]
    pub ends: Ends,
    /// Warnings that do not prevent the install, as sentences.
    pub warnings: Vec<String>,
    /// The expected time for which a process with work is kept from running, in milliseconds, rounded up.
    pub expected_pause_ms: u64,
    /// The same time in microseconds.
    #[serde(default)]
    pub expected_pause_us: u64,
    /// The expected duration of the install, in milliseconds.
    #[serde(default)]
    pub expected_took_ms: u64,
    /// The duration of the check, in milliseconds.
    pub took_ms: u64,
}

/// The sums over the exchanges of one install.
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

    /// Stores the sums in the record of the install.
    pub(super) fn record(mut self, record: &mut InstallRecord) {
        self.pauses_us.sort_unstable();
        self.stalls_us.sort_unstable();
        record.pause_us = Micros::of_some(&self.pauses_us, self.unpaused);
        record.pause_us.max = record.pause_us.max.max(u64::from(self.shut_us));
        record.stall_us = Micros::of(&self.stalls_us);
        record.pauses = Histogram::of_us(&self.pauses_us);
        record.pauses.add(0, self.unpaused);
        record.stalls = Histogram::of_us(&self.stalls_us);
        record.killed = self.killed;
        for change in &mut record.modules {
            change.processes = self.processes.get(&change.module).copied().unwrap_or(0);
        }
        record.processes = self.processes;
    }
}
