//! Crashes of heroes: a killed process is restarted as its supervisor specifies, and other heroes are not affected.

use std::collections::HashMap;

use pq_sdk::Pid;
use pq_tests::campaign::length;
use pq_tests::house::client::{Client, PROMPT};
use pq_tests::house::{House, socket_opts};
use pq_words::{Opts, Stats};
use processquest_1_0_0::pq_player::{Player, Whole};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The number of crashes within [`PERIOD_MS`] after which a hero is restarted: the book's `{one_for_all, 2, 3600}`.
const FALLS_MAX: usize = 2;
const PERIOD_MS: u64 = 3_600_000;

/// One hero, with its crashes so far.
struct Charge {
    name: String,
    sup: Pid,
    client: Option<Client>,
    falls: Vec<u64>,
    /// Its state after the start, which it must have again after each restart.
    born: Option<Newborn>,
}

/// The state of a hero after its start, without its event manager, which is another process after each restart.
#[derive(Clone, PartialEq, Debug)]
struct Newborn(Whole);

impl Newborn {
    /// The state of the hero with this name, taken directly after its start.
    fn of(house: &mut House, name: &str) -> Newborn {
        let mut hero = house.hero(name).unwrap();
        assert_eq!(Some(hero.data.events), house.events_of(name), "{name}");
        hero.data.events = Pid::from_raw(0);
        Newborn(hero)
    }
}

/// Options without random values: stats, goal and pace that no other hero has.
fn opts_of(number: usize) -> Opts {
    let mut next = 3 + (number % 10) as u16;
    Opts {
        stats: Some(Stats::from_fn(|| {
            next += 1;
            next
        })),
        lvlexp: Some(40 + number as u64),
        time: Some(700 + number as u32),
        ..Opts::default()
    }
}

/// A simulated node in which processes crash.
struct Storm {
    seed: u64,
    house: House,
    dice: Xoshiro256PlusPlus,
    charges: Vec<Charge>,
    registry_fell_ms: Option<u64>,
    tally: Tally,
}

/// The number of crashes of each kind: a test in which one kind never happens proves nothing about it.
#[derive(Default, Debug)]
struct Tally {
    rises: u32,
    ends: u32,
    sups: u32,
    sessions: u32,
    registries: u32,
}

impl Storm {
    /// Makes heroes with and without a client, each with a witness.
    fn new(seed: u64, alone: usize, guests: usize) -> Storm {
        let mut storm = Storm {
            seed,
            house: House::boot(seed),
            dice: Xoshiro256PlusPlus::seed_from_u64(seed),
            charges: Vec::new(),
            registry_fell_ms: None,
            tally: Tally::default(),
        };
        for number in 0..alone + guests {
            let guest = number >= alone;
            let client = guest.then(|| storm.house.enter());
            let name = format!("hero-{number}");
            storm.charges.push(Charge {
                name,
                sup: Pid::from_raw(0),
                client,
                falls: Vec::new(),
                born: None,
            });
            storm.begin(number);
            storm.house.sim.run_ms(7);
        }
        storm
    }

    /// Starts the hero with this number, for the first time or again: its name must be free.
    fn begin(&mut self, number: usize) {
        let charge = &mut self.charges[number];
        match &charge.client {
            Some(client) => self.house.begin(client, &charge.name),
            None => drop(
                self.house
                    .start_hero(&charge.name, &opts_of(number))
                    .unwrap(),
            ),
        }
        charge.sup = self.house.sup_of(&charge.name).unwrap();
        charge.born = Some(Newborn::of(&mut self.house, &charge.name));
        charge.falls.clear();
        self.house.watch_hero(&charge.name);
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice.next_u64() % sides
    }

    /// Causes one crash. Every second crash hits one of the first ten or of the last ten heroes, so that these crash
    /// more often than their supervisor restarts them.
    fn strike(&mut self) {
        let number = match self.roll(4) {
            0 => self.roll(10) as usize,
            1 => self.charges.len() - 1 - self.roll(10) as usize,
            _ => self.roll(self.charges.len() as u64) as usize,
        };
        match self.roll(20) {
            0..10 => self.fell(number, House::whereis),
            10..15 => self.fell(number, House::events_of),
            15..17 => self.lose_supervisor(number),
            17..19 => self.lose_session(number),
            _ => self.lose_registry(),
        }
    }

