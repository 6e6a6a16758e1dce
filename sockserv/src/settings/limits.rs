//! How much of the node one client, one address and all clients together may have.
//!
//! The figures only. Arrivals are judged in `gate`, lines in `port`; what is refused is counted in `refused`.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use tokio::time::Instant;

use crate::wire::line::LINE_MAX;
use crate::wire::outbox::OUTBOX_MAX;

/// The limits of a door. All may be changed while it is open: who is in then plays on, under the new ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Clients at once. 10 000 is the load this is tested with; a client takes some 10 KB and one descriptor, so twice
    /// that fits a small machine.
    pub clients: usize,
    /// Clients at once from one address; for IPv6 from one /64, which is what a home has, and a multiple from the
    /// networks around it (`gate`). A family behind one router fits into eight; a school is to be made
    /// [`Limits::exempt`]. Browsers that load the page count apart, with six connections each.
    pub per_address: usize,
    /// New clients from one address. Twenty at once is a class that opens a page together.
    pub arrivals: Rate,
    /// Addresses for which the two limits before do not count. This machine at first: who plays there may as well have
    /// started the node, and a proxy there brings everybody under one address.
    pub exempt: Vec<IpNet>,
    /// Lines of one client, and whatever else it sends, at their price (`budget`); what comes faster waits. Nobody types
    /// ten a second; thirty at once are a pasted text.
    pub lines: Rate,
    /// Bytes of a line.
    pub line_max: usize,
    /// How long a client may take until its avatar plays. `None`: as long as it likes.
    pub login: Option<Duration>,
    /// Bytes that may wait for a client that does not read them.
    pub outbox_max: usize,
    /// Avatars that may play for nobody, because their client has gone and left them, before nobody new is let in. `None`: any
    /// number. Who is in then may still leave one each. As many as clients: all of a full house may lose their connection
    /// at once, and such avatars take some 3 KB each.
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
    /// Whether the limits per address count for this one.
    pub fn concern(&self, address: IpAddr) -> bool {
        !self.exempt.iter().any(|net| net.contains(&address))
    }
}

/// So many a second, and some at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once, after a silence. At least one.
    pub burst: u32,
}

impl Rate {
    /// A rate; nothing may be 0.
    pub const fn new(per_second: u32, burst: u32) -> Rate {
        Rate { per_second, burst }
    }

    /// How long one takes.
    pub(crate) fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }

    /// How long as many take as may come at once.
    fn at_once(self) -> Duration {
        self.interval() * self.burst.max(1)
    }

    /// So many times as much.
    pub(crate) fn times(self, factor: u32) -> Rate {
        let Rate { per_second, burst } = self;
        Rate::new(
            per_second.saturating_mul(factor),
            burst.saturating_mul(factor),
        )
    }
}

/// What is left of a rate for somebody: the "generic cell rate algorithm" (ITU-T I.371), which needs one time only.
#[derive(Clone, Copy, Default, Debug)]
pub struct Bucket {
    /// When all that was taken is paid for.
    paid_at: Option<Instant>,
}

impl Bucket {
    /// Takes one.
    ///
    /// # Errors
    /// When that is too fast nothing is taken: how long there is to wait.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.pay(rate, rate.interval(), now)
    }

    /// Takes something of another price: the time in which the rate pays for it. What costs more than can be taken at
    /// once is taken when nothing is owed.
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

    /// Takes something that has come already, whether or not that was too fast.
    pub(crate) fn owe(&mut self, price: Duration, now: Instant) {
        self.paid_at = Some(now + self.owed(now) + price);
    }

    /// How long it is until no more is owed than may be taken at once.
    pub(crate) fn debt(&self, rate: Rate, now: Instant) -> Duration {
        self.owed(now).saturating_sub(rate.at_once())
    }

    /// How long one would have to wait.
    pub(crate) fn wait(&self, rate: Rate, now: Instant) -> Duration {
        let credit = rate.at_once().saturating_sub(rate.interval());
        self.owed(now).saturating_sub(credit)
    }

    fn owed(&self, now: Instant) -> Duration {
        self.paid_at.map_or(Duration::ZERO, |paid_at| {
            paid_at.saturating_duration_since(now)
        })
    }

    /// Nothing is owed: a new one would be the same.
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
        // After a silence the burst is whole again, and no more than that.
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
