//! Limits on guesses: wrong words count for their name and for the address of the client, and are forgiven with time.
//!
//! A guess counts from its begin, so many guesses at the same moment do not slip through; the right word takes its own
//! guess back.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The limit of one kind of guesses.
struct Limit {
    /// The wrong guesses that count at most.
    max: u32,
    /// The time after which one of them is forgiven.
    forgives_after: Duration,
}

/// Wrong words for one name. A player who has forgotten a word tries some, and an attacker gets 1 440 a day.
const OF_NAME: Limit = Limit {
    max: 10,
    forgives_after: Duration::from_secs(60),
};

/// Wrong words from one address, or one /64 of IPv6. Several players may share it.
const OF_ADDRESS: Limit = Limit {
    max: 20,
    forgives_after: Duration::from_secs(30),
};

/// The names, and the addresses, that are remembered. Beyond it the one with the fewest wrong guesses goes.
const REMEMBERED_MAX: usize = 4_096;

/// The wrong guesses of all names and addresses.
#[derive(Default)]
pub struct Guesses {
    names: Mutex<Counted<String>>,
    addresses: Mutex<Counted<IpAddr>>,
}

/// A guess that has begun. It counts as wrong until [`Guesses::take_back`] takes it.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub struct Guess {
    name: String,
    address: IpAddr,
}

impl Guesses {
    /// Begins a guess. `None` when too many were wrong for this name, or from this address.
    pub fn begin(&self, name: &str, address: IpAddr, now: Instant) -> Option<Guess> {
        let guess = Guess {
            name: name.to_string(),
            address: network(address),
        };
        if !self.addresses.lock().add(&guess.address, &OF_ADDRESS, now) {
            return None;
        }
        match self.names.lock().add(&guess.name, &OF_NAME, now) {
            true => Some(guess),
            false => {
                self.addresses.lock().take_back(&guess.address);
                None
            }
        }
    }

    /// The guess does not count: it was right, or nobody has compared it.
    pub fn take_back(&self, guess: &Guess) {
        self.names.lock().take_back(&guess.name);
        self.addresses.lock().take_back(&guess.address);
    }
}

/// Wrong guesses by their key.
struct Counted<K>(HashMap<K, Wrong>);

impl<K> Default for Counted<K> {
    fn default() -> Counted<K> {
        Counted(HashMap::new())
    }
}

/// The wrong guesses that count, and the time from which the next is forgiven.
struct Wrong {
    count: u32,
    since: Instant,
}

impl Wrong {
    fn forgive(&mut self, limit: &Limit, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_millis();
        let forgiven = passed / limit.forgives_after.as_millis();
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        if forgiven >= self.count {
            (self.count, self.since) = (0, now);
        } else {
            self.count -= forgiven;
            self.since += limit.forgives_after * forgiven;
        }
    }
}

impl<K: Clone + Eq + Hash> Counted<K> {
    /// Counts one more guess, unless the limit is reached.
    fn add(&mut self, key: &K, limit: &Limit, now: Instant) -> bool {
        if !self.0.contains_key(key) {
            self.make_room(limit, now);
        }
        let new = Wrong {
            count: 0,
            since: now,
        };
        let wrong = self.0.entry(key.clone()).or_insert(new);
        wrong.forgive(limit, now);
        let has_room = wrong.count < limit.max;
        wrong.count += u32::from(has_room);
        has_room
    }

    fn take_back(&mut self, key: &K) {
        if let Some(wrong) = self.0.get_mut(key) {
            wrong.count = wrong.count.saturating_sub(1);
        }
    }

    fn make_room(&mut self, limit: &Limit, now: Instant) {
        if self.0.len() < REMEMBERED_MAX {
            return;
        }
        self.0.retain(|_, wrong| {
            wrong.forgive(limit, now);
            wrong.count > 0
        });
        let least = self.0.iter().min_by_key(|(_, wrong)| wrong.count);
        if let Some(key) = least.map(|(key, _)| key.clone())
            && self.0.len() >= REMEMBERED_MAX
        {
            self.0.remove(&key);
        }
    }
}

/// The network that one player has: an address of IPv4, or a /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// Guesses until one is refused; returns how many were not.
    fn wrong(
        guesses: &Guesses,
        mut guess: impl FnMut(u32) -> (String, IpAddr),
        now: Instant,
    ) -> u32 {
        let mut began = |number: &u32| {
            let (name, address) = guess(*number);
            guesses.begin(&name, address, now).is_some()
        };
        (0..1_000).take_while(|number| began(number)).count() as u32
    }

    #[test]
    fn a_name_is_guessed_ten_times_from_anywhere_and_once_a_minute_after_that() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let ann = |number: u32| ("ann".to_string(), address(number as u8));
        assert_eq!(wrong(&guesses, ann, now), OF_NAME.max);
        let later = now + OF_NAME.forgives_after * 3;
        assert_eq!(wrong(&guesses, ann, later), 3);
        assert_eq!(wrong(&guesses, ann, later), 0);
        let bob = |_| ("bob".to_string(), address(1));
        assert_eq!(wrong(&guesses, bob, later), OF_NAME.max);
    }

    #[test]
    fn an_address_guesses_twenty_times_at_any_names() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let from = |text: &'static str| {
            move |number: u32| (format!("name {number}"), text.parse().unwrap())
        };
        let one = "2001:db8::1";
        assert_eq!(wrong(&guesses, from(one), now), OF_ADDRESS.max);
        assert_eq!(
            wrong(&guesses, from("2001:db8::ffff"), now),
            0,
            "the same network"
        );
        assert_eq!(
            wrong(&guesses, from("2001:db8:0:1::1"), now),
            OF_ADDRESS.max
        );
    }

    #[test]
    fn the_right_word_does_not_count() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for _ in 0..100 {
            let guess = guesses.begin("ann", address(1), now).unwrap();
            guesses.take_back(&guess);
        }
    }

    #[test]
    fn a_guess_that_is_refused_for_its_name_does_not_count_for_its_address() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let ann = |_| ("ann".to_string(), address(1));
        assert_eq!(wrong(&guesses, ann, now), OF_NAME.max);
        assert_eq!(wrong(&guesses, ann, now), 0);
        let others = |number| (format!("name {number}"), address(1));
        assert_eq!(wrong(&guesses, others, now), OF_ADDRESS.max - OF_NAME.max);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_keeps_the_worst() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let ann = |number: u32| ("ann".to_string(), address(number as u8));
        assert_eq!(wrong(&guesses, ann, now), OF_NAME.max);
        for number in 0..2 * REMEMBERED_MAX as u32 {
            let from: IpAddr = number.to_be_bytes().into();
            let _ = guesses.begin(&format!("name {number}"), from, now);
        }
        assert!(guesses.names.lock().0.len() <= REMEMBERED_MAX);
        assert!(guesses.addresses.lock().0.len() <= REMEMBERED_MAX);
        assert_eq!(wrong(&guesses, ann, now), 0);
    }
}
