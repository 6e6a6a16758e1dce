//! Timers: a hashed wheel of milliseconds with a second, coarser one behind it.
//!
//! ```text
//!   near: 4096 slots of 1 ms  (4 s: every pause of the game)
//!   far:  4096 slots of 4096 ms (4.6 h); its slots move to the near wheel when their turn comes
//!   beyond: timers further away wait in the far wheel's last slot and are put in again from there
//! ```
//! Entries are linked through one arena, so starting and cancelling a timer touches three entries at most.
//! Two timers of one millisecond fire in the order in which they were started. A timer may have an owner, whose timers
//! are linked with each other, so that they are found without a search ([`Own`]).

use crate::pages::Pages;

const NONE: u32 = u32::MAX;
const SLOTS: u64 = 4096;

/// The name of a timer: its entry and the number of its start, so that an old name never cancels a new timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerKey(u64);

impl TimerKey {
    pub(crate) fn from_raw(raw: u64) -> TimerKey {
        TimerKey(raw)
    }

    pub(crate) fn as_raw(self) -> u64 {
        self.0
    }

    fn new(index: u32, serial: u32) -> TimerKey {
        TimerKey(u64::from(serial) << 32 | u64::from(index))
    }

    /// The number of the timer's start, which grows from timer to timer, and begins again after 2^32 timers.
    pub(crate) fn serial(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn index(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }
}

/// The timers of one owner: the last one that it started, which leads to the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own(u32);

impl Own {
    pub(crate) const NONE: Own = Own(NONE);
}

/// Finds the owners of timers.
pub(crate) trait Owners<T> {
    /// The timers of the owner of this one; `None` when it has no owner, or the owner is gone.
    fn own(&mut self, timer: &T) -> Option<&mut Own>;
}

struct Entry<T> {
    due_ms: u64,
    serial: u32,
    slot: u32,
    previous: u32,
    next: u32,
    /// The timers of the same owner that were started after and before this one.
    later: u32,
    earlier: u32,
    what: Option<T>,
}

#[derive(Clone, Copy)]
struct Slot {
    head: u32,
    tail: u32,
}

const EMPTY: Slot = Slot {
    head: NONE,
    tail: NONE,
};

/// The timers of one shard.
pub(crate) struct Wheel<T> {
    now_ms: u64,
    entries: Pages<Entry<T>>,
    free: u32,
    /// The number of the last start.
    serial: u32,
    live: usize,
    /// Near slots, then far slots.
    slots: Vec<Slot>,
    /// One bit per slot that is not empty.
    used: Vec<u64>,
}

impl<T> Wheel<T> {
    pub(crate) fn new() -> Wheel<T> {
        Wheel {
            now_ms: 0,
            entries: Pages::new(),
            free: NONE,
            serial: 0,
            live: 0,
            slots: vec![EMPTY; 2 * SLOTS as usize],
            used: vec![0; 2 * SLOTS as usize / 64],
        }
    }

    /// Starts a timer that fires at `due_ms`, at the earliest one millisecond from now.
    pub(crate) fn start(&mut self, due_ms: u64, what: T) -> TimerKey {
        let due_ms = due_ms.max(self.now_ms + 1);
        let index = self.take_entry(due_ms, what);
        self.link(index);
        self.live += 1;
        TimerKey::new(index, self.serial)
    }

    /// The number of the last start.
    pub(crate) fn serial(&self) -> u32 {
        self.serial
    }

    /// The time at which a timer fires; `None` when it has fired or was cancelled.
    pub(crate) fn due_ms(&self, key: TimerKey) -> Option<u64> {
        self.is_live(key).then(|| self.entries[key.index()].due_ms)
    }

    /// The content of a timer; `None` when it has fired or was cancelled.
    pub(crate) fn what_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.is_live(key).then_some(())?;
        self.entries.get_mut(key.index())?.what.as_mut()
    }

    /// Adds a live timer to those of its owner.
    pub(crate) fn give(&mut self, key: TimerKey, own: &mut Own) {
        if !self.is_live(key) {
            return;
        }
        let index = key.index() as u32;
        let earlier = std::mem::replace(&mut own.0, index);
        self.entries[index as usize].earlier = earlier;
        if earlier != NONE {
            self.entries[earlier as usize].later = index;
        }
    }

    /// The timers of an owner, the last started first, with the times at which they fire.
    pub(crate) fn of(&self, own: Own) -> impl Iterator<Item = (TimerKey, u64, &T)> {
        let mut at = own.0;
        std::iter::from_fn(move || {
            let entry = self.entries.get(at as usize)?;
            let key = TimerKey::new(at, entry.serial);
            at = entry.earlier;
            Some((key, entry.due_ms, entry.what.as_ref()?))
        })
    }

