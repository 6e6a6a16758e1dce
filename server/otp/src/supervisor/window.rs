//! The number of recent restarts (`supervisor(3)`, "Maximum Restart Intensity").

use std::collections::VecDeque;

use pq_abi::spec::SupFlags;

/// The restarts that may still count. Most supervisors never restart a child, and have no window.
#[derive(Default)]
pub(super) struct Window(Option<Box<Restarts>>);

/// The times of the restarts in milliseconds, the oldest first. Times before the start of the clock are negative: a
/// supervisor may have moved from an older node.
#[derive(Default)]
struct Restarts(VecDeque<i64>);

impl Window {
    /// Counts one more restart, unless the last `period_s` seconds have `intensity` restarts already.
    pub(super) fn admits(&mut self, now_ms: u64, flags: &SupFlags) -> bool {
        let Restarts(restarts) = &mut **self.0.get_or_insert_default();
        let now_ms = now_ms as i64;
        let oldest_ms = now_ms - i64::from(flags.period_s) * 1_000;
        while restarts.front().is_some_and(|restart| *restart < oldest_ms) {
            restarts.pop_front();
        }
        if restarts.len() >= flags.intensity as usize {
            return false;
        }
        restarts.push_back(now_ms);
        true
    }

    /// How long ago the restarts were that may still count, in milliseconds, the longest first.
    pub(super) fn ages_ms(&self, now_ms: u64) -> Vec<u64> {
        let restarts = self.0.iter().flat_map(|restarts| &restarts.0);
        restarts
            .map(|restart| (now_ms as i64 - restart) as u64)
            .collect()
    }

    /// The window of a supervisor that has moved.
    pub(super) fn of_ages(ages_ms: &[u64], now_ms: u64) -> Window {
        let restart = |age: &u64| now_ms as i64 - i64::try_from(*age).unwrap_or(i64::MAX / 2);
        let restarts: VecDeque<i64> = ages_ms.iter().map(restart).collect();
        Window((!restarts.is_empty()).then(|| Box::new(Restarts(restarts))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pq_abi::spec::Strategy;
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    fn flags(intensity: u32, period_s: u32) -> SupFlags {
        SupFlags {
            strategy: Strategy::OneForOne,
            intensity,
            period_s,
        }
    }

    #[test]
    fn an_intensity_of_zero_admits_nothing() {
        assert!(!Window::default().admits(0, &flags(0, 5)));
    }

    #[test]
    fn a_restart_counts_until_its_period_is_over() {
        let mut window = Window::default();
        let flags = flags(2, 1);
        let answers =
            [0, 0, 1_000, 1_001, 1_001, 1_002, 2_002].map(|now| window.admits(now, &flags));
        assert_eq!(answers, [true, true, false, true, true, false, true]);
    }

    #[test]
    fn a_restart_counts_as_long_in_a_node_that_is_younger_than_it() {
        let (flags, mut window) = (flags(2, 1), Window::default());
        assert!(window.admits(5_000, &flags) && window.admits(5_300, &flags));
        let ages = window.ages_ms(5_400);
        assert_eq!(ages, [400, 100]);
        let mut moved = Window::of_ages(&ages, 10);
        for (passed, admits) in [(0, false), (600, false), (601, true), (602, false)] {
            assert_eq!(moved.admits(10 + passed, &flags), admits, "{passed}");
            assert_eq!(window.admits(5_400 + passed, &flags), admits, "{passed}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_restart_is_refused_exactly_when_the_period_is_full(
            steps in vec(0_u64..900, 1..60), intensity in 0_u32..5, period_s in 1_u32..4
        ) {
            let (mut window, mut admitted, mut now) = (Window::default(), Vec::<u64>::new(), 0);
            for step in steps {
                now += step;
                let lately = admitted.iter().filter(|then| **then + u64::from(period_s) * 1_000 >= now).count();
                let is_admitted = window.admits(now, &flags(intensity, period_s));
                prop_assert_eq!(is_admitted, lately < intensity as usize);
                admitted.extend(is_admitted.then_some(now));
            }
        }
    }
}
