//! Finds the pids and timers in encoded values and replaces them in place, without decoding: for processes that move.
//!
//! A reference is an extension of 8 bytes, whatever surrounds it, so the replacement has the same length. A binary that
//! is one MessagePack value counts as a part of the value around it: the arguments of a start are such a binary.

use rmp::Marker;

use super::ext;
use crate::Pid;

/// How deep binaries may lie in binaries. The specification of a supervisor has its children's arguments in a binary,
/// which may be specifications themselves.
const BINARIES_MAX: u8 = 8;

/// A number of the node in an encoded value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    /// A pid.
    Pid(Pid),
    /// The number of a timer.
    Timer(u64),
}

/// A reference that was found: its offset, and the type of its extension.
struct Found {
    at: usize,
    kind: i8,
}

/// Replaces each reference in these bytes by the result of `with`. A timer stays a timer and a pid stays a pid: of the
/// result only the number counts. Bytes that are not one MessagePack value have no references and stay as they are.
pub fn replace_references(bytes: &mut [u8], mut with: impl FnMut(Reference) -> Reference) {
    if !may_refer(bytes) {
        return;
    }
    let mut found = Vec::new();
    find(bytes, 0, BINARIES_MAX, &mut found);
    for Found { at, kind } in found {
        let Some(place) = bytes[at..].first_chunk_mut::<8>() else {
            continue;
        };
        let number = u64::from_be_bytes(*place);
        let before = match kind {
            ext::PID => Reference::Pid(Pid::from_raw(number)),
            _ => Reference::Timer(number),
        };
        let after = match with(before) {
            Reference::Pid(pid) => pid.as_raw(),
            Reference::Timer(number) => number,
        };
        *place = after.to_be_bytes();
    }
}

/// Whether the head of a reference is among the bytes: most messages have none.
fn may_refer(bytes: &[u8]) -> bool {
    let is_head = |pair: &[u8]| {
        pair[0] == super::marker::FIX_EXT_8 && matches!(pair[1] as i8, ext::PID | ext::TIMER)
    };
    bytes.windows(2).any(is_head)
}

/// Notes the references of one value that fills the bytes, which begin at `offset`. Notes nothing when the bytes are no
/// such value.
fn find(bytes: &[u8], offset: usize, binaries: u8, found: &mut Vec<Found>) {
    let before = found.len();
    let mut walk = Walk {
        all: bytes,
        at: 0,
        offset,
        binaries,
    };
    if walk.value(found).is_none() || walk.at != bytes.len() {
        found.truncate(before);
    }
}

/// A walk over one value. The values inside are counted and not nested, so no depth of the bytes is a depth of the
/// stack.
struct Walk<'a> {
    all: &'a [u8],
    at: usize,
    offset: usize,
    binaries: u8,
}

impl<'a> Walk<'a> {
    fn value(&mut self, found: &mut Vec<Found>) -> Option<()> {
        let mut left = 1_u64;
        while let Some(others) = left.checked_sub(1) {
            let [marker] = self.array::<1>()?;
            left = others.saturating_add(self.head(Marker::from_u8(marker), found)?);
        }
        Some(())
    }

    /// Reads what belongs to a marker, and returns how many values follow inside.
    fn head(&mut self, marker: Marker, found: &mut Vec<Found>) -> Option<u64> {
        let inside = match marker {
            Marker::FixArray(length) => length.into(),
            Marker::Array16 => self.length::<2>()? as u64,
            Marker::Array32 => self.length::<4>()? as u64,
            Marker::FixMap(length) => 2 * u64::from(length),
            Marker::Map16 => 2 * self.length::<2>()? as u64,
            Marker::Map32 => 2 * self.length::<4>()? as u64,
            Marker::FixExt1 => return self.ext(1, found),
            Marker::FixExt2 => return self.ext(2, found),
            Marker::FixExt4 => return self.ext(4, found),
            Marker::FixExt8 => return self.ext(8, found),
            Marker::FixExt16 => return self.ext(16, found),
            Marker::Ext8 => return self.length::<1>().and_then(|n| self.ext(n, found)),
            Marker::Ext16 => return self.length::<2>().and_then(|n| self.ext(n, found)),
            Marker::Ext32 => return self.length::<4>().and_then(|n| self.ext(n, found)),
            leaf => return self.leaf(leaf, found).map(|()| 0),
        };
        Some(inside)
    }

