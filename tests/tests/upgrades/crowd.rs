//! A crowd of heroes that start, play, crash and leave, and the checks of it after an upgrade.

use std::collections::{BTreeMap, BTreeSet};

use pq_otp::{Ask, Pid, ProcessInfo};
use pq_tests::house::client::{Client, Knock};
use pq_tests::house::{House, socket_opts};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The numbers of heroes with and without sockets: enough that every slice of a transaction has several, and few enough
/// for thousands of episodes.
const GUESTS: usize = 12;
const BOTS: usize = 24;

/// The test stops heroes above this number between two attempts, because sockserv 1.0.0 leaves behind the heroes of
/// disconnected clients.
const HEROES_MAX: usize = 48;

/// The milliseconds for which starts may still wait after a decision: a shard first releases its own processes, one
/// slice per millisecond.
const LET_IN_MS: u64 = 100;

/// The version of a module that belongs to a release.
pub(crate) fn version_of(module: &str, release: &str) -> &'static str {
    match (module, release) {
        ("pq_player" | "processquest", "1.1.1") => "1.1.1",
        ("pq_player" | "pq_enemy" | "pq_events" | "pq_quest", "1.1.0" | "1.1.1") => "1.1.0",
        ("sockserv_serv", "1.1.0" | "1.1.1") => "1.0.1",
        _ => "1.0.0",
    }
}

struct Guest {
    client: Client,
    name: String,
}

pub(crate) struct Crowd {
    dice: Xoshiro256PlusPlus,
    guests: Vec<Guest>,
    at_the_door: Vec<(Knock, String)>,
    born: u64,
    /// The name and experience of each hero process at the last check.
    pub(crate) heroes: BTreeMap<Pid, (String, i64)>,
    /// Processes that crashed since the beginning of the last attempt.
    pub(crate) crashed: BTreeSet<Pid>,
    /// Heroes whose players disconnected since then, or lost their session.
    pub(crate) left: BTreeSet<String>,
}

