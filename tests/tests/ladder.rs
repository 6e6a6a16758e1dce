//! The ladder: all releases of the project, installed over each other in every order, on a node whose heroes play and whose clients
//! stay connected.
//!
//! A walk takes every ordered pair of releases once: from the one, up or down to the other. On each pair it stands still and goes there, back,
//! and there again: nothing is lost below, and what has no place below comes back above. Then heroes play on by the rules of the
//! release that is reached, and their players read it.

use std::collections::{BTreeMap, BTreeSet};

use pq_otp::Ask;
use pq_otp::sys::SysMessage;
use pq_release::handler::{Options, ReleaseHandler};
use pq_tests::house::House;
use pq_tests::house::client::Client;
use pq_tests::running::{LADDER, Tree};
use pq_words::{Loot, Opts};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

const SEED: u64 = 14_001;

/// Heroes without a client.
const BOTS: u64 = 60;

const GUESTS: [&str; 4] = ["Ann", "Bob", "Cid", "Dot"];

/// The release whose way down loses fields.
const LOSSY: &str = "2.0.0";

/// All heroes: those with a client, and the others.
const HEROES: usize = BOTS as usize + GUESTS.len();

/// The time of play between two installs: some dozens of fights, and a walk to the market.
const PLAY_MS: u64 = 120_000;

/// How long an answer may take on the virtual clock.
const PATIENCE_MS: u64 = 60_000;

/// The module of heroes and that of sessions.
const MODULES: [&str; 2] = ["pq_player", "sockserv_serv"];

/// The states of heroes and sessions, by their pids.
type States = BTreeMap<String, String>;

struct Site {
    _tree: Tree,
    house: House,
    handler: ReleaseHandler,
    guests: Vec<Client>,
    at: usize,
}

impl Site {
    fn new() -> Site {
        let tree = Tree::with_ladder();
        let (mut house, mut handler) = House::boot_tree(tree.root(), SEED);
        for vsn in &LADDER[2..] {
            let unpacked = handler
                .registry_mut()
                .unpack(&format!("processquest-{vsn}"));
            unpacked.unwrap_or_else(|error| panic!("failed to {error}"));
        }
        let guests = GUESTS.map(|name| house.enter_as(name)).to_vec();
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(SEED);
        for number in 0..BOTS {
            let started = house.start_hero(&format!("bot {number}"), &opts(&mut dice));
            started.unwrap_or_else(|reason| panic!("bot {number} does not start: {reason}"));
        }
        house.sim.run_ms(PLAY_MS);
        Site {
            _tree: tree,
            house,
            handler,
            guests,
            at: 0,
        }
    }

    fn install(&mut self, to: usize) {
        let way = format!("seed {SEED}, {} to {}", LADDER[self.at], LADDER[to]);
        let options = Options {
            lossy: true,
            ..Options::default()
        };
        let installed = self
            .house
            .install(&mut self.handler, LADDER[to], &options, |_, _| ());
        let record = installed.unwrap_or_else(|error| panic!("{way}: failed to {error}"));
        assert_eq!(record.warnings, Vec::<String>::new(), "{way}");
        assert_eq!(record.connections_dropped, 0, "{way}");
        self.at = to;
    }

    /// Suspends or resumes heroes and sessions. Conversions alone change a suspended process.
    fn all(&mut self, message: fn() -> SysMessage) {
        let processes = self.house.sim.processes().into_iter();
        let concerned: Vec<_> = processes
            .filter(|process| MODULES.contains(&&*process.module))
            .collect();
        for process in concerned {
            let answer = self.house.sim.sys(process.pid, message(), PATIENCE_MS);
            answer.unwrap_or_else(|error| panic!("{}: {error}", process.pid));
        }
    }

    fn states(&mut self) -> States {
        let processes = self.house.sim.processes().into_iter();
        let concerned: Vec<_> = processes
            .filter(|process| MODULES.contains(&&*process.module))
            .collect();
        let mut states = States::new();
        for process in concerned {
            let state = self
                .house
                .sim
                .sys(process.pid, SysMessage::GetState, PATIENCE_MS);
            let text = format!("{} {}", process.vsn, state.unwrap());
            states.insert(process.pid.to_string(), text);
        }
        assert_eq!(states.len(), HEROES + GUESTS.len());
        states
    }

    /// Goes to another release, back, and there again, while heroes and sessions stand still.
    fn there_and_back(&mut self, to: usize) {
        let from = self.at;
        let way = format!("seed {SEED}, {} to {}", LADDER[from], LADDER[to]);
        self.all(|| SysMessage::Suspend);
        let before = self.states();
        self.install(to);
        let there = self.states();
        let with_race = there.values().filter(|state| state.contains("race =>"));
        let has_races = LADDER[to] == LOSSY;
        assert_eq!(
            with_race.count(),
            if has_races { HEROES } else { 0 },
            "{way}"
        );
        self.install(from);
        assert_same(&self.states(), &before, &format!("{way} and back"));
        self.install(to);
        assert_same(&self.states(), &there, &format!("{way}, back and there"));
        self.all(|| SysMessage::Resume);
    }

