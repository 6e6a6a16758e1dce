//! The pace of the sweep: where each shard is in the round, and how many children are due.

use std::time::{Duration, Instant};

use pq_otp::moved::Sweep;

/// The copies of one question: a slice of a shard's work of less than a millisecond.
const COPIES_MAX: u64 = 64;

/// A round over all children of all supervisors, on all shards.
pub(crate) struct Round {
    began: Instant,
    length: Duration,
    /// The number of children that the round is expected to meet.
    expected: u64,
    /// The number that it has met.
    met: u64,
    /// The number that is asked for.
    asked: u64,
    lanes: Vec<Lane>,
    /// The supervisors, in the order in which each shard is asked for them.
    names: Vec<String>,
}

/// The progress at one shard: the supervisor, and the place of the slab; `None` at the end.
#[derive(Clone, Copy)]
struct Lane(Option<(u8, u32)>);

impl Round {
    pub(crate) fn begin(
        shards: usize,
        names: Vec<String>,
        expected: usize,
        length: Duration,
    ) -> Round {
        Round {
            began: Instant::now(),
            length,
            expected: expected as u64,
            met: 0,
            asked: 0,
            lanes: vec![Lane(Some((0, 0))); shards],
            names,
        }
    }

    /// Whether all shards were at their end.
    pub(crate) fn is_complete(&self) -> bool {
        self.lanes.iter().all(|lane| lane.0.is_none())
    }

    /// Whether the time of the round is over.
    pub(crate) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.length
    }

    /// The next question for a shard, with the place of its supervisor; `None` while no child is due there.
    pub(crate) fn question(&mut self, shard: u8) -> Option<(u8, Sweep)> {
        let (under, from) = self.lanes.get(usize::from(shard))?.0?;
        let due = self
            .due()
            .checked_sub(self.met + self.asked)
            .filter(|due| *due > 0)?;
        let copies_max = due.min(COPIES_MAX);
        self.asked += copies_max;
        let sweep = Sweep {
            supervisor: self.names.get(usize::from(under))?.clone(),
            from,
            copies_max: copies_max as u32,
            unchanged_too: false,
            leaves_marks: true,
        };
        Some((under, sweep))
    }

    /// The number of children that should have been met by now: in proportion to the time, and one more.
    fn due(&self) -> u64 {
        match self.is_over() {
            true => u64::MAX,
            false => {
                let part = self.began.elapsed().as_secs_f64() / self.length.as_secs_f64();
                (self.expected as f64 * part) as u64 + 1
            }
        }
    }

    /// Notes the answer of a shard to a question for `asked` copies: how many children it has met, and the place at which
    /// it goes on.
    pub(crate) fn note(&mut self, shard: u8, asked: u32, met: u64, next: Option<u32>) {
        self.asked = self.asked.saturating_sub(u64::from(asked));
        self.met += met;
        let supervisors = self.names.len();
        let lane = &mut self.lanes[usize::from(shard)];
        lane.0 = lane.0.and_then(|(under, _)| match next {
            Some(place) => Some((under, place)),
            None => Some((under + 1, 0)).filter(|(next, _)| usize::from(*next) < supervisors),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_is_over_in_time_asks_all_shards_for_all_supervisors() {
        let names = ["ships", "docks"].map(str::to_string);
        let mut round = Round::begin(2, names.to_vec(), 100, Duration::ZERO);
        let mut asked = Vec::new();
        while !round.is_complete() {
            for shard in 0..2 {
                if let Some((under, sweep)) = round.question(shard) {
                    asked.push((shard, under, sweep.from));
                    let next = (sweep.from == 0).then_some(7);
                    round.note(shard, sweep.copies_max, 30, next);
                }
            }
        }
        asked.sort_unstable();
        let expected =
            [0, 1].map(|shard| [(shard, 0, 0), (shard, 0, 7), (shard, 1, 0), (shard, 1, 7)]);
        assert_eq!(asked, expected.concat());
    }

    #[test]
    fn children_are_due_in_proportion_to_the_time() {
        let names = vec!["ships".to_string()];
        let mut round = Round::begin(1, names, 1_000, Duration::from_secs(3_600));
        let (_, sweep) = round.question(0).unwrap();
        assert_eq!(sweep.copies_max, 1);
        round.note(0, 1, 50, Some(99));
        assert!(round.question(0).is_none() && !round.is_complete());
    }
}
