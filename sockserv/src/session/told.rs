//! Told is durable: the output about an avatar waits until the avatar's state is on the disk.
//!
//! ```text
//!   the client's process ─► Port::write ─► held ─► Told::take ─► the store: copies of the avatars ─► Waiting::release ─► client
//! ```
//! The copy of an avatar is made after the text was written, so it has everything that the text tells. From its first avatar
//! on, all output of a session waits, because the end of an avatar is news, too. Without a store nothing waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use pq_otp::Pid;

use crate::session::port::Port;

/// The line for a client whose output has waited for some time.
const WAITS: &str = "[The world waits for its disk. The story goes on here when it is saved.]";

/// The line behind it.
const GOES_ON: &str = "[The world goes on.]";

/// The sessions whose output waits, and their ports.
#[derive(Default)]
pub struct Told {
    is_on: AtomicBool,
    books: Mutex<Books>,
    notice: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Books {
    /// The ports of all sessions that have or had an avatar.
    ports: HashMap<Pid, Arc<Port>>,
    /// The sessions with output that nobody has asked for.
    waiting: Vec<Pid>,
}

/// Output of a session that waits.
#[derive(Debug)]
pub struct Waiting {
    /// The process of the client.
    pub session: Pid,
    port: Arc<Port>,
    end: u64,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told")
            .field("is_on", &self.is_on)
            .finish_non_exhaustive()
    }
}

impl Told {
    /// Lets output wait from now on. `notice` is called when output waits and none did before; it must not wait.
    pub fn hold(&self, notice: impl Fn() + Send + Sync + 'static) {
        let _ = self.notice.set(Box::new(notice));
        self.is_on.store(true, Ordering::Release);
    }

    /// Releases all output, and lets none wait from now on.
    pub fn release_all(&self) {
        self.is_on.store(false, Ordering::Release);
        let ports: Vec<Arc<Port>> = self.books.lock().ports.drain().map(|it| it.1).collect();
        for port in ports {
            port.hold_no_more();
        }
    }

    /// The output that waits and was not taken before.
    pub fn take(&self) -> Vec<Waiting> {
        let mut books = self.books.lock();
        let sessions = std::mem::take(&mut books.waiting);
        let waiting = sessions.into_iter().filter_map(|session| {
            let port = books.ports.get(&session)?.clone();
            Some((session, port))
        });
        let waiting: Vec<_> = waiting.collect();
        drop(books);
        let ask = |(session, port): (Pid, Arc<Port>)| {
            let end = port.ask();
            Waiting { session, port, end }
        };
        waiting.into_iter().map(ask).collect()
    }

    /// Tells the clients whose output waits that it does, and when the wait is over those that were told. A client is told
    /// once.
    pub fn tell(&self, waits: bool) {
        let ports: Vec<Arc<Port>> = self.books.lock().ports.values().cloned().collect();
        let line = if waits { WAITS } else { GOES_ON };
        for port in ports {
            port.tell_wait(waits, line);
        }
    }

    /// The output of this session waits from now on.
    pub(crate) fn begin(self: &Arc<Told>, session: Pid, port: &Arc<Port>) {
        if self.is_on.load(Ordering::Acquire) {
            self.books.lock().ports.insert(session, port.clone());
            port.hold(self.clone(), session);
        }
    }

    /// The session has ended.
    pub(crate) fn end(&self, session: Pid) {
        self.books.lock().ports.remove(&session);
    }

    /// Output of this session waits that nobody has asked for.
    pub(crate) fn waits(&self, session: Pid) {
        let mut books = self.books.lock();
        books.waiting.push(session);
        let is_first = books.waiting.len() == 1;
        drop(books);
        if let (true, Some(notice)) = (is_first, self.notice.get()) {
            notice();
        }
    }
}

impl Waiting {
    /// Sends the output to the client: the state that it tells of is on the disk.
    pub fn release(self) {
        self.port.release(self.end);
    }
}
