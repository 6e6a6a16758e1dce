//! Reads the spec of a supervisor child by child, without copying the bytes.
//!
//! A spec is read at every start of an avatar. `serde` reads the same types three times slower, and builds each child
//! whole where only its start is needed; the tests compare the two readers.

use std::fmt::Display;
use std::ops::RangeInclusive;

use pq_term::{Atom, Term, msgpack};
use rmp::Marker;
use rmp::decode;

use super::{ChildSpec, ChildType, Modules, Restart, Shutdown, Start, SupFlags};

/// The number of parts of each type on the wire.
pub(super) const SPEC_PARTS: u32 = 2;
pub(super) const FLAGS_PARTS: u32 = 3;
pub(super) const CHILD_PARTS: u32 = 6;
pub(super) const START_PARTS: u32 = 2;

/// The children of a [`super::SupSpec`] that are not read yet.
pub struct SpecReader<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> SpecReader<'a> {
    /// Reads the flags, and returns a reader for the children.
    ///
    /// # Errors
    /// A text that names the part which does not fit.
    pub fn new(bytes: &'a [u8]) -> Result<(SupFlags, SpecReader<'a>), String> {
        let mut rest = bytes;
        parts(&mut rest, SPEC_PARTS, "a supervisor's spec")?;
        let flags = flags(&mut rest)?;
        let left = array(&mut rest, "the children")?;
        Ok((flags, SpecReader { rest, left }))
    }

    /// The number of children left, as the spec claims it.
    pub fn left(&self) -> usize {
        self.left as usize
    }

    /// The number of bytes left for the children.
    pub fn bytes_left(&self) -> usize {
        self.rest.len()
    }
}

/// Yields each child, or a text that names the part which does not fit.
impl<'a> Iterator for SpecReader<'a> {
    type Item = Result<ChildView<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(ChildView::read(&mut self.rest))
    }
}

/// A [`ChildSpec`] as a view of its bytes: the fields that a start needs are decoded, the rest is checked.
pub struct ChildView<'a> {
    /// The child's id, unique among its siblings.
    pub id: Term,
    /// The module of its process.
    pub module: Atom,
    /// The arguments of `init`, a MessagePack array.
    pub args: &'a [u8],
    /// When the supervisor restarts the child.
    pub restart: Restart,
    /// How the supervisor ends the child.
    pub shutdown: Shutdown,
    /// Whether the child is a supervisor or a worker.
    pub kind: ChildType,
    /// INVARIANT: `modules` reads them (`each_child_is_read_as_serde_reads_it_with_the_bytes_that_are_its_own`).
    modules: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> ChildView<'a> {
    /// Reads the child at the beginning of these bytes.
    ///
    /// # Errors
    /// A text that names the part which does not fit.
    pub fn new(bytes: &'a [u8]) -> Result<ChildView<'a>, String> {
        ChildView::read(&mut { bytes })
    }

    fn read(from: &mut &'a [u8]) -> Result<ChildView<'a>, String> {
        let all = *from;
        parts(from, CHILD_PARTS, "a child's spec")?;
        let id = id(from)?;
        parts(from, START_PARTS, "a start")?;
        let module = atom(from)?;
        let args = binary(from)?;
        let restart = number::<u8>(from, "the restart type")?.try_into()?;
        let shutdown = number::<i64>(from, "the time to shut down")?.try_into()?;
        let kind = number::<u8>(from, "the child's type")?.try_into()?;
        let modules = *from;
        check_modules(from, module)?;
        Ok(ChildView {
            id,
            module,
            args,
            restart,
            shutdown,
            kind,
            modules,
            bytes: &all[..all.len() - from.len()],
        })
    }

    /// The bytes that this child takes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The process to start: module and arguments.
    pub fn start(&self) -> Start {
        Start {
            module: self.module,
            args: self.args.to_vec(),
        }
    }

    /// Decodes the whole spec of the child.
    pub fn spec(self) -> ChildSpec {
        let modules = modules(&mut { self.modules });
        ChildSpec {
            start: self.start(),
            id: self.id,
            restart: self.restart,
            shutdown: self.shutdown,
            kind: self.kind,
            modules: modules.expect("checked when read, and a known atom is always found"),
        }
    }
}

fn flags(from: &mut &[u8]) -> Result<SupFlags, String> {
    parts(from, FLAGS_PARTS, "the flags")?;
    Ok(SupFlags {
        strategy: number::<u8>(from, "the strategy")?.try_into()?,
        intensity: number(from, "the intensity")?,
        period_s: number(from, "the period")?,
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
    match modules_count(from)? {
        None => Ok(Modules::Dynamic),
        Some(count) => {
            let atoms = (0..count).map(|_| atom(from));
            atoms.collect::<Result<_, _>>().map(Modules::Of)
        }
    }
}

/// Checks the modules without making a list. Most children run one module, that of their start, which need not be
/// looked up again.
fn check_modules(from: &mut &[u8], likely: Atom) -> Result<(), String> {
    for _ in 0..modules_count(from)?.unwrap_or(0) {
        match text(from)? {
            name if name == likely.as_str().as_bytes() => {}
            name => drop(intern(name)?),
        }
    }
    Ok(())
}

/// The number of modules that follow; `None` for an event manager.
fn modules_count(from: &mut &[u8]) -> Result<Option<u32>, String> {
    if is_next(from, |marker| marker == Marker::Null) {
        decode::read_nil(from).map_err(of("the modules"))?;
        return Ok(None);
    }
    array(from, "the modules").map(Some)
}

fn atom(from: &mut &[u8]) -> Result<Atom, String> {
    intern(text(from)?)
}

/// Looks the name up first: nearly all names are atoms already.
fn intern(name: &[u8]) -> Result<Atom, String> {
    match Atom::known(name) {
        Some(atom) => Ok(atom),
        None => Atom::new(std::str::from_utf8(name).map_err(of("a name"))?).map_err(of("a name")),
    }
}

#[inline(always)]
fn text<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let length = match short(from, SHORT_TEXT) {
        Some(length) => length.into(),
        None => long_text(from)?,
    };
    take(from, length)
}

#[cold]
fn long_text(from: &mut &[u8]) -> Result<u32, String> {
    decode::read_str_len(from).map_err(of("a name"))
}

fn binary<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let length = decode::read_bin_len(from).map_err(of("a string of bytes"))?;
    take(from, length)
}

#[inline(always)]
fn number<T: TryFrom<i64> + From<u8>>(from: &mut &[u8], what: &str) -> Result<T, String> {
    match short(from, SHORT_NUMBER) {
        Some(number) => Ok(number.into()),
        None => long_number(from, what),
    }
}

#[cold]
fn long_number<T: TryFrom<i64>>(from: &mut &[u8], what: &str) -> Result<T, String> {
    let number: i64 = decode::read_int(from).map_err(of(what))?;
    T::try_from(number).map_err(|_| format!("{what} cannot be {number}"))
}

#[inline(always)]
fn parts(from: &mut &[u8], wanted: u32, what: &str) -> Result<(), String> {
    match array(from, what)? {
        count if count == wanted => Ok(()),
        count => Err(format!("{what} has {wanted} parts, not {count}")),
    }
}

#[inline(always)]
fn array(from: &mut &[u8], what: &str) -> Result<u32, String> {
    match short(from, SHORT_ARRAY) {
        Some(count) => Ok(count.into()),
        None => long_array(from, what),
    }
}

#[cold]
fn long_array(from: &mut &[u8], what: &str) -> Result<u32, String> {
    decode::read_array_len(from).map_err(of(what))
}

#[inline(always)]
fn take<'a>(from: &mut &'a [u8], length: u32) -> Result<&'a [u8], String> {
    let taken = from.split_off(..length as usize);
    taken.ok_or_else(|| too_short(length, from.len()))
}

