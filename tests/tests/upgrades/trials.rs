//! Attempts with a fault each, one after the other in one house: whatever fails, an attempt is whole or nothing, and the
//! next one without a fault succeeds.
//!
//! A seed replays its run to the letter, if it is even. In a house with an odd one there are conversions that do not
//! end, on real threads, and from the first of these on virtual milliseconds may differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use pq_otp::application::{AppReply, AppRequest};
use pq_otp::{Term, upgrade::OnOverrun};
use pq_protocol::record::{InstallPhase, InstallRecord};
use pq_release::handler::{InstallError, Options, ReleaseHandler};
use pq_tests::campaign::length;
use pq_tests::house::House;
use pq_tests::house::upgrade::{Converters, Turn};
use pq_tests::running::{Disk, Draft, Tree};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::crowd::Crowd;
use super::disk;
use super::faults::{BROKEN, Expected, Fault, put};
use super::ledger::{self, Ledger};
use super::{number, side_by_side};

/// Attempts per house, in a sample and in all, and houses of a run. A sample is long enough for every fault to strike.
const EPISODES: [u64; 2] = [100, 400];
const HOUSES: u64 = 4;

/// The releases among which it goes to and fro.
const RELEASES: [&str; 3] = ["1.0.0", "1.1.0", BROKEN];

/// How long a conversion may take where one does not end: an innocent one takes some microseconds, on a machine
/// that has other things to do some milliseconds.
const CODE_CHANGE_TIMEOUT_MS: u64 = 60;

/// How long a node that stood still may take to carry out a decision: a slice of processes in each millisecond.
const PLAYS_ON_MS: u64 = 200;

/// By when it is noticed that it does not: a thread may begin a little later than it is waited for.
const PATIENCE: Duration = Duration::from_millis(CODE_CHANGE_TIMEOUT_MS + 40);

/// A house, and those who live there, after whatever has happened so far.
struct Trials {
    seed: u64,
    dice: Xoshiro256PlusPlus,
    tree: Tree,
    disk: Option<Disk>,
    house: House,
    handler: ReleaseHandler,
    crowd: Crowd,
    /// How often each fault ended how.
    outcomes: BTreeMap<String, u64>,
}

#[test]
fn whatever_fails_an_upgrade_is_whole_or_nothing_and_the_next_one_succeeds() {
    let [sample, all] = EPISODES;
    let episodes = number("PQ_EPISODES").unwrap_or_else(|| length(sample, all));
    let seeds = match number("PQ_SEED") {
        Some(seed) => vec![seed],
        None => (0..HOUSES).map(|house| 9_000 + house).collect(),
    };
    println!("seeds {seeds:?}");
    let live = |seed| {
        let mut trials = Trials::new(seed);
        (0..episodes).for_each(|episode| trials.episode(episode));
        trials.outcomes
    };
    let mut outcomes = BTreeMap::new();
    for (what, times) in side_by_side(&seeds, live).into_iter().flatten() {
        *outcomes.entry(what).or_default() += times;
    }
    println!("{outcomes:#?}");
    if number("PQ_SEED").is_none() && episodes >= sample {
        every_fault_has_struck(&outcomes);
    }
}

/// A run in which some fault never did anything proves nothing about it.
fn every_fault_has_struck(outcomes: &BTreeMap<String, u64>) {
    for what in [
        "Conversion failed",
        "Overrun failed",
        "Overrun succeeded",
        "NobodyConverts failed",
        "StandsStill failed",
        "StandsStill succeeded",
        "Crash succeeded",
        "Call failed",
        "Call failed beyond repair",
        "Library failed",
        "Text failed",
        "Setting succeeded",
        "Supervisor failed",
        "Nothing failed",
        "Nothing succeeded",
    ] {
        assert!(outcomes.contains_key(what), "never: {what} in {outcomes:?}");
    }
}

/// Settings by which it is seen which release they are of.
fn mark(root: &Path, vsn: &str) {
    let file = root.join(format!("releases/{vsn}/sys.config"));
    let settings = format!("[{{sockserv,[{{port,8082}},{{release,\"{vsn}\"}}]}}].");
    put(&file, settings.as_bytes());
}

/// Gives one hero a fate, or none to anybody; no other setting of the game stays.
fn set_fate(house: &mut House, fate: Option<(&str, &str)>) {
    let AppReply::Data(apps, mut settings) = house.application(&AppRequest::Data) else {
        panic!("the controller does not know its data")
    };
    settings.retain(|(application, _), _| application != "processquest");
    if let Some((name, fate)) = fate {
        let key = ("processquest".to_string(), "fate".to_string());
        settings.insert(key, Term::tuple([Term::string(name), Term::string(fate)]));
    }
    let specs = apps.into_iter().map(|app| app.spec).collect();
    let changed = house.application(&AppRequest::ChangeData(specs, settings));
    assert_eq!(changed, AppReply::Ok);
}

