//! The number of recent restarts (`supervisor(3)`, "Maximum Restart Intensity").

use std::collections::VecDeque;

use pq_abi::spec::SupFlags;

/// The restarts that may still count. Most supervisors never restart a child, and have no window.
#[derive(Default)]
pub(super) struct Window(Option<Box<Restarts>>);

/// The times of the restarts in milliseconds, the oldest first.
#[derive(Default)]
struct Restarts(VecDeque<u64>);

impl Window {
    /// Counts one more restart, unless the last `period_s` seconds have `intensity` restarts already.
    pub(super) fn admits(&mut self, now_ms: u64, flags: &SupFlags) -> bool {
        let Restarts(restarts) = &mut **self.0.get_or_insert_default();
        let oldest_ms = now_ms.saturating_sub(u64::from(flags.period_s) * 1_000);
        while restarts.front().is_some_and(|restart| *restart < oldest_ms) {
            restarts.pop_front();
        }
        if restarts.len() >= flags.intensity as usize {
            return false;
        }
        restarts.push_back(now_ms);
        true
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
