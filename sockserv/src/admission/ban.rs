//! Bans: addresses, networks and names of avatars that are refused, until a time or for ever.
//!
//! The operator sets and stores the bans, with author and reason (`Door::set_bans`); the door only checks them.

use std::net::IpAddr;
use std::time::SystemTime;

use ipnet::IpNet;
use regis_confusable::Likeness;

/// The subject of a ban.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whom {
    /// All addresses of a network; a single address is a network of its own.
    Net(IpNet),
    /// An avatar's name, in any case of its letters, and each name that looks similar.
    Name(Likeness),
}

/// A ban, as the gate checks it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ban {
    /// The banned network or name.
    pub whom: Whom,
    /// The end of the ban; `None` for a ban without an end.
    pub until: Option<SystemTime>,
}

impl Ban {
    /// Whether the ban is in force at this time.
    pub fn holds(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether the ban covers this address.
    pub fn is_of_address(&self, address: IpAddr) -> bool {
        // A socket for both families reports an IPv4 client with an IPv6 address.
        matches!(self.whom, Whom::Net(net) if net.contains(&address.to_canonical()))
    }

    /// Whether the ban covers the avatar with this name.
    pub fn is_of_name(&self, name: &Likeness) -> bool {
        matches!(&self.whom, Whom::Name(banned) if banned.is_like(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(whom: Whom) -> Ban {
        Ban { whom, until: None }
    }

    #[test]
    fn a_network_has_its_addresses_in_either_family() {
        let ban = ban(Whom::Net("10.1.0.0/16".parse().unwrap()));
        let is_of = |text: &str| ban.is_of_address(text.parse().unwrap());
        assert!(is_of("10.1.2.3") && is_of("::ffff:10.1.2.3"));
        assert!(!is_of("10.2.0.1") && !is_of("::1"));
        assert!(!ban.is_of_name(&Likeness::of("10.1.2.3")));
    }

    #[test]
    fn a_name_is_banned_in_any_case_and_in_letters_that_look_like_its_own() {
        let ban = ban(Whom::Name(Likeness::of("Ünn")));
        let is_of = |name: &str| ban.is_of_name(&Likeness::of(name));
        for name in [
            "üNN ",
            "U\u{308}nn",
            "Ünn\u{fe0f}",
            "Ｕ\u{308}ｎｎ",
            "Ün\u{3164}n",
        ] {
            assert!(is_of(name), "{name:?}");
        }
        assert!(!is_of("Ann") && !is_of("Unn"));
    }

    #[test]
    fn a_ban_holds_until_its_end() {
        let now = SystemTime::now();
        let whom = Whom::Name(Likeness::of("Ann"));
        let until = |until| Ban {
            whom: whom.clone(),
            until,
        };
        assert!(until(None).holds(now));
        assert!(!until(Some(now)).holds(now));
        assert!(until(Some(now + std::time::Duration::from_secs(1))).holds(now));
    }
}