#[cold]
fn too_short(length: u32, left: usize) -> String {
    format!("{length} bytes were promised, {left} are left")
}

/// The forms of MessagePack that take one byte: each byte of a range is a number or a length from 0 on. Nearly all of a
/// spec is in these forms, and `rmp` takes ten times as long for such a byte.
pub(super) const SHORT_NUMBER: RangeInclusive<u8> = 0x00..=0x7f;
pub(super) const SHORT_ARRAY: RangeInclusive<u8> = 0x90..=0x9f;
pub(super) const SHORT_TEXT: RangeInclusive<u8> = 0xa0..=0xbf;

/// The number of the next byte, if the byte is in this form.
#[inline(always)]
fn short(from: &mut &[u8], form: RangeInclusive<u8>) -> Option<u8> {
    let (byte, rest) = from.split_first()?;
    let says = form.contains(byte).then(|| byte - form.start())?;
    *from = rest;
    Some(says)
}

fn is_next(from: &[u8], is_it: impl FnOnce(Marker) -> bool) -> bool {
    let next = from.first();
    next.is_some_and(|byte| is_it(Marker::from_u8(*byte)))
}

/// Adds the part that was being read to an error.
fn of<E: Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{self, Strategy, SupSpec};

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
            let read = reader.next().unwrap().unwrap();
            assert_eq!(read.bytes(), spec::encode(&wanted));
            assert_eq!(spec::decode(read.bytes()), Ok(wanted.clone()));
            assert_eq!(read.start(), wanted.start);
            assert_eq!(ChildView::new(read.bytes()).unwrap().spec(), wanted);
            assert_eq!(read.spec(), wanted);
        }
        assert!(reader.next().is_none());
    }

    #[test]
    fn a_spec_that_ends_early_or_says_nonsense_is_refused_and_says_where() {
        let bytes = spec::encode(&of_three());
        for length in 0..bytes.len() {
            let read = SpecReader::new(&bytes[..length])
                .and_then(|(_, mut reader)| reader.try_for_each(|child| child.map(drop)));
            assert!(read.is_err(), "{length} of {} bytes", bytes.len());
        }
        let refused = |bytes: &[u8]| ChildView::new(bytes).err().unwrap();
        assert_eq!(refused(&[0x91]), "a child's spec has 6 parts, not 1");
        assert!(refused(&[0x96, 0x07]).starts_with("a name: "));
        let strategy = [0x92, 0x93, 0x05, 0x00, 0x01, 0x90];
        assert_eq!(
            SpecReader::new(&strategy).err().unwrap(),
            "5 is no Strategy"
        );
    }
}
