//! The new rules: the effect of a quest on a hero, and the price of loot at a level. All other rules are those of
//! 1.0.0.

use std::borrow::Cow;

use pq_words::{Loot, Quest};

use super::Player;
use super::task::Task;

/// A completed quest, and the one that follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completed {
    /// The name of the completed quest.
    pub completed: Cow<'static, str>,
    /// The name of the new quest.
    pub new: Cow<'static, str>,
}

impl Player {
    /// Counts a kill for the quest. A completed quest grants its experience, and another one follows: `fetch_other`
    /// returns a quest with another name.
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

    /// Sells the newest piece of loot for its value times the level. Returns the loot and the money, or `None` when the
    /// bag is empty.
    pub fn sell(&mut self) -> Option<(Loot, u64)> {
        let loot = self.hero.loot.take()?;
        let value = u64::from(loot.value) * u64::from(self.hero.lvl);
        self.hero.earn(value);
        Some((loot, value))
    }
}
