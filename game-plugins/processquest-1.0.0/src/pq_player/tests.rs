//! Heroes: their rules one by one, their memory and wire form, what programs are told of them, and their steps as
//! the node sees them.

mod gmcp;
mod host;
mod memory;
mod rules;
mod steps;

use pq_sdk::Pid;
use pq_words::{Enemy, Item, Loot, Name, Opts, Stats};

use super::Player;

const EVENTS: Pid = Pid::new(1, 22, 333);

/// A hero of these parts; its stats are 10 each unless the parts say otherwise.
fn hero(opts: Opts) -> Player {
    let stats = opts.stats.unwrap_or(Stats::from_fn(|| 10));
    Player::new(Name::from("Gandalf"), EVENTS, stats, opts).unwrap()
}

fn loot(drop: &'static str, value: u32) -> Loot {
    Loot {
        drop: drop.into(),
        value,
    }
}

fn item(name: &'static str, modifier: i32, level: i32, price: u64) -> Item {
    Item {
        name: name.into(),
        modifier,
        level,
        price,
    }
}

fn pig() -> Enemy {
    crate::pq_enemy::enemy("Pig", "Bacon", 1, 1)
}
