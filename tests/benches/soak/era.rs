//! The versions of the game whose output is allowed at the moment, shared by thousands of readers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pq_tests::story::{Story, Version};

/// A change of the allowed versions.
#[derive(Clone, Copy)]
enum Turn {
    MayBecome(Version),
    HasBecome,
}

/// The allowed versions, and the history of their changes.
pub(crate) struct Era {
    book: Mutex<Book>,
    pages: AtomicUsize,
}

struct Book {
    now: Vec<Version>,
    turns: Vec<Turn>,
}

/// The number of changes that a reader knows.
pub(crate) struct Mark(usize);

impl Era {
    /// Allows only the output of this version.
    pub(crate) fn of(version: Version) -> Era {
        Era {
            book: Mutex::new(Book {
                now: vec![version],
                turns: Vec::new(),
            }),
            pages: AtomicUsize::new(0),
        }
    }

    /// Also allows the output of this version from now on.
    pub(crate) fn may_become(&self, version: Version) {
        let mut book = self.book();
        book.now.push(version);
        self.turn(&mut book, Turn::MayBecome(version));
    }

    /// Allows only the output of the newest version from now on.
    pub(crate) fn has_become(&self) {
        let mut book = self.book();
        let older = book.now.len() - 1;
        book.now.drain(..older);
        self.turn(&mut book, Turn::HasBecome);
    }

    fn turn(&self, book: &mut Book, turn: Turn) {
        book.turns.push(turn);
        self.pages.store(book.turns.len(), Ordering::Release);
    }

    /// A new story that starts with the allowed versions.
    pub(crate) fn story(&self) -> (Story, Mark) {
        let book = self.book();
        (Story::of(&book.now), Mark(book.turns.len()))
    }

    /// Applies the changes after the mark to a story.
    pub(crate) fn catch_up(&self, story: &mut Story, mark: &mut Mark) {
        // In nearly all calls nothing has changed, so the check takes no lock.
        if self.pages.load(Ordering::Acquire) == mark.0 {
            return;
        }
        let book = self.book();
        for turn in &book.turns[mark.0..] {
            match turn {
                Turn::MayBecome(version) => story.may_become(*version),
                Turn::HasBecome => story.has_become(),
            }
        }
        mark.0 = book.turns.len();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
