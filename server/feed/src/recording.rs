//! The recording of an install: its phases, and for a sample of the avatars the microseconds in which their states were converted
//! and in which they got their new code. A page shows it again, slower than it was.
//!
//! ```text
//!   begins ─► Recorder ◄─ changes of avatars      ends ─► Recording ─► bytes ─► a file beside the history
//! ```
//! The bytes are a line of JSON ([`Head`]) that is padded with spaces to a multiple of 4, and then three numbers for each avatar of
//! the sample, in the order of their places: the microseconds since the beginning at which its state was converted, at which it got
//! the new code, and at which its converted state was dropped; [`NEVER`] where that did not happen. All are `u32`, little-endian.

use std::collections::HashMap;

use pq_protocol::record::{InstallPhase, InstallRecord};
use serde::{Deserialize, Serialize};

use crate::crowd::{Change, Event};

/// The avatars of a recording at most.
pub const SAMPLED_MAX: usize = 10_000;

/// The size of a recording at most. The avatars have 120 kB of it; the rest is for the record of a failure with its state.
pub const RECORDING_MAX: usize = 8 << 20;

/// The mark of an avatar to which something did not happen.
pub const NEVER: u32 = u32::MAX;

/// An install that is being recorded.
#[derive(Debug)]
pub struct Recorder {
    began_us: u64,
    began_unix_ms: u64,
    total: u64,
    places: HashMap<u64, usize>,
    sampled: Vec<Sampled>,
}

/// An avatar of the sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sampled {
    process: u64,
    copied_us: u32,
    swapped_us: u32,
    dropped_us: u32,
}

/// The facts of a recorded install.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// The version before the install.
    pub from: String,
    /// The version after a successful install.
    pub to: String,
    /// The version of the avatars' code before the install, and after it.
    pub codes: [String; 2],
    /// The beginning in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// The phases in their order.
    pub phases: Vec<Phase>,
    /// The avatars at the beginning.
    pub total: u64,
    /// The number of avatars in the sample.
    pub sampled: usize,
    /// The record of the install.
    pub record: InstallRecord,
}

/// A phase of a recorded install.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Phase {
    /// The name of the phase.
    pub phase: InstallPhase,
    /// Its beginning in microseconds since the beginning of the install.
    pub at_us: u64,
    /// Its duration in microseconds.
    pub took_us: u64,
}

/// The beginning of an install.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beginning {
    /// The time in microseconds, on the clock of the changes.
    pub at_us: u64,
    /// The time in milliseconds since 1970.
    pub unix_ms: u64,
    /// The avatars that live.
    pub total: u64,
}

impl Beginning {
    /// The share of avatars that fits into a recording: one in so many.
    pub fn one_in(&self) -> u32 {
        let share = self.total.div_ceil(SAMPLED_MAX as u64);
        u32::try_from(share).unwrap_or(u32::MAX).max(1)
    }
}

impl Recorder {
    /// Begins the recording of an install.
    pub fn begin(beginning: Beginning) -> Recorder {
        Recorder {
            began_us: beginning.at_us,
            began_unix_ms: beginning.unix_ms,
            total: beginning.total,
            places: HashMap::new(),
            sampled: Vec::new(),
        }
    }

    /// Takes a change of an avatar over. The last conversion counts, and the first swap.
    pub fn note(&mut self, event: &Event<'_>) {
        let after_us = event.at_us.saturating_sub(self.began_us);
        let after_us = u32::try_from(after_us).unwrap_or(NEVER);
        let is_followed = matches!(event.change, Change::Copied | Change::Runs);
        let is_of_install = is_followed || event.change == Change::Dropped;
        // A check before the install has dropped its copies, which is told in the same log.
        if !is_of_install || event.at_us < self.began_us {
            return;
        }
        let process = event.member.process;
        let place = match self.places.get(&process) {
            Some(place) => *place,
            None if is_followed && self.sampled.len() < SAMPLED_MAX => self.add(process),
            None => return,
        };
        let sampled = &mut self.sampled[place];
        match event.change {
            Change::Copied => sampled.copied_us = after_us,
            Change::Runs => sampled.swapped_us = sampled.swapped_us.min(after_us),
            _ => sampled.dropped_us = after_us,
        }
    }

    fn add(&mut self, process: u64) -> usize {
        self.sampled.push(Sampled {
            process,
            copied_us: NEVER,
            swapped_us: NEVER,
            dropped_us: NEVER,
        });
        self.places.insert(process, self.sampled.len() - 1);
        self.sampled.len() - 1
    }