    /// Checks a hero before its crash, because its witness ends with it.
    fn check(&mut self, number: usize) {
        let Charge { name, sup, .. } = &self.charges[number];
        if let Err(fault) = self.house.check_hero(name, *sup) {
            panic!("seed {}: {fault}", self.seed);
        }
    }

    /// Checks that every hero is three processes: its own supervisor, and the two processes below it that have its
    /// names.
    fn check_processes(&self) {
        let processes = self.house.sim.processes();
        let parents: HashMap<Pid, Option<Pid>> = processes
            .iter()
            .map(|info| (info.pid, info.parent))
            .collect();
        let supersup = self.house.local("pq_supersup");
        for Charge { name, sup, .. } in &self.charges {
            let two = [self.house.whereis(name), self.house.events_of(name)];
            let lives_under_it = |pid: &Option<Pid>| {
                pid.and_then(|pid| parents.get(&pid).copied()) == Some(Some(*sup))
            };
            assert!(
                two.iter().all(lives_under_it) && parents.get(sup) == Some(&Some(supersup)),
                "seed {}: {name} is not whole at {} ms: {two:?}",
                self.seed,
                self.house.sim.now_ms()
            );
        }
    }

    /// Crashes a hero or its event manager. Both are restarted under the same supervisor with their start options;
    /// after too many crashes, all three processes end.
    fn fell(&mut self, number: usize, victim: fn(&House, &str) -> Option<Pid>) {
        self.check(number);
        let now_ms = self.house.sim.now_ms();
        let charge = &mut self.charges[number];
        let name = &charge.name;
        let both = |house: &House| [house.whereis(name), house.events_of(name)];
        let before = both(&self.house);
        charge.client.as_ref().map(Client::read);
        self.house.kill(victim(&self.house, name).unwrap());
        charge.falls.retain(|fall| now_ms - fall <= PERIOD_MS);
        charge.falls.push(now_ms);
        let context = format!("seed {}: {name} at {now_ms} ms", self.seed);
        if charge.falls.len() > FALLS_MAX {
            return self.ended(number, &context);
        }
        let after = both(&self.house);
        assert!(after.iter().all(Option::is_some), "{context}");
        assert!(after[0] != before[0] && after[1] != before[1], "{context}");
        assert_eq!(self.house.sup_of(name), Some(charge.sup), "{context}");
        let risen = Some(Newborn::of(&mut self.house, name));
        assert_eq!(risen, charge.born, "{context}");
        if let Some(client) = &charge.client {
            assert_eq!(
                client.read(),
                format!("{name} fell, and rises again.\n"),
                "{context}"
            );
        }
        self.house.watch_hero(name);
        self.tally.rises += 1;
    }

    /// A hero has ended and its name is free: the test starts it again.
    fn ended(&mut self, number: usize, context: &str) {
        let charge = &self.charges[number];
        let name = &charge.name;
        assert!(self.house.is_gone(name), "{context}");
        assert!(!self.house.sim.node().is_alive(charge.sup), "{context}");
        if let Some(client) = &charge.client {
            let told = format!("{name} has fallen for the last time.\n{PROMPT}");
            assert_eq!(client.read(), told, "{context}");
        }
        self.begin(number);
        self.tally.ends += 1;
    }

    /// Kills a `pq_sup`. It is temporary, so its hero ends with it.
    fn lose_supervisor(&mut self, number: usize) {
        self.check(number);
        let charge = &self.charges[number];
        charge.client.as_ref().map(Client::read);
        let context = format!("seed {}: pq_sup of {}", self.seed, charge.name);
        self.house.kill(charge.sup);
        self.ended(number, &context);
        self.tally.sups += 1;
    }

    /// Kills a session: its port is closed, and nothing else changes.
    fn lose_session(&mut self, number: usize) {
        let Some(client) = self.charges[number].client.take() else {
            return;
        };
        self.house.kill(client.session);
        assert!(client.is_closed(), "seed {}", self.seed);
        self.check(number);
        self.tally.sessions += 1;
    }

