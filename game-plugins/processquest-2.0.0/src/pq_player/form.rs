//! The encoded form of a hero: one map with the fields of 1.4.0 and three more. Its equipment and the places that it has seen at the
//! market have eleven places here.

use pq_sdk::Pid;
use pq_words::{Name, Stats};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;

use super::Player;
use super::gear::{Gear, Seen};
use crate::pq_origin::Origin;
use crate::pq_spell::Known;
use crate::v1_0_0;
use crate::v1_0_0::pq_player::bag::Bag;
use crate::v1_0_0::pq_player::equip::{Equip, Visited};
use crate::v1_1_0::pq_player::task::Task;
use crate::v1_4_0;
use crate::v1_4_0::pq_player::sack::Sack;

/// The fields of the map.
#[derive(Deserialize)]
pub(super) struct Fields {
    name: Name,
    stats: Stats,
    exp: u64,
    lvlexp: u64,
    lvl: u32,
    equip: Gear,
    money: u64,
    loot: Sack,
    bought: Seen,
    time: u32,
    events: Pid,
    quest: Task,
    race: Cow<'static, str>,
    class: Cow<'static, str>,
    spells: Vec<Known>,
}

/// The same fields of a hero that stays.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a Name,
    stats: Stats,
    exp: u64,
    lvlexp: u64,
    lvl: u32,
    equip: &'a Gear,
    money: u64,
    loot: &'a Sack,
    bought: Seen,
    time: u32,
    events: Pid,
    quest: &'a Task,
    race: &'a str,
    class: &'a str,
    spells: &'a [Known],
}

impl From<Fields> for Player {
    fn from(fields: Fields) -> Player {
        let hero = v1_0_0::pq_player::Player {
            name: fields.name,
            stats: fields.stats,
            exp: fields.exp,
            lvlexp: fields.lvlexp,
            lvl: fields.lvl,
            equip: Equip::default(),
            money: fields.money,
            loot: Bag::default(),
            bought: Visited::default(),
            time: fields.time,
            events: fields.events,
        };
        Player {
            old: v1_4_0::pq_player::Player {
                hero,
                sack: fields.loot,
                quest: fields.quest,
            },
            gear: fields.equip,
            seen: fields.bought,
            origin: Origin {
                race: fields.race,
                class: fields.class,
            },
            spells: fields.spells,
        }
    }
}

impl Serialize for Player {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let v1_4_0::pq_player::Player { hero, sack, quest } = &self.old;
        Shown {
            name: &hero.name,
            stats: hero.stats,
            exp: hero.exp,
            lvlexp: hero.lvlexp,
            lvl: hero.lvl,
            equip: &self.gear,
            money: hero.money,
            loot: sack,
            bought: self.seen,
            time: hero.time,
            events: hero.events,
            quest,
            race: &self.origin.race,
            class: &self.origin.class,
            spells: &self.spells,
        }
        .serialize(serializer)
    }
}
