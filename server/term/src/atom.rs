//! Atoms: names interned once, compared by address.
//!
//! The table of atoms only grows, so it needs no lock: it is a trie over the bits of a name's hash, and each slot is
//! written once. The look-up of a known name computes the hash, takes one or two steps, and compares once. The table
//! uses no thread-local value with a destructor, so a library that links this crate can still be unloaded.
//!
//! Quoting of atoms in text is in `print`, reading them in `read`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use foldhash::quality::FixedState;

/// The largest number of atoms in a process of the operating system; the default of OTP (`erl +t`).
pub const ATOMS_MAX: usize = 1_048_576;

/// The largest number of new atoms that text from outside may make: input of operators, and keys of maps in plain
/// MessagePack. The limit leaves room for the names of modules and releases, however much text arrives.
pub const OUTSIDE_MAX: usize = ATOMS_MAX / 16;

/// The largest number of characters of an atom; OTP's own limit (Efficiency Guide, "System Limits").
pub const ATOM_CHARS_MAX: usize = 255;

/// Slots at the root of the trie, 16 KiB in total. A node has several hundred atoms: most are found at the first step,
/// and a full table is about five steps deeper.
const ROOTS: usize = 1_024;

const ROOT_BITS: u32 = ROOTS.trailing_zeros();

static TABLE: Table = Table::new(ATOMS_MAX, OUTSIDE_MAX);

/// An interned name. A copy costs nothing, equality compares addresses, and the order is that of the text.
///
/// The hash is computed once, from the text with a fixed seed. So a hash map with atoms as keys has the same order in
/// each run that seeds its own hasher.
#[derive(Clone, Copy)]
pub struct Atom(&'static Entry);

/// Reasons why a text did not become an atom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AtomError {
    /// The text is longer than [`ATOM_CHARS_MAX`].
    #[error("an atom has at most {ATOM_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// The table holds [`ATOMS_MAX`] atoms already.
    #[error("the atom table is full ({ATOMS_MAX} atoms)")]
    TableFull,
    /// Text from outside has made [`OUTSIDE_MAX`] atoms already.
    #[error(
        "this name is new here, and text from outside has made {OUTSIDE_MAX} new names already; known names still \
         work, and a \"string\" always works"
    )]
    OutsideFull,
}

impl Atom {
    /// Returns the atom with this text; a new text enters the table.
    ///
    /// # Errors
    /// Fails when the text is too long, or new while the table is full. A known atom is found in a full table, too.
    pub fn new(text: &str) -> Result<Atom, AtomError> {
        TABLE.intern(text).map(Atom)
    }

    /// Returns the atom of a text from outside (as `list_to_existing_atom/1`, with a budget for new names): a known
    /// atom, or one of the at most [`OUTSIDE_MAX`] new atoms that such texts may make.
    ///
    /// # Errors
    /// Fails when the text is too long, or new after the budget is used up.
    pub fn from_outside(text: &str) -> Result<Atom, AtomError> {
        TABLE.intern_from_outside(text).map(Atom)
    }

    /// The number of new atoms for which the table has room.
    pub fn room() -> usize {
        ATOMS_MAX.saturating_sub(TABLE.count.load(Relaxed))
    }

    /// Returns the atom of this text if it exists. The bytes need no check for UTF-8, because only the text of an atom
    /// matches.
    pub fn known(text: &[u8]) -> Option<Atom> {
        TABLE.find(hash_of(text), text).ok().map(Atom)
    }

    /// Returns the atom of a literal. [`atom!`](crate::atom!) does the same, but looks the atom up only once.
    ///
    /// A program has finitely many literals, so a full table accepts them.
    ///
    /// # Panics
    /// When the literal is longer than [`ATOM_CHARS_MAX`], which is a mistake in the program.
    pub fn from_static(text: &'static str) -> Atom {
        // No text has more characters than bytes.
        let is_short = text.len() <= ATOM_CHARS_MAX || text.chars().count() <= ATOM_CHARS_MAX;
        assert!(is_short, "a literal atom is too long");
        Atom(TABLE.intern_literal(text))
    }

    /// The text of the atom, without quotes.
    pub fn as_str(self) -> &'static str {
        self.0.text
    }
}

