//! The encoded form of a hero: one map with the fields of 1.1.0, whose `loot` is a list of piles.
//!
//! The bag of the part of 1.0.0 is always empty, so it has no place in the form: the type [`Fields`] is for reading, [`Shown`] for
//! writing.

use pq_sdk::Pid;
use pq_words::{Name, Stats};
use serde::{Deserialize, Serialize, Serializer};

use super::sack::Sack;
use super::{NoLoot, Player};
use crate::v1_0_0;
use crate::v1_0_0::pq_player::bag::Bag;
use crate::v1_0_0::pq_player::equip::{Equip, Visited};
use crate::v1_1_0::pq_player::task::Task;

/// The fields of the map.
#[derive(Deserialize)]
pub(super) struct Fields {
    name: Name,
    stats: Stats,
    exp: u64,
    lvlexp: u64,
    lvl: u32,
    equip: Equip,
    money: u64,
    loot: Sack,
    bought: Visited,
    time: u32,
    events: Pid,
    quest: Task,
}

/// The same fields of a hero that stays.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a Name,
    stats: Stats,
    exp: u64,
    lvlexp: u64,
    lvl: u32,
    equip: &'a Equip,
    money: u64,
    loot: &'a Sack,
    bought: Visited,
    time: u32,
    events: Pid,
    quest: &'a Task,
}

impl From<Fields> for Player {
    fn from(fields: Fields) -> Player {
        Player {
            hero: v1_0_0::pq_player::Player {
                name: fields.name,
                stats: fields.stats,
                exp: fields.exp,
                lvlexp: fields.lvlexp,
                lvl: fields.lvl,
                equip: fields.equip,
                money: fields.money,
                loot: Bag::<NoLoot>::default(),
                bought: fields.bought,
                time: fields.time,
                events: fields.events,
            },
            sack: fields.loot,
            quest: fields.quest,
        }
    }
}

impl Serialize for Player {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Player { hero, sack, quest } = self;
        Shown {
            name: &hero.name,
            stats: hero.stats,
            exp: hero.exp,
            lvlexp: hero.lvlexp,
            lvl: hero.lvl,
            equip: &hero.equip,
            money: hero.money,
            loot: sack,
            bought: hero.bought,
            time: hero.time,
            events: hero.events,
            quest,
        }
        .serialize(serializer)
    }
}
