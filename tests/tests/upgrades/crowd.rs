//! A crowd that joins, plays, crashes and leaves, and what must be true of it after an upgrade.

use std::collections::BTreeMap;

use pq_otp::{Pid, ProcessInfo};
use pq_tests::house::client::{Client, Knock};
use pq_tests::house::{House, socket_opts};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Heroes over sockets, and without: enough that every slice of a transaction has some, few enough for thousands
/// of episodes.
const GUESTS: usize = 12;
const BOTS: usize = 24;

/// The versions of each module that belong to a release.
fn version_of(module: &str, release: &str) -> &'static str {
    match (module, release) {
        ("pq_player" | "pq_enemy" | "pq_events" | "pq_quest", "1.1.0") => "1.1.0",
        ("sockserv_serv", "1.1.0") => "1.0.1",
        _ => "1.0.0",
    }
}

/// Somebody at a socket.
struct Guest {
    client: Client,
    name: String,
}

/// Everybody.
pub(crate) struct Crowd {
    dice: Xoshiro256PlusPlus,
    guests: Vec<Guest>,
    at_the_door: Vec<(Knock, String)>,
    born: u64,
    /// The experience of each hero process when it was last looked at.
    experience: BTreeMap<Pid, i64>,
}

impl Crowd {
    /// A crowd that has played for a while.
    pub(crate) fn new(house: &mut House, seed: u64) -> Crowd {
        let mut crowd = Crowd {
            dice: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xc0ffee),
            guests: Vec::new(),
            at_the_door: Vec::new(),
            born: 0,
            experience: BTreeMap::new(),
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
        format!("hero {}", self.born)
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

    /// Something happens, or nothing.
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

    /// Somebody knocks, and types ahead as soon as there is somebody to hear it.
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
        }
    }

    fn mumble(&mut self, house: &mut House) {
        let at = self.below(self.guests.len());
        if let Some(guest) = self.guests.get(at) {
            house.sends(&guest.client, "what a day");
        }
    }

    fn crash(&mut self, house: &mut House, module: &str) {
        let of_module: Vec<Pid> = house
            .sim
            .processes()
            .into_iter()
            .filter(|process| process.module == module)
            .map(|process| process.pid)
            .collect();
        if of_module.len() > 6 {
            house
                .sim
                .node()
                .kill(of_module[self.below(of_module.len())]);
        }
    }

    /// What must be true after every attempt.
    pub(crate) fn check(&mut self, house: &mut House, release: &str, what: &str) {
        house.sim.run_ms(5);
        self.let_in(house);
        assert!(
            self.at_the_door.is_empty(),
            "{what}: somebody is not let in"
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
        self.refill(house);
    }

    /// Every hero is found under its name, and no experience is lost.
    fn check_heroes(&mut self, house: &mut House, processes: &[ProcessInfo], what: &str) {
        let players: Vec<Pid> = processes
            .iter()
            .filter(|process| process.module == "pq_player")
            .map(|process| process.pid)
            .collect();
        let mut experience = BTreeMap::new();
        for player in &players {
            let state = house.sim.sys(*player, pq_otp::sys::SysMessage::GetState);
            let state = state.unwrap_or_else(|error| panic!("{what}: {player}: {error}"));
            let bytes = pq_term::msgpack::to_plain_msgpack(&state);
            let hero: Hero = rmp_serde::from_slice(&bytes)
                .unwrap_or_else(|error| panic!("{what}: {player}: {error} in {state}"));
            let (name, exp) = hero.name_and_exp();
            assert_eq!(house.whereis(&name), Some(*player), "{what}: {name}");
            if let Some(before) = self.experience.get(player) {
                assert!(exp >= *before, "{what}: {name} had {before} and has {exp}");
            }
            experience.insert(*player, exp);
        }
        self.experience = experience;
    }

    /// Nobody at a socket is forgotten: each has a session, a hero, and whole lines to read.
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

    fn refill(&mut self, house: &mut House) {
        while self.guests.len() < GUESTS {
            self.join(house);
        }
    }
}

/// What both versions have in common.
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
