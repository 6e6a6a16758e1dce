//! What is refused at the door, why in a sentence, and how often.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ipnet::IpNet;

use crate::admission::calendar::moment;
#[cfg(doc)]
use crate::settings::limits::Limits;

/// Why somebody does not come in, does not stay, or is not heard. As text it is the sentence that the client reads.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// An operator has locked the door.
    #[error("The game lets nobody in for now. Try again later.")]
    Locked,
    /// [`Limits::clients`].
    #[error("The game is full. Try again later.")]
    Full,
    /// [`Limits::abandoned`].
    #[error("So many {0} play here for nobody that nobody new is let in. Try again later.")]
    Abandoned(String),
    /// The supervisor starts no session.
    #[error("The game cannot let you in now. Try again later.")]
    NoProcess,
    /// Its address is banned.
    #[error("Your address is banned{}.", Until(*.until))]
    Address {
        /// When that ends; `None` never.
        until: Option<SystemTime>,
    },
    /// Its avatar's name is banned.
    #[error("The name {name} is banned{}.", Until(*.until))]
    Name {
        /// Which.
        name: String,
        /// When that ends; `None` never.
        until: Option<SystemTime>,
    },
    /// [`Limits::per_address`].
    #[error("Too many connections come from your address: at most {0}.")]
    PerAddress(usize),
    /// A multiple of [`Limits::per_address`], for the networks around an address of IPv6.
    #[error("Too many connections come from your network {net}: at most {max}.")]
    PerNetwork {
        /// Which.
        net: IpNet,
        /// How many it may have.
        max: usize,
    },
    /// [`Limits::arrivals`].
    #[error("Too many connections came from your address just now. Try again in a minute.")]
    Arrivals,
    /// [`Limits::login`].
    #[error("You took longer than {} to begin. Come again!", humantime::format_duration(*.0))]
    Login(Duration),
    /// [`Limits::lines`].
    #[error("You write too fast: {0} lines a second are taken, the others wait.")]
    Lines(u32),
    /// The same, for commands of telnet and frames of a WebSocket.
    #[error("Your program sends too much: {0} commands a second are taken, the others wait.")]
    Commands(u32),
    /// [`Limits::line_max`].
    #[error("That line is too long: at most {0} bytes.")]
    LineLength(usize),
    /// [`Limits::outbox_max`], or nothing was read for half a minute. Nobody reads this sentence.
    #[error("You read too slowly.")]
    Slow,
    /// It speaks HTTP.
    #[error("This is a game for telnet, not a web page.")]
    Http,
    /// It speaks TLS.
    #[error("This port speaks no TLS.")]
    Tls,
    /// It does not speak TLS, where nothing else is spoken.
    #[error("This port speaks TLS only: `telnet` cannot, a MUD client can.")]
    NotTls,
    /// So many load the page that there is no place for one more, or for one that has asked for nothing so far.
    #[error("Too many load this page just now. Try again in a minute.")]
    PageFull,
    /// Its request for the page is not whole in time.
    #[error("Your request was not whole within {}.", humantime::format_duration(*.0))]
    Request(Duration),
    /// It says for whom it speaks, and is no proxy of ours.
    #[error("Your address may not speak for others: it is not among the proxies of this server.")]
    NoProxy,
    /// A proxy of ours does not say for whom it speaks.
    #[error("Your proxy does not say for whom it speaks: {0}.")]
    Unnamed(&'static str),
}

/// The words of [`Refusal::index`], as counters call them.
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
    /// Which counter.
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

    /// The counter's word.
    pub fn word(&self) -> &'static str {
        WORDS[self.index()]
    }
}

/// The end of a ban, for people.
struct Until(Option<SystemTime>);

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(end) => write!(f, " until {} UTC", moment(end)),
            None => Ok(()),
        }
    }
}

/// How often each refusal was given.
#[derive(Default, Debug)]
pub struct Refused([AtomicU64; WORDS.len()]);

impl Refused {
    /// One more.
    pub fn count(&self, refusal: &Refusal) {
        self.0[refusal.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// Each word with its number, those that never happened too.
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
