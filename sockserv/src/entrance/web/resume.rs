//! Sessions that outlive their WebSocket: a client that has lost its connection comes back and hears what it has missed.
//!
//! ```text
//!   /ws?resume=yes ─► PQ.Resume {ticket, number 0} ─► frame 1, 2, 3 ──┐
//!         the socket breaks: the session goes on, and waits 2 min     ├─ kept: the last 32 KiB, and all since the break
//!   resume.TICKET.2 ─► PQ.Resume {ticket, number 2} ─► frame 3, 4 ────┘
//! ```
//! Both sides count the data frames of a session, without `PQ.Resume`. The client says the number of the last frame that it has,
//! and gets all later ones; `number` is higher when older frames are gone, so a gap is known. `taken` is the number of the
//! client's frames that have arrived, so the client knows which ones it has to send again. A page that was loaded anew has nothing, says
//! 0, and gets all that is kept.
//!
//! The ticket is a subprotocol and no part of the address, because addresses are logged. It is known to one page and one
//! gateway, and ends with the session. Nothing here is part of a library, so an install changes no connection. The caller
//! is `gateway`.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::speech::Frame;

/// The time for which a session waits when its connection has broken: a change of networks, a lift, a train.
pub(super) const BROKEN: Duration = Duration::from_secs(120);

/// The time for which it waits for a page that has gone: as long as a phone takes to load it again. A player who has closed the page
/// does not come.
pub(super) const LEFT: Duration = Duration::from_secs(20);

/// The bytes of sent frames that are kept, and the bytes of further ones while nobody is there. A story has about 100 bytes a second with
/// its messages: so much is lost at most in a connection that has been dead for a minute before anyone notices, several times.
pub(super) const KEPT_MAX: usize = 32 * 1024;

/// The beginning of the subprotocol with a ticket.
const PREFIX: &str = "resume.";

const TICKET_BYTES: usize = 16;

/// The open places of all gateways, by their tickets.
#[derive(Default)]
pub(super) struct Resumes(Mutex<HashMap<String, mpsc::Sender<Returned>>>);

/// A client that has come back.
pub(super) struct Returned {
    pub(super) socket: WebSocket,
    /// The number of the last frame that it has.
    pub(super) heard: u64,
}

/// The wish of a client to come back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wish {
    ticket: String,
    heard: u64,
}

/// The place to which the client of one gateway comes back.
pub(super) struct Place {
    resumes: Arc<Resumes>,
    pub(super) ticket: String,
    pub(super) returns: mpsc::Receiver<Returned>,
    pub(super) sent: Sent,
}

/// The last frames that were sent in a session, with their numbers.
#[derive(Default)]
pub(super) struct Sent {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// The number of the newest one, from 1.
    last: u64,
}

impl Wish {
    /// Whether the query of an address says that the client can come back.
    pub(super) fn is_in(query: &str) -> bool {
        query.split('&').any(|pair| pair == "resume=yes")
    }

    /// The wish in a subprotocol: `resume.TICKET.NUMBER`.
    pub(super) fn read(protocol: &[u8]) -> Option<Wish> {
        let text = std::str::from_utf8(protocol).ok()?.strip_prefix(PREFIX)?;
        let (ticket, heard) = text.split_once('.')?;
        let is_ticket =
            ticket.len() == 2 * TICKET_BYTES && ticket.bytes().all(|it| it.is_ascii_hexdigit());
        is_ticket.then_some(Wish {
            ticket: ticket.to_string(),
            heard: heard.parse().ok()?,
        })
    }
}

