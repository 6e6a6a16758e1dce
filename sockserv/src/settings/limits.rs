//! Limits for one client, for one address, and for all clients together.
//!
//! This module has only the figures. `gate` checks arrivals, `port` checks lines, `refused` counts refusals.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use tokio::time::Instant;

use crate::wire::line::LINE_MAX;
use crate::wire::outbox::OUTBOX_MAX;

/// The limits of a door. They may change while it is open: admitted clients stay, under the new limits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The number of clients. Tests use a load of 10 000; a client takes about 10 KB and one descriptor, so a small machine
    /// has room for twice as many.
    pub clients: usize,
    /// The number of clients from one address. For IPv6 it counts per /64, which is the network of a home, and a multiple of
    /// it counts per network around (`gate`). Eight are enough for a family behind one router; a school needs an entry in
    /// [`Limits::exempt`]. Browsers that load the page count separately, with six connections each.
    pub per_address: usize,
    /// The rate of new clients from one address. Twenty at once are a class that opens a page together.
    pub arrivals: Rate,
    /// The networks without limits per address. By default the loopback addresses: local players could have started the
    /// node themselves, and a local proxy brings all clients under one address.
    pub exempt: Vec<IpNet>,
    /// The rate of lines from one client, and of its other input at its price (`budget`); faster input waits. No person types
    /// 10 lines a second; 30 at once are a pasted text.
    pub lines: Rate,
    /// The length of a line, in bytes.
    pub line_max: usize,
    /// The time from the arrival of a client until its avatar plays. `None`: no limit.
    pub login: Option<Duration>,
    /// The number of bytes that may wait for a client that does not read them.
    pub outbox_max: usize,
    /// The number of abandoned avatars (their client has left them) from which on no new client is admitted. `None`: no limit.
    /// Admitted clients may still leave one each. By default it equals `clients`: all clients of a full game may lose their
    /// connection at once, and an abandoned avatar takes about 3 KB.
    pub abandoned: Option<usize>,
}

impl Default for Limits {
    fn default() -> Limits {
        let this_machine = ["127.0.0.0/8", "::1/128"];
        Limits {
            clients: 20_000,
            per_address: 8,
            arrivals: Rate::new(5, 20),
            exempt: this_machine
                .map(|net| net.parse().expect("it is a network"))
                .to_vec(),
            lines: Rate::new(10, 30),
            line_max: LINE_MAX,
            login: Some(Duration::from_secs(60)),
            outbox_max: OUTBOX_MAX,
            abandoned: Some(20_000),
        }
    }
}

impl Limits {
    /// Whether the limits per address apply to this address.
    pub fn concern(&self, address: IpAddr) -> bool {
        !self.exempt.iter().any(|net| net.contains(&address))
    }
}

/// A rate with a burst.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// The average number per second.
    pub per_second: u32,
    /// The number at once after a silence; at least 1.
    pub burst: u32,
}

impl Rate {
    /// A rate; neither number may be 0.
    pub const fn new(per_second: u32, burst: u32) -> Rate {
        Rate { per_second, burst }
    }

    /// The average time per item.
    pub(crate) fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }

    /// The average time for a whole burst.
    fn at_once(self) -> Duration {
        self.interval() * self.burst.max(1)
    }

    /// A multiple of the rate and of the burst.
    pub(crate) fn times(self, factor: u32) -> Rate {
        let Rate { per_second, burst } = self;
        Rate::new(
            per_second.saturating_mul(factor),
            burst.saturating_mul(factor),
        )
    }
}

/// The state of a rate limit: the "generic cell rate algorithm" (ITU-T I.371), which stores a single time.
#[derive(Clone, Copy, Default, Debug)]
pub struct Bucket {
    /// The time at which all taken items will be paid for.
    paid_at: Option<Instant>,
}

impl Bucket {
    /// Takes one item.
    ///
    /// # Errors
    /// When the rate is exceeded, nothing is taken: the time to wait.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.pay(rate, rate.interval(), now)
    }

    /// Takes an item of another price: the time in which the rate pays for it. An item that costs more than the burst can be
    /// taken when nothing is owed.
    ///
    /// # Errors
    /// As for [`Bucket::take`].
    pub(crate) fn pay(
        &mut self,
        rate: Rate,
        price: Duration,
        now: Instant,
    ) -> Result<(), Duration> {
        let credit = rate.at_once().saturating_sub(price);
        let owed = self.owed(now).saturating_sub(credit);
        if !owed.is_zero() {
            return Err(owed);
        }
        self.owe(price, now);
        Ok(())
    }

    /// Takes an item that has come already, also when it exceeds the rate.
    pub(crate) fn owe(&mut self, price: Duration, now: Instant) {
        self.paid_at = Some(now + self.owed(now) + price);
    }

    /// The time until no more is owed than a burst.
    pub(crate) fn debt(&self, rate: Rate, now: Instant) -> Duration {
        self.owed(now).saturating_sub(rate.at_once())
    }

    /// The time until one item can be taken.
    pub(crate) fn wait(&self, rate: Rate, now: Instant) -> Duration {
        let credit = rate.at_once().saturating_sub(rate.interval());
        self.owed(now).saturating_sub(credit)
    }

    fn owed(&self, now: Instant) -> Duration {
        self.paid_at.map_or(Duration::ZERO, |paid_at| {
            paid_at.saturating_duration_since(now)
        })
    }

    /// Whether nothing is owed: the bucket is equal to a new one.
    pub fn is_calm(&self, now: Instant) -> bool {
        self.paid_at.is_none_or(|paid_at| paid_at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let (rate, start) = (Rate::new(10, 3), Instant::now());
        let mut bucket = Bucket::default();
        let mut given = |ms| bucket.take(rate, start + Duration::from_millis(ms)).is_ok();
        let at_once: Vec<bool> = (0..4).map(|_| given(0)).collect();
        assert_eq!(at_once, [true, true, true, false]);
        assert!(!given(99) && given(100) && !given(150) && given(200));
        // After a silence the burst is whole again, and not larger.
        let later: Vec<bool> = (0..4).map(|_| given(10_000)).collect();
        assert_eq!(later, [true, true, true, false]);
        let wait = bucket.take(rate, start + Duration::from_millis(10_030));
        assert_eq!(wait, Err(Duration::from_millis(70)));
    }

    #[test]
    fn a_bucket_is_calm_when_it_owes_nothing() {
        let (rate, start) = (Rate::new(2, 2), Instant::now());
        let mut bucket = Bucket::default();
        assert!(bucket.is_calm(start));
        assert_eq!(bucket.take(rate, start), Ok(()));
        assert!(!bucket.is_calm(start + Duration::from_millis(499)));
        assert!(bucket.is_calm(start + Duration::from_millis(500)));
    }

    #[test]
    fn limits_per_address_do_not_concern_this_machine() {
        let limits = Limits::default();
        let concern = |text: &str| limits.concern(text.parse().unwrap());
        assert!(!concern("127.0.0.1") && !concern("127.9.9.9") && !concern("::1"));
        assert!(concern("10.0.0.1") && concern("2001:db8::1"));
    }
}
