//! The crowd: one dot for each avatar, with the version that its code runs. The dot of an avatar keeps its place for life, and the
//! successor of a crashed one takes it over.
//!
//! ```text
//!   a listing, then events ─► Dots: place ─► code ─► changes ─► frames ─► viewers
//! ```
//! | module | contents |
//! |---|---|
//! | this file | the dots, their places and codes |
//! | `crashed` | the dots of crashed processes, which wait for their successors |
//! | [`frames`] | binary frames, and the viewers that read them at their own pace |
//!
//! The code of a dot is one byte: the lower four bits are the number of its version ([`Dots::versions`]), 0 for a place without an
//! avatar; [`COPIED`] and [`CRASHED`] are added.

mod crashed;
pub mod frames;

use std::collections::{HashMap, VecDeque};

use crashed::Crashed;

/// The bit of a dot whose state is copied and converted.
pub const COPIED: u8 = 0x10;

/// The bit of a dot whose process has failed and has no successor.
pub const CRASHED: u8 = 0x40;

/// The mark of a change that is none: the avatar of the dot has acted. No dot has it.
pub const ACTED: u8 = 0x80;

/// The bits that number the version of a dot.
const VERSION: u8 = 0x0f;

/// The versions that have a number of their own. Further versions share the last number: a node has purged old code long before.
const VERSIONS_MAX: usize = VERSION as usize;

/// The time for which the dot of a crashed process waits for its successor: supervisors restart children within milliseconds, and
/// a person sees the cross for this time.
const CRASHED_US: u64 = 10_000_000;

/// The change of an avatar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The avatar has started.
    Born,
    /// The avatar runs the version of the event.
    Runs,
    /// A copy of the state is converted.
    Copied,
    /// The converted copy is dropped.
    Dropped,
    /// The avatar has handled a message.
    Acted,
    /// The avatar has ended in order.
    Ended,
    /// The process has failed, or was killed.
    Failed,
}

/// An avatar as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// The number of its process; a successor has another one.
    pub process: u64,
    /// The number of the process that started it; a successor has the same one.
    pub parent: u64,
    /// The version that it runs.
    pub vsn: &'a str,
}

/// A change of an avatar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event<'a> {
    /// The avatar after the change.
    pub member: Member<'a>,
    /// The change that has led to it.
    pub change: Change,
    /// The time in microseconds.
    pub at_us: u64,
}

/// A dot with another code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed {
    /// The place of the dot, from 0.
    pub place: u32,
    /// The new code of the dot.
    pub code: u8,
    /// The time of the change in microseconds.
    pub at_us: u64,
}

/// The dots of a node, by their places.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dots {
    versions: Vec<String>,
    codes: Vec<u8>,
    processes: Vec<u64>,
    places: HashMap<u64, u32>,
    vacant: VecDeque<u32>,
    crashed: Crashed,
}

