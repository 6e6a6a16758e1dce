//! The rows with words: their players can come back to them, so a child with a word rests when it ends in order.
//!
//! A row with a word reserves its name for as long as it has the word, also while it plays: nobody gets between the end of
//! its processes and the change of its row. The hashes are in the store alone.
//!
//! INVARIANT: the size is bounded by these rows.

use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::HashMap;
use parking_lot::RwLock;
use pq_otp::Pid;

/// See the top of the file.
#[derive(Default)]
pub(crate) struct Words {
    tables: RwLock<Tables>,
    /// Read at each birth and end; 0 in nodes without words.
    rows: AtomicUsize,
}

#[derive(Default)]
struct Tables {
    of: HashMap<u64, Word>,
    /// By the folded name.
    rows: HashMap<Box<str>, u64>,
}

/// A row with a word.
struct Word {
    folded: Box<str>,
    /// Its child, while it plays.
    root: Option<Pid>,
}

impl Words {
    /// The row has a word from now on.
    pub(crate) fn add(&self, id: u64, folded: &str, root: Option<Pid>) {
        let mut tables = self.tables.write();
        let folded: Box<str> = folded.into();
        tables.rows.insert(folded.clone(), id);
        tables.of.insert(id, Word { folded, root });
        self.rows.store(tables.of.len(), Ordering::Release);
    }

    /// The row has no word any more.
    pub(crate) fn remove(&self, id: u64) {
        let mut tables = self.tables.write();
        if let Some(word) = tables.of.remove(&id)
            && tables.rows.get(&word.folded) == Some(&id)
        {
            tables.rows.remove(&word.folded);
        }
        self.rows.store(tables.of.len(), Ordering::Release);
    }

    /// Whether the row has a word.
    pub(crate) fn has(&self, id: u64) -> bool {
        self.rows.load(Ordering::Acquire) > 0 && self.tables.read().of.contains_key(&id)
    }

    /// The number of rows with words.
    pub(crate) fn len(&self) -> usize {
        self.rows.load(Ordering::Acquire)
    }

    /// The row with this folded name.
    pub(crate) fn row(&self, folded: &str) -> Option<u64> {
        self.tables.read().rows.get(folded).copied()
    }

    /// The child of the row, if it plays.
    pub(crate) fn root(&self, id: u64) -> Option<Pid> {
        self.tables.read().of.get(&id)?.root
    }

    /// Notes the child of a row, or that it plays no more.
    pub(crate) fn set_root(&self, id: u64, root: Option<Pid>) {
        if self.has(id)
            && let Some(word) = self.tables.write().of.get_mut(&id)
        {
            word.root = root;
        }
    }

    /// All rows with words whose children play.
    pub(crate) fn playing(&self) -> Vec<(u64, Pid)> {
        let tables = self.tables.read();
        let rows = tables.of.iter();
        rows.filter_map(|(id, word)| Some((*id, word.root?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_its_name_while_it_has_a_word() {
        let (words, root) = (Words::default(), Pid::new(0, 7, 1));
        assert!(!words.has(1));
        words.add(1, "ann", None);
        assert_eq!((words.row("ann"), words.root(1)), (Some(1), None));
        words.set_root(1, Some(root));
        assert_eq!(words.playing(), [(1, root)]);
        words.set_root(2, Some(root));
        // A later row with the name takes it over.
        words.add(3, "ann", None);
        words.remove(1);
        assert_eq!((words.row("ann"), words.len()), (Some(3), 1));
        words.remove(3);
        assert_eq!(words.row("ann"), None);
    }
}
