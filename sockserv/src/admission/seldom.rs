//! Rate limiting of log lines that clients can cause at any rate. A log full of repetitions is useless, and fills the
//! disk.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The minimum time between two lines of one cause. An operator who watches the log sees that the cause persists.
const INTERVAL: Duration = Duration::from_secs(10);

/// The state of one cause of log lines.
#[derive(Debug)]
pub struct Seldom(Mutex<Said>);

#[derive(Debug)]
struct Said {
    last: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// A cause without a log line so far.
    #[allow(clippy::new_without_default, reason = "it stands in a static")]
    pub const fn new() -> Seldom {
        Seldom(Mutex::new(Said {
            last: None,
            left_out: 0,
        }))
    }

    /// Whether a line may be written now: the number of lines left out since the last one. `None` leaves out and counts a line.
    pub fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock();
        let is_due = said.last.is_none_or(|last| now >= last + INTERVAL);
        if !is_due {
            said.left_out += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.left_out))
    }
}

/// Writes a log line of [`tracing`] at this level, at most one in 10 s for each place in the code. The field `left_out` is
/// the number of lines left out since the last one.
#[doc(inline)]
pub use crate::__seldom as seldom;

#[doc(hidden)]
#[macro_export]
macro_rules! __seldom {
    ($level:ident, $($line:tt)+) => {{
        static CAUSE: $crate::admission::seldom::Seldom = $crate::admission::seldom::Seldom::new();
        if let Some(left_out) = CAUSE.due() {
            tracing::$level!(left_out, $($line)+);
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_and_then_one_in_an_interval_with_the_count_of_the_others() {
        let (cause, begin) = (Seldom::new(), Instant::now());
        let due = |ms| cause.due_at(begin + Duration::from_millis(ms));
        let flood: Vec<u64> = (0..25_000).filter_map(due).collect();
        assert_eq!(flood, [0, 9_999, 9_999]);
        assert_eq!(due(100_000), Some(4_999));
        assert_eq!(due(200_000), Some(0));
    }
}