    /// Cancels a timer that may have an owner; `None` when it has fired or was cancelled before.
    pub(crate) fn cancel_of(&mut self, owners: &mut impl Owners<T>, key: TimerKey) -> Option<T> {
        self.is_live(key)
            .then(|| self.leave(owners, key.index() as u32))?;
        self.cancel(key)
    }

    /// Removes a timer from those of its owner.
    fn leave(&mut self, owners: &mut impl Owners<T>, index: u32) {
        let entry = &self.entries[index as usize];
        let (later, earlier) = (entry.later, entry.earlier);
        let Some(own) = entry.what.as_ref().and_then(|what| owners.own(what)) else {
            return;
        };
        match later {
            NONE => own.0 = earlier,
            later => self.entries[later as usize].earlier = earlier,
        }
        if earlier != NONE {
            self.entries[earlier as usize].later = later;
        }
    }

    /// Cancels a timer without an owner; `None` when it has fired or was cancelled before.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let index = key.index();
        self.is_live(key).then(|| self.unlink(index as u32))?;
        self.live -= 1;
        self.release(index as u32)
    }

    /// `true` until the timer fires or is cancelled.
    pub(crate) fn is_live(&self, key: TimerKey) -> bool {
        self.entries
            .get(key.index())
            .is_some_and(|entry| entry.what.is_some() && entry.serial == key.serial())
    }

    /// Advances to `now_ms`, and passes each fired timer with its due time to `fire`, in order.
    pub(crate) fn advance(
        &mut self,
        now_ms: u64,
        owners: &mut impl Owners<T>,
        mut fire: impl FnMut(u64, T),
    ) {
        while self.now_ms < now_ms {
            let Some(next) = self.next_busy_ms().filter(|next| *next <= now_ms) else {
                self.now_ms = now_ms;
                return;
            };
            self.now_ms = next;
            if next % SLOTS == 0 {
                self.spread(next);
            }
            self.fire_slot((next % SLOTS) as u32, owners, &mut fire);
        }
    }

    /// The next millisecond at which a timer fires or must be moved; never later than the next firing.
    pub(crate) fn next_busy_ms(&self) -> Option<u64> {
        if self.live == 0 {
            return None;
        }
        let lap_end = (self.now_ms / SLOTS + 1) * SLOTS;
        let from = (self.now_ms % SLOTS + 1) as usize;
        match self.first_used(from, SLOTS as usize) {
            Some(slot) => Some(self.now_ms / SLOTS * SLOTS + slot as u64),
            None => Some(lap_end),
        }
    }

    fn fire_slot(&mut self, slot: u32, owners: &mut impl Owners<T>, fire: &mut impl FnMut(u64, T)) {
        while let Some(index) = self.first_of(slot) {
            self.leave(owners, index);
            self.unlink(index);
            self.live -= 1;
            if let Some(what) = self.release(index) {
                fire(self.now_ms, what);
            }
        }
    }

    /// Moves the timers of one far slot to the near wheel.
    fn spread(&mut self, now_ms: u64) {
        let far = (SLOTS + now_ms / SLOTS % SLOTS) as u32;
        let mut waiting = Vec::new();
        while let Some(index) = self.first_of(far) {
            self.unlink(index);
            waiting.push(index);
        }
        for index in waiting {
            self.link(index);
        }
    }

    fn slot_for(&self, due_ms: u64) -> u32 {
        let laps = due_ms / SLOTS - self.now_ms / SLOTS;
        let slot = match laps {
            0 => due_ms % SLOTS,
            // Too far for one turn of the far wheel: the timer waits in the slot that comes last.
            laps => SLOTS + (self.now_ms / SLOTS + laps.min(SLOTS - 1)) % SLOTS,
        };
        slot as u32
    }

    fn link(&mut self, index: u32) {
        let slot_index = self.slot_for(self.entries[index as usize].due_ms);
        let slot = &mut self.slots[slot_index as usize];
        let previous = std::mem::replace(&mut slot.tail, index);
        if previous == NONE {
            slot.head = index;
            self.used[slot_index as usize / 64] |= 1 << (slot_index % 64);
        } else {
            self.entries[previous as usize].next = index;
        }
        let entry = &mut self.entries[index as usize];
        (entry.slot, entry.previous, entry.next) = (slot_index, previous, NONE);
    }

    fn unlink(&mut self, index: u32) {
        let Entry {
            slot: slot_index,
            previous,
            next,
            ..
        } = self.entries[index as usize];
        match previous {
            NONE => self.slots[slot_index as usize].head = next,
            previous => self.entries[previous as usize].next = next,
        }
        match next {
            NONE => self.slots[slot_index as usize].tail = previous,
            next => self.entries[next as usize].previous = previous,
        }
        if self.slots[slot_index as usize].head == NONE {
            self.used[slot_index as usize / 64] &= !(1 << (slot_index % 64));
        }
    }

    fn first_of(&self, slot: u32) -> Option<u32> {
        Some(self.slots[slot as usize].head).filter(|index| *index != NONE)
    }

    fn first_used(&self, from: usize, to: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.used.get(word)? & (u64::MAX << (from % 64));
        while word * 64 < to {
            if bits != 0 {
                return Some(word * 64 + bits.trailing_zeros() as usize).filter(|slot| *slot < to);
            }
            word += 1;
            bits = *self.used.get(word)?;
        }
        None
    }

    fn take_entry(&mut self, due_ms: u64, what: T) -> u32 {
        self.serial = self.serial.wrapping_add(1).max(1);
        let entry = Entry {
            due_ms,
            serial: self.serial,
            slot: 0,
            previous: NONE,
            next: NONE,
            later: NONE,
            earlier: NONE,
            what: Some(what),
        };
        if self.free == NONE {
            let index = u32::try_from(self.entries.len())
                .expect("timers are bounded by processes and requests");
            self.entries.push(entry);
            return index;
        }
        let index = self.free;
        self.free = std::mem::replace(&mut self.entries[index as usize], entry).next;
        index
    }

    fn release(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        entry.next = std::mem::replace(&mut self.free, index);
        entry.what.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Timers without owners.
    struct Nobodys;

    impl<T> Owners<T> for Nobodys {
        fn own(&mut self, _timer: &T) -> Option<&mut Own> {
            None
        }
    }

    /// Three owners of timers; the content of a timer is its number, and the number decides about its owner.
    struct Three([Own; 3]);

    impl Owners<usize> for Three {
        fn own(&mut self, timer: &usize) -> Option<&mut Own> {
            Some(&mut self.0[timer % 3])
        }
    }

    #[test]
    fn timers_fire_in_the_order_of_their_time_and_then_of_their_start() {
        let mut wheel = Wheel::new();
        for (due, name) in [
            (5, "b"),
            (1, "a"),
            (5, "c"),
            (20_000, "e"),
            (4096, "d"),
            (90_000_000, "f"),
        ] {
            wheel.start(due, name);
        }
        let mut fired = Vec::new();
        wheel.advance(5, &mut Nobodys, |due_ms, name| {
            assert!(due_ms <= 5);
            fired.push(name);
        });
        assert_eq!(fired, ["a", "b", "c"]);
        wheel.advance(100_000_000, &mut Nobodys, |_, name| fired.push(name));
        assert_eq!(fired[3..], ["d", "e", "f"]);
        assert_eq!(wheel.next_busy_ms(), None);
    }

    #[test]
    fn the_name_of_a_fired_timer_cancels_nothing() {
        let mut wheel = Wheel::new();
        let old = wheel.start(1, 'a');
        wheel.advance(1, &mut Nobodys, |_, _| ());
        let new = wheel.start(2, 'b');
        assert_eq!(wheel.cancel(old), None);
        assert_eq!(wheel.cancel(new), Some('b'));
        assert_eq!(wheel.cancel(new), None);
    }

    proptest! {
        /// Compares the wheel with a list that is searched at every step.
        #[test]
        fn every_timer_fires_exactly_when_due_unless_cancelled(
            plan in prop::collection::vec((1u64..30_000_000, prop::bool::ANY), 1..60),
            steps in prop::collection::vec(1u64..3_000_000, 1..40),
        ) {
            let mut wheel = Wheel::new();
            let keys: Vec<_> = plan.iter().enumerate().map(|(id, (due, _))| wheel.start(*due, id)).collect();
            let mut owners = Three([Own::NONE; 3]);
            for (id, key) in keys.iter().enumerate() {
                wheel.give(*key, &mut owners.0[id % 3]);
            }
            for (id, (_, cancel)) in plan.iter().enumerate().filter(|(_, (_, cancel))| *cancel) {
                prop_assert!(*cancel);
                prop_assert_eq!(wheel.cancel_of(&mut owners, keys[id]), Some(id));
            }
            let mut now = 0;
            for step in steps {
                let before = now;
                now += step;
                let mut fired = Vec::new();
                wheel.advance(now, &mut owners, |due_ms, id| {
                    assert_eq!(due_ms, plan[id].0);
                    fired.push(id);
                });
                let mut due: Vec<_> = (0..plan.len())
                    .filter(|id| !plan[*id].1 && plan[*id].0 > before && plan[*id].0 <= now)
                    .collect();
                due.sort_by_key(|id| plan[*id].0);
                prop_assert_eq!(fired, due);
                for owner in 0..3 {
                    let left: Vec<_> = wheel.of(owners.0[owner]).map(|(_, _, id)| *id).collect();
                    let live = (0..plan.len()).rev().filter(|id| id % 3 == owner && !plan[*id].1 && plan[*id].0 > now);
                    prop_assert_eq!(left, live.collect::<Vec<_>>());
                }
            }
        }
    }
}