/// The atom of a literal, looked up at the first use and remembered at that place: `atom!("normal")`.
#[macro_export]
macro_rules! atom {
    ($text:expr) => {{
        static ATOM: ::std::sync::OnceLock<$crate::Atom> = ::std::sync::OnceLock::new();
        *ATOM.get_or_init(|| $crate::Atom::from_static($text))
    }};
}

impl PartialEq for Atom {
    fn eq(&self, other: &Atom) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Atom {}

impl PartialEq<str> for Atom {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Atom {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Hash for Atom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl Ord for Atom {
    fn cmp(&self, other: &Atom) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Atom {
    fn partial_cmp(&self, other: &Atom) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One name in the table; it lives as long as the program.
struct Entry {
    hash: u64,
    text: &'static str,
    next: [Slot; 4],
}

/// A place for one name: empty, or taken forever.
type Slot = OnceLock<&'static Entry>;

struct Table {
    roots: [Slot; ROOTS],
    count: AtomicUsize,
    max: usize,
    /// Atoms that text from outside has made; `count` includes them.
    outside: AtomicUsize,
    outside_max: usize,
}

impl Table {
    const fn new(max: usize, outside_max: usize) -> Table {
        Table {
            roots: [const { OnceLock::new() }; ROOTS],
            count: AtomicUsize::new(0),
            max,
            outside: AtomicUsize::new(0),
            outside_max,
        }
    }

    fn intern(&'static self, text: &str) -> Result<&'static Entry, AtomError> {
        let hash = hash_of(text.as_bytes());
        match self.find(hash, text.as_bytes()) {
            Ok(entry) => Ok(entry),
            Err(_) => self.add(hash, text),
        }
    }

    /// Two threads that make a name at the same time may count it twice: the budget is a bound, not an exact count.
    fn intern_from_outside(&'static self, text: &str) -> Result<&'static Entry, AtomError> {
        if let Ok(entry) = self.find(hash_of(text.as_bytes()), text.as_bytes()) {
            return Ok(entry);
        }
        if self.outside.fetch_add(1, Relaxed) >= self.outside_max {
            self.outside.fetch_sub(1, Relaxed);
            return Err(AtomError::OutsideFull);
        }
        self.intern(text).inspect_err(|_| {
            self.outside.fetch_sub(1, Relaxed);
        })
    }

    fn intern_literal(&'static self, text: &'static str) -> &'static Entry {
        let hash = hash_of(text.as_bytes());
        match self.find(hash, text.as_bytes()) {
            Ok(entry) => entry,
            Err(gap) => {
                self.count.fetch_add(1, Relaxed);
                self.place(gap, hash, text)
            }
        }
    }

    /// Checks the limits, copies the text and takes a slot.
    fn add(&'static self, hash: u64, text: &str) -> Result<&'static Entry, AtomError> {
        let chars = text.chars().count();
        if chars > ATOM_CHARS_MAX {
            return Err(AtomError::TooLong(chars));
        }
        if self.count.fetch_add(1, Relaxed) >= self.max {
            self.count.fetch_sub(1, Relaxed);
            return Err(AtomError::TableFull);
        }
        match self.find(hash, text.as_bytes()) {
            Ok(entry) => {
                self.count.fetch_sub(1, Relaxed);
                Ok(entry)
            }
            Err(gap) => Ok(self.place(gap, hash, Box::leak(text.into()))),
        }
    }

    /// The entry with this text, or the gap where it belongs.
    fn find(&'static self, hash: u64, text: &[u8]) -> Result<&'static Entry, Gap> {
        let mut gap = Gap::at_root(self, hash);
        while let Some(entry) = gap.slot.get() {
            if entry.hash == hash && entry.text.as_bytes() == text {
                return Ok(entry);
            }
            gap = gap.below(entry);
        }
        Err(gap)
    }

    /// Takes the first free slot from `gap` on. If another thread has placed the same text meanwhile, the entry of that
    /// thread counts and our reserved place is given back.
    fn place(&self, mut gap: Gap, hash: u64, text: &'static str) -> &'static Entry {
        let mine = new_entry(hash, text);
        loop {
            let entry: &'static Entry = gap.slot.get_or_init(|| mine);
            if std::ptr::eq(entry, mine) {
                return mine;
            }
            if entry.hash == hash && entry.text == text {
                self.count.fetch_sub(1, Relaxed);
                return entry;
            }
            gap = gap.below(entry);
        }
    }
}

/// A slot on the path down the trie, and the bits of the hash that are not used yet.
struct Gap {
    slot: &'static Slot,
    bits: u64,
}

impl Gap {
    fn at_root(table: &'static Table, hash: u64) -> Gap {
        Gap {
            slot: &table.roots[hash as usize % ROOTS],
            bits: hash >> ROOT_BITS,
        }
    }

    fn below(self, entry: &'static Entry) -> Gap {
        Gap {
            slot: &entry.next[self.bits as usize % 4],
            bits: self.bits >> 2,
        }
    }
}

fn new_entry(hash: u64, text: &'static str) -> &'static Entry {
    Box::leak(Box::new(Entry {
        hash,
        text,
        next: Default::default(),
    }))
}

/// Hashes only the bytes: `hash_one` would also hash their end, which the comparison of atoms checks anyway.
fn hash_of(text: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(text);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_atom_from_every_thread() {
        let name = |i: usize| format!("shared_{i}");
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(move || {
                    (0..2_000)
                        .map(|i| Atom::new(&name(i)).unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let seen: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert!(seen.iter().all(|atoms| *atoms == seen[0]));
        assert!(
            seen[0]
                .iter()
                .enumerate()
                .all(|(i, atom)| *atom == name(i).as_str())
        );
    }

    #[test]
    fn a_literal_and_a_read_text_meet_in_one_atom() {
        assert_eq!(
            Atom::from_static("pq_player"),
            Atom::new("pq_player").unwrap()
        );
        assert_eq!(atom!("pq_player"), Atom::new("pq_player").unwrap());
        assert_ne!(atom!("pq_player"), atom!("pq_enemy"));
    }

    #[test]
    fn atoms_order_by_text() {
        let mut atoms = [atom!("b"), atom!("ab"), atom!("a"), atom!("B")];
        atoms.sort();
        assert_eq!(atoms.map(Atom::as_str), ["B", "a", "ab", "b"]);
    }

    #[test]
    fn an_atom_has_at_most_255_characters() {
        assert!(Atom::new(&"é".repeat(255)).is_ok());
        assert_eq!(Atom::new(&"é".repeat(256)), Err(AtomError::TooLong(256)));
    }

    #[test]
    fn a_full_table_refuses_new_names_and_finds_known_ones() {
        let table: &'static Table = Box::leak(Box::new(Table::new(2, 0)));
        let one = table.intern("one").map(Atom).unwrap();
        table.intern("two").map(Atom).unwrap();
        assert_eq!(table.intern("three").map(Atom), Err(AtomError::TableFull));
        assert_eq!(table.intern("one").map(Atom), Ok(one));
        assert_eq!(Atom(table.intern_literal("four")).as_str(), "four");
    }

    #[test]
    fn text_from_outside_makes_so_many_atoms_and_leaves_the_rest() {
        let table: &'static Table = Box::leak(Box::new(Table::new(5, 2)));
        let outside = |text: &str| table.intern_from_outside(text).map(Atom);
        let known = table.intern("known").map(Atom).unwrap();
        assert!(outside("one").is_ok() && outside("two").is_ok());
        assert_eq!(outside("three"), Err(AtomError::OutsideFull));
        assert_eq!(outside("known"), Ok(known));
        assert!(outside("one").is_ok());
        assert!(table.intern("three").is_ok() && table.intern("four").is_ok());
        assert!(outside("three").is_ok());
    }

    #[test]
    fn a_text_that_cannot_be_an_atom_takes_no_room_from_outside() {
        let table: &'static Table = Box::leak(Box::new(Table::new(5, 1)));
        let outside = |text: &str| table.intern_from_outside(text).map(Atom);
        assert_eq!(outside(&"n".repeat(256)), Err(AtomError::TooLong(256)));
        assert!(outside("one").is_ok());
    }

    #[test]
    fn names_whose_hashes_collide_stay_apart() {
        let table: &'static Table = Box::leak(Box::new(Table::new(10, 0)));
        let texts = ["a", "b", "c", "d"];
        let atoms = texts.map(|text| Atom(table.add(7, text).unwrap()));
        for (text, atom) in texts.iter().zip(atoms) {
            assert!(
                table
                    .find(7, text.as_bytes())
                    .is_ok_and(|entry| Atom(entry) == atom)
            );
        }
    }
}
