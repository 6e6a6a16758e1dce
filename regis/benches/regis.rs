//! The cost of each call with 100 000 names, in nanoseconds of wall clock per call over all threads. With two threads,
//! half the figure of one thread means that they do not slow each other down.
//!
//! Goals on two cores: `whereis` at most 60 ns hot and 250 ns random, `register` and the clean-up of a death at most
//! 400 ns. Run `cargo bench -p regis`; a filter such as `enum/1/whereis` selects benchmarks.

use std::hash::Hash;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use regis::Regis;

const NAMES: usize = 100_000;
const THREADS: [usize; 2] = [1, 2];

/// A name as a server would make it: 24 bytes, without an allocation for a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Player(u64),
    Events(u64),
    Service(Arc<str>),
}

const _: () = assert!(size_of::<Name>() == 24);

trait Key: Hash + Eq + Clone + Send + Sync + 'static {
    const KIND: &'static str;
    fn new(number: usize) -> Self;
}

impl Key for u64 {
    const KIND: &'static str = "u64";
    fn new(number: usize) -> Self {
        number as u64
    }
}

impl Key for Name {
    const KIND: &'static str = "enum";
    fn new(number: usize) -> Self {
        match number {
            0 => Self::Service("world".into()),
            odd if odd % 2 == 1 => Self::Player(odd as u64),
            even => Self::Events(even as u64 - 1),
        }
    }
}

impl Key for Arc<str> {
    const KIND: &'static str = "arc-str";
    fn new(number: usize) -> Self {
        format!("hero-{number:08}").into()
    }
}

/// All names, made in the order of their numbers and then shuffled (Fisher-Yates, SplitMix64). So consecutive names are
/// not adjacent in memory, neither here nor in the tables.
fn shuffled<K: Key>(seed: u64) -> Vec<(K, u64)> {
    let mut entries: Vec<_> = (0..NAMES).map(|n| (K::new(n), n as u64)).collect();
    let mut state = seed;
    for last in (1..NAMES).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        entries.swap(last, ((mixed ^ (mixed >> 31)) % (last as u64 + 1)) as usize);
    }
    entries
}

fn filled<K: Key>(entries: &[(K, u64)]) -> Regis<K, u64> {
    let regis = Regis::new();
    register_all(&regis, entries);
    regis
}

fn register_all<K: Key>(regis: &Regis<K, u64>, entries: &[(K, u64)]) {
    for (name, owner) in entries {
        let given = regis.register(name.clone(), *owner);
        assert!(given.is_ok(), "every name and every owner is there once");
    }
}

/// The wall-clock time of `work` over all entries, shared evenly between the threads.
fn timed<K: Key>(
    threads: usize,
    entries: &[(K, u64)],
    work: impl Fn(&[(K, u64)]) + Sync,
) -> Duration {
    let gate = Barrier::new(threads + 1);
    thread::scope(|scope| {
        for share in entries.chunks(NAMES.div_ceil(threads)) {
            let (gate, work) = (&gate, &work);
            scope.spawn(move || {
                gate.wait();
                work(share);
                gate.wait();
            });
        }
        gate.wait();
        let start = Instant::now();
        gate.wait();
        start.elapsed()
    })
}

/// Measures one figure: `round` runs all names once and returns its duration, from which criterion computes the time
/// per name.
fn figure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, round: impl Fn() -> Duration) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|names| {
            let rounds = names.div_ceil(NAMES as u64);
            let total: Duration = (0..rounds).map(|_| round()).sum();
            total.mul_f64(names as f64 / (rounds * NAMES as u64) as f64)
        });
    });
}

fn calls<K: Key>(criterion: &mut Criterion, threads: usize) {
    let entries = shuffled::<K>(1);
    // The look-ups use copies of the names, as after a read from a socket; nothing is shared with the tables.
    let asked = shuffled::<K>(2);
    let mut group = criterion.benchmark_group(format!("{}/{threads}", K::KIND));
    group.sample_size(20);
    figure(&mut group, "register", || {
        let regis = Regis::new();
        timed(threads, &entries, |share| register_all(&regis, share))
    });
    figure(&mut group, "exited", || {
        let regis = filled(&entries);
        timed(threads, &entries, |share| {
            share
                .iter()
                .for_each(|(_, owner)| drop(black_box(regis.exited(*owner))));
        })
    });
    let regis = filled(&entries);
    let lookup = |name: &K| black_box(regis.whereis(black_box(name))).is_some();
    let hot = K::new(NAMES / 2);
    figure(&mut group, "whereis-hot", || {
        timed(threads, &asked, |share| {
            share.iter().for_each(|_| assert!(lookup(&hot)))
        })
    });
    figure(&mut group, "whereis-random", || {
        timed(threads, &asked, |share| {
            share.iter().for_each(|(name, _)| assert!(lookup(name)))
        })
    });
    figure(&mut group, "unregister+register", || {
        timed(threads, &asked, |share| {
            for (name, owner) in share {
                black_box(regis.unregister_if(name, *owner));
                let given = regis.register(name.clone(), *owner);
                assert!(given.is_ok(), "the name was freed just now");
            }
        })
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    for threads in THREADS {
        calls::<u64>(criterion, threads);
        calls::<Name>(criterion, threads);
        calls::<Arc<str>>(criterion, threads);
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
