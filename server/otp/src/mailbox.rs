//! Mailboxes: the queues of all processes of a shard, in one arena.
//!
//! An empty mailbox takes 8 bytes of its process; entries are recycled, so a busy shard does not allocate.

use crate::message::Envelope;
use crate::pages::Pages;

const NONE: u32 = u32::MAX;

/// The queue of one process: its last entry and its length. The last entry is followed by the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mailbox {
    tail: u32,
    len: u32,
}

impl Mailbox {
    pub(crate) const EMPTY: Mailbox = Mailbox { tail: NONE, len: 0 };

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

struct Entry {
    envelope: Option<Envelope>,
    next: u32,
}

/// The entries of all mailboxes of a shard.
pub(crate) struct Arena {
    entries: Pages<Entry>,
    free: u32,
}

impl Arena {
    pub(crate) fn new() -> Arena {
        Arena {
            entries: Pages::new(),
            free: NONE,
        }
    }

    /// Puts an envelope at the end.
    pub(crate) fn push(&mut self, mailbox: &mut Mailbox, envelope: Envelope) {
        self.push_front(mailbox, envelope);
        mailbox.tail = self.entries[mailbox.tail as usize].next;
    }

    /// Puts an envelope before all others.
    pub(crate) fn push_front(&mut self, mailbox: &mut Mailbox, envelope: Envelope) {
        let at = self.take_entry(envelope);
        match mailbox.tail {
            // An entry alone is followed by itself.
            NONE => mailbox.tail = at,
            tail => {
                let head = std::mem::replace(&mut self.entries[tail as usize].next, at);
                self.entries[at as usize].next = head;
            }
        }
        mailbox.len += 1;
    }

    /// Takes the first envelope.
    pub(crate) fn pop(&mut self, mailbox: &mut Mailbox) -> Option<Envelope> {
        let tail = mailbox.tail;
        if tail == NONE {
            return None;
        }
        let at = self.entries[tail as usize].next;
        let entry = &mut self.entries[at as usize];
        let next = std::mem::replace(&mut entry.next, self.free);
        let envelope = entry.envelope.take();
        self.free = at;
        mailbox.len -= 1;
        match at == tail {
            true => mailbox.tail = NONE,
            false => self.entries[tail as usize].next = next,
        }
        envelope
    }

    /// The envelopes in their order.
    pub(crate) fn iter(&self, mailbox: Mailbox) -> impl Iterator<Item = &Envelope> {
        let mut at = mailbox.tail;
        (0..mailbox.len).filter_map(move |_| {
            at = self.entries[at as usize].next;
            self.entries[at as usize].envelope.as_ref()
        })
    }

    /// Takes the first wanted envelope, and leaves the envelopes before it in their place.
    pub(crate) fn pop_first(
        &mut self,
        mailbox: &mut Mailbox,
        wanted: impl Fn(&Envelope) -> bool,
    ) -> Option<Envelope> {
        let mut skipped = Mailbox::EMPTY;
        let mut found = None;
        while let Some(envelope) = self.pop(mailbox) {
            if wanted(&envelope) {
                found = Some(envelope);
                break;
            }
            self.push(&mut skipped, envelope);
        }
        self.chain(skipped, mailbox);
        found
    }

    /// Puts a whole queue before the entries of a mailbox.
    fn chain(&mut self, first: Mailbox, mailbox: &mut Mailbox) {
        if first.is_empty() {
            return;
        }
        if mailbox.is_empty() {
            *mailbox = first;
            return;
        }
        let next = self.entries[first.tail as usize].next;
        let last = &mut self.entries[mailbox.tail as usize];
        let head = std::mem::replace(&mut last.next, next);
        self.entries[first.tail as usize].next = head;
        mailbox.len += first.len;
    }

    fn take_entry(&mut self, envelope: Envelope) -> u32 {
        if self.free == NONE {
            let at = u32::try_from(self.entries.len())
                .expect("mailboxes are bounded, and so are their entries");
            self.entries.push(Entry {
                envelope: Some(envelope),
                next: at,
            });
            return at;
        }
        let at = self.free;
        let entry = &mut self.entries[at as usize];
        self.free = std::mem::replace(&mut entry.next, at);
        entry.envelope = Some(envelope);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(envelope: Option<Envelope>) -> Option<u32> {
        envelope.map(|envelope| match envelope {
            Envelope::Timer(id) => id,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn mailboxes_share_an_arena_and_keep_their_own_order() {
        let mut arena = Arena::new();
        let (mut one, mut two) = (Mailbox::EMPTY, Mailbox::EMPTY);
        for id in 0..6 {
            arena.push(
                if id % 2 == 0 { &mut one } else { &mut two },
                Envelope::Timer(id),
            );
        }
        arena.push_front(&mut two, Envelope::Timer(9));
        let mut drain = |mailbox: &mut Mailbox| -> Vec<u32> {
            std::iter::from_fn(|| timer(arena.pop(mailbox))).collect()
        };
        assert_eq!(
            (drain(&mut one), drain(&mut two)),
            (vec![0, 2, 4], vec![9, 1, 3, 5])
        );
        assert!(one.is_empty() && two.is_empty());
    }

    #[test]
    fn the_first_wanted_is_taken_from_between_the_others() {
        for wanted in 0..5 {
            let mut arena = Arena::new();
            let mut mailbox = Mailbox::EMPTY;
            for id in 0..4 {
                arena.push(&mut mailbox, Envelope::Timer(id));
            }
            let found = arena.pop_first(
                &mut mailbox,
                |envelope| matches!(envelope, Envelope::Timer(id) if *id == wanted),
            );
            assert_eq!(timer(found), Some(wanted).filter(|id| *id < 4));
            arena.push(&mut mailbox, Envelope::Timer(9));
            let left: Vec<u32> = std::iter::from_fn(|| timer(arena.pop(&mut mailbox))).collect();
            let expected: Vec<u32> = (0..4).filter(|id| *id != wanted).chain([9]).collect();
            assert_eq!((left, mailbox.len()), (expected, 0));
        }
    }

    #[test]
    fn a_look_at_a_mailbox_leaves_its_order() {
        let mut arena = Arena::new();
        let mut mailbox = Mailbox::EMPTY;
        arena.push(&mut mailbox, Envelope::Timer(1));
        arena.push_front(&mut mailbox, Envelope::Timer(0));
        arena.push(&mut mailbox, Envelope::Timer(2));
        let seen = arena.iter(mailbox).map(|envelope| match envelope {
            Envelope::Timer(id) => *id,
            other => panic!("{other:?}"),
        });
        assert_eq!(seen.collect::<Vec<_>>(), [0, 1, 2]);
        let drained = std::iter::from_fn(|| timer(arena.pop(&mut mailbox)));
        assert_eq!(drained.collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn entries_are_recycled() {
        let mut arena = Arena::new();
        let mut mailbox = Mailbox::EMPTY;
        for id in 0..1000 {
            arena.push(&mut mailbox, Envelope::Timer(id));
            assert_eq!(timer(arena.pop(&mut mailbox)), Some(id));
        }
        assert_eq!(arena.entries.len(), 1);
    }
}
