//! Counts of processes by version of their module, and a sample of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use pq_abi::Module;
use pq_term::Pid;

use super::Node;
use crate::message::{OnSample, Signal};
use crate::run_clock::Receiving;
use crate::tally::{Count, Tally, sums};
use crate::unpoisoned::Unpoisoned;

impl Node {
    /// The processes by name and version of their module. Usable on any thread; asks no shard.
    pub fn counts(&self) -> BTreeMap<(String, String), Count> {
        sums(&self.shared.tallies.lock().unpoisoned())
    }

    /// Some processes with the versions of their modules: those at the first places of each shard, the same ones each time as
    /// long as they live. Shards that do not answer in time have none.
    pub fn sample(&self, max: u32, timeout_ms: u64) -> Vec<(Pid, Option<Module>)> {
        let (sender, receiver) = sync_channel(self.shards());
        let asked = (0..self.shards()).filter(|shard| !self.watched().is_slow(*shard));
        let asked: Vec<usize> = asked.collect();
        let each = max / u32::try_from(asked.len().max(1)).unwrap_or(1);
        for shard in &asked {
            let sender = sender.clone();
            // The caller may have given up. Then there is no receiver, and the answer is dropped.
            let sample: OnSample = Box::new(move |seen| drop(sender.try_send(seen)));
            self.tell_shard(*shard, Signal::Sample(each, sample));
        }
        let mut receiving = Receiving::new(&receiver, timeout_ms);
        let answers = asked
            .iter()
            .map_while(|_| receiving.next_while(|| true).ok());
        answers.flatten().collect()
    }

    /// Lists a tally that a shard has begun.
    pub(crate) fn note_tally(&self, module: Option<Module>, tally: Arc<Tally>) {
        let mut tallies = self.shared.tallies.lock().unpoisoned();
        tallies.push((module, tally));
    }
}