    /// Kills the registry's server, which its supervisor restarts at most once an hour (`{one_for_one, 1, 3600}`).
    fn lose_registry(&mut self) {
        let now_ms = self.house.sim.now_ms();
        if self
            .registry_fell_ms
            .is_some_and(|fell| now_ms - fell <= PERIOD_MS)
        {
            return;
        }
        let mut names = self.house.names.get_names();
        let server = self.house.local("regis_server");
        self.house.kill(server);
        assert_ne!(
            self.house.local("regis_server"),
            server,
            "seed {}",
            self.seed
        );
        let mut after = self.house.names.get_names();
        names.sort();
        after.sort();
        assert_eq!(after, names, "seed {}", self.seed);
        self.registry_fell_ms = Some(now_ms);
        self.tally.registries += 1;
    }

    fn rage(&mut self, hours: u64) {
        let tops = ["pq_supersup", "sockserv_sup"];
        let before = tops.map(|top| self.house.local(top));
        for _ in 0..hours {
            let end = self.house.sim.now_ms() + 3_600_000;
            while self.house.sim.now_ms() < end {
                let pause_ms = 1 + self.roll(40_000);
                self.house.sim.run_ms(pause_ms);
                self.strike();
                self.check_processes();
            }
            (0..self.charges.len()).for_each(|number| self.check(number));
        }
        assert_eq!(
            tops.map(|top| self.house.local(top)),
            before,
            "seed {}",
            self.seed
        );
        assert!(
            self.house.ended().is_empty(),
            "seed {}: {:?}",
            self.seed,
            self.house.ended()
        );
        assert_eq!(
            self.house.count_children("pq_supersup"),
            self.charges.len() as u64
        );
        assert_eq!(self.house.names.get_names().len(), 2 * self.charges.len());
    }
}

#[test]
fn whoever_is_killed_comes_back_as_the_supervisor_says_and_nobody_else_notices() {
    for seed in 1..=length(1, 3) {
        let mut storm = Storm::new(seed, 60, 40);
        storm.rage(5);
        let Tally {
            rises,
            ends,
            sups,
            sessions,
            registries,
        } = storm.tally;
        let seen = [rises, ends, sups, sessions, registries];
        assert!(
            seen.iter().all(|count| *count > 0) && ends > sups,
            "seed {seed}: {:?}",
            storm.tally
        );
    }
}

/// The book's `one_for_all`: both processes are new, and start with the options of `start_player`, independent of the
/// hero's later state.
#[test]
fn a_hero_rises_with_the_options_it_was_started_with() {
    let opts = Opts {
        exp: Some(7),
        lvl: Some(3),
        money: Some(11),
        ..opts_of(1)
    };
    let mut house = House::boot(4);
    let sup = house.start_hero("Conan", &opts).unwrap();
    let born = Newborn::of(&mut house, "Conan");
    let Player {
        stats,
        exp,
        lvlexp,
        lvl,
        money,
        time,
        ..
    } = &born.0.data;
    let begins = (*stats, *exp, *lvlexp, *lvl, *money, *time);
    assert_eq!(begins, (opts.stats.unwrap(), 7, 41, 3, 11, 701));
    for victim in [House::whereis, House::events_of] {
        let both = |house: &House| [house.whereis("Conan"), house.events_of("Conan")];
        house.sim.run_ms(1_800_000);
        let before = both(&house);
        assert_ne!(Newborn::of(&mut house, "Conan"), born, "nothing happens");
        house.kill(victim(&house, "Conan").unwrap());
        let after = both(&house);
        assert!(after[0] != before[0] && after[1] != before[1]);
        assert_eq!(house.sup_of("Conan"), Some(sup));
        assert_eq!(Newborn::of(&mut house, "Conan"), born);
    }
}

/// Several processes crash at the same instant, before any process learns of the first crash.
#[test]
fn accidents_at_one_moment_are_borne_like_accidents_one_by_one() {
    let seed = 5;
    for victims in [
        ["events", "player"],
        ["player", "events"],
        ["player", "session"],
        ["session", "events"],
    ] {
        let mut house = House::boot(seed);
        let client = house.enter_as("Conan");
        house.sim.run_ms(30_000);
        let pids = victims.map(|victim| match victim {
            "events" => house.events_of("Conan").unwrap(),
            "player" => house.whereis("Conan").unwrap(),
            _ => client.session,
        });
        pids.iter().for_each(|pid| kill_soon(&house, *pid));
        house.sim.settle();
        assert!(
            house.whereis("Conan").is_some() && house.events_of("Conan").is_some(),
            "{victims:?}"
        );
        assert_eq!(
            client.is_closed(),
            victims.contains(&"session"),
            "{victims:?}"
        );
        assert_eq!(house.count_children("pq_supersup"), 1, "{victims:?}");
        house.watch_hero("Conan");
        let sup = house.sup_of("Conan").unwrap();
        house.sim.run_ms(600_000);
        house.check_hero("Conan", sup).unwrap();
    }
}

