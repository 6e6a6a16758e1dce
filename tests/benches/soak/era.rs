//! Which versions of the game may speak at the moment, told to thousands of readers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pq_tests::story::{Story, Version};

/// What changed.
#[derive(Clone, Copy)]
enum Turn {
    MayBecome(Version),
    HasBecome,
}

/// The versions that may speak, and how it came to that.
pub(crate) struct Era {
    book: Mutex<Book>,
    pages: AtomicUsize,
}

struct Book {
    now: Vec<Version>,
    turns: Vec<Turn>,
}

/// How far somebody has read.
pub(crate) struct Mark(usize);

impl Era {
    /// Only this version speaks.
    pub(crate) fn of(version: Version) -> Era {
        Era {
            book: Mutex::new(Book {
                now: vec![version],
                turns: Vec::new(),
            }),
            pages: AtomicUsize::new(0),
        }
    }

    /// From now on another version may speak, too.
    pub(crate) fn may_become(&self, version: Version) {
        let mut book = self.book();
        book.now.push(version);
        self.turn(&mut book, Turn::MayBecome(version));
    }

    /// From now on only the newest speaks.
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

    /// A story that begins now.
    pub(crate) fn story(&self) -> (Story, Mark) {
        let book = self.book();
        (Story::of(&book.now), Mark(book.turns.len()))
    }

    /// Tells a story what has changed since the mark.
    pub(crate) fn catch_up(&self, story: &mut Story, mark: &mut Mark) {
        // Almost always nothing has, and nobody is to wait for the book.
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
