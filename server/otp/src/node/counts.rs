//! Counts of processes by version of their module, and a sample of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use pq_abi::Module;

use super::Node;
use crate::tally::{Count, Tally, sums};
use crate::unpoisoned::Unpoisoned;

impl Node {
    /// The processes by name and version of their module. Usable on any thread; asks no shard.
    pub fn counts(&self) -> BTreeMap<(String, String), Count> {
        sums(&self.shared.tallies.lock().unpoisoned())
    }

    /// Lists a tally that a shard has begun.
    pub(crate) fn note_tally(&self, module: Option<Module>, tally: Arc<Tally>) {
        let mut tallies = self.shared.tallies.lock().unpoisoned();
        tallies.push((module, tally));
    }
}
