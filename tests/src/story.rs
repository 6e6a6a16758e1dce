//! A checker for the output of the game, which knows its rules.
//!
//! ```text
//!   line ─► saying (kind of the line) ─► story (state of the conversation) ─► tale (complete state of the hero)
//! ```
//! A line that was lost, doubled or torn, or that belongs to another hero, does not fit the lines before it, because
//! the checker counts experience, loot, money, equipment and quests. The checker does not ask for the version of the
//! game: it knows which versions may follow one another, and stays with the earliest under which a line is possible.
//!
//! Bytes and sockets are in [`crate::running`]. The checker does not know the times of lines.

mod saying;
mod tale;

use std::collections::VecDeque;

use pq_words::Enemy;
use processquest_1_0_0::pq_enemy::{Catalogue, PqEnemy};
use processquest_1_1_0::pq_enemy::PqEnemy as MoreEnemies;

use saying::Saying;
pub use tale::Tale;

/// A version of the game, as far as the output shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// Version 1.0.0, with six enemies.
    Old,
    /// Version 1.1.0 and later: 22 enemies, quests, and higher prices at a higher level.
    New,
}

impl Version {
    fn enemies(self) -> &'static [Enemy] {
        match self {
            Version::Old => PqEnemy::ENEMIES,
            Version::New => MoreEnemies::ENEMIES,
        }
    }
}

/// A description of a line that is impossible at its place, and of the state before it.
pub type Fault = String;

/// The transcript of one client, checked while it is read.
#[derive(Clone, Debug)]
pub struct Story {
    /// The current version, and those that may follow.
    versions: VecDeque<Version>,
    /// The number of lines so far.
    lines: usize,
    at: At,
}

/// The state of the conversation.
#[derive(Clone, Debug)]
enum At {
    /// The dialogue about names and stats; with the stats that were rolled last, if any.
    Dialogue(Option<Tale>),
    /// A block of stats that is incomplete, and the hero to which it belongs.
    Block(tale::Block, Option<Tale>),
    /// The hero plays; its current state.
    Play(Tale),
}

impl Story {
    /// An empty story in which these versions may follow one another.
    pub fn of(versions: &[Version]) -> Story {
        Story {
            versions: versions.iter().copied().collect(),
            lines: 0,
            at: At::Dialogue(None),
        }
    }

    /// Checks a whole transcript, whose lines end in `\n` or `\r\n`.
    ///
    /// # Errors
    /// Returns the first line that does not fit; also fails when the last line is incomplete.
    pub fn judge(versions: &[Version], transcript: &str) -> Result<Story, Fault> {
        let mut story = Story::of(versions);
        for line in transcript.split_inclusive('\n') {
            let whole = line.strip_suffix('\n');
            let whole =
                whole.ok_or_else(|| format!("the transcript ends inside the line {line:?}"))?;
            story.read(whole.strip_suffix('\r').unwrap_or(whole))?;
        }
        Ok(story)
    }

    /// From now on the output of this version is allowed, too.
    pub fn may_become(&mut self, version: Version) {
        self.versions.push_back(version);
    }

    /// From now on only the output of the newest version is allowed.
    pub fn has_become(&mut self) {
        self.versions.drain(..self.versions.len() - 1);
    }

    /// The state of the hero according to the lines so far; `None` before it plays.
    pub fn tale(&self) -> Option<&Tale> {
        match &self.at {
            At::Play(tale) => Some(tale),
            At::Block(_, tale) => tale.as_ref(),
            At::Dialogue(_) => None,
        }
    }

    /// The version of the last line, as far as the output shows it.
    pub fn version(&self) -> Version {
        self.versions[0]
    }

    /// The number of lines so far.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Checks the next line, given without its end.
    ///
    /// # Errors
    /// Fails when the line is impossible here.
    pub fn read(&mut self, line: &str) -> Result<(), Fault> {
        self.lines += 1;
        let fits = (0..self.versions.len()).find_map(|index| {
            let next = self.at.after(Saying::of(line), self.versions[index])?;
            Some((index, next))
        });
        let (index, next) = fits.ok_or_else(|| {
            format!(
                "line {} cannot be {line:?}: the versions are {:?}, and the state before the line is {:?}",
                self.lines, self.versions, self.at
            )
        })?;
        self.versions.drain(..index);
        self.at = next;
        Ok(())
    }
}

/// Whether a line is the first one of an action: of a fight, a walk, a sale, a purchase, a new level. Each action takes
/// a hero at most 1 600 ms.
pub fn begins_a_deed(line: &str) -> bool {
    let words = ["Executing", "Heading", "Selling", "Negotiating", "Leveled"];
    words.iter().any(|word| line.starts_with(word))
}

impl At {
    fn after(&self, saying: Saying<'_>, version: Version) -> Option<At> {
        match self.clone() {
            At::Block(block, tale) => block.after(saying, tale),
            At::Dialogue(_) if saying == Saying::StatsFollow => {
                Some(At::Block(tale::Block::rolled(), None))
            }
            // The session has requested the hero and waits for the answer, or asks the client for a name again.
            here if saying.is_aside() => Some(here),
            At::Dialogue(rolled) if saying.is_of_dialogue() => Some(At::Dialogue(rolled)),
            At::Dialogue(rolled) => At::play(rolled?, saying, version),
            At::Play(tale) => At::play(tale, saying, version),
        }
    }

    fn play(mut tale: Tale, saying: Saying<'_>, version: Version) -> Option<At> {
        match saying {
            Saying::Levelled(lvl) => {
                let block = tale.level_up(lvl)?;
                Some(At::Block(block, Some(tale)))
            }
            saying => tale.hear(saying, version).then_some(At::Play(tale)),
        }
    }
}

#[cfg(test)]
mod tests;
