//! Clients that break their lines in every way and come back, while the node installs releases and is killed: each finds its
//! own hero, with all that it was told.
//!
//! ```text
//!   score ─► the line breaks │ quit │ another client takes over ─► an install, a kill, or nothing ─► back by the word ─► score
//! ```
//! `PQ_FULL=1` runs 60 rounds of 1 000 clients; the sample is shorter.

use std::thread;

use pq_tests::campaign::length;
use pq_tests::running::{PATIENCE, Player, Running, Signal, THIRD, Tree, poll};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::comeback::player::{comes_back, with_word};

/// The clients that connect at the same time, below the default limit for one address and the exempt one of this machine.
const AT_ONCE: usize = 50;

/// The player of one hero.
struct Client {
    name: String,
    player: Option<Player>,
    /// The experience that the player has read.
    xp: u64,
}

#[test]
fn each_finds_its_own_hero_with_all_that_it_was_told() {
    let (rounds, clients) = length((4, 12), (60, 1_000));
    let tree = Tree::with_third();
    let mut node = tree.starts_third(&[]);
    let mut dice = SplitMix64::seed_from_u64(11);
    let all = (0..clients).map(|number| Client {
        name: format!("Hero{number}"),
        player: None,
        xp: 0,
    });
    let mut all: Vec<Client> = all.collect();
    each(&mut all, |client| {
        let word = word_of(&client.name);
        client.player = Some(with_word(&node, &client.name, &word));
    });
    for round in 0..rounds {
        let ways: Vec<u64> = all.iter().map(|_| dice.next_u64() % 3).collect();
        let mut ways = all.iter_mut().zip(ways).collect::<Vec<_>>();
        each(&mut ways, |(client, way)| client.leaves(&node, *way));
        match round % 3 {
            0 => {
                node.signal(Signal::KILL);
                node.end();
                node = Running::node_with(&tree, &[]);
            }
            1 => {
                tree.does(&["install", "1.1.0"]);
                tree.does(&["install", THIRD]);
            }
            _ => (),
        }
        each(&mut all, |client| client.comes_back(&node));
        let names = tree.answer(&["names"]);
        let rows = names["rows"].as_array().unwrap().iter();
        let heroes = rows.filter(|row| row["name"].as_str().unwrap().starts_with("\"Hero"));
        assert_eq!(
            heroes.count(),
            all.len(),
            "a hero is missing or there twice: {names}"
        );
        println!(
            "round {}: {} heroes are as they were told",
            round + 1,
            all.len()
        );
    }
}

/// Does the same with all, some at the same time.
fn each<T: Send>(all: &mut [T], act: impl Fn(&mut T) + Sync) {
    for some in all.chunks_mut(AT_ONCE) {
        thread::scope(|scope| {
            for one in some {
                scope.spawn(|| act(one));
            }
        });
    }
}

fn word_of(name: &str) -> String {
    format!("the word of {name}")
}

impl Client {
    fn leaves(&mut self, node: &Running, way: u64) {
        let mut player = self.player.take().unwrap();
        self.xp = score(&mut player);
        match way {
            0 => player.drops(),
            1 => drop(player.quits()),
            _ => {
                let other = comes_back(node, &self.name, &word_of(&self.name));
                player.ends();
                other.drops();
            }
        }
    }

    fn comes_back(&mut self, node: &Running) {
        let mut player = comes_back(node, &self.name, &word_of(&self.name));
        let xp = score(&mut player);
        assert!(
            xp >= self.xp,
            "{} was told {} and has {xp}",
            self.name,
            self.xp
        );
        self.xp = xp;
        self.player = Some(player);
    }
}

/// The experience that the player reads.
fn score(player: &mut Player) -> u64 {
    player.types("score\n");
    player.sees("XP:");
    let read = || {
        let told = player.transcript();
        let (_, last) = told.rsplit_once("XP:")?;
        last.split_once('/')?.0.parse().ok()
    };
    poll(PATIENCE, read).unwrap()
}
