//! The names of rows without processes: no other child may have them. Rows that are set aside can be continued later, and rows
//! of a boot that is under way come back soon.
//!
//! INVARIANT: the size is bounded by these rows.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use foldhash::fast::FixedState;
use foldhash::{HashMap, HashSet};
use parking_lot::RwLock;

use crate::key::folded_of;

#[derive(Default)]
pub(crate) struct Reserved {
    tables: RwLock<Tables>,
    /// Read at each birth, which is usually all: no row is set aside.
    rows: AtomicUsize,
    /// The hashes of the names that come back. A name with the hash of another one is free some seconds later.
    coming: RwLock<HashSet<u64>>,
    are_coming: AtomicBool,
}

fn hash(folded: &str) -> u64 {
    FixedState::default().hash_one(folded)
}

#[derive(Default)]
struct Tables {
    /// The folded name of each row.
    of: HashMap<u64, Box<str>>,
    /// The number of rows with each folded name.
    names: HashMap<Box<str>, usize>,
}

impl Reserved {
    /// Reserves the name in the key of a row.
    pub(crate) fn add(&self, id: u64, key: &str) {
        let name: Box<str> = folded_of(key).into();
        let mut tables = self.tables.write();
        if tables.of.insert(id, name.clone()).is_none() {
            *tables.names.entry(name).or_default() += 1;
        }
        self.rows.store(tables.of.len(), Ordering::Release);
    }

    /// The row does not reserve its name any more.
    pub(crate) fn remove(&self, id: u64) {
        let mut tables = self.tables.write();
        let Some(name) = tables.of.remove(&id) else {
            return;
        };
        if let Some(rows) = tables.names.get_mut(&name) {
            *rows -= 1;
            if *rows == 0 {
                tables.names.remove(&name);
            }
        }
        self.rows.store(tables.of.len(), Ordering::Release);
    }

    /// The rows with these keys come back.
    pub(crate) fn begin(&self, coming: HashSet<u64>) {
        self.are_coming.store(!coming.is_empty(), Ordering::Release);
        *self.coming.write() = coming;
    }

    /// The entry of a key for [`Reserved::begin`].
    pub(crate) fn coming(key: &str) -> u64 {
        hash(folded_of(key))
    }

    /// All rows have come back, or will not.
    pub(crate) fn end(&self) {
        self.are_coming.store(false, Ordering::Release);
        *self.coming.write() = HashSet::default();
    }

    /// Whether a row without processes has this name, which is folded.
    pub(crate) fn has(&self, folded: &str) -> bool {
        let is_coming = || self.coming.read().contains(&hash(folded));
        let is_aside = || self.tables.read().names.contains_key(folded);
        (self.are_coming.load(Ordering::Acquire) && is_coming())
            || (self.rows.load(Ordering::Acquire) > 0 && is_aside())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_free_when_no_row_has_it() {
        let reserved = Reserved::default();
        assert!(!reserved.has("ann"));
        reserved.add(1, "ships/ann");
        reserved.add(1, "ships/ann");
        reserved.add(2, "docks/ann");
        assert!(reserved.has("ann") && !reserved.has("ships/ann"));
        reserved.remove(1);
        assert!(reserved.has("ann"));
        reserved.remove(2);
        reserved.remove(2);
        assert!(!reserved.has("ann"));
    }

    #[test]
    fn the_names_of_a_boot_are_reserved_until_it_ends() {
        let reserved = Reserved::default();
        reserved.begin(HashSet::from_iter([Reserved::coming("ships/ann")]));
        assert!(reserved.has("ann") && !reserved.has("bob"));
        reserved.end();
        assert!(!reserved.has("ann"));
    }
}
