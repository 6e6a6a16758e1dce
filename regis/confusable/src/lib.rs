//! Comparison of names by their looks, so that no player can pass for another.
//!
//! Two names are the same when their skeletons are equal (Unicode Technical Standard 39, section 4, "Confusable
//! Detection"). This crate makes a skeleton in this order:
//!
//! ```text
//!   name ─► NFKC (fullwidth, ligatures) ─► invisible characters dropped, blanks made one space, ends trimmed
//!        ─► prototypes of confusables (other scripts, l 1 I |, m rn) ─► NFD
//! ```
//! A skeleton is for comparison and never for display. This crate stores no names: the registry (`regis-application`)
//! compares names when they are registered, and the listeners and the operator's commands compare names in bans and
//! commands. Another version of Unicode may find other names alike: see [`unicode_version`].

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use smallvec::SmallVec;
use unicode_normalization::UnicodeNormalization;
use unicode_security::GeneralSecurityProfile;
use unicode_security::confusable_detection::skeleton as prototypes;
use unicode_security::general_security_profile::IdentifierType;

/// Skeletons of at most this length need no allocation. A hero's name has at most 20 characters.
const INLINE_BYTES: usize = 40;

/// BRAILLE PATTERN BLANK: a blank that Unicode counts as a symbol.
const BRAILLE_BLANK: char = '\u{2800}';

/// Code points reserved for invisible characters that do not exist yet (`Default_Ignorable_Code_Point`).
const RESERVED_INVISIBLE: std::ops::RangeInclusive<char> = '\u{e0000}'..='\u{e0fff}';

/// The skeleton of a name, for comparison only.
#[derive(Clone, Debug)]
pub enum Skeleton<'a> {
    /// The name is equal to its skeleton.
    Name(&'a str),
    /// The skeleton differs from the name; its text as UTF-8.
    Other(SmallVec<[u8; INLINE_BYTES]>),
}

impl Skeleton<'_> {
    /// The bytes of the skeleton, which are UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Skeleton::Name(name) => name.as_bytes(),
            Skeleton::Other(bytes) => bytes,
        }
    }
}

impl PartialEq for Skeleton<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Skeleton<'_> {}

impl Hash for Skeleton<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// Makes the skeleton of a name. Upper and lower case stay different.
pub fn skeleton(name: &str) -> Skeleton<'_> {
    match name.bytes().all(stands_for_itself) {
        true => Skeleton::Name(name),
        false if name.is_ascii() => ascii(name),
        false => unicode(name),
    }
}

/// Whether two names look alike, with upper and lower case different.
pub fn is_same(one: &str, other: &str) -> bool {
    skeleton(one) == skeleton(other)
}

/// A name that is compared with many others, without regard to case. It is prepared once; then each comparison compares
/// bytes at most twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Likeness {
    /// The lower case of the skeleton of the name as typed: `Ian` looks like `lan`.
    shape: Box<str>,
    /// The skeleton of the name in lower case: `Ian` is equal to `IAN`.
    folded: Box<str>,
}

impl Likeness {
    /// Prepares a name for comparisons.
    pub fn of(name: &str) -> Likeness {
        let compatible: String = name.nfkc().collect();
        let folded = in_one_case(&compatible);
        Likeness {
            shape: in_one_case(&text(&skeleton(name))).into(),
            folded: text(&skeleton(&folded)).into(),
        }
    }

    /// Whether both names look alike, either as typed or with upper and lower case as one.
    pub fn is_like(&self, other: &Likeness) -> bool {
        self.shape == other.shape || self.folded == other.folded
    }
}

/// Converts to upper case first: the lower case of ß is itself, but that of SS is ss.
fn in_one_case(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

fn text<'a>(skeleton: &'a Skeleton<'_>) -> Cow<'a, str> {
    String::from_utf8_lossy(skeleton.as_bytes())
}

/// The version of Unicode whose tables are used: major, minor, micro.
pub fn unicode_version() -> (u64, u64, u64) {
    unicode_security::UNICODE_VERSION
}

/// Whether the byte is a whole character that no other character looks like. A name of such bytes is its own skeleton.
fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_graphic() && ascii_prototype(byte).is_none()
}

/// The prototypes of ASCII characters that are not their own prototype (`confusables.txt`; a test compares all with the
/// tables).
fn ascii_prototype(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'0' => "O",
        b'1' | b'I' | b'|' => "l",
        b'm' => "rn",
        b'"' => "''",
        b'`' => "'",
        b'%' => "°/₀",
        _ => return None,
    })
}

/// Does the same as [`unicode`] for ASCII in a fraction of the time: most names are ASCII, and each start of a hero
/// calls this function several times.
fn ascii(name: &str) -> Skeleton<'static> {
    let mut skeleton = SmallVec::new();
    for byte in name.trim_ascii().bytes() {
        match ascii_prototype(byte) {
            Some(prototype) => skeleton.extend_from_slice(prototype.as_bytes()),
            None if byte.is_ascii_whitespace() || byte == VERTICAL_TAB => blank(&mut skeleton),
            None => skeleton.push(byte),
        }
    }
    Skeleton::Other(trimmed(skeleton))
}

/// The white space that Rust's ASCII functions do not include.
const VERTICAL_TAB: u8 = 0x0b;

fn unicode(name: &str) -> Skeleton<'static> {
    let visible: String = name.nfkc().filter(|c| !is_invisible(*c)).collect();
    let mut skeleton = SmallVec::new();
    let mut utf8 = [0; 4];
    for c in prototypes(&visible).filter(|c| !is_invisible(*c)) {
        match c.is_whitespace() || c == BRAILLE_BLANK {
            true => blank(&mut skeleton),
            false => skeleton.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
        }
    }
    Skeleton::Other(trimmed(skeleton))
}

/// Appends one space for any number of blanks, and none at the beginning.
fn blank(skeleton: &mut SmallVec<[u8; INLINE_BYTES]>) {
    if skeleton.last().is_some_and(|last| *last != b' ') {
        skeleton.push(b' ');
    }
}

fn trimmed(mut skeleton: SmallVec<[u8; INLINE_BYTES]>) -> SmallVec<[u8; INLINE_BYTES]> {
    if skeleton.last() == Some(&b' ') {
        skeleton.pop();
    }
    skeleton
}

/// Whether the character has no shape: variation selectors, joiners, fillers, marks of direction.
fn is_invisible(c: char) -> bool {
    !c.is_ascii()
        && (c.identifier_type() == Some(IdentifierType::Default_Ignorable)
            || RESERVED_INVISIBLE.contains(&c))
}

#[cfg(test)]
mod tests;
