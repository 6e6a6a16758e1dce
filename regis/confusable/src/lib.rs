//! Names that look alike are one name.
//!
//! Two names are the same when their skeletons are (Unicode Technical Standard 39, section 4, "Confusable Detection").
//! Here a skeleton is made in this order:
//!
//! ```text
//!   name ─► NFKC (fullwidth, ligatures) ─► invisible characters dropped, blanks made one space, ends trimmed
//!        ─► prototypes of confusables (other scripts, l 1 I |, m rn) ─► NFD
//! ```
//! A skeleton is for comparing and never for display. Nothing is kept here: the registry (`regis-application`) compares
//! names when they are registered, the door and the operator's commands when a ban or a command is about a name.
//! Another version of Unicode may find other names alike: see [`unicode_version`].

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use smallvec::SmallVec;
use unicode_normalization::UnicodeNormalization;
use unicode_security::GeneralSecurityProfile;
use unicode_security::confusable_detection::skeleton as prototypes;
use unicode_security::general_security_profile::IdentifierType;

/// Skeletons up to this length are made without an allocation. A hero's name has at most 20 characters.
const INLINE_BYTES: usize = 40;

/// BRAILLE PATTERN BLANK: a blank that Unicode counts as a symbol.
const BRAILLE_BLANK: char = '\u{2800}';

/// Code points reserved for invisible characters that do not exist yet (`Default_Ignorable_Code_Point`).
const RESERVED_INVISIBLE: std::ops::RangeInclusive<char> = '\u{e0000}'..='\u{e0fff}';

/// The skeleton of a name.
#[derive(Clone, Debug)]
pub enum Skeleton<'a> {
    /// The name is its own skeleton.
    Name(&'a str),
    /// Another text, as UTF-8.
    Other(SmallVec<[u8; INLINE_BYTES]>),
}

impl Skeleton<'_> {
    /// The skeleton as UTF-8.
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

/// The skeleton of a name, upper and lower case apart.
pub fn skeleton(name: &str) -> Skeleton<'_> {
    match name.bytes().all(stands_for_itself) {
        true => Skeleton::Name(name),
        false if name.is_ascii() => ascii(name),
        false => unicode(name),
    }
}

/// Whether two names look alike.
pub fn is_same(one: &str, other: &str) -> bool {
    skeleton(one) == skeleton(other)
}

/// A name to compare many with, in any case: made once, then two comparisons of bytes each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Likeness {
    /// The skeleton of the name as typed, in lower case: `Ian` looks like `lan`.
    shape: Box<str>,
    /// The skeleton of the name in lower case: `Ian` is `IAN`.
    folded: Box<str>,
}

impl Likeness {
    /// That of a name.
    pub fn of(name: &str) -> Likeness {
        let compatible: String = name.nfkc().collect();
        let folded = in_one_case(&compatible);
        Likeness {
            shape: in_one_case(&text(&skeleton(name))).into(),
            folded: text(&skeleton(&folded)).into(),
        }
    }

    /// Whether both names look alike, as typed or with upper and lower case as one.
    pub fn is_like(&self, other: &Likeness) -> bool {
        self.shape == other.shape || self.folded == other.folded
    }
}

/// Upper case first: the lower case of ß is itself, and that of SS is ss.
fn in_one_case(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

fn text<'a>(skeleton: &'a Skeleton<'_>) -> Cow<'a, str> {
    String::from_utf8_lossy(skeleton.as_bytes())
}

/// The version of Unicode whose tables decide: major, minor, micro.
pub fn unicode_version() -> (u64, u64, u64) {
    unicode_security::UNICODE_VERSION
}

/// Bytes that are a whole character which nothing else looks like, so that a name of these is its own skeleton.
fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_graphic() && ascii_prototype(byte).is_none()
}

/// The ASCII characters that have another prototype (`confusables.txt`; a test compares all with the tables).
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

/// The same as [`unicode`] in a fraction of the time: most names are ASCII, and a birth passes here several times.
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

/// White space that Rust's ASCII functions do not count.
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

/// One space for any number of blanks, and none at the beginning.
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

/// Variation selectors, joiners, fillers, marks of direction: characters without a shape.
fn is_invisible(c: char) -> bool {
    !c.is_ascii()
        && (c.identifier_type() == Some(IdentifierType::Default_Ignorable)
            || RESERVED_INVISIBLE.contains(&c))
}

#[cfg(test)]
mod tests;
