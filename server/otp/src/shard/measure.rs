//! Figures of single processes that no part of the shard needs: they are measured while somebody asks for them, and cost nothing
//! otherwise.
//!
//! ```text
//!   Signal::List(…, Callbacks) ─► Counting::want ─► each turn of a process adds its callbacks, for 10 s ─► the next listings
//!   Signal::List(…, Memory)    ─► the state is exported for the listing
//! ```

use pq_term::Pid;

use super::Shard;
use crate::message::{Envelope, Payload};
use crate::process::{Body, Extras, Process};

/// How long callbacks are counted after the last question: `pq top` asks each second, or seldom at a large node.
const WANTED_MS: u64 = 10_000;

/// Processes that are shown in one turn: a line about one takes some tenths of a microsecond.
const LISTED_MAX: u32 = 512;

/// Processes whose states are exported in one turn: a state takes one to two microseconds.
const EXPORTED_MAX: u32 = 128;

/// A figure of each process in a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Measure {
    /// No figure.
    #[default]
    Nothing,
    /// The callbacks in the last full second; `None` until one has passed since the first question.
    Callbacks,
    /// The bytes of the exported state, of waiting messages and of the node's own records. The children of a supervisor are
    /// not included.
    Memory,
}

impl Measure {
    /// The processes that are shown in one turn.
    pub(super) fn listed_max(self) -> u32 {
        match self {
            Measure::Nothing | Measure::Callbacks => LISTED_MAX,
            Measure::Memory => EXPORTED_MAX,
        }
    }
}

/// The callbacks of each process, while somebody asks.
#[derive(Default)]
pub(super) struct Counting(Option<Box<Counts>>);

struct Counts {
    /// By the place in the slab.
    places: Vec<Count>,
    since_ms: u64,
    until_ms: u64,
}

/// The callbacks of one process in a second of the clock, and in the second before.
#[derive(Clone, Copy, Default)]
struct Count {
    pid: u64,
    second: u64,
    now: u32,
    before: u32,
}

impl Counting {
    /// Counts callbacks from now on.
    pub(super) fn want(&mut self, now_ms: u64) {
        let counts = self.0.get_or_insert_with(|| {
            Box::new(Counts {
                places: Vec::new(),
                since_ms: now_ms,
                until_ms: now_ms,
            })
        });
        counts.until_ms = now_ms + WANTED_MS;
    }

    /// Adds the callbacks of a turn, if they are counted.
    #[inline]
    pub(super) fn add(&mut self, pid: Pid, handled: u32, now_ms: u64) {
        if let Some(counts) = &mut self.0 {
            match now_ms > counts.until_ms {
                true => self.0 = None,
                false => counts.add(pid, handled, now_ms),
            }
        }
    }

    /// The callbacks of a process in the last full second.
    fn of(&self, pid: Pid, now_ms: u64) -> Option<u64> {
        let counts = self.0.as_ref()?;
        let second = now_ms / 1_000;
        // The first second is full when it began after the first question.
        (counts.since_ms.div_ceil(1_000) < second).then_some(())?;
        let mut count = *counts.places.get(pid.index() as usize)?;
        count.turn_to(pid, second);
        Some(count.before.into())
    }
}

impl Counts {
    fn add(&mut self, pid: Pid, handled: u32, now_ms: u64) {
        let place = pid.index() as usize;
        if place >= self.places.len() {
            self.places.resize(place + 1, Count::default());
        }
        let count = &mut self.places[place];
        count.turn_to(pid, now_ms / 1_000);
        count.now = count.now.saturating_add(handled);
    }
}

impl Count {
    /// Makes this second the present one; the counts of another process in this place are forgotten.
    fn turn_to(&mut self, pid: Pid, second: u64) {
        if self.pid != pid.as_raw() {
            *self = Count {
                pid: pid.as_raw(),
                second,
                ..Count::default()
            };
        }
        if self.second != second {
            let is_next = self.second + 1 == second;
            self.before = if is_next { self.now } else { 0 };
            (self.second, self.now) = (second, 0);
        }
    }
}

impl Shard {
    /// The figure of the process at this place.
    pub(super) fn measure(&mut self, place: u32, measure: Measure) -> Option<u64> {
        let pid = match measure {
            Measure::Nothing => return None,
            Measure::Callbacks | Measure::Memory => self.slab.peek(place)?.pid,
        };
        match measure {
            Measure::Callbacks => self.counting.of(pid, self.core.now_ms),
            _ => Some(self.records_of(pid) + self.state_size(pid)),
        }
    }

    /// The bytes of the node's records of a process, and of its waiting messages.
    fn records_of(&self, pid: Pid) -> u64 {
        let Some(process) = self.slab.get(pid) else {
            return 0;
        };
        let envelopes = self.arena.iter(process.mailbox);
        let messages: usize = envelopes.map(size_of_message).sum();
        let extras = process.extras.as_ref().map_or(0, |_| size_of::<Extras>());
        (size_of::<Process>() + extras + messages) as u64
    }

    /// The bytes of the exported state, or of the states of an event manager's handlers.
    fn state_size(&mut self, pid: Pid) -> u64 {
        let size = |bytes: Vec<u8>| bytes.len() as u64;
        match self.slab.get(pid).map(|process| &process.body) {
            Some(Body::Callback(_)) => self.exported(pid).map_or(0, size),
            Some(Body::Manager(_)) => {
                let handlers = self.take_handlers(pid).unwrap_or_default();
                let sizes = handlers.iter().map(|handler| {
                    let exported = self.exported_handler(pid, &handler.state);
                    exported.map_or(0, size)
                });
                let sum = sizes.sum();
                self.put_handlers(pid, handlers);
                sum
            }
            _ => 0,
        }
    }
}

fn size_of_message(envelope: &Envelope) -> usize {
    let spilled = |data: &Payload| if data.spilled() { data.capacity() } else { 0 };
    let data = match envelope {
        Envelope::Info(data)
        | Envelope::Cast(data)
        | Envelope::Event(data)
        | Envelope::Call(_, data)
        | Envelope::Continue(data)
        | Envelope::PortData(_, data) => spilled(data),
        _ => 0,
    };
    size_of::<Envelope>() + data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_are_counted_by_the_second_and_only_while_somebody_asks() {
        let (mut counting, pid) = (Counting::default(), Pid::new(0, 3, 0));
        counting.add(pid, 5, 100);
        assert_eq!(counting.of(pid, 5_000), None);
        counting.want(500);
        counting.add(pid, 5, 600);
        assert_eq!(counting.of(pid, 900), None);
        counting.add(pid, 2, 1_100);
        counting.add(pid, 3, 1_900);
        assert_eq!(counting.of(pid, 1_950), None);
        assert_eq!(counting.of(pid, 2_100), Some(5));
        assert_eq!(counting.of(pid, 3_100), Some(0));
        let next = Pid::new(0, 3, 1);
        counting.add(next, 1, 2_500);
        assert_eq!(counting.of(next, 3_000), Some(1));
        counting.add(next, 1, 501 + WANTED_MS);
        assert!(counting.0.is_none());
    }
}