impl Trials {
    fn new(seed: u64) -> Trials {
        let disk = Disk::small();
        let tree = disk.as_ref().map_or_else(Tree::new, Tree::on);
        mark(tree.root(), "1.0.0");
        disk::lengthen_list(tree.root());
        let (mut house, mut handler) = House::boot_tree(tree.root(), seed);
        tree.offers(&Draft::broken().package());
        for vsn in &RELEASES[1..] {
            let package = format!("processquest-{vsn}");
            handler.registry_mut().unpack(&package).unwrap();
            mark(tree.root(), vsn);
        }
        let mut crowd = Crowd::new(&mut house, seed);
        crowd.check(&mut house, "1.0.0", "at the beginning");
        Trials {
            seed,
            dice: Xoshiro256PlusPlus::seed_from_u64(seed),
            crowd,
            tree,
            disk,
            house,
            handler,
            outcomes: BTreeMap::new(),
        }
    }

    fn has_threads(&self) -> bool {
        self.seed % 2 == 1
    }

    fn running(&self) -> String {
        self.handler.registry().running().vsn.clone()
    }

    /// A way from the release that runs to another one.
    fn way(&mut self) -> (String, String) {
        let from = self.running();
        let others: Vec<&str> = RELEASES.into_iter().filter(|vsn| *vsn != from).collect();
        let to = others[(self.dice.next_u64() % 2) as usize];
        (from, to.to_string())
    }

    fn episode(&mut self, episode: u64) {
        let threads = self.has_threads();
        let fault = Fault::draw(&mut self.dice, threads);
        let (from, to) = loop {
            let (from, to) = self.way();
            if fault.needs(&from, &to) {
                break (from, to);
            }
            if from == BROKEN {
                // No way leads there from there.
                self.clean(&format!("seed {}, episode {episode}", self.seed));
            }
        };
        let what = format!(
            "seed {}, episode {episode}, {from} to {to}, {fault:?}",
            self.seed
        );
        self.attempt(fault, (&from, &to), &what);
        match self.dice.next_u64() % 4 {
            0 => self.clean(&what),
            1 => self.work_on_releases(&what),
            _ => (),
        }
        self.house.sim.run_ms(self.dice.next_u64() % 2_000);
    }

    /// An attempt with a fault, and all that must hold after it.
    fn attempt(&mut self, fault: Fault, (from, to): (&str, &str), what: &str) {
        let ledger = Ledger::open(&mut self.house, &mut self.crowd, self.dice.next_u64());
        let whose = ledger.somebody(self.dice.next_u64()).to_string();
        let spoilt = fault.spoil(self.tree.root(), (from, to));
        let outcome = self.install(fault, to, &whose);
        set_fate(&mut self.house, None);
        spoilt.mend();
        let what = format!("{what}, {whose}: {outcome:?}");
        println!("{what}");
        let is_struck = !ledger.is_disturbed(&self.crowd, &whose);
        let ended = ended(&outcome);
        let word = format!("{fault:?}");
        let word = word.split([' ', '(']).next().unwrap_or_default();
        *self.outcomes.entry(format!("{word} {ended}")).or_default() += 1;
        judge(fault.expected(is_struck), &outcome);
        let running = self.running();
        assert_eq!(running, if outcome.is_ok() { to } else { from });
        if outcome.is_err_and(|error| error.touched) {
            ledger::check_half_way(&mut self.house, (from, to));
            return self.start_again(&what);
        }
        self.play_on();
        let killed = match fault {
            Fault::Overrun(OnOverrun::Kill) => u64::MAX,
            _ => 0,
        };
        ledger.close(&mut self.house, &self.crowd, running != from, killed);
        self.crowd.check(&mut self.house, &running, &what);
        ledger::check_world(&mut self.house, &running);
    }

    fn install(
        &mut self,
        fault: Fault,
        to: &str,
        whose: &str,
    ) -> Result<InstallRecord, InstallError> {
        let Trials {
            dice,
            house,
            handler,
            crowd,
            ..
        } = self;
        let (options, converters) = how(fault, dice);
        let watch = handler.watch();
        let mut seen = BTreeSet::new();
        if let (Some(fate), InstallPhase::Prepare) = fault.fate() {
            set_fate(house, Some((whose, fate)));
        }
        house.install_under(handler, to, (&options, converters), |house, _| {
            crowd.something(house);
            let phase = watch.status().phase;
            if seen.insert(phase as u8) {
                match (fault, fault.fate()) {
                    (_, (Some(fate), since)) if since == phase => {
                        set_fate(house, Some((whose, fate)));
                    }
                    (Fault::Crash { module, phase: at }, _) if at == phase => {
                        (0..3).for_each(|_| crowd.crash(house, module));
                    }
                    _ => (),
                }
            }
            match fault {
                Fault::NobodyConverts(at) if at == phase => Turn::NobodyConverts,
                Fault::StandsStill(at) if at == phase => Turn::StandsStill,
                _ => Turn::Goes,
            }
        })
    }

