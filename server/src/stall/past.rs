//! Stalls in the history: per function at most one in 10 minutes, because a library may have a stall every second.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use pq_otp::{Stall, StallEvent};
use pq_protocol::history::Deed;
use pq_protocol::{Exit, Who};

use crate::history::History;

/// The name of a stall in the history.
const OPERATION: &str = "stall";

/// The interval after which the same function is entered again.
const AGAIN: Duration = Duration::from_secs(600);

/// The limit of entries in one lifetime of a node; the log has all stalls.
const ENTRIES_MAX: usize = 200;

/// The stalls that are already in the history.
#[derive(Default)]
pub(super) struct Past {
    entered: HashMap<String, Entered>,
    entries: usize,
}

struct Entered {
    at: Instant,
    /// Whether the end of the stall must be entered, too.
    is_open: bool,
}

impl Past {
    /// Enters the event of a stall if needed.
    pub(super) fn note(
        &mut self,
        history: &History,
        vsn: Option<String>,
        event: StallEvent,
        stall: &Stall,
    ) {
        let deed = |result: String, exit| Deed {
            from: vsn,
            took_ms: stall.age_ms,
            ..Deed::of(OPERATION, exit, result)
        };
        if event == StallEvent::Stalled && self.begins(stall.called(), Instant::now()) {
            history.note(&Who::own(), deed(stall.to_string(), Exit::Degraded));
        } else if event == StallEvent::Over && self.ends(&stall.called()) {
            let what = match stall.shard {
                Some(shard) => format!("shard {shard} answers again: {}", stall.called()),
                None => stall.called(),
            };
            let result = format!("{what} has ended after {} ms", stall.age_ms);
            history.note(&Who::own(), deed(result, Exit::Done));
        }
    }

    fn begins(&mut self, called: String, now: Instant) -> bool {
        let is_new = |entered: &Entered| now.duration_since(entered.at) >= AGAIN;
        if self.entries >= ENTRIES_MAX || !self.entered.get(&called).is_none_or(is_new) {
            return false;
        }
        let entered = Entered {
            at: now,
            is_open: true,
        };
        self.entries += 1;
        self.entered.insert(called, entered);
        true
    }

    fn ends(&mut self, called: &str) -> bool {
        let entered = self.entered.get_mut(called);
        entered.is_some_and(|entered| std::mem::take(&mut entered.is_open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_entered_once_in_a_while_with_its_end_and_there_is_an_end_to_entries() {
        let (mut past, now) = (Past::default(), Instant::now());
        let mut begins = |after, called: &str| past.begins(called.to_string(), now + after);
        assert!(begins(Duration::ZERO, "a:handle_cast"));
        assert!(!begins(Duration::from_secs(1), "a:handle_cast"));
        assert!(begins(Duration::from_secs(1), "b:handle_cast"));
        assert!(begins(AGAIN, "a:handle_cast"));
        assert!(past.ends("a:handle_cast") && !past.ends("a:handle_cast"));
        assert!(!past.ends("c:handle_cast"));
        let entered = (0..1_000)
            .filter(|n| past.begins(format!("{n}"), now))
            .count();
        assert_eq!(entered, ENTRIES_MAX - 3);
    }
}
