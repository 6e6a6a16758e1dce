//! The quest of a hero.

use std::borrow::Cow;

use pq_words::Quest;
use serde::{Deserialize, Serialize};

use crate::pq_quest::QUESTS;

/// A quest with its remaining kills. Its encoded form is a [`Quest`].
///
/// A quest of this version is stored as its number. A quest from the start options or from another version is stored
/// completely.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Quest", into = "Quest")]
pub struct Task(Held);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Held {
    Row { number: u8, kills: u32 },
    Own(Box<Quest>),
}

impl Task {
    /// The name of the quest.
    pub fn name(&self) -> Cow<'static, str> {
        match &self.0 {
            Held::Row { number, .. } => QUESTS[usize::from(*number)].name.clone(),
            Held::Own(quest) => quest.name.clone(),
        }
    }

    /// The experience that its completion grants.
    pub fn experience(&self) -> u32 {
        match &self.0 {
            Held::Row { number, .. } => QUESTS[usize::from(*number)].experience,
            Held::Own(quest) => quest.experience,
        }
    }

    /// The number of remaining kills.
    pub fn kills(&self) -> u32 {
        match &self.0 {
            Held::Row { kills, .. } => *kills,
            Held::Own(quest) => quest.kills,
        }
    }

    /// Counts one kill, and returns whether the quest is complete: one kill remained, or zero, which is possible only
    /// with unusual start options.
    pub fn advance(&mut self) -> bool {
        let kills = match &mut self.0 {
            Held::Row { kills, .. } => kills,
            Held::Own(quest) => &mut quest.kills,
        };
        *kills = kills.saturating_sub(1);
        *kills == 0
    }
}

impl From<Quest> for Task {
    fn from(quest: Quest) -> Task {
        let same = |row: &Quest| (&row.name, row.experience) == (&quest.name, quest.experience);
        let number = QUESTS.iter().position(same);
        Task(match number.and_then(|number| u8::try_from(number).ok()) {
            Some(number) => Held::Row {
                number,
                kills: quest.kills,
            },
            None => Held::Own(Box::new(quest)),
        })
    }
}

impl From<Task> for Quest {
    fn from(task: Task) -> Quest {
        Quest {
            name: task.name(),
            experience: task.experience(),
            kills: task.kills(),
        }
    }
}
