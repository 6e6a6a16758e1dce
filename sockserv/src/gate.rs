//! Who comes in: judged when a client arrives, before anything is spent on it.
//!
//! ```text
//!   arrival ─► locked? ─► banned? ─► full? ─► too many, too often from there? ─► a pass
//! ```
//! It knows addresses and counts. Sockets are `door`'s, sentences `refused`'s.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use regis_confusable::Likeness;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::ban::Ban;
use crate::limits::{Bucket, Limits};
use crate::refused::{Refusal, Refused};

/// From how many addresses on those are forgotten that have nobody inside and owe nothing.
const SWEEP_MIN: usize = 1_024;

/// The gate of a door.
pub(crate) struct Gate {
    is_locked: AtomicBool,
    bans: ArcSwap<Vec<Ban>>,
    inside: watch::Sender<usize>,
    visitors: Mutex<Visitors>,
    pub(crate) refused: Refused,
}

/// The addresses that limits concern.
struct Visitors {
    of: HashMap<IpAddr, Visitor>,
    /// How many there may be before it is time to sweep.
    sweep_at: usize,
}

/// What is known of one address.
#[derive(Default)]
struct Visitor {
    inside: usize,
    arrivals: Bucket,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate {
            is_locked: AtomicBool::new(false),
            bans: ArcSwap::default(),
            inside: watch::Sender::new(0),
            visitors: Mutex::new(Visitors {
                of: HashMap::new(),
                sweep_at: SWEEP_MIN,
            }),
            refused: Refused::default(),
        }
    }
}

impl Gate {
    /// Lets a client from this address in, until its pass is dropped; or says why not, and counts it.
    pub(crate) fn enter(
        self: &Arc<Gate>,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<Pass, Refusal> {
        let entered = self.judge(address, limits);
        if let Err(refusal) = &entered {
            self.refused.count(refusal);
        }
        entered
    }

    fn judge(self: &Arc<Gate>, address: IpAddr, limits: &Limits) -> Result<Pass, Refusal> {
        if self.is_locked() {
            return Err(Refusal::Locked);
        }
        self.ban_of_address(address)?;
        let home = limits
            .concern(address.to_canonical())
            .then(|| home(address));
        if let Some(home) = home {
            self.visitors().admit(home, limits, Instant::now())?;
        }
        let pass = Pass {
            gate: self.clone(),
            home,
        };
        let is_full = self.inside() >= limits.clients;
        self.inside.send_modify(|inside| *inside += 1);
        // A pass that is dropped takes all of it back.
        if is_full {
            Err(Refusal::Full)
        } else {
            Ok(pass)
        }
    }

    /// Whether this address may be here.
    pub(crate) fn ban_of_address(&self, address: IpAddr) -> Result<(), Refusal> {
        match self.ban(|ban| ban.is_of_address(address)) {
            Some(Ban { until, .. }) => Err(Refusal::Address { until }),
            None => Ok(()),
        }
    }

    /// Whether a hero of this name may.
    pub(crate) fn ban_of_name(&self, name: &str) -> Result<(), Refusal> {
        let likeness = Likeness::of(name);
        match self.ban(|ban| ban.is_of_name(&likeness)) {
            Some(Ban { until, .. }) => {
                let name = name.to_string();
                Err(Refusal::Name { name, until })
            }
            None => Ok(()),
        }
    }

    fn ban(&self, is_meant: impl Fn(&Ban) -> bool) -> Option<Ban> {
        let now = SystemTime::now();
        let bans = self.bans.load();
        let mut in_force = bans.iter().filter(|ban| ban.holds(now));
        in_force.find(|ban| is_meant(ban)).cloned()
    }

    /// From now on these are banned, and nobody else.
    pub(crate) fn set_bans(&self, bans: Vec<Ban>) {
        self.bans.store(Arc::new(bans));
    }

    pub(crate) fn lock(&self, locked: bool) {
        self.is_locked.store(locked, Ordering::Relaxed);
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.is_locked.load(Ordering::Relaxed)
    }

    /// How many are in.
    pub(crate) fn inside(&self) -> usize {
        *self.inside.borrow()
    }

    /// Waits until nobody is in, at most so long.
    pub(crate) async fn empty(&self, limit: Duration) {
        let mut inside = self.inside.subscribe();
        // Past the limit whoever is left is cut off with the program: nothing more can be done for them.
        let _ = timeout(limit, inside.wait_for(|inside| *inside == 0)).await;
    }

    /// Nothing that holds the lock can panic halfway, so a poisoned one is as good as any.
    fn visitors(&self) -> MutexGuard<'_, Visitors> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visitors {
    fn admit(&mut self, home: IpAddr, limits: &Limits, now: Instant) -> Result<(), Refusal> {
        if self.of.len() >= self.sweep_at {
            self.sweep(now);
        }
        let visitor = self.of.entry(home).or_default();
        let arrivals = visitor.arrivals.take(limits.arrivals, now);
        arrivals.map_err(|_| Refusal::Arrivals)?;
        if visitor.inside >= limits.per_address {
            return Err(Refusal::PerAddress(limits.per_address));
        }
        visitor.inside += 1;
        Ok(())
    }

    /// Forgets who is as good as new. What is left came within the last seconds, or is in.
    fn sweep(&mut self, now: Instant) {
        self.of
            .retain(|_, visitor| visitor.inside > 0 || !visitor.arrivals.is_calm(now));
        self.sweep_at = SWEEP_MIN.max(2 * self.of.len());
    }
}

/// Whose limits count for an address: its own, and for IPv6 those of its /64, of which one home has all.
fn home(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let net = u128::from(v6) >> 64 << 64;
            Ipv6Addr::from(net).into()
        }
        v4 => v4,
    }
}

