//! The quest that a hero is on.

use std::borrow::Cow;

use pq_words::Quest;
use serde::{Deserialize, Serialize};

use crate::pq_quest::QUESTS;

/// A quest, and how many kills of it are left. On the wire it is a [`Quest`].
///
/// A quest of this version is a number; one that a hero was given at its start, or that another version
/// gave it, is kept whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Quest", into = "Quest")]
pub struct Task(Held);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Held {
    Row { number: u8, kills: u32 },
    Own(Box<Quest>),
}

impl Task {
    /// What the quest is called.
    pub fn name(&self) -> Cow<'static, str> {
        match &self.0 {
            Held::Row { number, .. } => QUESTS[usize::from(*number)].name.clone(),
            Held::Own(quest) => quest.name.clone(),
        }
    }

    /// What is granted when it is done.
    pub fn experience(&self) -> u32 {
        match &self.0 {
            Held::Row { number, .. } => QUESTS[usize::from(*number)].experience,
            Held::Own(quest) => quest.experience,
        }
    }

    /// How many kills are left.
    pub fn kills(&self) -> u32 {
        match &self.0 {
            Held::Row { kills, .. } => *kills,
            Held::Own(quest) => quest.kills,
        }
    }

    /// One kill less is left. Says whether the quest is done: there was one to go, or, as no game but an
    /// odd start has it, none.
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
