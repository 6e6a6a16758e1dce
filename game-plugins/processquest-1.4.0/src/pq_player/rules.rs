//! The rules that have changed: loot in piles, the weight of the bag, and fights with several enemies. All other rules are those of
//! 1.0.0 and 1.1.0.

use std::borrow::Cow;

use pq_words::{Loot, Quest};

use super::Player;
use crate::pq_enemy::Foes;
use crate::v1_0_0::pq_player::rules::Outcome;
use crate::v1_1_0::pq_player::rules::Completed;
use crate::v1_1_0::pq_player::task::Task;

/// The encumbrance in percent above which a hero fights more slowly.
pub const HEAVY_PERCENT: u64 = 75;

impl Player {
    /// Wins against these enemies: each leaves a piece of loot, and together they teach.
    pub fn fight(&mut self, foes: &Foes) {
        let loot = Loot {
            drop: foes.enemy.drop.clone(),
            value: foes.enemy.value,
        };
        self.sack.put(&loot, foes.count.into());
        self.hero.exp = self.hero.exp.saturating_add(foes.enemy.experience.into());
    }

    /// The event after a fight. The bag is full from its capacity on: the last group may have left more.
    pub fn outcome(&self) -> Outcome {
        if self.sack.len() >= self.capacity() {
            return Outcome::BagFull;
        }
        match self.hero.exp >= self.hero.lvlexp {
            true => Outcome::LevelReached,
            false => Outcome::GoOn,
        }
    }

    /// The number of pieces of loot that the hero can carry.
    pub fn capacity(&self) -> u64 {
        self.hero.capacity() as u64
    }

    /// The encumbrance: the loot in percent of the capacity. A hero that can carry nothing has 100.
    pub fn encumbrance_percent(&self) -> u64 {
        let all = self.sack.len().saturating_mul(100);
        all.checked_div(self.capacity()).unwrap_or(100)
    }

    /// The pace of a fight in milliseconds: half as slow again under a heavy bag.
    pub fn fight_time(&self) -> u32 {
        let time = self.hero.time;
        match self.encumbrance_percent() > HEAVY_PERCENT {
            true => time.saturating_add(time / 2),
            false => time,
        }
    }

    /// Counts a fight for the quest, as in 1.1.0: a group counts once.
    pub fn quest_step(
        &mut self,
        fetch_other: &mut impl FnMut(Cow<'static, str>) -> Quest,
    ) -> Option<Completed> {
        if !self.quest.advance() {
            return None;
        }
        let hero = &mut self.hero;
        hero.exp = hero.exp.saturating_add(self.quest.experience().into());
        let completed = self.quest.name();
        self.quest = Task::from(fetch_other(completed.clone()));
        let new = self.quest.name();
        Some(Completed { completed, new })
    }

    /// Sells the newest pile, each piece for its value times the level. Returns the loot, its number and the money, or `None` when
    /// the bag is empty.
    pub fn sell(&mut self) -> Option<(Loot, u64, u64)> {
        let (loot, count) = self.sack.take()?;
        let piece = u64::from(loot.value).saturating_mul(self.hero.lvl.into());
        let value = piece.saturating_mul(count);
        self.hero.earn(value);
        Some((loot, count, value))
    }
}
