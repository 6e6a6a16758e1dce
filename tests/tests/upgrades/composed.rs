//! Ways through versions in between: an install of several steps at once leaves every process as the installs of single steps do,
//! to the last byte.
//!
//! The appups of both trees have ways between neighbours only:
//!
//! | tree | `processquest` | `sockserv` |
//! |---|---|---|
//! | 1.0.0, 1.1.0, 1.2.0, 1.3.0, 1.4.0, 2.0.0 | 1.0.0, 1.1.0, 1.1.0, 1.3.0, 1.4.0, 2.0.0 | 1.0.0, 1.0.1, 1.1.0, 1.3.0, 1.3.0, 1.3.0 |
//! | 1.0.0, 1.1.0, 1.1.1 | 1.0.0, 1.1.0, 1.1.1 | 1.0.0, 1.0.1, 1.0.1 |

use pq_otp::Ask;
use pq_otp::moved::Moving;
use pq_otp::sys::SysMessage;
use pq_release::handler::{Options, ReleaseHandler};
use pq_tests::campaign::length;
use pq_tests::house::House;
use pq_tests::house::client::Client;
use pq_tests::running::{Draft, LADDER, Tree};
use pq_words::Opts;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::number;

/// Heroes without a client in each of the two nodes.
const BOTS: u64 = 40;

const GUESTS: u64 = 6;

/// Installs in a walk after those at its beginning.
const INSTALLS: u64 = 5;

/// How long an answer may take on the virtual clock.
const PATIENCE_MS: u64 = 60_000;

/// A node whose heroes have played, and whose processes are suspended: conversions alone change them.
struct Walk {
    tree: Tree,
    house: House,
    handler: ReleaseHandler,
    guests: Vec<Client>,
}

impl Walk {
    /// Plays under 1.0.0, and then for as long under the release of this place.
    fn begin(tree: Tree, releases: &[&str], at: usize, seed: u64) -> Walk {
        let (mut house, mut handler) = House::boot_tree(tree.root(), seed);
        for vsn in &releases[1..] {
            let known = handler.registry().which_releases();
            if known.iter().all(|release| release.vsn != *vsn) {
                let unpacked = handler
                    .registry_mut()
                    .unpack(&format!("processquest-{vsn}"));
                unpacked.unwrap_or_else(|error| panic!("failed to {error}"));
            }
        }
        let guest = |number| house.enter_as(&format!("guest{number}"));
        let guests = (0..GUESTS).map(guest).collect();
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x5eed);
        for number in 0..BOTS {
            let opts = Opts {
                time: Some(200 + (dice.next_u64() % 700) as u32),
                lvlexp: Some(50),
                exp: Some(dice.next_u64() % 13_000),
                money: Some(dice.next_u64() % 1_000_000),
                ..Opts::default()
            };
            house.start_hero(&format!("bot {number}"), &opts).unwrap();
        }
        house.sim.run_ms(dice.next_u64() % 60_000);
        let mut walk = Walk {
            tree,
            house,
            handler,
            guests,
        };
        for vsn in &releases[1..=at] {
            walk.install(vsn);
            walk.house.sim.run_ms(dice.next_u64() % 60_000);
        }
        walk.suspend();
        walk
    }

    fn install(&mut self, vsn: &str) {
        // Release 1.1.1 of the tests leaves the supervisors' code, and says so.
        let options = Options {
            partial: true,
            // The ways down from 2.0.0 lose fields.
            lossy: true,
            ..Options::default()
        };
        let installed = self
            .house
            .install(&mut self.handler, vsn, &options, |_, _| ());
        let record = installed.unwrap_or_else(|error| panic!("failed to {error}"));
        let others = record
            .warnings
            .iter()
            .filter(|warning| !warning.contains("of pq_sup"));
        assert_eq!(others.count(), 0, "{:?}", record.warnings);
    }

    /// Takes the ways out of the relup of a release, so that they are composed from the appups in the tree.
    fn forget_relup(&self, vsn: &str) {
        let folder = self.tree.root().join("releases").join(vsn);
        let relup = format!("{{\"{vsn}\",[],[]}}.");
        pq_release::put(&folder, "relup", relup.as_bytes()).unwrap();
    }

    /// Suspends the processes whose states convert.
    fn suspend(&mut self) {
        let processes = self.house.sim.processes().into_iter();
        let concerned = ["pq_player", "sockserv_serv"];
        let concerned = processes.filter(|it| concerned.contains(&&*it.module));
        for process in concerned.collect::<Vec<_>>() {
            let suspended = self
                .house
                .sim
                .sys(process.pid, SysMessage::Suspend, PATIENCE_MS);
            suspended.unwrap();
        }
    }

    /// Every hero as a save has it, with its event manager and what lies beside the states; and every session.
    fn everything(&mut self, at_ms: u64) -> Vec<Vec<u8>> {
        self.house.sim.run_ms(at_ms - self.now_ms());
        let bots = (0..BOTS).map(|number| format!("bot {number}"));
        let guests = (0..GUESTS).map(|number| format!("guest{number}"));
        let mut all = Vec::new();
        for name in bots.chain(guests) {
            let root = self.house.sup_of(&name).unwrap();
            all.push(
                self.house
                    .sim
                    .copy_out(root, PATIENCE_MS)
                    .unwrap()
                    .to_bytes(),
            );
        }
        let processes = self.house.sim.processes().into_iter();
        for session in processes.filter(|it| it.module == "sockserv_serv") {
            let state = self
                .house
                .sim
                .sys(session.pid, SysMessage::GetState, PATIENCE_MS);
            all.push(format!("{} {}", session.vsn, state.unwrap()).into_bytes());
        }
        all
    }

    fn now_ms(&self) -> u64 {
        pq_otp::Sim::now_ms(&self.house.sim)
    }
}

