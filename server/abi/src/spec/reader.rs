//! Reads the spec of a supervisor child by child, and says which bytes were whose.
//!
//! A spec is read at every start of a hero. What `serde` makes of the same types reads them too, three times
//! slower, and cannot say where one child ends; the tests hold the two against each other.

use std::fmt::Display;

use pq_term::{Atom, Term, msgpack};
use rmp::Marker;
use rmp::decode;

use super::{ChildSpec, Modules, Start, SupFlags};

/// How many parts these have on the wire.
pub(super) const SPEC_PARTS: u32 = 2;
pub(super) const FLAGS_PARTS: u32 = 3;
pub(super) const CHILD_PARTS: u32 = 6;
pub(super) const START_PARTS: u32 = 2;

/// The children of a [`super::SupSpec`] that are still to be read.
pub struct SpecReader<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> SpecReader<'a> {
    /// Reads the flags.
    ///
    /// # Errors
    /// What does not fit, for people.
    pub fn new(bytes: &'a [u8]) -> Result<(SupFlags, SpecReader<'a>), String> {
        let mut rest = bytes;
        parts(&mut rest, SPEC_PARTS, "a supervisor's spec")?;
        let flags = flags(&mut rest)?;
        let left = decode::read_array_len(&mut rest).map_err(of("the children"))?;
        Ok((flags, SpecReader { rest, left }))
    }

    /// How many children are left, by the spec's own word.
    pub fn left(&self) -> usize {
        self.left as usize
    }

    /// How many bytes are left for them.
    pub fn bytes_left(&self) -> usize {
        self.rest.len()
    }
}

/// Each child with its bytes, which [`read_child`] reads again, or what does not fit, for people.
impl<'a> Iterator for SpecReader<'a> {
    type Item = Result<(ChildSpec, &'a [u8]), String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let bytes = self.rest;
        Some(child(&mut self.rest).map(|spec| (spec, &bytes[..bytes.len() - self.rest.len()])))
    }
}

/// A child's spec from its bytes.
///
/// # Errors
/// What does not fit, for people.
pub fn read_child(bytes: &[u8]) -> Result<ChildSpec, String> {
    child(&mut { bytes })
}

fn flags(from: &mut &[u8]) -> Result<SupFlags, String> {
    parts(from, FLAGS_PARTS, "the flags")?;
    Ok(SupFlags {
        strategy: number::<u8>(from, "the strategy")?.try_into()?,
        intensity: number(from, "the intensity")?,
        period_s: number(from, "the period")?,
    })
}

fn child(from: &mut &[u8]) -> Result<ChildSpec, String> {
    parts(from, CHILD_PARTS, "a child's spec")?;
    Ok(ChildSpec {
        id: id(from)?,
        start: start(from)?,
        restart: number::<u8>(from, "the restart type")?.try_into()?,
        shutdown: number::<i64>(from, "the time to shut down")?.try_into()?,
        kind: number::<u8>(from, "the child's type")?.try_into()?,
        modules: modules(from)?,
    })
}

fn start(from: &mut &[u8]) -> Result<Start, String> {
    parts(from, START_PARTS, "a start")?;
    Ok(Start {
        module: atom(from)?,
        args: binary(from)?.to_vec(),
    })
}

fn id(from: &mut &[u8]) -> Result<Term, String> {
    match is_next(from, |marker| {
        matches!(marker, Marker::Bin8 | Marker::Bin16 | Marker::Bin32)
    }) {
        true => msgpack::from_msgpack(binary(from)?).map_err(of("an id")),
        false => atom(from).map(Term::Atom),
    }
}

fn modules(from: &mut &[u8]) -> Result<Modules, String> {
    if is_next(from, |marker| marker == Marker::Null) {
        decode::read_nil(from).map_err(of("the modules"))?;
        return Ok(Modules::Dynamic);
    }
    let count = decode::read_array_len(from).map_err(of("the modules"))?;
    (0..count)
        .map(|_| atom(from))
        .collect::<Result<_, _>>()
        .map(Modules::Of)
}

