//! The gate: decides about each arrival, before the node spends resources on it.
//!
//! ```text
//!   a client ─► locked? ─► banned? ─► limits of its networks? ─► full? ─► too many avatars abandoned? ─► a pass
//!   a visit (a connection that loads the page) ─► banned? ─► limits of its networks? ─► a pass
//! ```
//! Limits count per network. For IPv4 it is an address, for IPv6 the /64 of a home and the networks around it:
//!
//! | network | multiple of [`Limits::per_address`] and [`Limits::arrivals`] | typical owner |
//! |---|---|---|
//! | an address of IPv4, a /64 | 1 × | a home |
//! | /56 | 2 × | a home with a network for guests; 256 subscribers of a phone network |
//! | /48 | 8 × | an office, a tunnel broker's customer |
//!
//! The gate knows addresses and counters. `door` has the sockets, `refused` the sentences.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use parking_lot::Mutex;
use regis_confusable::Likeness;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::admission::avatars::Avatars;
use crate::admission::ban::Ban;
use crate::admission::refused::{Refusal, Refused};
use crate::admission::seldom::seldom;
use crate::settings::game::Noun;
use crate::settings::limits::{Bucket, Limits, Rate};

/// The number of known networks from which on networks without clients and without debt are forgotten.
const SWEEP_MIN: usize = 1_024;

/// The checked networks of IPv6 around an address, the smallest first: prefix length, and factor of the limits.
const NETWORKS: [(u8, u32); 3] = [(64, 1), (56, 2), (48, 8)];

/// The number of connections that a browser opens to one server: one client counts as so many visits.
const CONNECTIONS_OF_BROWSER: u32 = 6;

/// The gate of a door: its bans, limits and counters.
pub(crate) struct Gate {
    is_locked: AtomicBool,
    bans: ArcSwap<Vec<Ban>>,
    inside: watch::Sender<usize>,
    ledger: Mutex<Ledger>,
    avatars: Arc<Avatars>,
    pub(crate) refused: Refused,
}

/// The counters of the known networks.
struct Ledger {
    of: HashMap<IpNet, Account>,
    /// The number of networks at which the next sweep is due.
    sweep_at: usize,
}

/// A network whose limits apply to an address.
struct Network {
    net: IpNet,
    /// The factor of the limits: the number of addresses that the network counts as.
    addresses: u32,
}

/// The counters of one network.
#[derive(Default)]
struct Account {
    clients: Share,
    visits: Share,
}

/// The counters of one network for one kind of arrivals.
#[derive(Default)]
struct Share {
    inside: usize,
    arrivals: Bucket,
}

/// The kind of an arrival; each kind has its own counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A connection whose client wants to play.
    Client,
    /// A connection that loads the page.
    Visit,
}

impl Kind {
    fn share(self, account: &mut Account) -> &mut Share {
        match self {
            Kind::Client => &mut account.clients,
            Kind::Visit => &mut account.visits,
        }
    }

    /// The maximum number of connections, and their maximum rate, for a network that counts as so many addresses.
    fn limits(self, limits: &Limits, addresses: u32) -> (usize, Rate) {
        let factor = match self {
            Kind::Client => addresses,
            Kind::Visit => addresses.saturating_mul(CONNECTIONS_OF_BROWSER),
        };
        let max = limits.per_address.saturating_mul(factor as usize);
        (max, limits.arrivals.times(factor))
    }
}

impl Gate {
    /// A gate that limits the abandoned ones of these avatars.
    pub(crate) fn new(avatars: Arc<Avatars>) -> Gate {
        Gate {
            is_locked: AtomicBool::new(false),
            bans: ArcSwap::default(),
            inside: watch::Sender::new(0),
            ledger: Mutex::new(Ledger {
                of: HashMap::new(),
                sweep_at: SWEEP_MIN,
            }),
            avatars,
            refused: Refused::default(),
        }
    }

    /// The counter of avatars whose numbers the gate limits.
    pub(crate) fn avatars(&self) -> &Arc<Avatars> {
        &self.avatars
    }

