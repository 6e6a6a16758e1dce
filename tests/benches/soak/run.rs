//! A soak: upgrades and downgrades of a node on which a crowd plays, with regular measurements.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use pq_tests::running::{Running, Tree, poll};
use pq_tests::story::Version;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use super::crowd::{self, Crowd};
use super::usage::Usage;

/// The deadline for all players to connect: thousands of starts, and the first fight of the last one.
const JOIN_PATIENCE: Duration = Duration::from_secs(60);

/// The longest time for which a release runs before the next install; the shortest is zero.
const REIGN: Duration = Duration::from_millis(700);

/// The number of heroes whose state is compared with their output at the end.
const ASKED: usize = 50;

/// The parameters of a soak.
pub(crate) struct Plan {
    /// The number of rounds; each has an upgrade and a downgrade.
    pub(crate) rounds: u32,
    /// The number of rounds between two measurements.
    pub(crate) look_every: u32,
    pub(crate) clients: u64,
    /// The longest stay of a player.
    pub(crate) stay: Duration,
    pub(crate) seed: u64,
}

/// A measurement of the node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) round: u32,
    /// The resident memory in bytes.
    pub(crate) rss: f64,
    /// The size of the loaded libraries in bytes.
    pub(crate) library_bytes: u64,
    /// The memory of the modules in bytes: the states of all processes.
    pub(crate) state_bytes: u64,
    /// The number of playing heroes at that moment.
    pub(crate) playing: u64,
    /// The number of joins since the beginning; the next field has the checked lines.
    pub(crate) joined: u64,
    pub(crate) lines: u64,
    /// The duration of the longest install since the last measurement.
    pub(crate) install_max: Duration,
}

const MIB: f64 = 1024.0 * 1024.0;

/// Prints a row of a table: round, memory, libraries, states, players, joins, lines, longest install.
impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} | {:.1} MiB | {:.2} MiB | {:.2} MiB | {} | {} | {} | {:.2} s |",
            self.round,
            self.rss / MIB,
            self.library_bytes as f64 / MIB,
            self.state_bytes as f64 / MIB,
            self.playing,
            self.joined,
            self.lines,
            self.install_max.as_secs_f64()
        )
    }
}

fn bytes(status: &Value, what: &str) -> u64 {
    let bytes = status["libraries"][what].as_u64();
    bytes.unwrap_or_else(|| panic!("no {what} in {status}"))
}

/// Runs the soak and calls `seen` with each measurement. Panics at the first fault.
pub(crate) fn soak(plan: &Plan, mut seen: impl FnMut(&Look)) -> Vec<Look> {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let crowd = Crowd::new(plan.clients, node.address(), plan.stay, plan.seed);
    let inside = crowd.clone();
    thread::spawn(move || crowded(inside));
    all_play(&crowd);
    crowd.stays.store(false, Ordering::Relaxed);
    let mut soak = Soak {
        tree,
        node,
        crowd,
        dice: SplitMix64::seed_from_u64(plan.seed),
        install_max: Duration::ZERO,
    };
    let mut looks = Vec::new();
    for round in 1..=plan.rounds {
        soak.install("1.1.0", Version::New);
        soak.install("1.0.0", Version::Old);
        if round % plan.look_every == 0 {
            looks.push(soak.look(round));
            looks.last().iter().for_each(|look| seen(look));
        }
    }
    soak.all_are_who_they_were();
    looks
}

/// Runs all clients in this thread.
fn crowded(crowd: Arc<Crowd>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("there is memory for a runtime");
    runtime.block_on(async {
        crowd::play(crowd).await;
        std::future::pending::<()>().await;
    });
}

/// Waits until all players play.
fn all_play(crowd: &Crowd) {
    let all = crowd.told.len() as u64;
    let come = poll(JOIN_PATIENCE, || {
        let is_over = crowd.playing() == all || !crowd.faults().is_empty();
        is_over.then_some(())
    });
    assert_eq!(crowd.faults(), Vec::<String>::new());
    assert!(come.is_some(), "only {} of {all} play", crowd.playing());
}

struct Soak {
    tree: Tree,
    node: Running,
    crowd: Arc<Crowd>,
    dice: SplitMix64,
    install_max: Duration,
}

impl Soak {
    /// Installs a release while all play, and lets it run for a random time below [`REIGN`].
    fn install(&mut self, vsn: &str, version: Version) {
        self.crowd.era.may_become(version);
        let began = Instant::now();
        self.tree.does(&["install", vsn]);
        self.install_max = self.install_max.max(began.elapsed());
        thread::sleep(REIGN.mul_f64(self.dice.next_u64() as f64 / u64::MAX as f64));
        assert_eq!(self.crowd.faults(), Vec::<String>::new(), "after {vsn}");
    }

    /// Waits until all output comes from the running version, and measures the node.
    fn look(&mut self, round: u32) -> Look {
        self.crowd.settle();
        self.crowd.era.has_become();
        let status = self.tree.answer(&["status"]);
        let usage = Usage::of(self.node.process());
        assert!(usage.cpu_s > 0.0, "a playing node uses the processor");
        Look {
            round,
            rss: usage.rss,
            library_bytes: bytes(&status, "mapped_bytes"),
            state_bytes: bytes(&status, "allocated_bytes"),
            playing: self.crowd.playing(),
            joined: self.crowd.joined.load(Ordering::Relaxed),
            lines: self.crowd.lines.load(Ordering::Relaxed),
            install_max: std::mem::take(&mut self.install_max),
        }
    }

    /// Lets no player leave. Then the node has exactly the heroes of the players, and none of them has less experience
    /// than its output says.
    fn all_are_who_they_were(&mut self) {
        self.crowd.stays.store(true, Ordering::Relaxed);
        all_play(&self.crowd);
        // Players that had decided to leave have left and returned by now.
        self.crowd.settle();
        all_play(&self.crowd);
        let names = self.tree.does(&["call", "regis", "get_names"]);
        let is_hero = |name: &&str| name.starts_with("client-");
        let heroes: BTreeSet<&str> = names.split('"').filter(is_hero).collect();
        assert_eq!(heroes.len(), self.crowd.told.len(), "heroes that play");
        for _ in 0..ASKED.min(self.crowd.told.len()) {
            let number = self.dice.next_u64() as usize % self.crowd.told.len();
            let told = self.crowd.told[number].load(Ordering::Relaxed);
            let has = self.exp_of(&crowd::name(number));
            assert!(
                has >= told,
                "the hero of client {number} has {has} experience, but its output says {told}"
            );
        }
        assert_eq!(self.crowd.faults(), Vec::<String>::new());
        assert_eq!(self.node.errors(), [""; 0]);
    }

    fn exp_of(&self, name: &str) -> u64 {
        let state = self.tree.state_of(name);
        let exp = state.split_once("exp => ").map(|(_, rest)| rest);
        let exp = exp.and_then(|rest| rest.split([',', '}']).next());
        exp.and_then(|exp| exp.trim().parse().ok())
            .unwrap_or_else(|| panic!("{name} has no experience: {state}"))
    }
}