    /// Plays by the rules of the release that runs. The stories begin behind the fight at the moment of the install.
    fn play(&mut self) {
        self.house.sim.run_ms(5_000);
        self.guests.iter().for_each(|guest| drop(guest.read()));
        self.house.sim.run_ms(PLAY_MS);
        let stories: String = self.guests.iter().map(Client::read).collect();
        let has = Seen::of(&stories);
        let wanted = Seen::in_release(LADDER[self.at]);
        assert_eq!(has, wanted, "seed {SEED}, {}: {stories}", LADDER[self.at]);
        let versions: BTreeSet<String> = self
            .house
            .sim
            .processes()
            .into_iter()
            .filter(|process| process.module == "pq_player")
            .map(|process| process.vsn)
            .collect();
        assert_eq!(versions.len(), 1, "{versions:?}");
    }
}

#[track_caller]
fn assert_same(one: &States, other: &States, what: &str) {
    for (pid, state) in one {
        assert_eq!(Some(state), other.get(pid), "{what}: {pid}");
    }
    assert_eq!(one.len(), other.len(), "{what}");
}

/// The signs of releases in a story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    /// Several enemies at once, from 1.3.0 on.
    has_groups: bool,
    /// Several pieces that are sold at once, from 1.4.0 on.
    has_piles: bool,
}

impl Seen {
    fn of(stories: &str) -> Seen {
        let has = |begin: &str| {
            let rests = stories.lines().filter_map(|line| line.strip_prefix(begin));
            let mut rests = rests.into_iter();
            rests.any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        };
        Seen {
            has_groups: has("Executing "),
            has_piles: has("Selling "),
        }
    }

    fn in_release(vsn: &str) -> Seen {
        Seen {
            has_groups: ["1.3.0", "1.4.0", LOSSY].contains(&vsn),
            has_piles: ["1.4.0", LOSSY].contains(&vsn),
        }
    }
}

/// A hero like those of players, at any point of its life.
fn opts(dice: &mut Xoshiro256PlusPlus) -> Opts {
    let loot = |dice: &mut Xoshiro256PlusPlus| {
        let drops = ["Pelt", "Bacon", "Ant Egg", "Spices", "Anvil"];
        Loot {
            drop: drops[(dice.next_u64() % drops.len() as u64) as usize].into(),
            value: (dice.next_u64() % 3) as u32,
        }
    };
    let count = dice.next_u64() % 30;
    Opts {
        time: Some(200 + (dice.next_u64() % 700) as u32),
        lvlexp: Some(50),
        exp: Some(dice.next_u64() % 13_000),
        money: Some(dice.next_u64() % 1_000_000),
        loot: Some((0..count).map(|_| loot(dice)).collect()),
        ..Opts::default()
    }
}

/// A walk over all ordered pairs of releases, each once, from the first release to it again.
fn walk() -> Vec<usize> {
    let count = LADDER.len();
    let mut left: BTreeSet<(usize, usize)> = (0..count)
        .flat_map(|from| (0..count).map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
        .collect();
    // Hierholzer's algorithm: every release has as many ways from it as to it.
    let (mut stack, mut walk) = (vec![0], Vec::new());
    while let Some(at) = stack.last().copied() {
        match left.iter().find(|(from, _)| *from == at).copied() {
            Some(way) => {
                left.remove(&way);
                stack.push(way.1);
            }
            None => walk.extend(stack.pop()),
        }
    }
    walk.reverse();
    walk
}

#[test]
fn the_walk_takes_every_pair_of_releases_once() {
    let walk = walk();
    let pairs: BTreeSet<(usize, usize)> = walk.windows(2).map(|way| (way[0], way[1])).collect();
    let count = LADDER.len();
    assert_eq!(
        (pairs.len(), walk.len()),
        (count * (count - 1), pairs.len() + 1)
    );
    assert_eq!((walk[0], walk.last()), (0, Some(&0)));
}

#[test]
fn a_way_down_that_loses_fields_is_refused_until_it_is_confirmed() {
    let mut site = Site::new();
    let place = |vsn: &str| LADDER.iter().position(|known| *known == vsn).unwrap();
    site.install(place(LOSSY));
    site.all(|| SysMessage::Suspend);
    let before = site.states();
    // The way to 1.0.0 has several steps, and the first of them loses the fields.
    for to in ["1.4.0", "1.0.0"] {
        let options = Options::default();
        let house = &mut site.house;
        let refused = house.install(&mut site.handler, to, &options, |_, _| ());
        let refused = refused.unwrap_err();
        let wanted = "64 processes of pq_player would lose `race`, `class`, `spells`, `equip`";
        assert!(refused.to_string().contains(wanted), "{to}: {refused}");
        assert!(!refused.touched);
        assert_same(&site.states(), &before, to);
    }
    site.install(place("1.4.0"));
    site.install(place(LOSSY));
    assert_same(&site.states(), &before, "after a loss that was confirmed");
}

#[test]
fn heroes_go_between_all_releases_while_they_play_and_nothing_is_lost() {
    let mut site = Site::new();
    for to in walk().into_iter().skip(1) {
        site.there_and_back(to);
        site.play();
    }
    let mut house = site.house;
    assert_eq!(house.count_children("pq_supersup"), HEROES as u64);
    assert!(site.guests.iter().all(|guest| !guest.is_closed()));
    assert_eq!(house.sim.counters().dropped, 0);
    assert_eq!(house.ended(), Vec::<String>::new());
}