    fn leaf(&mut self, marker: Marker, found: &mut Vec<Found>) -> Option<()> {
        let length = match marker {
            Marker::FixPos(_) | Marker::FixNeg(_) => 0,
            Marker::Null | Marker::True | Marker::False => 0,
            Marker::U8 | Marker::I8 => 1,
            Marker::U16 | Marker::I16 => 2,
            Marker::U32 | Marker::I32 | Marker::F32 => 4,
            Marker::U64 | Marker::I64 | Marker::F64 => 8,
            Marker::FixStr(length) => length.into(),
            Marker::Str8 => self.length::<1>()?,
            Marker::Str16 => self.length::<2>()?,
            Marker::Str32 => self.length::<4>()?,
            Marker::Bin8 => return self.length::<1>().and_then(|n| self.binary(n, found)),
            Marker::Bin16 => return self.length::<2>().and_then(|n| self.binary(n, found)),
            Marker::Bin32 => return self.length::<4>().and_then(|n| self.binary(n, found)),
            _ => return None,
        };
        self.take(length).map(drop)
    }

    fn binary(&mut self, length: usize, found: &mut Vec<Found>) -> Option<()> {
        let begin = self.offset + self.at;
        let content = self.take(length)?;
        if let (Some(binaries), true) = (self.binaries.checked_sub(1), may_refer(content)) {
            find(content, begin, binaries, found);
        }
        Some(())
    }

    /// The content of a tuple is walked as the value behind its head.
    fn ext(&mut self, length: usize, found: &mut Vec<Found>) -> Option<u64> {
        let [kind] = self.array::<1>()?;
        let (kind, at) = (kind as i8, self.offset + self.at);
        if kind == ext::TUPLE {
            return Some(1);
        }
        self.take(length)?;
        if length == 8 && matches!(kind, ext::PID | ext::TIMER) {
            found.push(Found { at, kind });
        }
        Some(0)
    }

    fn length<const N: usize>(&mut self) -> Option<usize> {
        let bytes = self.array::<N>()?;
        Some(
            bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte)),
        )
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.all.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(array)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.all.get(self.at..)?.get(..length)?;
        self.at += length;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msgpack::{from_msgpack, to_msgpack};
    use crate::properties::term;
    use crate::{Map, Term};
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    fn flipped(pid: Pid) -> Pid {
        Pid::from_raw(!pid.as_raw())
    }

    fn flip(reference: Reference) -> Reference {
        match reference {
            Reference::Pid(pid) => Reference::Pid(flipped(pid)),
            Reference::Timer(number) => Reference::Timer(!number),
        }
    }

    /// The same term with all its pids flipped.
    fn with_flipped(term: &Term) -> Term {
        let all = |items: &[Term]| items.iter().map(with_flipped).collect::<Vec<_>>();
        match term {
            Term::Pid(pid) => Term::Pid(flipped(*pid)),
            Term::Tuple(items) => Term::tuple(all(items)),
            Term::List(items) => Term::list(all(items)),
            Term::Map(map) => {
                let pairs = map.pairs().iter();
                let pairs = pairs.map(|(key, value)| (with_flipped(key), with_flipped(value)));
                Term::Map(Map::from(pairs.collect::<Vec<_>>()))
            }
            other => other.clone(),
        }
    }

    #[test]
    fn a_timer_is_found_in_a_binary_of_a_binary_and_no_other_number() {
        let timer = [&[0xd7, ext::TIMER as u8][..], &7_u64.to_be_bytes()].concat();
        let inner = to_msgpack(&Term::binary(&timer[..]));
        let mut bytes = to_msgpack(&Term::list([Term::binary(&inner[..]), Term::from(7)]));
        let mut seen = Vec::new();
        replace_references(&mut bytes, |reference| {
            seen.push(reference);
            Reference::Timer(9)
        });
        assert_eq!(seen, [Reference::Timer(7)]);
        replace_references(&mut bytes, |reference| {
            assert_eq!(reference, Reference::Timer(9));
            reference
        });
    }

    #[test]
    fn bytes_that_look_like_a_pid_inside_a_text_or_half_a_value_stay() {
        let pid = to_msgpack(&Term::Pid(Pid::new(1, 2, 3)));
        let half = [&[0x92][..], &pid].concat();
        let text = [&[0xaa][..], &pid].concat();
        for bytes in [half, text, [&pid[..], &pid].concat()] {
            let mut after = bytes.clone();
            replace_references(&mut after, flip);
            assert_eq!(after, bytes);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn all_pids_of_a_term_are_replaced_and_nothing_else(term in term()) {
            let mut bytes = to_msgpack(&term);
            replace_references(&mut bytes, flip);
            prop_assert_eq!(from_msgpack(&bytes), Ok(with_flipped(&term)));
        }

        #[test]
        fn any_bytes_are_walked_without_a_panic(bytes in vec(any::<u8>(), 0..64), head in any::<bool>()) {
            let head: &[u8] = if head { &[0x92, 0xd7, 1, 0, 0, 0, 0, 0, 0, 0, 0] } else { &[] };
            let mut bytes = [head, &bytes].concat();
            replace_references(&mut bytes, flip);
        }
    }
}