    /// A node that stood still when it was told the decision carries it out.
    fn play_on(&mut self) {
        let sim = &mut self.house.sim;
        let plays = (0..PLAYS_ON_MS).any(|_| {
            sim.run_ms(1);
            sim.processes().iter().all(|process| !process.held)
        });
        assert!(plays, "somebody is held for ever");
    }

    /// Nothing fails, and nothing happens: then it succeeds.
    fn clean(&mut self, what: &str) {
        let (from, to) = self.way();
        let what = format!("{what}; then {from} to {to}");
        let ledger = Ledger::open(&mut self.house, &mut self.crowd, self.dice.next_u64());
        let options = Options {
            partial: true,
            ..Options::default()
        };
        let installed = self
            .house
            .install(&mut self.handler, &to, &options, |_, _| ());
        let installed = installed.unwrap_or_else(|error| panic!("{what}: failed to {error}"));
        assert_eq!(odd(&installed), Vec::<&str>::new(), "{what}");
        ledger.close(&mut self.house, &self.crowd, true, 0);
        self.crowd.check(&mut self.house, &to, &what);
        ledger::check_world(&mut self.house, &to);
    }

    /// What a node does that cannot take back what has happened.
    fn start_again(&mut self, what: &str) {
        let seed = self.dice.next_u64();
        let permanent = disk::permanent(&self.handler);
        (self.house, self.handler) = House::boot_tree(self.tree.root(), seed);
        self.crowd = Crowd::new(&mut self.house, seed);
        assert_eq!(self.running(), permanent, "{what}");
        self.crowd.check(&mut self.house, &permanent, what);
        ledger::check_world(&mut self.house, &permanent);
    }

    /// Work of the release handler that only concerns files, on a disk that is full or not.
    fn work_on_releases(&mut self, what: &str) {
        let Trials {
            dice,
            house,
            handler,
            tree,
            disk,
            ..
        } = self;
        let place = (tree.root(), disk.as_ref());
        // What boots the broken release has its supervisors from the beginning.
        let may_boot = handler.registry().running().vsn != BROKEN;
        match dice.next_u64() % 2 {
            0 if may_boot => disk::make_permanent(house, handler, place, dice),
            _ => {
                if let Some(vsn) = disk::unpack_again(handler, place, dice) {
                    mark(tree.root(), &vsn);
                }
            }
        }
        let running = self.running();
        self.crowd.check(&mut self.house, &running, what);
    }
}

/// How an attempt with this fault is made. A time that sometimes is too short is a fault of its own.
fn how(fault: Fault, dice: &mut Xoshiro256PlusPlus) -> (Options, Converters) {
    let is_hurried = dice.next_u64().is_multiple_of(3);
    let (limit, slice) = (dice.next_u64() % 12, 1 + (dice.next_u64() % 8) as u32);
    let options = Options {
        slice: Some(slice),
        // The broken release has a supervisor that its relup does not load.
        partial: true,
        ..Options::default()
    };
    match fault {
        Fault::Overrun(then) => {
            let options = Options {
                code_change_timeout_ms: Some(CODE_CHANGE_TIMEOUT_MS),
                on_overrun: then,
                ..options
            };
            (options, Converters::Threads(PATIENCE))
        }
        Fault::Nothing | Fault::Crash { .. } => {
            let suspend_timeout_ms = is_hurried.then_some(limit);
            let options = Options {
                suspend_timeout_ms,
                ..options
            };
            (options, Converters::Here)
        }
        _ => (options, Converters::Here),
    }
}

fn ended(outcome: &Result<InstallRecord, InstallError>) -> &'static str {
    match outcome {
        Ok(_) => "succeeded",
        Err(error) if error.touched => "failed beyond repair",
        Err(_) => "failed",
    }
}

/// What a report warns of, but for the supervisor that the broken release has and does not load.
fn odd(report: &InstallRecord) -> Vec<&str> {
    let warnings = report.warnings.iter().map(String::as_str);
    warnings
        .filter(|warning| !warning.contains("pq_sup"))
        .collect()
}

fn judge(expected: Expected, outcome: &Result<InstallRecord, InstallError>) {
    let ended = ended(outcome);
    let warnings = outcome.as_ref().map_or(0, |report| odd(report).len());
    match expected {
        Expected::Either => assert_ne!(ended, "failed beyond repair"),
        Expected::Fails => assert_eq!(ended, "failed"),
        Expected::FailsEitherWay => assert_ne!(ended, "succeeded"),
        Expected::Succeeds { warnings: expected } => {
            assert_eq!((ended, warnings), ("succeeded", expected));
        }
    }
}
