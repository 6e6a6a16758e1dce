//! The rules that are new: what a quest does to a hero, and what loot is worth at its level. All others are
//! those of 1.0.0.

use std::borrow::Cow;

use pq_words::{Loot, Quest};

use super::Player;
use super::task::Task;

/// A quest that is done, and the one that follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completed {
    /// What it was called.
    pub completed: Cow<'static, str>,
    /// What the new one is called.
    pub new: Cow<'static, str>,
}

impl Player {
    /// The part of a kill in the quest. A quest that is done grants its experience, and another one follows:
    /// `fetch_other` gives one that is not called so.
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

    /// Takes the newest thing out of the bag and earns its value once for each level; says what it was and
    /// what it brought. `None` when the bag is empty.
    pub fn sell(&mut self) -> Option<(Loot, u64)> {
        let loot = self.hero.loot.take()?;
        let value = u64::from(loot.value) * u64::from(self.hero.lvl);
        self.hero.earn(value);
        Some((loot, value))
    }
}