/// Sends the signal; no process has run since.
fn kill_soon(house: &House, to: Pid) {
    house.sim.node().signal(pq_otp::Signal::Exit {
        to,
        from: Pid::from_raw(0),
        reason: pq_sdk::Reason::Kill,
        cause: pq_otp::ExitCause::Explicit,
    });
}

/// A session that has lost the event manager of its hero looks for it until the hero is found or has ended.
#[test]
fn a_session_whose_hero_keeps_falling_is_told_each_time() {
    let mut house = House::boot(6);
    let client = house.enter_as("Conan");
    let mut told = String::new();
    for _ in 0..3 {
        house.kill(house.whereis("Conan").unwrap());
        told += &client.read();
    }
    let rises = "Conan fell, and rises again.\n".repeat(2);
    assert_eq!(
        told,
        format!("{rises}Conan has fallen for the last time.\n{PROMPT}")
    );
}

#[test]
fn a_hero_that_falls_once_an_hour_gets_up_for_ever() {
    let mut house = House::boot(8);
    let sup = house.start_hero("Conan", &socket_opts()).unwrap();
    for _ in 0..24 {
        house.kill(house.whereis("Conan").unwrap());
        house.watch_hero("Conan");
        house.sim.run_ms(1_801_000);
        house.check_hero("Conan", sup).unwrap();
    }
}

#[test]
fn the_third_fall_is_the_last_when_the_first_was_just_an_hour_ago_and_not_a_millisecond_later() {
    for (wait_ms, ends) in [(PERIOD_MS, true), (PERIOD_MS + 1, false)] {
        let mut house = House::boot(9);
        let sup = house.start_hero("Conan", &socket_opts()).unwrap();
        let other = house.start_hero("Belit", &socket_opts()).unwrap();
        house.watch_hero("Belit");
        for pause_ms in [0, wait_ms / 2, wait_ms - wait_ms / 2] {
            house.sim.run_ms(pause_ms);
            house.kill(house.whereis("Conan").unwrap());
        }
        assert_eq!(house.is_gone("Conan"), ends, "{wait_ms}");
        assert_ne!(house.sim.node().is_alive(sup), ends, "{wait_ms}");
        house.check_hero("Belit", other).unwrap();
    }
}

/// The registry belongs to the node, and its server only cleans the tables: heroes play, start and stop while there is
/// no server.
#[test]
fn the_registry_works_while_its_server_is_away() {
    let mut house = House::boot(10);
    let first = house.enter_as("Conan");
    house.types(&first, "n");
    let second = house.enter();
    house.types(&second, "Belit");
    kill_soon(&house, house.local("regis_server"));
    house.sends(&first, "quit");
    house.sends(&second, "y");
    house.sim.settle();
    assert!(first.is_closed() && house.is_gone("Conan") && house.whereis("Belit").is_some());
    assert!(house.ended().is_empty());
}

/// The limits of the book's supervisors: the end of a top supervisor ends a permanent application, and so the node.
#[test]
fn the_end_of_a_permanent_application_ends_the_node() {
    let mut house = House::boot(11);
    house.kill(house.local("regis_server"));
    house.sim.run_ms(1_000);
    assert!(house.ended().is_empty());
    house.kill(house.local("regis_server"));
    assert_eq!(house.ended(), ["regis"]);
    let client = house.enter_as("Conan");
    house.kill(house.local("pq_supersup"));
    assert_eq!(house.ended(), ["regis", "processquest"]);
    assert!(house.is_gone("Conan"));
    house.kill(house.local("sockserv_sup"));
    assert_eq!(house.ended(), ["regis", "processquest", "sockserv"]);
    assert!(client.is_closed());
}
