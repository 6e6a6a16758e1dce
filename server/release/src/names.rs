//! How many names a release may bring.
//!
//! A name becomes an atom, an atom is never forgotten, and the node has room for so many
//! ([`ATOMS_MAX`](pq_term::ATOMS_MAX)). So they are counted before any of them is made: a file or a package that would use
//! up the room for all that come after it is refused, and has cost nothing. Asked by `consult` about each file, and by
//! `package` about all files of a package.

use std::collections::HashSet;

use pq_term::Atom;

/// The largest release of OTP itself has some 3 000 modules, and a module or setting is a name or two.
const NAMES_MAX: usize = 16_384;

/// The part of the room that one release may take, so that there is always some left.
const SHARE: usize = 8;

/// A text takes at least so many bytes for each of its names: a letter, and what parts it from the next.
const NAME_BYTES_MIN: usize = 2;

/// A release brings more new names than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {max} names are new to the node, which keeps each name until it ends; a \"string\" is right for what is \
     no name of a module, an application or a setting"
)]
pub(crate) struct TooManyNames {
    max: usize,
}

/// Whether these texts together bring no more new names than one release may.
pub(crate) fn check(texts: &[&str]) -> Result<(), TooManyNames> {
    let max = NAMES_MAX.min(Atom::room() / SHARE);
    // Nearly all texts are too short to hold so many.
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    if bytes / NAME_BYTES_MIN < max {
        return Ok(());
    }
    let mut names = HashSet::new();
    for name in texts.iter().flat_map(|text| pq_term::new_names(text)) {
        names.insert(name);
        if names.len() > max {
            return Err(TooManyNames { max });
        }
    }
    Ok(())
}
