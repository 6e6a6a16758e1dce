//! The names of rows that are set aside: no other child may have them, so that the row can be continued.
//!
//! INVARIANT: the size is bounded by the rows that are set aside.

use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::{HashMap, HashMapExt};
use parking_lot::RwLock;

use crate::key::folded_of;

#[derive(Default)]
pub(crate) struct Reserved {
    tables: RwLock<Tables>,
    /// Read at each birth, which is usually all: no row is set aside.
    rows: AtomicUsize,
}

struct Tables {
    /// The folded name of each row.
    of: HashMap<u64, Box<str>>,
    /// The number of rows with each folded name.
    names: HashMap<Box<str>, usize>,
}

impl Default for Tables {
    fn default() -> Tables {
        Tables {
            of: HashMap::new(),
            names: HashMap::new(),
        }
    }
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

    /// Whether a row that is set aside has this name, which is folded.
    pub(crate) fn has(&self, folded: &str) -> bool {
        self.rows.load(Ordering::Acquire) > 0 && self.tables.read().names.contains_key(folded)
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
}
