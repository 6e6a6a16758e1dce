//! The service `words` of the node: players come back to their avatars by a word.
//!
//! ```text
//!   session ── words:check(Port, N, Name, Ref) ─► a thread of the pool ─► hash compared ─► avatar woken, given to the session
//!      ▲                                                                                        │
//!      └────────────── #{words => #{ref => Ref, said => Said}} ─────────────────────────────────┘
//! ```
//! A session never has the word: it has the number of a line that the door keeps (`sockserv::Door::sealed`).
//!
//! | call | answer |
//! |---|---|
//! | `words:look(Name)` | `#{taken => bool, kept => bool}`: whether the name is taken, and whether the node keeps words |
//! | `words:has(Avatar)` | whether the avatar has a word |
//! | `words:judge(Port, N)` | `fit`, `short`, `long` or `gone`, for a new word |
//! | `words:check(Port, N, Name, Ref)` | whether the question is taken. `Said`: `#{plays => Avatar}`, `wrong`, `later`, `busy`, `aside` |
//! | `words:keep(Port, N, Avatar, Ref)` | the same. `Said`: `kept`, `not_kept`, `busy` |
//!
//! The threads and limits are in `pq_login`, the rows in `pq_saves`; `linger` has avatars whose players are away. In a node without
//! saves no words are kept.

mod calls;
mod counts;
pub(crate) mod linger;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use pq_login::{Guesses, Pool, Secret, hash, verify};
use pq_otp::{Node, Pid, Term};
use pq_saves::{NotBack, Saves, Versions};
use pq_sdk::words::Said;
use regis_application::Names;
use sockserv::Door;

use crate::service::send;
pub(crate) use counts::Counts;

/// The threads that hash: with more, many guesses would take the cores of the game.
const THREADS: usize = 2;

/// The line for the client from whose avatar another client of the same player takes over.
const TAKEN_OVER: &str = "You play from elsewhere now.";

/// The service; the parts of the node come when they are open ([`Words::connect`]).
#[derive(Default)]
pub(crate) struct Words {
    connected: OnceLock<Arc<Connected>>,
}

/// The parts of the node that the service needs.
pub(crate) struct Parts {
    pub(crate) node: Node,
    pub(crate) names: Names,
    pub(crate) saves: Weak<Saves>,
    pub(crate) door: Weak<Door>,
    pub(crate) versions: Arc<dyn Versions>,
    /// The application with the listeners.
    pub(crate) application: String,
}

/// A service with its parts.
struct Connected {
    parts: Parts,
    pool: Pool,
    guesses: Guesses,
    counts: Counts,
}

/// A sealed line that was taken from the door, and the address of its client.
type Taken = (Secret, IpAddr);

/// A question of a session, which is answered by a message.
struct Asked {
    session: Pid,
    /// The session's number of the question.
    reference: u64,
}

impl Words {
    /// Begins to work.
    ///
    /// # Errors
    /// The error of the system when it starts no thread.
    pub(crate) fn connect(&self, parts: Parts) -> io::Result<()> {
        let connected = Connected {
            parts,
            pool: Pool::start(THREADS)?,
            guesses: Guesses::default(),
            counts: Counts::default(),
        };
        let connected = Arc::new(connected);
        linger::start(&connected, connected.parts.application.clone())?;
        // A node connects its parts once.
        let _ = self.connected.set(connected);
        Ok(())
    }

    /// The counts since the start of the node; `None` for a node that keeps no words.
    pub(crate) fn counts(&self) -> Option<&Counts> {
        self.connected.get().map(|connected| &connected.counts)
    }

    /// Whether a name is taken, also by somebody who is not there.
    fn is_taken(&self, name: &str) -> bool {
        let connected = self.connected.get();
        connected.is_some_and(|connected| connected.parts.names.is_taken(&Term::string(name)))
    }
}

impl Connected {
    /// The sealed line of a client, and its address.
    fn sealed(&self, port: u64, number: u64) -> Option<Taken> {
        let (line, address) = self.parts.door.upgrade()?.sealed(port, number)?;
        Some((Secret::new(line.to_vec()), address))
    }

    /// Takes the sealed line of a client, which is wiped at the door.
    fn take(&self, port: u64, number: u64) -> Option<Taken> {
        let taken = self.sealed(port, number)?;
        if let Some(door) = self.parts.door.upgrade() {
            door.wipe(port);
        }
        Some(taken)
    }

    /// Queues the work for a question. Returns whether there is room.
    fn queue(
        self: &Arc<Connected>,
        asked: Asked,
        work: impl FnOnce(&Connected) -> Said + Send + 'static,
    ) -> bool {
        let connected = self.clone();
        let is_queued = self.pool.submit(move || {
            let said = work(&connected);
            connected.counts.note(said);
            connected.answer(&asked, said);
        });
        if !is_queued {
            self.counts.note_refused();
        }
        is_queued
    }

    /// Compares a word, and gives the avatar to the session.
    fn check(&self, session: Pid, name: &str, taken: Taken) -> Said {
        let (word, address) = taken;
        let folded = regis_confusable::skeleton(name);
        let folded = String::from_utf8_lossy(folded.as_bytes());
        let Some(guess) = self.guesses.begin(&folded, address, Instant::now()) else {
            return Said::Later;
        };
        let Some(saves) = self.parts.saves.upgrade() else {
            return Said::Busy;
        };
        let known = match saves.word_of(name) {
            Ok(known) => known,
            Err(why) => {
                tracing::warn!("failed to compare a word: {why}");
                return Said::Busy;
            }
        };
        let hash = known.as_ref().map(|(_, hash)| &**hash);
        match (verify(&word, hash), known) {
            (true, Some((id, _))) => {
                self.guesses.right(&guess);
                self.give(&saves, id, session)
            }
            _ => Said::Wrong,
        }
    }

    /// Gives the avatar of a row to a session, and wakes it if it rests.
    fn give(&self, saves: &Saves, id: u64, session: Pid) -> Said {
        match saves.wake(id, &*self.parts.versions) {
            Ok(avatar) => {
                if let Some(door) = self.parts.door.upgrade() {
                    door.give(avatar, session, TAKEN_OVER);
                }
                Said::Plays(avatar)
            }
            Err(NotBack::IsSetAside) => Said::Aside,
            Err(NotBack::HasEnded) => Said::Wrong,
            Err(NotBack::NotDone(why)) => {
                tracing::warn!(row = id, "failed to bring an avatar back: {why}");
                Said::Busy
            }
        }
    }

    /// Keeps a word for an avatar.
    fn keep(&self, avatar: Pid, word: &Secret) -> Said {
        let kept = match (self.parts.saves.upgrade(), hash(word)) {
            (Some(saves), Some(hash)) => saves.keep_word(avatar, hash),
            _ => return Said::NotKept,
        };
        match kept {
            Ok(()) => Said::Kept,
            Err(why) => {
                tracing::warn!(%avatar, "failed to keep a word: {why}");
                Said::NotKept
            }
        }
    }

    fn answer(&self, asked: &Asked, said: Said) {
        let message = calls::message(asked.reference, said);
        send(&self.parts.node, asked.session, &message);
    }
}