    /// Ends the recording. `codes` are the versions of the avatars' code before and after; `order` says how processes are ordered.
    pub fn end(
        mut self,
        record: &InstallRecord,
        codes: [String; 2],
        order: impl Fn(u64) -> u64,
    ) -> Vec<u8> {
        self.sampled.sort_by_key(|sampled| order(sampled.process));
        let head = Head {
            from: record.from.clone(),
            to: record.to.clone(),
            codes,
            began_unix_ms: self.began_unix_ms,
            phases: phases(record),
            total: self.total,
            sampled: self.sampled.len(),
            record: record.clone(),
        };
        let mut bytes =
            serde_json::to_vec(&head).expect("the facts of an install have text for keys");
        bytes.resize((bytes.len() + 1).next_multiple_of(4) - 1, b' ');
        bytes.push(b'\n');
        for sampled in &self.sampled {
            let times = [sampled.copied_us, sampled.swapped_us, sampled.dropped_us];
            bytes.extend(times.into_iter().flat_map(u32::to_le_bytes));
        }
        bytes
    }
}

/// The phases of a record with their beginnings: one begins when the one before has ended.
fn phases(record: &InstallRecord) -> Vec<Phase> {
    let mut at_us = 0;
    let phases = record.phases.iter().map(|took| {
        let phase = Phase {
            phase: took.phase,
            at_us,
            took_us: took.took_us,
        };
        at_us += took.took_us;
        phase
    });
    phases.collect()
}

/// The facts of a recording; `None` if the bytes are none.
pub fn head(bytes: &[u8]) -> Option<Head> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    serde_json::from_slice(&bytes[..end]).ok()
}

#[cfg(test)]
mod tests {
    use pq_protocol::record::PhaseTook;

    use super::*;
    use crate::crowd::Member;

    fn event(process: u64, change: Change, at_us: u64) -> Event<'static> {
        let member = Member {
            process,
            parent: 0,
            vsn: "2",
        };
        Event {
            member,
            change,
            at_us,
        }
    }

    fn recorder(total: u64) -> Recorder {
        Recorder::begin(Beginning {
            at_us: 1_000,
            unix_ms: 7,
            total,
        })
    }

    fn record() -> InstallRecord {
        let took = |phase, took_us| PhaseTook { phase, took_us };
        InstallRecord {
            from: "1".to_string(),
            to: "2".to_string(),
            phases: vec![took(InstallPhase::Copy, 50), took(InstallPhase::Hold, 9)],
            ..InstallRecord::default()
        }
    }

    #[test]
    fn each_avatar_has_its_last_conversion_and_its_first_swap() {
        let mut recorder = recorder(3);
        for (process, change, at_us) in [
            (8, Change::Dropped, 990),
            (8, Change::Copied, 1_010),
            (9, Change::Copied, 1_011),
            (8, Change::Copied, 1_020),
            (7, Change::Born, 1_030),
            (8, Change::Runs, 1_040),
            (8, Change::Runs, 1_090),
            (9, Change::Dropped, 1_050),
            (7, Change::Dropped, 1_060),
        ] {
            recorder.note(&event(process, change, at_us));
        }
        let codes = ["1", "2"].map(str::to_string);
        let bytes = recorder.end(&record(), codes, |process| u64::MAX - process);
        let head = head(&bytes).unwrap();
        assert_eq!((head.sampled, head.total, head.phases[1].at_us), (2, 3, 50));
        let numbers = &bytes[bytes.len() - 24..];
        let numbers = numbers.chunks_exact(4);
        let numbers: Vec<u32> = numbers
            .map(|it| u32::from_le_bytes(it.try_into().unwrap()))
            .collect();
        assert_eq!(numbers, [11, NEVER, 50, 20, 40, NEVER]);
        assert_eq!((bytes.len() - 24) % 4, 0);
    }

    #[test]
    fn a_recording_is_bounded_however_many_avatars_there_are() {
        let mut recorder = recorder(1_000_000);
        for process in 0..1_000_000 {
            recorder.note(&event(process, Change::Copied, 2_000));
        }
        let bytes = recorder.end(&record(), Default::default(), |process| process);
        assert_eq!(head(&bytes).unwrap().sampled, SAMPLED_MAX);
        assert!(bytes.len() < RECORDING_MAX / 50, "{} bytes", bytes.len());
    }

    #[test]
    fn the_sample_fits_and_is_everybody_when_there_are_few() {
        let one_in = |total| {
            let beginning = Beginning {
                at_us: 0,
                unix_ms: 0,
                total,
            };
            beginning.one_in()
        };
        let shares = [0, 1, 10_000, 10_001, 1_000_000].map(one_in);
        assert_eq!(shares, [1, 1, 1, 2, 100]);
    }
}