impl Crowd {
    /// A crowd that has played for some time.
    pub(crate) fn new(house: &mut House, seed: u64) -> Crowd {
        let mut crowd = Crowd {
            dice: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xc0ffee),
            guests: Vec::new(),
            at_the_door: Vec::new(),
            born: 0,
            heroes: BTreeMap::new(),
            crashed: BTreeSet::new(),
            left: BTreeSet::new(),
        };
        for _ in 0..GUESTS {
            crowd.join(house);
        }
        for _ in 0..BOTS {
            crowd.start_bot(house);
        }
        house.sim.run_ms(20_000);
        crowd
    }

    fn name(&mut self) -> String {
        self.born += 1;
        format!("hero-{}", self.born)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.dice.next_u64() % end.max(1) as u64) as usize
    }

    fn join(&mut self, house: &mut House) {
        let (name, client) = (self.name(), house.connect().unwrap());
        house.sends(&client, &name);
        house.sends(&client, "y");
        self.guests.push(Guest { client, name });
    }

    fn start_bot(&mut self, house: &mut House) {
        let name = self.name();
        let args = rmp_serde::to_vec_named(&(&name, socket_opts())).unwrap();
        let request = pq_otp::spec::SupRequest::StartChild(args);
        let supervisor = house.local("pq_supersup");
        house
            .sim
            .node()
            .request(supervisor, &pq_otp::spec::encode(&request), |_| ());
    }

    /// Does a random action, or none.
    pub(crate) fn something(&mut self, house: &mut House) {
        self.let_in(house);
        match self.below(24) {
            0 => self.knock(house),
            1 => self.start_bot(house),
            2 => self.quit(house),
            3 => self.drop_one(house),
            4 => self.crash(house, "pq_player"),
            5 => self.crash(house, "pq_events"),
            6 => self.crash(house, "pq_sup"),
            7 => self.crash(house, "sockserv_serv"),
            8 => self.mumble(house),
            _ => (),
        }
    }

    /// Connects a client, whose input is sent as soon as its session has started.
    fn knock(&mut self, house: &mut House) {
        if self.guests.len() + self.at_the_door.len() < 2 * GUESTS {
            let name = self.name();
            let knock = house.knock().unwrap();
            self.at_the_door.push((knock, name));
        }
    }

    fn let_in(&mut self, house: &mut House) {
        for (knock, name) in std::mem::take(&mut self.at_the_door) {
            match house.let_in(&knock) {
                // The process that was to start the session crashed during the start.
                None if house.is_turned_away(&knock) && !self.crashed.is_empty() => (),
                None => self.at_the_door.push((knock, name)),
                Some(client) => {
                    house.sends(&client, &name);
                    house.sends(&client, "y");
                    self.guests.push(Guest { client, name });
                }
            }
        }
    }

    fn quit(&mut self, house: &mut House) {
        if self.guests.len() > GUESTS / 2 {
            let at = self.below(self.guests.len());
            let guest = self.guests.swap_remove(at);
            house.sends(&guest.client, "quit");
            self.left.insert(guest.name);
        }
    }

    fn drop_one(&mut self, house: &mut House) {
        if self.guests.len() > GUESTS / 2 {
            let at = self.below(self.guests.len());
            let guest = self.guests.swap_remove(at);
            let node = house.sim.node();
            node.port_closed(
                guest.client.port,
                guest.client.session,
                "closed by the client",
            );
            self.left.insert(guest.name);
        }
    }

    fn mumble(&mut self, house: &mut House) {
        let at = self.below(self.guests.len());
        if let Some(guest) = self.guests.get(at) {
            house.sends(&guest.client, "what a day");
        }
    }

    /// Crashes one process of this module, unless there are only a few.
    pub(crate) fn crash(&mut self, house: &mut House, module: &str) {
        let processes = house.sim.processes().into_iter();
        let of_module: Vec<Pid> = processes
            .filter(|process| process.module == module)
            .map(|process| process.pid)
            .collect();
        if of_module.len() > 6 {
            let unlucky = of_module[self.below(of_module.len())];
            self.kill(house, unlucky);
        }
    }

    /// Crashes this process and records that.
    pub(crate) fn kill(&mut self, house: &mut House, pid: Pid) {
        self.crashed.insert(pid);
        let sessions = self.guests.iter();
        let of_pid = sessions.filter(|guest| guest.client.session == pid);
        self.left.extend(of_pid.map(|guest| guest.name.clone()));
        house.sim.node().kill(pid);
    }

    /// Checks the conditions that hold after every attempt.
    pub(crate) fn check(&mut self, house: &mut House, release: &str, what: &str) {
        house.sim.run_ms(5);
        self.let_in(house);
        for _ in 0..LET_IN_MS {
            if self.at_the_door.is_empty() {
                break;
            }
            house.sim.run_ms(1);
            self.let_in(house);
        }
        assert!(
            self.at_the_door.is_empty(),
            "{what}: a client has no session"
        );
        house.sim.run_ms(5);
        let processes = house.sim.processes();
        for process in &processes {
            assert!(!process.held && !process.suspended, "{what}: {process:?}");
            if process.kind != "native" {
                let expected = version_of(&process.module, release);
                assert_eq!(process.vsn, expected, "{what}: {process:?}");
            }
        }
        self.check_heroes(house, &processes, what);
        self.check_guests(house, what);
        self.thin_out(house);
        self.refill(house);
    }

    /// Checks that every hero has its name, and that no experience is lost.
    fn check_heroes(&mut self, house: &mut House, processes: &[ProcessInfo], what: &str) {
        let players: Vec<Pid> = processes
            .iter()
            .filter(|process| process.module == "pq_player")
            .map(|process| process.pid)
            .collect();
        let mut heroes = BTreeMap::new();
        for player in &players {
            let state = house.sim.sys(
                *player,
                pq_otp::sys::SysMessage::GetState,
                pq_otp::sys::TIMEOUT_MS,
            );
            let state = state.unwrap_or_else(|error| panic!("{what}: {player}: {error}"));
            let bytes = pq_term::msgpack::to_plain_msgpack(&state);
            let hero: Hero = rmp_serde::from_slice(&bytes)
                .unwrap_or_else(|error| panic!("{what}: {player}: {error} in {state}"));
            let (name, exp) = hero.name_and_exp();
            assert_eq!(house.whereis(&name), Some(*player), "{what}: {name}");
            if let Some((_, before)) = self.heroes.get(player) {
                assert!(exp >= *before, "{what}: {name} had {before} and has {exp}");
            }
            heroes.insert(*player, (name, exp));
        }
        self.heroes = heroes;
    }

    /// Checks every player with a socket: each has a session, a hero, and complete lines of output.
    fn check_guests(&mut self, house: &mut House, what: &str) {
        for guest in &self.guests {
            let Guest { client, name } = guest;
            let text = client.read();
            assert!(
                text.is_empty() || text.ends_with('\n'),
                "{what}: {name} reads {text:?}"
            );
            assert!(
                client.is_closed() || house.sim.node().is_alive(client.session),
                "{what}: {name}"
            );
        }
        self.guests.retain(|guest| !guest.client.is_closed());
    }

    /// Stops heroes without a player if there are too many.
    fn thin_out(&mut self, house: &mut House) {
        let played: BTreeSet<&str> = self
            .guests
            .iter()
            .map(|guest| guest.name.as_str())
            .collect();
        let names = self.heroes.values().map(|(name, _)| name.as_str());
        let idle = names.filter(|name| !played.contains(name));
        let too_many = self.heroes.len().saturating_sub(HEROES_MAX);
        for name in idle.take(too_many) {
            if let Some(sup) = house.sup_of(name) {
                house.stop_hero(sup);
            }
        }
    }

    fn refill(&mut self, house: &mut House) {
        while self.guests.len() < GUESTS {
            self.join(house);
        }
    }
}

/// The parts of a hero that both versions have.
#[derive(serde::Deserialize)]
struct Hero {
    data: Data,
}

#[derive(serde::Deserialize)]
struct Data {
    name: Option<String>,
    exp: Option<i64>,
    hero: Option<Plain>,
}

#[derive(serde::Deserialize)]
struct Plain {
    name: String,
    exp: i64,
}

impl Hero {
    fn name_and_exp(self) -> (String, i64) {
        match (self.data.hero, self.data.name, self.data.exp) {
            (Some(hero), ..) => (hero.name, hero.exp),
            (None, Some(name), Some(exp)) => (name, exp),
            _ => panic!("a hero without name or experience"),
        }
    }
}
