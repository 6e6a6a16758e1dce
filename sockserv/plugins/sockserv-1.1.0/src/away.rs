//! The deeds of a hero while its player was away, in numbers; and the lines that its player reads. Pure.

use pq_words::Event;
use serde::{Deserialize, Serialize};

/// The news of a hero without a session.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Away {
    /// The enemies that it has killed.
    pub kills: u64,
    /// The level that it has reached; 0 for none.
    pub level: u32,
    /// The money that it has got for loot.
    pub gold: u64,
    /// The loot that has brought the most money, and the money.
    pub best: Option<(String, u64)>,
    /// The quests that it has completed.
    pub quests: u64,
    /// The last of them.
    pub quest: Option<String>,
    /// The equipment that it has bought last.
    pub bought: Option<String>,
}

impl Away {
    /// Counts one piece of news.
    pub fn count(&mut self, event: &Event<'_>) {
        match event {
            Event::Killed { .. } => self.kills += 1,
            Event::Heading { .. } => {}
            Event::LvlUp { lvl, .. } => self.level = *lvl,
            Event::Buy { item, .. } => self.bought = Some(item.to_string()),
            Event::Sell { drop, value, .. } => {
                self.gold = self.gold.saturating_add(*value);
                if self.best.as_ref().is_none_or(|(_, best)| value > best) {
                    self.best = Some((drop.to_string(), *value));
                }
            }
            Event::Quest { completed, .. } => {
                self.quests += 1;
                self.quest = Some(completed.to_string());
            }
        }
    }

    /// The news in at most five lines; empty if there are none.
    pub fn lines(&self, name: &str) -> String {
        let met = (self.kills > 0).then(|| match self.kills {
            1 => format!("{name} met one enemy while you were away, and won.\n"),
            kills => format!("{name} met {kills} enemies while you were away, and won.\n"),
        });
        let level = (self.level > 0).then(|| format!("Reached level {}.\n", self.level));
        let gold = self.best.as_ref().map(|(drop, value)| {
            format!(
                "Earned {} bucks. Best find: {drop}, {value} bucks.\n",
                self.gold
            )
        });
        let quests = self.quest.as_ref().map(|quest| match self.quests {
            1 => format!("Completed a quest: {quest}.\n"),
            quests => format!("Completed {quests} quests, the last: {quest}.\n"),
        });
        let bought = self.bought.as_ref();
        let bought = bought.map(|item| format!("Bought equipment, the last: {item}.\n"));
        let lines = [met, level, gold, quests, bought].into_iter();
        lines.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use pq_words::{Slot, Stats};

    use super::*;

    fn told(events: &[Event<'_>]) -> String {
        let mut away = Away::default();
        events.iter().for_each(|event| away.count(event));
        away.lines("Ann")
    }

    fn killed() -> Event<'static> {
        Event::Killed {
            ms: 1,
            enemy: "Pig".into(),
            drop: "Bacon".into(),
            experience: 1,
        }
    }

    fn sold(drop: &'static str, value: u64) -> Event<'static> {
        Event::Sell {
            ms: 1,
            drop: drop.into(),
            value,
        }
    }

    #[test]
    fn everything_that_happened_is_told_in_five_lines() {
        let stats = Stats::default();
        let (lvl, lvlexp) = (7, 100);
        let quest = |completed: &'static str| Event::Quest {
            completed: completed.into(),
            new: "Slay the Bieber".into(),
        };
        let told = told(&[
            killed(),
            killed(),
            Event::LvlUp { stats, lvl, lvlexp },
            sold("Pelt", 3),
            sold("Bacon", 20),
            sold("Pelt", 3),
            quest("Fetch me a nut"),
            quest("Cancel the festival"),
            Event::Buy {
                ms: 1,
                slot: Slot::Helmet,
                item: "wool".into(),
            },
        ]);
        let expected = "Ann met 2 enemies while you were away, and won.\nReached level 7.\n\
            Earned 26 bucks. Best find: Bacon, 20 bucks.\n\
            Completed 2 quests, the last: Cancel the festival.\nBought equipment, the last: wool.\n";
        assert_eq!(told, expected);
    }

    #[test]
    fn nothing_is_told_of_nothing() {
        assert_eq!(told(&[]), "");
        assert_eq!(
            told(&[killed()]),
            "Ann met one enemy while you were away, and won.\n"
        );
    }
}
