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
//! | `words:same(Port, N, M)` | whether two lines in a row are the same word, for one that was typed twice |
//! | `words:check(Port, N, Name, Ref)` | whether the question is taken. `Said`: `#{plays => Avatar}`, `wrong`, `later`, `busy`, `aside` |
//! | `words:keep(Port, N, Avatar, Ref)` | the same. `Said`: `kept`, `not_kept`, `busy` |
//!
//! The threads and limits are in `pq_login`, the rows in `pq_saves`; `linger` has avatars whose players are away, `tokens` the
//! logins that browsers remember. In a node without saves no words are kept.

mod calls;
mod counts;
pub(crate) mod linger;
mod tokens;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Instant, SystemTime};

use pq_login::{Guesses, Pool, Proof, Record, Secret, hash, verify};
use pq_otp::{Node, Pid, Term};
use pq_saves::{NotBack, Saves, Versions};
use pq_sdk::words::Said;
use regis_application::Names;
use sockserv::Door;

use crate::clock::unix_s;
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

/// The row with a word and its record; `None` for a name without one.
type Known = Option<(u64, Record)>;

/// A sealed line that was taken from the door.
struct Taken {
    word: Secret,
    /// The port and the address of its client.
    port: u64,
    address: IpAddr,
}

/// The answer to a question, and what follows from it.
struct Judged {
    said: Said,
    proved: Option<Proved>,
}

/// A word that was right, or was chosen: its client may want a token.
struct Proved {
    /// The port of the client, which may want a token.
    port: u64,
    /// The number of the row, and the name of the avatar.
    row: u64,
    name: String,
    /// The token by which the word was right, and its end.
    by: Option<(Secret, u64)>,
}

impl From<Said> for Judged {
    fn from(said: Said) -> Judged {
        Judged { said, proved: None }
    }
}

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
    /// The sealed line of a client.
    fn sealed(&self, port: u64, number: u64) -> Option<Taken> {
        let (line, address) = self.parts.door.upgrade()?.sealed(port, number)?;
        Some(Taken {
            word: Secret::new(line.to_vec()),
            port,
            address,
        })
    }

    /// Takes the sealed line of a client, which is wiped at the door, with the one before it.
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
        work: impl FnOnce(&Connected) -> Judged + Send + 'static,
    ) -> bool {
        let connected = self.clone();
        let is_queued = self.pool.submit(move || {
            let Judged { said, proved } = work(&connected);
            connected.counts.note(said);
            connected.answer(&asked, said);
            if let Some(proved) = proved {
                connected.remember(&proved);
            }
        });
        if !is_queued {
            self.counts.note_refused();
        }
        is_queued
    }

    /// Compares a word, and gives the avatar to the session.
    fn check(&self, session: Pid, name: &str, taken: Taken) -> Judged {
        let folded = regis_confusable::skeleton(name);
        let folded = String::from_utf8_lossy(folded.as_bytes());
        let Some(guess) = self.guesses.begin(&folded, taken.address, Instant::now()) else {
            return Said::Later.into();
        };
        let Some((saves, known)) = self.known(name) else {
            // Nobody has compared it, so it is no wrong one.
            self.guesses.take_back(&guess);
            return Said::Busy.into();
        };
        let record = known.as_ref().map(|(_, record)| record);
        let proof = verify(&taken.word, record, unix_s(SystemTime::now()));
        let (Some(proof), Some((row, _))) = (proof, known) else {
            return Said::Wrong.into();
        };
        self.guesses.take_back(&guess);
        let by = match proof {
            Proof::Word => None,
            Proof::Token { until_unix_s } => Some((taken.word, until_unix_s)),
        };
        let said = self.give(&saves, row, session);
        let proved = matches!(said, Said::Plays(_)).then(|| Proved {
            port: taken.port,
            row,
            name: name.to_string(),
            by,
        });
        Judged { said, proved }
    }

    /// The saves, and the row with a word and this name; `None` when they do not answer.
    fn known(&self, name: &str) -> Option<(Arc<Saves>, Known)> {
        let saves = self.parts.saves.upgrade()?;
        match saves.word_of(name) {
            Ok(known) => {
                let known = known.map(|(row, text)| (row, Record::read(&text)));
                Some((saves, known))
            }
            Err(why) => {
                tracing::warn!("failed to compare a word: {why}");
                None
            }
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
    fn keep(&self, avatar: Pid, taken: &Taken) -> Judged {
        let kept = match (self.parts.saves.upgrade(), hash(&taken.word)) {
            (Some(saves), Some(hash)) => saves.keep_word(avatar, hash),
            _ => return Said::NotKept.into(),
        };
        match kept {
            Ok(row) => Judged {
                said: Said::Kept,
                proved: Some(Proved {
                    port: taken.port,
                    row: row.id,
                    name: row.name,
                    by: None,
                }),
            },
            Err(why) => {
                tracing::warn!(%avatar, "failed to keep a word: {why}");
                Said::NotKept.into()
            }
        }
    }

    fn answer(&self, asked: &Asked, said: Said) {
        let message = calls::message(asked.reference, said);
        send(&self.parts.node, asked.session, &message);
    }
}
