//! Counts of processes by version of their module. A shard writes its own counts; any thread reads the sums.
//!
//! ```text
//!   birth, end, swap ─► Tallies of a shard ─► Tally (one per version, atomic) ─┐
//!                                             … of the other shards ───────────┴─► Node::counts
//! ```
//! A count costs a search among the few versions that a shard has seen, and one store. Processes of the runtime itself have
//! no module and count under the name `pq`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pq_abi::Module;

use crate::node::Node;

/// The name under which processes of the runtime itself are counted.
const OWN: &str = "pq";

/// The processes of one version of a module since the start of the node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// The processes that run the version now.
    pub living: u64,
    /// The processes that were started with the version.
    pub started: u64,
    /// The processes that ended with the version.
    pub ended: u64,
    /// The ended ones whose reason was neither `normal` nor a shutdown.
    pub failed: u64,
}

/// The counts of one version on one shard. Only the shard writes them.
#[derive(Default)]
pub(crate) struct Tally {
    started: AtomicU64,
    ended: AtomicU64,
    failed: AtomicU64,
    /// Processes that have got this version, or have got another one, while they lived.
    came: AtomicU64,
    left: AtomicU64,
}

/// The tallies of all shards.
pub(crate) type AllTallies = Vec<(Option<Module>, Arc<Tally>)>;

/// The tallies of one shard.
#[derive(Default)]
pub(crate) struct Tallies(AllTallies);

impl Tallies {
    /// A process has started.
    pub(crate) fn start(&mut self, node: &Node, module: Option<Module>) {
        add(&self.of(node, module).started);
    }

    /// A process has ended, or has left the node.
    pub(crate) fn end(&mut self, node: &Node, module: Option<Module>) {
        add(&self.of(node, module).ended);
    }

    /// A process that has ended had no orderly reason for it.
    pub(crate) fn fail(&mut self, node: &Node, module: Option<Module>) {
        add(&self.of(node, module).failed);
    }

    /// A living process gets another module.
    pub(crate) fn change(&mut self, node: &Node, from: Option<Module>, to: Module) {
        add(&self.of(node, from).left);
        add(&self.of(node, Some(to)).came);
    }

    fn of(&mut self, node: &Node, module: Option<Module>) -> &Tally {
        let known = self.0.iter().position(|(of, _)| *of == module);
        let at = known.unwrap_or_else(|| {
            let tally = Arc::<Tally>::default();
            node.note_tally(module, tally.clone());
            self.0.push((module, tally));
            self.0.len() - 1
        });
        &self.0[at].1
    }
}

/// Counts one more; only one thread writes the counter.
fn add(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// The sums by name and version of the modules. The counts are read one after another, so a process that starts, ends or
/// changes meanwhile may count in part.
pub(crate) fn sums(tallies: &AllTallies) -> BTreeMap<(String, String), Count> {
    let mut sums = BTreeMap::<(String, String), [u64; 5]>::new();
    for (module, tally) in tallies {
        let name = module.map_or(OWN, |module| module.name()).to_string();
        let vsn = module.map_or("", |module| module.vsn()).to_string();
        let sum = sums.entry((name, vsn)).or_default();
        let own = [
            &tally.started,
            &tally.ended,
            &tally.failed,
            &tally.came,
            &tally.left,
        ];
        for (sum, own) in sum.iter_mut().zip(own) {
            *sum += own.load(Ordering::Relaxed);
        }
    }
    let count = |[started, ended, failed, came, left]: [u64; 5]| Count {
        living: (started + came).saturating_sub(ended + left),
        started,
        ended,
        failed,
    };
    sums.into_iter()
        .map(|(version, sum)| (version, count(sum)))
        .collect()
}
