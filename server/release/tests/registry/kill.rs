//! Kills a node with SIGKILL at random moments of its work: the tree boots, opens, shows no half-done work, and the interrupted
//! work can be done again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use pq_release::registry::ReleaseRegistry;

use crate::child::{self, MARK, STEPS, Work};
use crate::fixture::{Fixture, Snapshot, differing};

/// The least number of kills for each step. The speed of a disk varies, so a kill may hit the next step; the step with the
/// fewest hits is the next target. The test fails when the total number of kills is too large.
const KILLS_OF_EACH_MIN: usize = 40;
const KILLS_MAX: usize = 1_000;

/// The random numbers of this test: splitmix64.
struct Dice(u64);

impl Dice {
    /// A random number below `sides`.
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// `PQ_OFFICE_SEED` repeats a run, as far as the timing of the machine permits.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    match std::env::var("PQ_OFFICE_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => RandomState::new().hash_one(0),
    }
}

/// The permitted states of the tree between two steps: with 1.1.0 and without.
struct Whole {
    with: Snapshot,
    without: Snapshot,
}

/// The files without `RELEASES` and `start_erl.data`, which differ from step to step; their meaning is compared instead.
fn files(fixture: &Fixture) -> Snapshot {
    let mut files = fixture.snapshot();
    files.retain(|name, _| !matches!(&name[..], "releases/RELEASES" | "releases/start_erl.data"));
    files
}

#[test]
fn a_node_that_is_killed_leaves_a_tree_that_boots_and_goes_on() {
    let seed = seed();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let fixture = Fixture::on_disk();
    fixture.package("1.1.0");
    let (whole, mut lengths) = rehearsal(&fixture);
    let mut kills: BTreeMap<&str, usize> = STEPS.map(|step| (step, 0)).into();
    for nth in 0..KILLS_MAX {
        let least = STEPS.into_iter().min_by_key(|step| kills[step]);
        let aim = least.expect("there are steps");
        if kills[aim] >= KILLS_OF_EACH_MIN {
            println!("kills: {kills:?}");
            return;
        }
        let delay = Duration::from_nanos(dice.below(lengths[aim].as_nanos() as u64));
        let hit = killed_in(&fixture.root(), aim, delay);
        let context = format!("seed {seed}, kill {nth} in {hit}");
        let permanent = look(&fixture, &whole, hit, &context);
        let is_expected = permanent == permanent_after(hit);
        assert!(is_expected, "{context}: {permanent} is permanent");
        if hit != aim {
            // The step took less time than in the rehearsal, when the machine may have been busy.
            lengths.insert(aim, delay.max(Duration::from_nanos(1)));
        }
        *kills.entry(hit).or_default() += 1;
    }
    panic!("seed {seed}: {kills:?}");
}

/// A round without a kill: returns the permitted states, and the duration of each step on this machine.
fn rehearsal(fixture: &Fixture) -> (Whole, BTreeMap<&'static str, Duration>) {
    let mut registry = fixture.open("1.0.0");
    let without = files(fixture);
    let mut with = None;
    let lengths = STEPS.map(|name| {
        let begin = Instant::now();
        child::step(&mut registry, &fixture.root(), name).unwrap();
        let length = begin.elapsed();
        with.get_or_insert_with(|| files(fixture));
        (name, length)
    });
    assert_eq!(files(fixture), without);
    let with = with.expect("there are steps");
    println!("lengths: {lengths:?}");
    (Whole { with, without }, lengths.into())
}

/// Kills a child `delay` after the start of a step, and returns the step in which the kill hit. The child has then come to the last
/// step once: before, it finds the tree as the child before has left it, and a step may have nothing to do.
fn killed_in(root: &Path, step: &str, delay: Duration) -> &'static str {
    let mut child = child::start(child::command(root, Work::Rounds));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    for wanted in [STEPS[STEPS.len() - 1], step] {
        while line.trim_end().strip_prefix(MARK) != Some(wanted) {
            line.clear();
            let count = output.read_line(&mut line).unwrap();
            assert!(count > 0, "the child ended before it came to {wanted}");
        }
    }
    std::thread::sleep(delay);
    child.kill().unwrap();
    output.read_to_string(&mut line).unwrap();
    assert_eq!(
        child.wait().unwrap().code(),
        None,
        "killed, not ended: {line}"
    );
    let mut marks = line
        .lines()
        .rev()
        .filter_map(|line| line.strip_prefix(MARK));
    let last = marks.next().unwrap();
    STEPS.into_iter().find(|step| *step == last).unwrap()
}

/// The permanent release after a step.
fn permanent_after(step: &str) -> &'static str {
    match step {
        "make 1.1.0 permanent" => "1.1.0",
        _ => "1.0.0",
    }
}

/// Checks the tree after a kill: it boots, then it opens, then the interrupted step can be done. Returns the release that is
/// permanent then.
fn look(fixture: &Fixture, whole: &Whole, step: &str, context: &str) -> String {
    let boot = told(fixture.tree().boot(), context);
    let mut registry = told(
        ReleaseRegistry::open(fixture.tree(), &boot.rel.vsn),
        context,
    );
    is_whole(fixture, &registry, whole, context);
    told(child::step(&mut registry, &fixture.root(), step), context);
    is_whole(fixture, &registry, whole, context);
    let is_there = registry.which_releases().iter().any(|it| it.vsn == "1.1.0");
    assert_eq!(is_there, step != "remove", "{context}");
    fixture.tree().start_erl().unwrap().vsn
}

/// Listed releases exist and boot; other releases and other files do not exist.
fn is_whole(fixture: &Fixture, registry: &ReleaseRegistry, whole: &Whole, context: &str) {
    let is_there = registry.which_releases().iter().any(|it| it.vsn == "1.1.0");
    let expected = match is_there {
        true => &whole.with,
        false => &whole.without,
    };
    let found = files(fixture);
    let differing = differing(&found, expected);
    assert!(differing.is_empty(), "{context}: {differing:?}");
    for release in registry.which_releases() {
        told(fixture.tree().boot_vsn(&release.vsn), context);
    }
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>, context: &str) -> T {
    result.unwrap_or_else(|error| panic!("{context}: {error}"))
}
