//! Counts the avatars that play for clients, and the abandoned ones, whose client has left. The runtime reports each birth
//! and each end ([`Kin`]), whatever caused it.
//!
//! ```text
//!   a session asks for an avatar ─► played ─┬─ the avatar ends ────────────► forgotten
//!                      ▲                 └─ the session ends ─► abandoned ─ the avatar ends ─► forgotten
//!                      └── its player comes back, with another session ◄┘
//! ```
//! An avatar is the process that the session had started: its supervisor, so an avatar that crashes and restarts stays the
//! same. Avatars that operators start have no session and are not counted. `crowd` knows the names.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use pq_otp::{Kin, Pid};

/// A listener for the avatars of one session.
pub(crate) trait Player: Send + Sync {
    /// An avatar of the session has begun, and the session does not know it yet.
    fn begins(&self);

    /// An avatar of the session has ended.
    fn falls(&self);
}

/// All living avatars that were started for clients.
#[derive(Default)]
pub struct Avatars {
    books: Mutex<Books>,
    played: AtomicUsize,
    abandoned: AtomicUsize,
}

#[derive(Default)]
struct Books {
    /// The session of each avatar; `None` when it has ended.
    of: HashMap<Pid, Option<Pid>>,
    /// The avatars of each session that has one. A session has several only when a start has succeeded late.
    had: HashMap<Pid, Vec<Pid>>,
    /// The listener of each session that has one.
    told: HashMap<Pid, Arc<dyn Player>>,
    /// The number of avatars without a session.
    lost: usize,
}

impl Avatars {
    /// The number of clients whose avatar plays.
    pub fn played(&self) -> usize {
        self.played.load(Ordering::Relaxed)
    }

    /// The number of avatars whose client has left.
    pub fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// The processes of the avatars that play for clients, in no order.
    pub fn list_played(&self) -> Vec<Pid> {
        let books = self.books.lock();
        books.had.values().flatten().copied().collect()
    }

    /// The processes of the avatars that play for this session.
    pub(crate) fn of_session(&self, session: Pid) -> Vec<Pid> {
        self.books
            .lock()
            .had
            .get(&session)
            .cloned()
            .unwrap_or_default()
    }

    /// The session for which this avatar plays.
    pub fn session_of(&self, avatar: Pid) -> Option<Pid> {
        self.books.lock().of.get(&avatar).copied().flatten()
    }

    /// The processes of the abandoned avatars, in no order.
    pub fn list_abandoned(&self) -> Vec<Pid> {
        let books = self.books.lock();
        let of = books.of.iter();
        let lost = of.filter(|(_, session)| session.is_none());
        lost.map(|(avatar, _)| *avatar).collect()
    }

    /// Sets the listener of this session.
    pub(crate) fn tell(&self, session: Pid, player: Arc<dyn Player>) {
        self.books.lock().told.insert(session, player);
    }

    /// Removes the registration of [`Avatars::tell`].
    pub(crate) fn tell_no_more(&self, session: Pid) {
        self.books.lock().told.remove(&session);
    }

    fn change(&self, change: impl FnOnce(&mut Books)) {
        let mut books = self.books.lock();
        change(&mut books);
        self.played.store(books.had.len(), Ordering::Relaxed);
        self.abandoned.store(books.lost, Ordering::Relaxed);
    }
}

impl Kin for Avatars {
    fn started(&self, session: Pid, avatar: Pid) {
        self.change(|books| {
            match books.of.insert(avatar, Some(session)) {
                Some(Some(before)) => books.leaves(before, avatar),
                Some(None) => books.lost -= 1,
                None => {}
            }
            books.had.entry(session).or_default().push(avatar);
            if let Some(player) = books.told.get(&session) {
                player.begins();
            }
        });
    }

    fn ended(&self, pid: Pid) {
        self.change(|books| {
            books.avatar_ended(pid);
            books.session_ended(pid);
        });
    }
}

