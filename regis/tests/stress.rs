//! Eight threads, sixteen names and many owners, where deaths race registrations. The number of calls bounds the test.
//! While it runs, no lookup may find an owner whose death was announced before the lookup; at its end, the two tables
//! agree and contain no dead owner.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use regis::{Regis, RegisterError};

use crate::{Dice, Slow, seed};

const THREADS: u64 = 8;
const NAMES: u64 = 16;
const OWNERS: u64 = 64_000;
const CALLS_PER_THREAD: u64 = 60_000;
/// The number of owners that are registered and killed at one time: a window that moves over all owners.
const WINDOW: u64 = 24;

/// The life of an owner: death is one step, its announcement a later one.
#[derive(Default)]
struct Life {
    dead: AtomicBool,
    /// The clock when `exited` had returned; 0 before.
    announced: AtomicU64,
}

struct World {
    regis: Regis<Slow<u64>, u64>,
    lives: Vec<Life>,
    /// Increments at each announcement.
    clock: AtomicU64,
    calls: AtomicU64,
}

impl World {
    fn new() -> Self {
        Self {
            regis: Regis::with_shards(4),
            lives: (0..OWNERS).map(|_| Life::default()).collect(),
            clock: AtomicU64::new(1),
            calls: AtomicU64::new(0),
        }
    }

    fn life(&self, owner: u64) -> &Life {
        &self.lives[owner as usize]
    }

    fn is_alive(&self, owner: u64) -> bool {
        !self.life(owner).dead.load(Ordering::Relaxed)
    }

    /// Kills an owner in the order of the runtime, once: dead first, then out of the registry, then announced.
    fn kill(&self, owner: u64) {
        if self.life(owner).dead.swap(true, Ordering::Relaxed) {
            return;
        }
        self.regis.exited(owner);
        let now = self.clock.fetch_add(1, Ordering::SeqCst);
        self.life(owner).announced.store(now, Ordering::SeqCst);
    }

    /// Whether `owner`, which a call found in the registry, was not yet announced dead when the call began at `began`.
    fn was_not_yet_announced(&self, owner: u64, began: u64) -> bool {
        let announced = self.life(owner).announced.load(Ordering::SeqCst);
        announced == 0 || announced >= began
    }

    /// Makes a random call; returns the holder that it found, if any.
    fn step(&self, dice: &mut Dice) -> Option<u64> {
        let progress = self.calls.fetch_add(1, Ordering::Relaxed);
        let first = progress * (OWNERS - WINDOW) / (THREADS * CALLS_PER_THREAD);
        let owner = first + dice.below(WINDOW);
        let name = Slow(dice.below(NAMES));
        match dice.below(10) {
            0..=3 => {
                let given = self
                    .regis
                    .register_alive(name, owner, |owner| self.is_alive(owner));
                match given {
                    Err(RegisterError::NameTaken { holder }) => Some(holder),
                    _ => None,
                }
            }
            4..=5 => self.regis.whereis(&name),
            6 => self.regis.unregister_if(&name, owner).then_some(owner),
            7 => {
                self.regis.unregister(&name);
                None
            }
            _ => {
                self.kill(owner);
                None
            }
        }
    }

    fn play(&self, seed: u64) {
        let mut dice = Dice(seed);
        for turn in 0..CALLS_PER_THREAD {
            let began = self.clock.load(Ordering::SeqCst);
            let seen = self.step(&mut dice);
            assert!(
                seen.is_none_or(|owner| self.was_not_yet_announced(owner, began)),
                "seed {seed}, turn {turn}: {seen:?} was seen after its death was announced"
            );
        }
    }
}

/// Runs `play` on all threads at once, each with its own seed.
fn on_all_threads(seed: u64, play: impl Fn(u64) + Sync) {
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, play) = (&start, &play);
            scope.spawn(move || {
                start.wait();
                play(seed.wrapping_mul(THREADS).wrapping_add(thread));
            });
        }
    });
}

#[test]
fn deaths_racing_registrations_leak_no_name() {
    let seed = seed(1_789);
    let world = World::new();
    on_all_threads(seed, |seed| world.play(seed));
    let named = (0..OWNERS).filter(|owner| world.regis.name_of(*owner).is_some());
    assert_eq!(named.count(), world.regis.len(), "REGIS_SEED={seed}");
    for name in world.regis.get_names() {
        let holder = world.regis.whereis(&name).expect("nobody else is left");
        assert!(
            world.is_alive(holder),
            "REGIS_SEED={seed}: {name:?} is held by the dead {holder}"
        );
        assert_eq!(world.regis.name_of(holder), Some(name), "REGIS_SEED={seed}");
    }
    (0..OWNERS).for_each(|owner| world.kill(owner));
    assert!(
        world.regis.is_empty(),
        "REGIS_SEED={seed}: {:?}",
        world.regis.get_names()
    );
    assert!(
        (0..OWNERS).all(|owner| world.regis.name_of(owner).is_none()),
        "REGIS_SEED={seed}"
    );
}

/// The requirement of a supervisor: after the announcement of a death the name is always free, although the other
/// threads keep the same few shards busy with their own names.
#[test]
fn a_restart_never_finds_the_name_taken() {
    const RESTARTS: u64 = 20_000;
    let seed = seed(42);
    let regis = Regis::<u64, u64>::with_shards(2);
    on_all_threads(seed, |name| {
        for life in 0..RESTARTS {
            let owner = name.wrapping_mul(RESTARTS).wrapping_add(life);
            assert_eq!(
                regis.register(name, owner),
                Ok(()),
                "seed {seed}, life {life}"
            );
            assert_eq!(regis.whereis(&name), Some(owner));
            assert_eq!(regis.exited(owner), Some(name));
        }
    });
    assert!(regis.is_empty(), "seed {seed}");
}
