//! The reasons for refusing a client, with the sentence for the client and a counter for each.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ipnet::IpNet;

use crate::admission::calendar::moment;
#[cfg(doc)]
use crate::settings::limits::Limits;

/// The reason why a client is not admitted, is disconnected, or an input of it is ignored. `Display` gives the sentence
/// that the client reads.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// An operator has locked the door.
    #[error("The game lets nobody in for now. Try again later.")]
    Locked,
    /// The maximum number of clients is reached ([`Limits::clients`]).
    #[error("The game is full. Try again later.")]
    Full,
    /// Too many avatars are abandoned ([`Limits::abandoned`]). The value is the game's plural word for avatars.
    #[error("So many {0} play here for nobody that nobody new is let in. Try again later.")]
    Abandoned(String),
    /// The supervisor could not start a session for the client.
    #[error("The game cannot let you in now. Try again later.")]
    NoProcess,
    /// The client's address is banned.
    #[error("Your address is banned{}.", Until(*.until))]
    Address {
        /// The end of the ban; `None` for a ban without an end.
        until: Option<SystemTime>,
    },
    /// The name of the client's avatar is banned.
    #[error("The name {name} is banned{}.", Until(*.until))]
    Name {
        /// The banned name, as the player typed it.
        name: String,
        /// The end of the ban; `None` for a ban without an end.
        until: Option<SystemTime>,
    },
    /// The address has too many connections: at most [`Limits::per_address`].
    #[error("Too many connections come from your address: at most {0}.")]
    PerAddress(usize),
    /// A network around an address of IPv6 has too many connections: a multiple of [`Limits::per_address`].
    #[error("Too many connections come from your network {net}: at most {max}.")]
    PerNetwork {
        /// The network that exceeds its limit.
        net: IpNet,
        /// The maximum number of connections from the network.
        max: usize,
    },
    /// The address has made new connections too fast ([`Limits::arrivals`]).
    #[error("Too many connections came from your address just now. Try again in a minute.")]
    Arrivals,
    /// The login took longer than [`Limits::login`].
    #[error("You took longer than {} to begin. Come again!", humantime::format_duration(*.0))]
    Login(Duration),
    /// The client sends lines faster than [`Limits::lines`]; the value is the number per second.
    #[error("You write too fast: {0} lines a second are taken, the others wait.")]
    Lines(u32),
    /// The client sends telnet commands or WebSocket frames too fast; the value is the number per second.
    #[error("Your program sends too much: {0} commands a second are taken, the others wait.")]
    Commands(u32),
    /// A line is longer than [`Limits::line_max`] bytes.
    #[error("That line is too long: at most {0} bytes.")]
    LineLength(usize),
    /// More than [`Limits::outbox_max`] bytes wait, or the client read nothing for 30 s. No client reads this sentence.
    #[error("You read too slowly.")]
    Slow,
    /// The client sends a request of HTTP.
    #[error("This is a game for telnet, not a web page.")]
    Http,
    /// The client begins a handshake of TLS.
    #[error("This port speaks no TLS.")]
    Tls,
    /// The client does not begin a handshake, at a listener for TLS only.
    #[error("This port speaks TLS only: `telnet` cannot, a MUD client can.")]
    NotTls,
    /// No slot is free for a visit of the page, or another visit got the slot of one without a request.
    #[error("Too many load this page just now. Try again in a minute.")]
    PageFull,
    /// The request for the page was not complete within this time.
    #[error("Your request was not whole within {}.", humantime::format_duration(*.0))]
    Request(Duration),
    /// A client that is no proxy of ours has sent the address of another client.
    #[error("Your address may not speak for others: it is not among the proxies of this server.")]
    NoProxy,
    /// A proxy of ours does not name its client; the value says why.
    #[error("Your proxy does not say for whom it speaks: {0}.")]
    Unnamed(&'static str),
}

/// The names of the counters, in the order of [`Refusal::index`].
const WORDS: [&str; 21] = [
    "locked",
    "full",
    "no_process",
    "banned_address",
    "banned_name",
    "per_address",
    "arrivals",
    "login",
    "lines",
    "line_length",
    "slow",
    "http",
    "tls",
    "not_tls",
    "per_network",
    "commands",
    "page_full",
    "request",
    "no_proxy",
    "unnamed",
    "abandoned",
];

impl Refusal {
    /// The position of the refusal's counter in [`WORDS`].
    fn index(&self) -> usize {
        match self {
            Refusal::Locked => 0,
            Refusal::Full => 1,
            Refusal::NoProcess => 2,
            Refusal::Address { .. } => 3,
            Refusal::Name { .. } => 4,
            Refusal::PerAddress(_) => 5,
            Refusal::Arrivals => 6,
            Refusal::Login(_) => 7,
            Refusal::Lines(_) => 8,
            Refusal::LineLength(_) => 9,
            Refusal::Slow => 10,
            Refusal::Http => 11,
            Refusal::Tls => 12,
            Refusal::NotTls => 13,
            Refusal::PerNetwork { .. } => 14,
            Refusal::Commands(_) => 15,
            Refusal::PageFull => 16,
            Refusal::Request(_) => 17,
            Refusal::NoProxy => 18,
            Refusal::Unnamed(_) => 19,
            Refusal::Abandoned(_) => 20,
        }
    }

    /// The name of the refusal's counter, as in metrics and logs.
    pub fn word(&self) -> &'static str {
        WORDS[self.index()]
    }
}

/// The end of a ban, formatted for people.
struct Until(Option<SystemTime>);

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(end) => write!(f, " until {} UTC", moment(end)),
            None => Ok(()),
        }
    }
}

/// The number of refusals for each reason.
#[derive(Default, Debug)]
pub struct Refused([AtomicU64; WORDS.len()]);

impl Refused {
    /// Adds one to the counter of this refusal.
    pub fn count(&self, refusal: &Refusal) {
        self.0[refusal.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// The name and the value of each counter, also of those that are 0.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let numbers = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        WORDS.into_iter().zip(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_says_when_it_ends() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let sentence = Refusal::Address { until: Some(end) }.to_string();
        assert_eq!(
            sentence,
            "Your address is banned until 2026-11-18 11:06:40 UTC."
        );
        let end = SystemTime::UNIX_EPOCH - Duration::from_secs(60);
        let sentence = Refusal::Address { until: Some(end) }.to_string();
        assert_eq!(
            sentence,
            "Your address is banned until 1969-12-31 23:59:00 UTC."
        );
        assert_eq!(
            Refusal::Name {
                name: "Ann".into(),
                until: None
            }
            .to_string(),
            "The name Ann is banned."
        );
    }

    #[test]
    fn every_refusal_has_a_counter_of_its_own() {
        let refused = Refused::default();
        refused.count(&Refusal::Locked);
        refused.count(&Refusal::Tls);
        refused.count(&Refusal::Tls);
        let counts: Vec<_> = refused.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counts, [("locked", 1), ("tls", 2)]);
    }
}