impl Resumes {
    /// A new place; `None` when the system has no random numbers.
    pub(super) fn place(self: &Arc<Resumes>) -> Option<Place> {
        let mut bytes = [0; TICKET_BYTES];
        getrandom::fill(&mut bytes).ok()?;
        let mut ticket = String::with_capacity(2 * TICKET_BYTES);
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(ticket, "{byte:02x}");
        }
        let (sender, returns) = mpsc::channel(1);
        self.0.lock().insert(ticket.clone(), sender);
        Some(Place {
            resumes: self.clone(),
            ticket,
            returns,
            sent: Sent::default(),
        })
    }

    /// Hands a client to the gateway that waits for it.
    ///
    /// # Errors
    /// The socket, when no gateway has this ticket, or when another client comes back to it at this moment.
    pub(super) fn hand(&self, wish: &Wish, socket: WebSocket) -> Result<(), Box<WebSocket>> {
        let place = self.0.lock().get(&wish.ticket).cloned();
        let returned = Returned {
            socket,
            heard: wish.heard,
        };
        match place {
            Some(place) => place.try_send(returned).map_err(|back| {
                let returned = back.into_inner();
                Box::new(returned.socket)
            }),
            None => Err(Box::new(returned.socket)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.resumes.0.lock().remove(&self.ticket);
    }
}

impl Place {
    /// The first message on each connection of the session, for a client with this last frame, and the frames behind it. `taken` is the
    /// number of the client's frames that have arrived.
    pub(super) fn greeting(&self, heard: u64, taken: u64) -> Vec<Frame> {
        let number = self.sent.before(heard);
        let ticket = &self.ticket;
        let message =
            format!(r#"PQ.Resume {{"ticket":"{ticket}","number":{number},"taken":{taken}}}"#);
        let first = Frame::Text(message.into());
        [vec![first], self.sent.after(number)].concat()
    }
}

impl Sent {
    pub(super) fn push(&mut self, frame: Frame) {
        self.last += 1;
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// Drops the oldest frames above the bound.
    pub(super) fn trim(&mut self) {
        while self.bytes > KEPT_MAX {
            let Some(oldest) = self.frames.pop_front() else {
                return;
            };
            self.bytes -= oldest.len();
        }
    }

    /// Whether further frames may be kept while nobody hears them.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < 2 * KEPT_MAX
    }

    /// The number before the first frame for a client that has heard so many.
    fn before(&self, heard: u64) -> u64 {
        let oldest = self.last - self.frames.len() as u64;
        heard.clamp(oldest, self.last)
    }

    fn after(&self, number: u64) -> Vec<Frame> {
        // At most the number of the kept frames.
        let missing = (self.last - number) as usize;
        let from = self.frames.len() - missing;
        self.frames.iter().skip(from).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: usize) -> Frame {
        Frame::Text(format!("{number:>100}").into())
    }

    fn filled(frames: usize) -> Sent {
        let mut sent = Sent::default();
        for number in 1..=frames {
            sent.push(text(number));
            sent.trim();
        }
        sent
    }

    #[test]
    fn a_client_gets_the_frames_behind_its_last_one() {
        let sent = filled(9);
        for (heard, before) in [(0, 0), (7, 7), (9, 9), (10, 9), (u64::MAX, 9)] {
            assert_eq!(sent.before(heard), before);
            let expected: Vec<Frame> = (before as usize + 1..=9).map(text).collect();
            assert_eq!(sent.after(before), expected, "{heard}");
        }
    }

    #[test]
    fn the_oldest_frames_go_and_a_client_without_them_knows() {
        let sent = filled(1_000);
        assert!(sent.bytes <= KEPT_MAX && sent.bytes > KEPT_MAX - 100);
        let oldest = sent.before(0);
        assert_eq!(oldest, 1_000 - KEPT_MAX as u64 / 100);
        assert_eq!(sent.after(oldest)[0], text(oldest as usize + 1));
    }

    #[test]
    fn while_nobody_hears_as_much_again_is_kept() {
        let mut sent = filled(1_000);
        let before = sent.last;
        while sent.has_room() {
            sent.push(text(0));
        }
        assert!(sent.last - before >= KEPT_MAX as u64 / 100);
        assert_eq!(sent.before(before), before, "nothing is lost");
    }

    #[test]
    fn a_wish_has_a_ticket_and_a_number() {
        let ticket = "0123456789abcdef".repeat(2);
        let wish = Wish::read(format!("resume.{ticket}.17").as_bytes());
        assert_eq!(wish, Some(Wish { ticket, heard: 17 }));
        for odd in [
            "gmcp.mudstandards.org",
            "resume.",
            "resume.0123.17",
            "resume.0123456789abcdef0123456789abcdef",
            "resume.0123456789abcdef0123456789abcdef.-1",
            "resume.0123456789abcdef0123456789abcdeg.1",
        ] {
            assert_eq!(Wish::read(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn a_place_is_open_as_long_as_its_gateway() {
        let resumes = Arc::new(Resumes::default());
        let (one, other) = (resumes.place().unwrap(), resumes.place().unwrap());
        assert_ne!(one.ticket, other.ticket);
        assert_eq!(resumes.0.lock().len(), 2);
        drop(one);
        assert!(resumes.0.lock().contains_key(&other.ticket));
        drop(other);
        assert_eq!(resumes.0.lock().len(), 0);
    }
}
