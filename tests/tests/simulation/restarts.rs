//! Heroes that crash and come back as they were kept last: they play on at their level, and their clients hear them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pq_otp::moved::{Kept, Moving as _, SameVersions, Subtree};
use pq_otp::spec::{self, ManagerReply, ManagerRequest};
use pq_otp::{Ask as _, Children, Comeback, EndOf, Node, Restart};
use pq_sdk::Pid;
use pq_tests::campaign::length;
use pq_tests::house::House;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// How long an answer may take on the virtual clock.
const PATIENCE_MS: u64 = 60_000;

/// A listener that keeps the bytes of heroes by their `pq_sup`.
#[derive(Default)]
struct Keeper(Mutex<HashMap<Pid, Vec<u8>>>);

impl Children for Keeper {
    fn started(&self, _supervisor: Pid, _child: Pid) {}

    fn ended(&self, _node: &Node, _child: Pid, _end: EndOf<'_>) {}

    fn keeps(&self, child: Pid) -> bool {
        self.0.lock().unwrap().contains_key(&child)
    }

    fn restart(&self, node: &Node, restart: Restart) {
        let kept = self.0.lock().unwrap();
        let subtree = Subtree::from_bytes(&kept[&restart.root]).unwrap();
        let part = subtree.part(&restart.path, Kept::Here(node)).unwrap();
        node.go_on(&restart, Comeback::Saved(part, Arc::new(SameVersions)));
    }
}

/// The hero without the pid of its event manager, which is another process after a crash of both.
fn hero(house: &mut House) -> String {
    let mut hero = house.hero("Conan").unwrap();
    assert_eq!(Some(hero.data.events), house.events_of("Conan"));
    hero.data.events = Pid::from_raw(0);
    format!("{hero:?}")
}

/// The number of handlers of the hero's event manager.
fn listeners(house: &mut House) -> usize {
    let events = house.events_of("Conan").unwrap();
    let ask = spec::encode(&ManagerRequest::WhichHandlers);
    let reply = house.sim.call(events, &ask, PATIENCE_MS).unwrap();
    match spec::decode(&reply).unwrap() {
        ManagerReply::Handlers(handlers) => handlers.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hero_that_falls_plays_on_as_it_was_kept_and_its_client_hears_of_it() {
    for seed in 1..=length(20, 300) {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut house = House::boot(seed);
        let keeper = Arc::new(Keeper::default());
        assert!(house.sim.node().tell_children(keeper.clone()));
        let client = house.enter_as("Conan");
        let sup = house.sup_of("Conan").unwrap();
        for _ in 0..10 {
            house.sim.run_ms(dice.next_u64() % 600_000);
            let copy = house.sim.copy_out(sup, PATIENCE_MS).unwrap();
            keeper.0.lock().unwrap().insert(sup, copy.to_bytes());
            let kept = hero(&mut house);
            // The supervisor forgets its restarts after an hour.
            house.sim.run_ms(1_801_000 + dice.next_u64() % 600_000);
            let before = [house.whereis("Conan"), house.events_of("Conan")];
            client.read();
            house.kill(before[(dice.next_u64() % 2) as usize].unwrap());
            let after = [house.whereis("Conan"), house.events_of("Conan")];
            assert!(after.iter().all(Option::is_some), "seed {seed}");
            assert!(
                after[0] != before[0] && after[1] != before[1],
                "seed {seed}"
            );
            assert_eq!(hero(&mut house), kept, "seed {seed}");
            assert_eq!(house.sup_of("Conan"), Some(sup), "seed {seed}");
            assert_eq!(
                client.read(),
                "Conan fell, and rises again.\n",
                "seed {seed}"
            );
            assert_eq!(listeners(&mut house), 1, "seed {seed}");
            house.sim.run_ms(60_000);
            assert_ne!(hero(&mut house), kept, "seed {seed}");
            assert!(client.read().lines().count() > 5, "seed {seed}");
        }
        house.types(&client, "quit");
        assert!(client.is_closed() && house.is_gone("Conan"), "seed {seed}");
    }
}
