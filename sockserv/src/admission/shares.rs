//! The division of the process's file descriptors, so that clients cannot take the last one: operators' connections,
//! libraries and files need descriptors, too.

use rustix::process::{Resource, getrlimit};

/// The number of descriptors that the node keeps for itself: operators (32), libraries and their memory files, registers, the
/// history, listeners, and the files of an upgrade. A running node uses about 30.
const RESERVE: usize = 128;

/// The maximum number of connections that load the page. A browser makes six, and a class of a hundred opens the page in
/// the same minute.
const VISITS_MAX: usize = 1_024;

/// The maximum number of refused clients that are told the reason at the same time. In a flood the others are told
/// nothing: each sentence holds a descriptor until its client has read it.
const TURNED_AWAY_MAX: usize = 256;

/// The maximum number of connections of proxies that have not sent their header yet. A proxy sends it first.
const ARRIVING_MAX: usize = 256;

/// The numbers of descriptors for each purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares {
    /// The limit of the process (`RLIMIT_NOFILE`).
    pub descriptors: usize,
    /// Clients that play: an upper bound for [`crate::Limits::clients`].
    pub clients: usize,
    /// Connections that load the page.
    pub visits: usize,
    /// Refused clients that are being told the reason.
    pub turned_away: usize,
    /// Connections of proxies whose client is not known yet.
    pub arriving: usize,
    /// Descriptors that no connection of players gets.
    pub reserve: usize,
}

impl Shares {
    /// Divides so many descriptors.
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

    /// Divides the descriptors that this process may have now.
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