/// A client is in, as long as it lasts.
pub(crate) struct Pass {
    gate: Arc<Gate>,
    /// The address that limits are counted for.
    home: Option<IpAddr>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(home) = self.home
            && let Some(visitor) = self.gate.visitors().of.get_mut(&home)
        {
            visitor.inside -= 1;
        }
        self.gate.inside.send_modify(|inside| *inside -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban::Whom;
    use crate::limits::Rate;

    fn limits() -> Limits {
        Limits {
            clients: 5,
            per_address: 2,
            arrivals: Rate::new(1, 3),
            ..Limits::default()
        }
    }

    fn enter(gate: &Arc<Gate>, address: &str) -> Result<Pass, Refusal> {
        gate.enter(address.parse().unwrap(), &limits())
    }

    fn word(entered: Result<Pass, Refusal>) -> &'static str {
        entered.err().map_or("in", |refusal| refusal.word())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_so_many_places_and_others_have_their_own() {
        let gate = Arc::new(Gate::default());
        let first = enter(&gate, "10.0.0.1").unwrap();
        let _second = enter(&gate, "10.0.0.1").unwrap();
        assert_eq!(word(enter(&gate, "10.0.0.1")), "per_address");
        assert_eq!(word(enter(&gate, "10.0.0.2")), "in");
        drop(first);
        assert_eq!(word(enter(&gate, "10.0.0.1")), "arrivals");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(word(enter(&gate, "::ffff:10.0.0.1")), "in");
        assert_eq!(gate.inside(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_home_of_ipv6_is_one_address() {
        let gate = Arc::new(Gate::default());
        let _in = ["2001:db8::1", "2001:db8::2"].map(|address| enter(&gate, address).unwrap());
        assert_eq!(word(enter(&gate, "2001:db8::3")), "per_address");
        assert_eq!(word(enter(&gate, "2001:db8:0:1::3")), "in");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_game_lets_in_who_comes_when_somebody_has_left() {
        let gate = Arc::new(Gate::default());
        let mut inside: Vec<Pass> = (0..5).map(|_| enter(&gate, "127.0.0.1").unwrap()).collect();
        assert_eq!(word(enter(&gate, "127.0.0.1")), "full");
        inside.pop();
        inside.push(enter(&gate, "127.0.0.1").unwrap());
        assert_eq!(gate.inside(), 5);
        drop(inside);
        gate.empty(Duration::ZERO).await;
        assert_eq!(gate.inside(), 0);
        let full = gate.refused.counts().find(|(word, _)| *word == "full");
        assert_eq!(full, Some(("full", 1)));
    }

    #[test]
    fn locked_and_banned_are_told_apart() {
        let gate = Arc::new(Gate::default());
        let until = Some(SystemTime::now() + Duration::from_secs(60));
        gate.set_bans(vec![
            Ban {
                whom: Whom::Net("10.0.0.0/8".parse().unwrap()),
                until,
            },
            Ban {
                whom: Whom::Name(Likeness::of("Ann")),
                until: Some(SystemTime::UNIX_EPOCH),
            },
        ]);
        assert_eq!(
            enter(&gate, "10.9.9.9").err(),
            Some(Refusal::Address { until })
        );
        assert_eq!(gate.ban_of_name("Ann"), Ok(()));
        gate.lock(true);
        assert_eq!(word(enter(&gate, "10.9.9.9")), "locked");
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_have_gone_are_forgotten() {
        let gate = Arc::new(Gate::default());
        let come = |n: usize| {
            let address = Ipv6Addr::from((n as u128) << 64);
            drop(gate.enter(address.into(), &limits()));
        };
        (0..SWEEP_MIN).for_each(come);
        tokio::time::advance(Duration::from_secs(60)).await;
        come(SWEEP_MIN);
        assert_eq!(gate.visitors().of.len(), 1);
    }
}