impl Dots {
    /// The dots of these avatars, in this order.
    pub fn of<'a>(members: impl IntoIterator<Item = Member<'a>>) -> Dots {
        let mut dots = Dots::default();
        for member in members {
            let place = dots.appear(&member);
            dots.codes[place as usize] = dots.number(member.vsn);
        }
        dots
    }

    /// The versions; the first one has number 1.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// The codes of all places.
    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// The process at a place; `None` for a place without a living avatar.
    pub fn process_at(&self, place: u32) -> Option<u64> {
        let process = *self.processes.get(place as usize)?;
        self.places.contains_key(&process).then_some(process)
    }

    /// The place of a process.
    pub fn place_of(&self, process: u64) -> Option<u32> {
        self.places.get(&process).copied()
    }

    /// Takes an event over, and returns the dot if its code is another one now. Events may be repeated.
    pub fn apply(&mut self, event: &Event<'_>) -> Option<Changed> {
        let member = &event.member;
        let place = match (self.place_of(member.process), event.change) {
            (Some(place), _) => place,
            (None, Change::Born | Change::Runs) => self.appear(member),
            (None, _) => return None,
        };
        let own = self.codes[place as usize];
        let code = match event.change {
            Change::Born | Change::Runs => self.number(member.vsn),
            Change::Copied => own | COPIED,
            Change::Dropped => own & !COPIED,
            Change::Acted => own,
            Change::Ended => 0,
            Change::Failed => own & VERSION | CRASHED,
        };
        match event.change {
            Change::Ended => self.leave(member.process, place),
            Change::Failed => self.crash(place, event),
            _ => (),
        }
        self.codes[place as usize] = code;
        let shown = match event.change {
            Change::Acted => own | ACTED,
            _ => code,
        };
        (own != shown).then_some(Changed {
            place,
            code: shown,
            at_us: event.at_us,
        })
    }

    /// Gives up the dots of crashed processes that have no successor by now.
    pub fn forget_crashed(&mut self, now_us: u64) -> Vec<Changed> {
        let mut gone = Vec::new();
        let Some(until_us) = now_us.checked_sub(CRASHED_US) else {
            return gone;
        };
        while let Some(place) = self.crashed.take_until(until_us) {
            self.codes[place as usize] = 0;
            self.vacant.push_back(place);
            gone.push(Changed {
                place,
                code: 0,
                at_us: now_us,
            });
        }
        gone
    }

    /// Gives a new avatar the place of the one that it follows, or else a vacant one.
    fn appear(&mut self, member: &Member<'_>) -> u32 {
        let followed = self.crashed.take_of(member.parent);
        let place = followed
            .or_else(|| self.vacant.pop_front())
            .unwrap_or(self.codes.len() as u32);
        if place as usize == self.codes.len() {
            self.codes.push(0);
            self.processes.push(0);
        }
        self.processes[place as usize] = member.process;
        self.places.insert(member.process, place);
        place
    }

    fn leave(&mut self, process: u64, place: u32) {
        self.places.remove(&process);
        self.vacant.push_back(place);
    }

    fn crash(&mut self, place: u32, event: &Event<'_>) {
        self.places.remove(&event.member.process);
        self.crashed.add(event.member.parent, event.at_us, place);
    }

    fn number(&mut self, vsn: &str) -> u8 {
        let known = self.versions.iter().position(|known| known == vsn);
        let at = known.unwrap_or_else(|| {
            if self.versions.len() < VERSIONS_MAX {
                self.versions.push(vsn.to_string());
            }
            self.versions.len() - 1
        });
        at as u8 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(process: u64, parent: u64, vsn: &str) -> Member<'_> {
        Member {
            process,
            parent,
            vsn,
        }
    }

    fn event(member: Member<'_>, change: Change) -> Event<'_> {
        Event {
            member,
            change,
            at_us: 5,
        }
    }

    #[test]
    fn a_dot_keeps_its_place_through_an_install_and_shows_each_step() {
        let mut dots = Dots::of([member(7, 1, "1"), member(8, 2, "1")]);
        let mut steps = Vec::new();
        for (vsn, change) in [
            ("1", Change::Copied),
            ("1", Change::Copied),
            ("2", Change::Runs),
            ("2", Change::Copied),
            ("2", Change::Acted),
            ("2", Change::Dropped),
        ] {
            let changed = dots.apply(&event(member(8, 2, vsn), change));
            steps.push(changed.map(|changed| (changed.place, changed.code)));
        }
        let seen = |code| Some((1, code));
        let expected = [seen(0x11), None, seen(2), seen(0x12), seen(0x92), seen(2)];
        assert_eq!(steps, expected);
        assert_eq!(
            (dots.versions(), dots.codes()),
            (&["1".into(), "2".into()][..], &[1, 2][..])
        );
    }

    #[test]
    fn a_successor_takes_the_place_of_the_crashed_one_and_others_take_vacant_places() {
        let mut dots = Dots::of((0..4).map(|it| member(it + 10, it, "1")));
        dots.apply(&event(member(11, 1, "1"), Change::Ended));
        let crashed = dots.apply(&event(member(12, 2, "1"), Change::Failed));
        assert_eq!(crashed.map(|it| it.code), Some(CRASHED | 1));
        assert_eq!((dots.process_at(2), dots.place_of(12)), (None, None));
        let lives_again = dots.apply(&event(member(20, 2, "1"), Change::Born));
        let lives_again = lives_again.map(|it| (it.place, it.code));
        assert_eq!(lives_again, Some((2, 1)));
        dots.apply(&event(member(21, 9, "1"), Change::Born));
        dots.apply(&event(member(22, 9, "1"), Change::Born));
        let places = [20, 21, 22].map(|process| dots.place_of(process));
        assert_eq!(places, [Some(2), Some(1), Some(4)]);
    }

    #[test]
    fn a_crashed_dot_without_a_successor_goes_after_its_time() {
        let mut dots = Dots::of([member(7, 1, "1")]);
        dots.apply(&event(member(7, 1, "1"), Change::Failed));
        assert_eq!(dots.forget_crashed(5 + CRASHED_US - 1), []);
        assert_eq!(dots.forget_crashed(5 + CRASHED_US).len(), 1);
        assert_eq!(dots.codes(), [0]);
        dots.apply(&event(member(9, 1, "1"), Change::Born));
        assert_eq!(dots.place_of(9), Some(0));
    }

    #[test]
    fn events_from_before_the_listing_do_no_harm() {
        let mut dots = Dots::of([member(7, 1, "2")]);
        for (vsn, change) in [
            ("1", Change::Born),
            ("1", Change::Copied),
            ("2", Change::Runs),
        ] {
            dots.apply(&event(member(7, 1, vsn), change));
        }
        assert_eq!(dots.codes().len(), 1);
        let number = dots.versions().iter().position(|vsn| vsn == "2").unwrap();
        assert_eq!(usize::from(dots.codes()[0]), number + 1);
        assert_eq!(dots.apply(&event(member(3, 1, "1"), Change::Failed)), None);
    }
}
