//! A counter as its growth in each tenth of a second.

use std::collections::VecDeque;

use pq_feed::feed::FRAME_MS;

/// The bins that are kept: the width of a very wide terminal.
const BINS_MAX: usize = 400;

/// The number of bins of one second.
const SECOND: usize = (1_000 / FRAME_MS) as usize;

/// The growth of a counter in each of the last bins of [`FRAME_MS`].
#[derive(Default)]
pub(in crate::top) struct Beats {
    bins: VecDeque<u64>,
    /// The last total with its time.
    last: Option<(u64, u64)>,
}

impl Beats {
    /// Notes the total at this time. A smaller one than before is that of another run of the node.
    pub(super) fn note(&mut self, at_unix_ms: u64, total: u64) {
        let before = self.last.replace((total, at_unix_ms));
        let Some((before, since)) = before.filter(|(before, _)| *before <= total) else {
            return;
        };
        // A frame is published a little earlier or later than its bin ends.
        let bins = (at_unix_ms.saturating_sub(since) + FRAME_MS / 2) / FRAME_MS;
        let bins = (bins as usize).clamp(1, BINS_MAX);
        let growth = total - before;
        for bin in 0..bins as u64 {
            let share = |bin| growth * bin / bins as u64;
            self.bins.push_back(share(bin + 1) - share(bin));
        }
        let old = self.bins.len().saturating_sub(BINS_MAX);
        self.bins.drain(..old);
    }

    /// The time since the last total.
    pub(super) fn silence_ms(&self, now_unix_ms: u64) -> u64 {
        let (_, since) = self.last.unwrap_or((0, now_unix_ms));
        now_unix_ms.saturating_sub(since)
    }

    /// The growth in the last second.
    pub(in crate::top) fn per_second(&self) -> u64 {
        self.bins.iter().rev().take(SECOND).sum()
    }

    /// The last bins, the newest at the end.
    pub(in crate::top) fn newest(&self, count: usize) -> Vec<u64> {
        let first = self.bins.len().saturating_sub(count);
        self.bins.iter().skip(first).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growth_over_several_bins_is_divided_and_nothing_is_lost() {
        let mut beats = Beats::default();
        beats.note(1_000, 500);
        assert_eq!(beats.newest(9), [0; 0]);
        beats.note(1_110, 510);
        beats.note(1_390, 520);
        assert_eq!(beats.newest(9), [10, 3, 3, 4]);
        assert_eq!(beats.newest(2), [3, 4]);
        assert_eq!(beats.per_second(), 20);
        beats.note(3_000, 520);
        assert_eq!((beats.per_second(), beats.silence_ms(3_400)), (0, 400));
    }

    #[test]
    fn another_run_of_the_node_begins_anew_and_the_memory_is_bounded() {
        let mut beats = Beats::default();
        beats.note(0, 500);
        beats.note(100, 3);
        beats.note(200, 5);
        assert_eq!(beats.newest(9), [2]);
        beats.note(1 << 40, 6);
        assert_eq!(beats.newest(usize::MAX).len(), BINS_MAX);
    }
}