    /// Admits a client from this address until its pass is dropped; or counts and returns the refusal.
    pub(crate) fn enter(
        self: &Arc<Gate>,
        address: IpAddr,
        limits: &Limits,
        noun: &Noun,
    ) -> Result<Pass, Refusal> {
        self.counted(self.judge(address, limits, noun))
    }

    /// Admits a connection that loads the page. The caller checks whether a slot is free.
    pub(crate) fn visit(
        self: &Arc<Gate>,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<Pass, Refusal> {
        let admitted = self.ban_of_address(address);
        self.counted(admitted.and_then(|()| self.admit(Kind::Visit, address, limits)))
    }

    /// Whether a visitor at this address may load one more file over the connection of a proxy.
    pub(crate) fn ask(&self, address: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let admitted = self.ban_of_address(address).and_then(|()| {
            let networks = networks(address, limits);
            self.ledger.lock().arrive(Kind::Visit, &networks, limits)
        });
        self.counted(admitted)
    }

    fn counted<T>(&self, judged: Result<T, Refusal>) -> Result<T, Refusal> {
        judged.inspect_err(|refusal| self.refused.count(refusal))
    }

    fn judge(
        self: &Arc<Gate>,
        address: IpAddr,
        limits: &Limits,
        noun: &Noun,
    ) -> Result<Pass, Refusal> {
        if self.is_locked() {
            return Err(Refusal::Locked);
        }
        self.ban_of_address(address)?;
        let pass = self.admit(Kind::Client, address, limits)?;
        // When the pass is dropped, all counters are taken back.
        if self.inside() > limits.clients {
            return Err(Refusal::Full);
        }
        let abandoned = self.avatars.abandoned();
        if limits.abandoned.is_some_and(|max| abandoned >= max) {
            seldom!(
                warn,
                abandoned,
                "no client is admitted: the limit of abandoned avatars is reached; `pq end-avatar --abandoned` ends them"
            );
            return Err(Refusal::Abandoned(noun.many.clone()));
        }
        Ok(pass)
    }

    fn admit(
        self: &Arc<Gate>,
        kind: Kind,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<Pass, Refusal> {
        let networks = networks(address, limits);
        self.ledger.lock().admit(kind, &networks, limits)?;
        if kind == Kind::Client {
            self.inside.send_modify(|inside| *inside += 1);
        }
        Ok(Pass {
            gate: self.clone(),
            kind,
            networks: networks.into_iter().map(|network| network.net).collect(),
        })
    }

    /// Checks whether this address is banned.
    pub(crate) fn ban_of_address(&self, address: IpAddr) -> Result<(), Refusal> {
        match self.ban(|ban| ban.is_of_address(address)) {
            Some(Ban { until, .. }) => Err(Refusal::Address { until }),
            None => Ok(()),
        }
    }

    /// Checks whether an avatar's name is banned.
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

    /// Replaces all bans by these.
    pub(crate) fn set_bans(&self, bans: Vec<Ban>) {
        self.bans.store(Arc::new(bans));
    }

    pub(crate) fn lock(&self, locked: bool) {
        self.is_locked.store(locked, Ordering::Relaxed);
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.is_locked.load(Ordering::Relaxed)
    }

    /// The number of admitted clients.
    pub(crate) fn inside(&self) -> usize {
        *self.inside.borrow()
    }

    /// Waits until no client is left, at most for `limit`.
    pub(crate) async fn empty(&self, limit: Duration) {
        let mut inside = self.inside.subscribe();
        // After the limit the remaining clients lose their connection when the program ends.
        let _ = timeout(limit, inside.wait_for(|inside| *inside == 0)).await;
    }
}

impl Ledger {
    /// Counts an admitted connection in all of these networks, or refuses it and counts it in none.
    fn admit(&mut self, kind: Kind, networks: &[Network], limits: &Limits) -> Result<(), Refusal> {
        self.arrive(kind, networks, limits)?;
        for Network { net, addresses } in networks {
            let (max, _) = kind.limits(limits, *addresses);
            let share = kind.share(self.of.entry(*net).or_default());
            if share.inside >= max {
                return Err(too_many(*net, max));
            }
        }
        for Network { net, .. } in networks {
            kind.share(self.of.entry(*net).or_default()).inside += 1;
        }
        Ok(())
    }

    /// Counts an arrival, unless its networks exceed their rate. A refused arrival creates no entries: a /48 has so many /64
    /// that their entries would fill the memory.
    fn arrive(&mut self, kind: Kind, networks: &[Network], limits: &Limits) -> Result<(), Refusal> {
        let now = Instant::now();
        if self.of.len() >= self.sweep_at {
            self.sweep(now);
        }
        let rate = |addresses| kind.limits(limits, addresses).1;
        for Network { net, addresses } in networks {
            let known = self.of.get_mut(net).map(|account| kind.share(account));
            if known.is_some_and(|share| !share.arrivals.wait(rate(*addresses), now).is_zero()) {
                return Err(Refusal::Arrivals);
            }
        }
        for Network { net, addresses } in networks {
            let share = kind.share(self.of.entry(*net).or_default());
            share.arrivals.owe(rate(*addresses).interval(), now);
        }
        Ok(())
    }

    fn leave(&mut self, kind: Kind, networks: &[IpNet]) {
        for net in networks {
            if let Some(account) = self.of.get_mut(net) {
                kind.share(account).inside -= 1;
            }
        }
    }

    /// Removes entries that equal new ones. The rest had an arrival within the last seconds, or has a connection.
    fn sweep(&mut self, now: Instant) {
        let is_new = |share: &Share| share.inside == 0 && share.arrivals.is_calm(now);
        self.of
            .retain(|_, account| !(is_new(&account.clients) && is_new(&account.visits)));
        self.sweep_at = SWEEP_MIN.max(2 * self.of.len());
    }
}

/// The networks whose limits apply to an address; none for an exempt address.
fn networks(address: IpAddr, limits: &Limits) -> Vec<Network> {
    let address = address.to_canonical();
    let around = |length: u8| IpNet::new(address, length).map(|net| net.trunc());
    match address {
        _ if !limits.concern(address) => Vec::new(),
        IpAddr::V4(_) => vec![Network {
            net: IpNet::from(address),
            addresses: 1,
        }],
        IpAddr::V6(_) => NETWORKS
            .into_iter()
            .filter_map(|(length, addresses)| {
                let net = around(length).ok()?;
                Some(Network { net, addresses })
            })
            .collect(),
    }
}

/// The refusal for too many connections from this network.
fn too_many(net: IpNet, max: usize) -> Refusal {
    match net.prefix_len() {
        ..64 if net.network().is_ipv6() => Refusal::PerNetwork { net, max },
        _ => Refusal::PerAddress(max),
    }
}

/// The admission of a client or a visit; dropping the pass ends it.
pub(crate) struct Pass {
    gate: Arc<Gate>,
    kind: Kind,
    /// The networks in which the connection is counted.
    networks: Box<[IpNet]>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.ledger.lock().leave(self.kind, &self.networks);
        if self.kind == Kind::Client {
            self.gate.inside.send_modify(|inside| *inside -= 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::admission::ban::Whom;
    use crate::settings::limits::Rate;

    fn limits() -> Limits {
        Limits {
            clients: 5,
            per_address: 2,
            arrivals: Rate::new(1, 3),
            ..Limits::default()
        }
    }

    fn gate() -> Arc<Gate> {
        Arc::new(Gate::new(Arc::default()))
    }

    fn enter(gate: &Arc<Gate>, address: &str) -> Result<Pass, Refusal> {
        gate.enter(address.parse().unwrap(), &limits(), &Noun::default())
    }

    fn word(entered: Result<Pass, Refusal>) -> &'static str {
        entered.err().map_or("in", |refusal| refusal.word())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_so_many_places_and_others_have_their_own() {
        let gate = gate();
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
        let gate = gate();
        let _in = ["2001:db8::1", "2001:db8::2"].map(|address| enter(&gate, address).unwrap());
        assert_eq!(word(enter(&gate, "2001:db8::3")), "per_address");
        assert_eq!(word(enter(&gate, "2001:db8:0:1::3")), "in");
    }

    #[tokio::test(start_paused = true)]
    async fn a_site_of_ipv6_has_eight_times_the_share_of_a_home_and_its_neighbour_its_own() {
        let gate = gate();
        let limits = Limits {
            clients: 10_000,
            arrivals: Rate::new(100_000, 100_000),
            ..limits()
        };
        let mut inside = Vec::new();
        // 100 parts of a /48 with 32 homes each, and in each home the maximum number of addresses.
        for (part, home, one) in (0..100)
            .flat_map(|part| (0..32).flat_map(move |home| (0..3).map(move |one| (part, home, one))))
        {
            let address = format!("2001:db8:1:{:x}::{one}", part << 8 | home);
            inside.extend(gate.enter(address.parse().unwrap(), &limits, &Noun::default()));
        }
        assert_eq!(inside.len(), 16);
        let from = |address: &str| gate.enter(address.parse().unwrap(), &limits, &Noun::default());
        let told = from("2001:db8:1:ffff::1").err().unwrap();
        let sentence = "Too many connections come from your network 2001:db8:1::/48: at most 16.";
        assert_eq!(told.to_string(), sentence);
        let of_part = from("2001:db8:1:5::1").err().unwrap();
        assert!(of_part.to_string().contains("2001:db8:1::/56: at most 4."));
        assert_eq!(word(from("2001:db8:2::1")), "in");
        inside.clear();
        assert_eq!(word(from("2001:db8:1:ffff::1")), "in");
        assert_eq!(gate.inside(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_site_of_ipv6_does_not_arrive_more_often_because_it_has_many_homes() {
        let gate = gate();
        let arrives = |n: u32| {
            let address = format!("2001:db8:1:{n:x}::1").parse().unwrap();
            gate.enter(address, &limits(), &Noun::default()).is_ok()
        };
        // The whole burst: three for each address that a /48 counts as.
        assert_eq!((0..65_536).filter(|n| arrives(*n)).count(), 24);
        assert!(gate.ledger.lock().of.len() < 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_browser_loads_the_page_with_six_connections_and_plays_besides() {
        let gate = gate();
        let visit = || gate.visit("10.0.0.1".parse().unwrap(), &limits());
        let visits: Vec<Pass> = (0..12).map(|_| visit().unwrap()).collect();
        assert_eq!(word(visit()), "per_address");
        assert_eq!(word(enter(&gate, "10.0.0.1")), "in");
        assert_eq!(gate.inside(), 0);
        drop(visits);
        let asks = || gate.ask("10.0.0.1".parse().unwrap(), &limits());
        // Of the eighteen that may come at once, thirteen have come.
        assert_eq!((0..10).filter(|_| asks().is_ok()).count(), 5);
        assert_eq!(asks(), Err(Refusal::Arrivals));
        let net = Whom::Net("10.0.0.0/8".parse().unwrap());
        let until = None;
        gate.set_bans(vec![Ban { whom: net, until }]);
        assert_eq!(word(visit()), "banned_address");
        assert_eq!(asks(), Err(Refusal::Address { until }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_game_lets_in_who_comes_when_somebody_has_left() {
        let gate = gate();
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
        let gate = gate();
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
        let gate = gate();
        let come = |n: usize| {
            let address = Ipv6Addr::from((n as u128) << 80);
            drop(gate.enter(address.into(), &limits(), &Noun::default()));
        };
        for minute in 0..5 {
            (0..SWEEP_MIN).for_each(|n| come(minute * SWEEP_MIN + n));
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        // The arrivals of one minute, and the entries that existed at the time of the sweep.
        let known = gate.ledger.lock().of.len();
        assert!(known <= 2 * SWEEP_MIN * NETWORKS.len(), "{known}");
    }
}
