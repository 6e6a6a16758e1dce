//! The failures of the last minute: a child whose processes fail twice within it is set aside.

use foldhash::{HashMap, HashMapExt};

/// A child that fails again so soon fails from its saved state. A minute is long for such a cause, such as an event that is
/// due in the state, and short for two causes that have nothing to do with each other.
pub(crate) const AGAIN_WITHIN_MS: u64 = 60_000;

/// The table is looked through for old failures when it has doubled since the last time, from this size on.
const SIZE_MIN: usize = 1_024;

/// The time of the last failure of each child, by the number of its row, on the clocks of the shards.
pub(crate) struct Failures {
    last: HashMap<u64, u64>,
    look_at: usize,
}

impl Failures {
    pub(crate) fn new() -> Failures {
        Failures {
            last: HashMap::new(),
            look_at: SIZE_MIN,
        }
    }

    /// Notes a failure. Returns whether the last one was less than a minute ago.
    pub(crate) fn is_again(&mut self, id: u64, at_ms: u64) -> bool {
        let is_recent = |before: &u64| at_ms.saturating_sub(*before) < AGAIN_WITHIN_MS;
        if self.last.len() >= self.look_at {
            self.last.retain(|_, before| is_recent(before));
            self.look_at = SIZE_MIN.max(2 * self.last.len());
        }
        let before = self.last.insert(id, at_ms);
        before.as_ref().is_some_and(is_recent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_fails_again_within_a_minute_and_other_children_do_not_count() {
        let mut failures = Failures::new();
        let steps = [
            (1, 0, false),
            (2, 10, false),
            (1, 60_000, false),
            (1, 119_999, true),
            (1, 179_998, true),
            (2, 60_010, false),
        ];
        for (id, at_ms, is_again) in steps {
            assert_eq!(failures.is_again(id, at_ms), is_again, "{id} at {at_ms}");
        }
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut failures = Failures::new();
        for id in 0..100_000 {
            assert!(!failures.is_again(id, id * 1_000));
        }
        assert!(
            failures.last.len() <= 2 * SIZE_MIN,
            "{}",
            failures.last.len()
        );
    }
}
