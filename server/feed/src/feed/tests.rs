//! Viewers of every pace under a virtual clock: each sees the figures of the node, late or in time.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::happening::{HAPPENINGS_MAX, Happening};
use crate::patch::apply;
use crate::reading::Shard;

/// The virtual time of one run: 200 frames.
const RUN_MS: u64 = 20_000;

/// A node that changes by chance, its feed, and the frames so far.
struct World {
    dice: Xoshiro256PlusPlus,
    feed: Arc<Feed>,
    now_ms: u64,
    reading: Reading,
    frames: BTreeMap<u64, Value>,
    published_at: Vec<u64>,
    /// The number of events that were added.
    added: u64,
}

/// A viewer with all that it has been told.
struct Seat {
    viewer: Viewer,
    /// The longest pause between two looks.
    pace_ms: u64,
    looks_at_ms: u64,
    frame: Option<u64>,
    state: Value,
    snapshots: u64,
    events: u64,
}

impl World {
    fn new(seed: u64) -> World {
        World {
            dice: Xoshiro256PlusPlus::seed_from_u64(seed),
            feed: Arc::default(),
            now_ms: 0,
            reading: Reading::default(),
            frames: BTreeMap::new(),
            published_at: Vec::new(),
            added: 0,
        }
    }

    fn chance(&mut self, of: u32) -> bool {
        self.dice.random_range(0..of) == 0
    }

    /// Things appear, change and go, as often as not in the same millisecond.
    fn happens(&mut self) {
        for _ in 0..self.dice.random_range(0..4) {
            let shard = self.dice.random_range(0..3);
            self.reading.shards.entry(shard).or_default().messages += 1;
        }
        if self.chance(50) {
            let shard = self.dice.random_range(0..3);
            self.reading.shards.remove(&shard);
        }
        if self.chance(40) {
            let is_there = self.reading.door.is_some();
            self.reading.door = (!is_there).then(Default::default);
        }
        if self.chance(10) && self.feed.viewers() > 0 {
            for _ in 0..self.dice.random_range(1..20) {
                self.feed.happenings().add(Happening::default());
                self.added += 1;
            }
        }
    }

    /// The keeper: reads when a reading is due.
    fn keeps(&mut self) {
        if self.feed.due_in_ms(self.now_ms) == Some(0)
            && self.feed.publish(self.now_ms, self.now_ms, &self.reading)
        {
            let last = self.feed.inner.lock().frames.back().cloned().unwrap();
            self.frames.insert(last.number, last.state.clone());
            self.published_at.push(self.now_ms);
        }
    }

    fn seat(&mut self, pace_ms: u64) -> Seat {
        Seat {
            viewer: self.feed.view().unwrap(),
            pace_ms,
            looks_at_ms: self.now_ms,
            frame: None,
            state: Value::Null,
            snapshots: 0,
            events: 0,
        }
    }

    fn run(&mut self, seats: &mut [Seat]) {
        while self.now_ms < RUN_MS {
            self.happens();
            self.keeps();
            for seat in seats.iter_mut().filter(|it| it.looks_at_ms <= self.now_ms) {
                seat.looks(&self.frames);
                seat.looks_at_ms = self.now_ms + self.dice.random_range(1..=seat.pace_ms);
            }
            self.now_ms += 1;
        }
    }
}

impl Seat {
    /// Takes a line, if there is one, and compares what it says with the frame of its number.
    fn looks(&mut self, frames: &BTreeMap<u64, Value>) {
        let Some(line) = self.viewer.next_line() else {
            return;
        };
        let line: Value = serde_json::from_str(&line).unwrap();
        let number = line["frame"].as_u64().unwrap();
        assert!(
            self.frame < Some(number),
            "frame {number} after {:?}",
            self.frame
        );
        match line.get("snapshot") {
            Some(snapshot) => {
                self.state = snapshot.clone();
                self.snapshots += 1;
            }
            None => apply(&mut self.state, line["delta"].clone()),
        }
        let events = line["events"].as_array().map_or(0, Vec::len) as u64;
        self.events += events + line["more_events"].as_u64().unwrap_or(0);
        self.frame = Some(number);
        assert_eq!(self.state, frames[&number]);
    }
}

#[test]
fn every_viewer_has_the_figures_of_its_frame_whatever_its_pace() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let mut seats = [1, 90, 250, 700, 3_000].map(|pace_ms| world.seat(pace_ms));
        world.run(&mut seats);
        let snapshots = seats.each_ref().map(|seat| seat.snapshots);
        assert_eq!(snapshots[..4], [1; 4], "seed {seed}");
        assert!(snapshots[4] > 1, "seed {seed}: a late viewer begins anew");
        // No viewer caused a frame, and none is closer than the shortest time to the one before.
        let pairs = world.published_at.windows(2);
        assert!(pairs.map(|pair| pair[1] - pair[0]).all(|ms| ms >= FRAME_MS));
        assert!(world.published_at.len() > 190, "seed {seed}");
    }
}

#[test]
fn events_are_told_once_or_counted() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let mut seats = [1, 300].map(|pace_ms| world.seat(pace_ms));
        world.run(&mut seats);
        world.now_ms += FRAME_MS;
        world.keeps();
        for seat in &mut seats {
            seat.looks(&world.frames);
            // The first line is a snapshot, which has no events: those of the first millisecond.
            let untold = world.added - seat.events;
            assert!(untold < 20, "seed {seed}: {untold} of {}", world.added);
        }
        assert!(world.added > 1_000, "seed {seed}: {}", world.added);
    }
}

#[test]
fn nothing_is_read_while_nobody_looks_and_nothing_is_said_while_nothing_changes() {
    let mut world = World::new(1);
    world.reading.shards.insert(0, Shard::default());
    assert_eq!(world.feed.due_in_ms(5), None);
    world.feed.happenings().add(Happening::default());
    let mut seat = world.seat(1);
    assert_eq!(world.feed.due_in_ms(5), Some(0));
    assert!(world.feed.publish(5, 5, &world.reading));
    assert_eq!(world.feed.due_in_ms(5), Some(FRAME_MS));
    let line = seat.viewer.next_line().unwrap();
    assert!(
        line.contains("snapshot") && !line.contains("events"),
        "{line}"
    );
    assert!(!world.feed.publish(105, 105, &world.reading));
    assert_eq!(world.feed.due_in_ms(106), Some(FRAME_MS - 1));
    assert!(seat.viewer.next_line().is_none());
    drop(seat);
    assert_eq!(world.feed.due_in_ms(300), None);
    assert!(world.feed.inner.lock().frames.is_empty());
}

#[test]
fn a_viewer_beyond_the_limit_is_refused_until_another_has_left() {
    let feed = Arc::<Feed>::default();
    let mut all: Vec<Viewer> = (0..VIEWERS_MAX).map(|_| feed.view().unwrap()).collect();
    assert_eq!(feed.view().err(), Some(TooMany));
    all.pop();
    assert!(feed.view().is_ok());
}

#[test]
fn a_flood_of_events_is_counted() {
    let mut world = World::new(1);
    let mut seat = world.seat(1);
    world.keeps();
    seat.looks(&world.frames);
    for _ in 0..HAPPENINGS_MAX + 7 {
        world.feed.happenings().add(Happening::default());
    }
    world.now_ms = FRAME_MS;
    world.keeps();
    seat.looks(&world.frames);
    assert_eq!(seat.events, HAPPENINGS_MAX as u64 + 7);
}
