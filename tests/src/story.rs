//! What a player may read: the rules of the game as a judge of transcripts.
//!
//! ```text
//!   line ─► saying (what kind of line) ─► story (where the conversation is) ─► tale (the hero, to the last piece)
//! ```
//! A line that was lost, doubled, torn or said by another hero does not fit what stands before it: experience, loot,
//! money, equipment and quests are counted along. Which version of the game said it is not asked; the story is
//! told which versions may follow one another, and stays with the earliest under which a line makes sense.
//!
//! What is not here: bytes and sockets ([`crate::running`]), and when a line comes.

mod saying;
mod tale;

use std::collections::VecDeque;

use pq_words::Enemy;
use processquest_1_0_0::pq_enemy::{Catalogue, PqEnemy};
use processquest_1_1_0::pq_enemy::PqEnemy as MoreEnemies;

use saying::Saying;
pub use tale::Tale;

/// A version of the game, by what can be seen of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// 1.0.0: six enemies.
    Old,
    /// 1.1.0 and later: 22 enemies, quests, and a higher level sells for more.
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

/// A line that cannot stand where it stands: which one, and what was before it.
pub type Fault = String;

/// One client's transcript, judged as it is read.
#[derive(Clone, Debug)]
pub struct Story {
    /// The version that speaks, and those that may follow.
    versions: VecDeque<Version>,
    /// Lines so far.
    lines: usize,
    at: At,
}

/// Where the conversation is.
#[derive(Clone, Debug)]
enum At {
    /// Names and stats are asked; what was rolled last, if anything.
    Dialogue(Option<Tale>),
    /// The lines of a block of stats: those that came, and the hero that will have them.
    Block(tale::Block, Option<Tale>),
    /// The hero plays.
    Play(Tale),
}

impl Story {
    /// A story in which these versions follow one another.
    pub fn of(versions: &[Version]) -> Story {
        Story {
            versions: versions.iter().copied().collect(),
            lines: 0,
            at: At::Dialogue(None),
        }
    }

    /// Judges a whole transcript, whose lines end in `\n` or `\r\n`.
    ///
    /// # Errors
    /// With the first line that does not fit, and when the last is torn.
    pub fn judge(versions: &[Version], transcript: &str) -> Result<Story, Fault> {
        let mut story = Story::of(versions);
        for line in transcript.split_inclusive('\n') {
            let whole = line.strip_suffix('\n');
            let whole = whole.ok_or_else(|| format!("the transcript ends within {line:?}"))?;
            story.read(whole.strip_suffix('\r').unwrap_or(whole))?;
        }
        Ok(story)
    }

    /// From now on another version may speak, too.
    pub fn may_become(&mut self, version: Version) {
        self.versions.push_back(version);
    }

    /// From now on only the newest of the versions speaks.
    pub fn has_become(&mut self) {
        self.versions.drain(..self.versions.len() - 1);
    }

    /// The hero as it was told so far; `None` before it plays.
    pub fn tale(&self) -> Option<&Tale> {
        match &self.at {
            At::Play(tale) => Some(tale),
            At::Block(_, tale) => tale.as_ref(),
            At::Dialogue(_) => None,
        }
    }

    /// The version that spoke last, as far as can be seen.
    pub fn version(&self) -> Version {
        self.versions[0]
    }

    /// Lines so far.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Judges the next line, without its end.
    ///
    /// # Errors
    /// When it cannot stand here.
    pub fn read(&mut self, line: &str) -> Result<(), Fault> {
        self.lines += 1;
        let fits = (0..self.versions.len()).find_map(|index| {
            let next = self.at.after(Saying::of(line), self.versions[index])?;
            Some((index, next))
        });
        let (index, next) = fits.ok_or_else(|| {
            format!(
                "line {} cannot be {line:?}: {:?} speaks, and before it stands {:?}",
                self.lines, self.versions, self.at
            )
        })?;
        self.versions.drain(..index);
        self.at = next;
        Ok(())
    }
}

/// Whether a line is the first that is told of a deed: of a fight, a walk, a sale, a bargain, a new level. Each takes a hero
/// at most 1 600 ms.
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
            // The hero was asked for and its answer is under way, or the client is asked for a name again.
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