impl Books {
    fn avatar_ended(&mut self, avatar: Pid) {
        match self.of.remove(&avatar) {
            Some(Some(session)) => {
                self.leaves(session, avatar);
                if let Some(player) = self.told.get(&session) {
                    player.falls();
                }
            }
            Some(None) => self.lost -= 1,
            None => {}
        }
    }

    /// An avatar does not play for this session any more.
    fn leaves(&mut self, session: Pid, avatar: Pid) {
        if let Some(had) = self.had.get_mut(&session) {
            had.retain(|other| *other != avatar);
            if had.is_empty() {
                self.had.remove(&session);
            }
        }
    }

    fn session_ended(&mut self, session: Pid) {
        for avatar in self.had.remove(&session).unwrap_or_default() {
            self.of.insert(avatar, None);
            self.lost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Notify;

    impl Player for Notify {
        fn begins(&self) {}

        fn falls(&self) {
            self.notify_one();
        }
    }

    fn pid(number: u32) -> Pid {
        Pid::new(0, number, 1)
    }

    /// The numbers of played and abandoned avatars after each of these steps: `+` a session has an avatar, `-` one ends.
    fn counts(steps: &[(char, u32, u32)]) -> Vec<(usize, usize)> {
        let avatars = Avatars::default();
        let step = |(what, one, other): &(char, u32, u32)| {
            match what {
                '+' => avatars.started(pid(*one), pid(*other)),
                _ => avatars.ended(pid(*one)),
            }
            (avatars.played(), avatars.abandoned())
        };
        let counts = steps.iter().map(step).collect();
        let lost = avatars.list_abandoned().len();
        assert_eq!(lost, avatars.abandoned());
        counts
    }

    #[test]
    fn an_avatar_is_abandoned_from_the_end_of_its_session_to_its_own() {
        let steps = [
            ('+', 1, 10),
            ('+', 2, 20),
            ('-', 1, 0),
            ('-', 20, 0),
            ('-', 10, 0),
            ('-', 10, 0),
        ];
        assert_eq!(
            counts(&steps),
            [(1, 0), (2, 0), (1, 1), (0, 1), (0, 0), (0, 0)]
        );
    }

    #[test]
    fn an_avatar_that_comes_when_its_session_has_ended_is_abandoned_at_once() {
        // The runtime reports the end of the session again, behind each birth.
        assert_eq!(
            counts(&[('-', 1, 0), ('+', 1, 10), ('-', 1, 0)]),
            [(0, 0), (1, 0), (0, 1)]
        );
    }

    #[test]
    fn a_client_plays_once_and_leaves_all_that_it_had() {
        let steps = [('+', 1, 10), ('+', 1, 11), ('-', 1, 0), ('-', 11, 0)];
        assert_eq!(counts(&steps), [(1, 0), (1, 0), (0, 2), (0, 1)]);
    }

    #[test]
    fn an_avatar_changes_its_session_and_plays_for_the_last_one() {
        let steps = [
            ('+', 1, 10),
            ('+', 2, 10),
            ('-', 1, 0),
            ('-', 2, 0),
            ('+', 3, 10),
            ('-', 10, 0),
        ];
        assert_eq!(
            counts(&steps),
            [(1, 0), (1, 0), (1, 0), (0, 1), (1, 0), (0, 0)]
        );
    }

    #[tokio::test]
    async fn a_client_is_told_of_the_end_of_its_avatar_and_of_no_other() {
        let avatars = Avatars::default();
        let fell = [(); 2].map(|()| Arc::new(Notify::new()));
        for (number, fell) in (1..).zip(&fell) {
            avatars.tell(pid(number), fell.clone());
            avatars.started(pid(number), pid(10 * number));
        }
        avatars.ended(pid(20));
        let first = tokio::select! {
            biased;
            () = fell[0].notified() => 1,
            () = fell[1].notified() => 2,
        };
        assert_eq!(first, 2);
        avatars.tell_no_more(pid(1));
        assert_eq!(avatars.books.lock().told.len(), 1);
    }
}
