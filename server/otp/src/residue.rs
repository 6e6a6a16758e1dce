//! Residues: data that a conversion down cannot put into the older state, kept beside it; one value for each version.
//!
//! ```text
//!   state of    3 ─ down ─► 2 ─ down ─► 1 ─ up ─► 2 ─ up ─► 3
//!   beside it   –          [3]       [3, 2]      [3]        –
//! ```
//! A version takes back its own residue, and residues of other versions stay. [`Residues`] lie beside a state,
//! [`Beside`] is a conversion's view of them. Each belongs to one state of one module: a process has its own, and
//! each handler of an event manager has, too.
//!
//! INVARIANT: any walk down and up again changes nothing (`tests/runtime/transaction/residues.rs`,
//! `a_walk_over_versions_loses_nothing_that_is_kept`).

use pq_abi::op::Residue as Act;
use pq_abi::{Answer, Module, Reason, text};

/// How many versions may leave a residue beside one state: more than an operator goes back at once, and few enough for
/// a linear search.
const RESIDUES_MAX: usize = 16;

/// The total bytes of all residues beside one state. An avatar has 414 bytes in all; 100 times as much is a fault of
/// the module, and for a million avatars more than the machine has.
const BYTES_MAX: usize = 64 << 10;

/// The residues that versions have left beside a state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Residues(Vec<Residue>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Residue {
    /// The version that left the residue.
    vsn: Box<str>,
    bytes: Box<[u8]>,
}

/// The residues of a state while it is converted.
pub(crate) struct Beside {
    /// The version that converts; residues without another version's name are its own.
    converter: &'static str,
    before: Residues,
    after: Residues,
    /// The versions for which this conversion has kept a residue.
    kept: Vec<Box<str>>,
    fault: Option<Reason>,
}

impl Residues {
    fn of(&self, vsn: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|residue| *residue.vsn == *vsn);
        found.map(|residue| &*residue.bytes)
    }

    fn forget(&mut self, vsn: &str) {
        self.0.retain(|residue| *residue.vsn != *vsn);
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|residue| residue.bytes.len()).sum()
    }

    /// The residues with the versions that left them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|residue| (&*residue.vsn, &*residue.bytes))
    }

    /// The residues of a state that has moved; `None` when there are none.
    ///
    /// # Errors
    /// When no conversion could have left so many.
    pub(crate) fn moved<'a>(
        residues: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Option<Box<Residues>>, String> {
        let residue = |(vsn, bytes): (&str, &[u8])| Residue {
            vsn: vsn.into(),
            bytes: bytes.into(),
        };
        let residues = Residues(residues.map(residue).collect());
        match residues.0.len() {
            0 => Ok(None),
            1..=RESIDUES_MAX if residues.bytes() <= BYTES_MAX => Ok(Some(Box::new(residues))),
            many => Err(format!(
                "{many} residues of {} bytes are more than a state may have",
                residues.bytes()
            )),
        }
    }
}

impl Beside {
    /// Begins a conversion in `converter` that leads to `target`. Earlier residues of these two are used up: they are
    /// taken back now, or no longer match the state.
    pub(crate) fn begin(before: Option<&Residues>, converter: Module, target: Module) -> Beside {
        let before = before.cloned().unwrap_or_default();
        let mut after = before.clone();
        for module in [converter, target] {
            after.forget(module.vsn());
        }
        Beside {
            converter: converter.vsn(),
            before,
            after,
            kept: Vec::new(),
            fault: None,
        }
    }

