//! Limits the number of new names in a release.
//!
//! A name becomes an atom, atoms are never freed, and the node has a limit for them ([`ATOMS_MAX`](pq_term::ATOMS_MAX)). So the
//! names are counted before the first atom is made: a file or a package that would use up the atoms for all later files is
//! refused at no cost. `consult` counts the names of each file, `package` those of all files of a package together.

use std::collections::HashSet;

use pq_term::Atom;

/// The largest release of OTP itself has about 3 000 modules, and a module or setting has one or two names.
const NAMES_MAX: usize = 16_384;

/// One release may use this fraction of the free atoms, so that some always remain.
const SHARE: usize = 8;

/// The least number of bytes of a text for each of its names: a letter and a separator.
const NAME_BYTES_MIN: usize = 2;

/// A release with more new names than permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {max} names are new to the node, which keeps each name until it ends; use a \"string\" for text that is \
     not the name of a module, an application or a setting"
)]
pub(crate) struct TooManyNames {
    max: usize,
}

/// Checks that these texts together have no more new names than one release may have.
pub(crate) fn check(texts: &[&str]) -> Result<(), TooManyNames> {
    let max = NAMES_MAX.min(Atom::room() / SHARE);
    // Nearly all texts are too short to contain that many names.
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