/// Walks over the releases of a tree with two nodes, one step after the other and several at once.
fn walk(make: fn() -> Tree, releases: &[&str], seed: u64) {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let count = releases.len() as u64;
    let mut at = (dice.next_u64() % count) as usize;
    let mut stepwise = Walk::begin(make(), releases, at, seed);
    let mut at_once = Walk::begin(make(), releases, at, seed);
    if seed % 2 == 1 {
        releases[2..]
            .iter()
            .for_each(|vsn| at_once.forget_relup(vsn));
    }
    let mut long_ways = 0;
    for install in 0..INSTALLS {
        let to = (at + 1 + (dice.next_u64() % (count - 1)) as usize) % releases.len();
        let way: Vec<usize> = match to > at {
            true => (at + 1..=to).collect(),
            false => (to..at).rev().collect(),
        };
        way.iter()
            .for_each(|step| stepwise.install(releases[*step]));
        at_once.install(releases[to]);
        long_ways += u64::from(way.len() > 1);
        let at_ms = stepwise.now_ms().max(at_once.now_ms()) + 1;
        let (one, other) = (stepwise.everything(at_ms), at_once.everything(at_ms));
        let what = format!(
            "seed {seed}, install {install}, {} to {}",
            releases[at], releases[to]
        );
        assert_eq!(one.len() as u64, BOTS + 2 * GUESTS, "{what}");
        for (number, (one, other)) in one.iter().zip(&other).enumerate() {
            let texts = [one, other].map(|bytes| String::from_utf8_lossy(bytes));
            assert!(one == other, "{what}: {number} differs: {texts:?}");
        }
        at = to;
    }
    println!("seed {seed}: {long_ways} of {INSTALLS} installs have several steps");
    let guests = stepwise.guests.iter().chain(&at_once.guests);
    assert!(
        guests.into_iter().all(|guest| !guest.is_closed()),
        "seed {seed}"
    );
}

fn seeds() -> Vec<u64> {
    match number("PQ_SEED") {
        Some(seed) => vec![seed],
        None => (0..length(4, 200)).map(|seed| 17_000 + seed).collect(),
    }
}

#[test]
fn heroes_sessions_and_handlers_through_versions_in_between_are_those_of_single_steps() {
    for seed in seeds() {
        walk(Tree::with_ladder, &LADDER, seed);
    }
}

#[test]
fn heroes_through_a_version_in_between_are_those_of_single_steps() {
    for seed in seeds() {
        walk(with_neighbour, &["1.0.0", "1.1.0", "1.1.1"], seed);
    }
}

/// A tree with the package of 1.1.1 whose game has ways from and to 1.1.0 only.
fn with_neighbour() -> Tree {
    static PACKAGE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let package = PACKAGE.get_or_init(|| {
        let mut draft = Draft::broken();
        draft.appup = "{\"1.1.1\",
            [{\"1.1.0\", [{load_module, processquest}, {update, pq_player, {advanced, []}}]}],
            [{\"1.1.0\", [{load_module, processquest}, {update, pq_player, {advanced, []}}]}]}."
            .to_string();
        draft.package()
    });
    let tree = Tree::with_both();
    tree.offers(package);
    tree
}