    /// Reads, keeps or uses up a residue ([`pq_abi::op::Op::Residue`]).
    pub(crate) fn answer(&mut self, vsn: &[u8], act: Act<'_>) -> Answer<'_> {
        let vsn = text(vsn);
        let vsn = match &*vsn {
            "" => self.converter,
            other => other,
        };
        match act {
            Act::Keep(data) => Answer::value(u64::from(self.keep(vsn, data))),
            Act::TakePart => {
                self.after.forget(vsn);
                Answer::value(1)
            }
            Act::Read => match self.before.of(vsn) {
                Some(bytes) => Answer { value: 1, bytes },
                None => Answer::value(0),
            },
        }
    }

    fn keep(&mut self, vsn: &str, data: &[u8]) -> bool {
        self.after.forget(vsn);
        let fault = self.why_not(vsn, data.len());
        if let Some(why) = fault {
            self.fault
                .get_or_insert(Reason::tagged("system_limit", &why));
            return false;
        }
        self.kept.push(vsn.into());
        self.after.0.push(Residue {
            vsn: vsn.into(),
            bytes: data.into(),
        });
        true
    }

    /// The reason why a residue cannot be kept. It would be lost, so the conversion down is refused.
    fn why_not(&self, vsn: &str, more: usize) -> Option<String> {
        if self.kept.iter().any(|kept| **kept == *vsn) {
            return Some(format!(
                "version {vsn} keeps a second value in one conversion, which would replace the first; a conversion \
                 over several versions names the version of each value with `Ctx::acting_as`"
            ));
        }
        if self.after.0.len() >= RESIDUES_MAX {
            return Some(format!(
                "residues of {RESIDUES_MAX} versions lie beside this state, which is the maximum; go up to one of these \
                 versions before going further down"
            ));
        }
        let bytes = self.after.bytes().saturating_add(more);
        (bytes > BYTES_MAX).then(|| {
            format!(
                "version {vsn} keeps {more} bytes, and {bytes} would lie beside this state; {BYTES_MAX} is the maximum"
            )
        })
    }

    /// The residues beside the new state.
    ///
    /// # Errors
    /// When a residue was to be kept and could not be.
    pub(crate) fn end(self) -> Result<Option<Box<Residues>>, Reason> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok((!self.after.0.is_empty()).then(|| Box::new(self.after))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A conversion by version 9 of a state with these residues.
    fn beside(before: Residues) -> Beside {
        Beside {
            converter: "9",
            after: before.clone(),
            before,
            kept: Vec::new(),
            fault: None,
        }
    }

    fn of(versions: impl Iterator<Item = usize>) -> Residues {
        let residue = |vsn: usize| Residue {
            vsn: vsn.to_string().into(),
            bytes: [vsn as u8].into(),
        };
        Residues(versions.map(residue).collect())
    }

    fn fault(beside: Beside) -> String {
        beside.end().unwrap_err().to_string()
    }

    #[test]
    fn each_version_has_a_place_of_its_own() {
        let mut beside = beside(of(1..3));
        assert_eq!(beside.answer(b"2", Act::Read).bytes, [2]);
        assert_eq!(beside.answer(b"", Act::Read).value, 0);
        assert_eq!(beside.answer(b"", Act::Keep(&[9])).value, 1);
        assert_eq!(beside.answer(b"2", Act::TakePart).value, 1);
        // The residue is readable in the conversion that uses it up, and not afterwards.
        assert_eq!(beside.answer(b"2", Act::Read).bytes, [2]);
        let after = beside.end().unwrap().unwrap();
        assert_eq!((after.of("1"), after.of("2")), (Some(&[1][..]), None));
        assert_eq!(after.of("9"), Some(&[9][..]));
    }

    #[test]
    fn what_has_no_room_ends_the_conversion() {
        let mut full = beside(of(100..100 + RESIDUES_MAX));
        assert_eq!(full.answer(b"", Act::Keep(&[9])).value, 0);
        assert!(fault(full).contains("residues of 16 versions"));

        let mut large = beside(of(1..2));
        assert_eq!(large.answer(b"", Act::Keep(&vec![0; BYTES_MAX])).value, 0);
        assert!(fault(large).contains("65537 would lie beside this state"));

        let mut exact = beside(Residues::default());
        assert_eq!(exact.answer(b"", Act::Keep(&vec![0; BYTES_MAX])).value, 1);
        assert!(exact.end().is_ok());
    }

    #[test]
    fn a_second_value_of_one_version_does_not_take_the_place_of_the_first() {
        let mut beside = beside(Residues::default());
        assert_eq!(beside.answer(b"", Act::Keep(&[1])).value, 1);
        assert_eq!(beside.answer(b"9", Act::Keep(&[2])).value, 0);
        assert!(fault(beside).contains("keeps a second value"));
    }
}