fn atom(from: &mut &[u8]) -> Result<Atom, String> {
    let length = decode::read_str_len(from).map_err(of("a name"))?;
    let text = std::str::from_utf8(take(from, length)?).map_err(of("a name"))?;
    Atom::new(text).map_err(of("a name"))
}

fn binary<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let length = decode::read_bin_len(from).map_err(of("a string of bytes"))?;
    take(from, length)
}

fn take<'a>(from: &mut &'a [u8], length: u32) -> Result<&'a [u8], String> {
    let taken = from.split_off(..length as usize);
    taken.ok_or_else(|| format!("{length} bytes were promised, {} are left", from.len()))
}

fn number<T: TryFrom<i64>>(from: &mut &[u8], what: &str) -> Result<T, String> {
    let number: i64 = decode::read_int(from).map_err(of(what))?;
    T::try_from(number).map_err(|_| format!("{what} cannot be {number}"))
}

fn parts(from: &mut &[u8], wanted: u32, what: &str) -> Result<(), String> {
    match decode::read_array_len(from).map_err(of(what))? {
        count if count == wanted => Ok(()),
        count => Err(format!("{what} has {wanted} parts, not {count}")),
    }
}

fn is_next(from: &[u8], is_it: impl FnOnce(Marker) -> bool) -> bool {
    let next = from.first();
    next.is_some_and(|byte| is_it(Marker::from_u8(*byte)))
}

/// Says what was being read when an error came up.
fn of<E: Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{self, ChildType, Restart, Shutdown, Strategy, SupSpec};

    fn child(id: Term, shutdown: Shutdown, modules: Modules) -> ChildSpec {
        let module = Atom::from_static("pq_player");
        ChildSpec {
            id,
            start: Start {
                module,
                args: vec![7; 300],
            },
            restart: Restart::Temporary,
            shutdown,
            kind: ChildType::Supervisor,
            modules,
        }
    }

    fn of_three() -> SupSpec {
        let atoms = ["pq_player", "pq_events"].map(Atom::from_static);
        let pair = Term::tuple([Term::atom("events"), Term::string("Gandalf")]);
        SupSpec {
            flags: SupFlags {
                strategy: Strategy::RestForOne,
                intensity: 2,
                period_s: 3_600,
            },
            children: vec![
                child(Term::atom("a"), Shutdown::Infinity, Modules::Dynamic),
                child(pair, Shutdown::BrutalKill, Modules::Of(atoms.to_vec())),
                child(
                    Term::from(7),
                    Shutdown::Timeout(u32::MAX),
                    Modules::Of(vec![]),
                ),
            ],
        }
    }

    #[test]
    fn each_child_is_read_as_serde_reads_it_with_the_bytes_that_are_its_own() {
        let spec = of_three();
        let bytes = spec::encode(&spec);
        let (flags, mut reader) = SpecReader::new(&bytes).unwrap();
        assert_eq!((flags, reader.left()), (spec.flags, 3));
        for wanted in spec.children {
            let (read, bytes) = reader.next().unwrap().unwrap();
            assert_eq!(bytes, spec::encode(&wanted));
            assert_eq!(spec::decode(bytes), Ok(wanted.clone()));
            assert_eq!((read, read_child(bytes)), (wanted.clone(), Ok(wanted)));
        }
        assert!(reader.next().is_none());
    }

    #[test]
    fn a_spec_that_ends_early_or_says_nonsense_is_refused_and_says_where() {
        let bytes = spec::encode(&of_three());
        for length in 0..bytes.len() {
            let read = SpecReader::new(&bytes[..length])
                .and_then(|(_, reader)| reader.collect::<Result<Vec<_>, _>>());
            assert!(read.is_err(), "{length} of {} bytes", bytes.len());
        }
        let refused = |bytes: &[u8]| read_child(bytes).unwrap_err();
        assert_eq!(refused(&[0x91]), "a child's spec has 6 parts, not 1");
        assert!(refused(&[0x96, 0x07]).starts_with("a name: "));
        let strategy = [0x92, 0x93, 0x05, 0x00, 0x01, 0x90];
        assert_eq!(
            SpecReader::new(&strategy).err().unwrap(),
            "5 is no Strategy"
        );
    }
}
