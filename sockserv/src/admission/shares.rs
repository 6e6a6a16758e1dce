//! How the descriptors of the process are shared, so that nobody who connects can take the last one: an operator's
//! connection, a library and a file need some, too.

use rustix::process::{Resource, getrlimit};

/// How many descriptors the node keeps for itself: operators (32), libraries and their memory files, registers, the history,
/// listeners, and what an upgrade opens. A node that runs has some thirty.
const RESERVE: usize = 128;

/// Connections that load the page, at most. A browser makes six, and a workshop of a hundred opens the page in the same
/// minute.
const VISITS_MAX: usize = 1_024;

/// Clients that are told at once why they may not come in, at most. In a flood the others are not told: each sentence
/// holds a descriptor until its client has read it.
const TURNED_AWAY_MAX: usize = 256;

/// Connections of proxies that have not said yet for whom they are, at most. It is the first thing that they send.
const ARRIVING_MAX: usize = 256;

/// How many descriptors are for whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares {
    /// All that the process may have.
    pub descriptors: usize,
    /// Clients that play. More than that are never let in, whatever [`crate::Limits::clients`] is.
    pub clients: usize,
    /// Connections that load the page.
    pub visits: usize,
    /// Clients that are being told why they may not come in.
    pub turned_away: usize,
    /// Connections of proxies whose client is not known yet.
    pub arriving: usize,
    /// What no connection of players gets.
    pub reserve: usize,
}

impl Shares {
    /// Of so many descriptors.
    pub fn of(descriptors: usize) -> Shares {
        let reserve = RESERVE.min(descriptors / 2);
        let free = descriptors - reserve;
        let share = |part: usize, max: usize| (free / part).clamp(1, max);
        let (visits, turned_away) = (share(8, VISITS_MAX), share(16, TURNED_AWAY_MAX));
        let arriving = share(16, ARRIVING_MAX);
        Shares {
            descriptors,
            clients: free.saturating_sub(visits + turned_away + arriving),
            visits,
            turned_away,
            arriving,
            reserve,
        }
    }

    /// Of those that this process may have now.
    pub fn of_this_process() -> Shares {
        let limit = getrlimit(Resource::Nofile).current;
        let unlimited = u32::MAX as usize;
        let limit = limit.map_or(unlimited, |limit| limit.min(unlimited as u64) as usize);
        Shares::of(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shares_together_leave_the_reserve() {
        for descriptors in [
            32,
            64,
            256,
            1_024,
            4_096,
            20_000,
            1 << 20,
            u32::MAX as usize,
        ] {
            let shares = Shares::of(descriptors);
            let all = shares.clients + shares.visits + shares.turned_away + shares.arriving;
            assert_eq!(all + shares.reserve, descriptors, "{shares:?}");
            assert!(shares.clients > descriptors / 4, "{shares:?}");
        }
        let shares = Shares::of(1_024);
        assert_eq!(
            (shares.clients, shares.visits, shares.turned_away),
            (672, 112, 56)
        );
        assert_eq!(Shares::of(1 << 20).visits, VISITS_MAX);
    }
}
