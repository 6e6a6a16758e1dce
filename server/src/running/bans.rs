//! `releases/bans.json`: the banned addresses, networks and names, with operator and end. Each change is sent to the
//! listeners before the next change is made, so admission needs no further lookup.
//!
//! Each change writes a new file beside the old file, syncs and renames it. After a crash the node has the bans from
//! before or after the change. Expired bans are left out of the new file.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use parking_lot::Mutex;
use pq_files::durable;
use pq_protocol::answer::Banned;
use pq_protocol::{Exit, Failure, Who};
use pq_term::printable_json;
use regis_confusable::Likeness;
use sockserv::{Ban, Whom};

use crate::clock::{parse_rfc3339, rfc3339};

/// The limit of the number of bans: admission compares each new client with all of them.
const BANS_MAX: usize = 10_000;

/// Replaces the bans at the listeners and returns the number of clients that were closed.
type Tell = Box<dyn Fn(Vec<Ban>) -> usize + Send + Sync>;

/// The bans of a running node.
pub(crate) struct Bans {
    file: PathBuf,
    all: Mutex<Vec<Banned>>,
    tell: Tell,
}

/// The differences after the file has been read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reread {
    pub(crate) added: usize,
    pub(crate) lifted: usize,
    /// The number of clients that were disconnected.
    pub(crate) closed: usize,
}

impl Bans {
    /// Reads the bans of this tree; `tell` sends each change to the listeners.
    ///
    /// # Errors
    /// Fails if the file exists and cannot be read: a node that would admit banned clients does not start.
    pub(crate) fn open(
        root: &Path,
        tell: impl Fn(Vec<Ban>) -> usize + Send + Sync + 'static,
    ) -> anyhow::Result<Bans> {
        let file = root.join("releases/bans.json");
        let all = read(&file).with_context(|| {
            format!(
                "failed to read the bans in {}: repair the file, or remove it to lift all bans",
                file.display()
            )
        })?;
        tell(of_door(&all));
        Ok(Bans {
            file,
            all: Mutex::new(all),
            tell: Box::new(tell),
        })
    }

    /// The bans in force, the oldest first.
    pub(crate) fn list(&self) -> Vec<Banned> {
        in_force(&self.all.lock())
    }

    /// Bans an address, a network or a name, for a time or without an end; the new ban replaces an older ban of the
    /// same text. Also returns the number of closed clients.
    pub(crate) fn ban(
        &self,
        who: &Who,
        whom: &str,
        span: Option<Duration>,
        text: Option<String>,
    ) -> Result<(Banned, u64), Failure> {
        is_somebody(whom)?;
        let now = SystemTime::now();
        let banned = Banned {
            whom: canonical(whom),
            since: rfc3339(now),
            until: span.map(|span| rfc3339(now + span)),
            who: who.to_string(),
            text,
        };
        let dismissed = self.change(&format!("ban {whom}"), |all| {
            all.retain(|other| !is_same(&other.whom, &banned.whom));
            all.push(banned.clone());
            match all.len() {
                ..=BANS_MAX => Ok(()),
                _ => Err(format!(
                    "the limit of {BANS_MAX} bans is reached; ban networks"
                )),
            }
        })?;
        Ok((banned, dismissed as u64))
    }

    /// Lifts the ban of an address, a network or a name.
    pub(crate) fn unban(&self, whom: &str) -> Result<(), Failure> {
        self.change(&format!("unban {whom}"), |all| {
            let before = all.len();
            all.retain(|banned| !is_same(&banned.whom, whom));
            match all.len() < before {
                true => Ok(()),
                false => Err("no such ban exists; `pq bans` lists the bans".to_string()),
            }
        })
        .map(|_| ())
    }

    /// Reads the file again, which an operator has edited.
    ///
    /// # Errors
    /// Fails if the file cannot be read, and then changes nothing.
    pub(crate) fn reread(&self) -> anyhow::Result<Reread> {
        let mut all = self.all.lock();
        let file = self.file.display();
        let fresh = read(&self.file).with_context(|| format!("failed to read {file}"))?;
        let without = |some: &[Banned], others: &[Banned]| {
            let is_new = |banned: &&Banned| {
                !others
                    .iter()
                    .any(|other| is_same(&other.whom, &banned.whom))
            };
            some.iter().filter(is_new).count()
        };
        let (added, lifted) = (without(&fresh, &all), without(&all, &fresh));
        *all = fresh;
        let closed = (self.tell)(of_door(&all));
        Ok(Reread {
            added,
            lifted,
            closed,
        })
    }

    /// Applies a change to the file, then to the memory, then to the listeners.
    fn change(
        &self,
        what: &str,
        change: impl FnOnce(&mut Vec<Banned>) -> Result<(), String>,
    ) -> Result<usize, Failure> {
        let fail = |exit, why: String| Failure::new(exit, format!("failed to {what}: {why}"));
        let mut all = self.all.lock();
        let mut changed = in_force(&all);
        change(&mut changed).map_err(|why| fail(Exit::Refused, why))?;
        write(&self.file, &changed).map_err(|error| {
            let why = format!(
                "write {}: {error}; nothing has changed",
                self.file.display()
            );
            fail(Exit::Refused, why)
        })?;
        *all = changed;
        // Under the lock: the listeners receive changes in the order of the changes.
        Ok((self.tell)(of_door(&all)))
    }
}

/// Converts the bans to those of the listeners.
fn of_door(all: &[Banned]) -> Vec<Ban> {
    let to_ban = |banned: &Banned| Ban {
        whom: whom(&banned.whom),
        until: until(banned),
    };
    all.iter().map(to_ban).collect()
}

fn in_force(all: &[Banned]) -> Vec<Banned> {
    let now = SystemTime::now();
    let holds = |banned: &&Banned| until(banned).is_none_or(|until| now < until);
    all.iter().filter(holds).cloned().collect()
}

/// The end of a ban. The node wrote the text itself, so it can be parsed.
fn until(banned: &Banned) -> Option<SystemTime> {
    banned
        .until
        .as_deref()
        .and_then(|until| parse_rfc3339(until).ok())
}

/// Parses an address or a network; any other text is a name.
fn whom(text: &str) -> Whom {
    let address = text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
    match text.parse().or(address) {
        Ok(net) => Whom::Net(net.trunc()),
        Err(_) => Whom::Name(Likeness::of(text)),
    }
}

/// Whether two texts mean the same address, network or name.
fn is_same(one: &str, other: &str) -> bool {
    match (whom(one), whom(other)) {
        (Whom::Name(one), Whom::Name(other)) => one.is_like(&other),
        (one, other) => one == other,
    }
}

/// Checks the text of a ban. A network with a typing error must not become the name of an avatar that nobody has.
fn is_somebody(text: &str) -> Result<(), Failure> {
    let is_of_address = |c: char| c.is_ascii_hexdigit() || ".:/".contains(c);
    let is_address = text.starts_with(|c: char| c == ':' || c.is_ascii_digit())
        && text.contains(['.', ':', '/'])
        && text.chars().all(is_of_address);
    let why = match whom(text) {
        Whom::Name(_) if is_address => "is neither an address nor a network",
        Whom::Name(name) if name == Likeness::of("") => "is no name",
        _ => return Ok(()),
    };
    let sentence = format!(
        "failed to ban {text}: the text {why}; examples are 192.0.2.7, 192.0.2.0/24 and 2001:db8::/32"
    );
    Err(Failure::new(Exit::Usage, sentence))
}

/// The canonical form: `10.1.2.3/8` is `10.0.0.0/8`, and a single address has no prefix length.
fn canonical(text: &str) -> String {
    match whom(text) {
        Whom::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Whom::Net(net) => net.to_string(),
        // A name stays as typed: its lower case in another script may look different.
        Whom::Name(_) => text.trim().to_string(),
    }
}

/// The limit of the file's size: several hundred thousand bans.
const BANS_BYTES_MAX: u64 = 64 << 20;

fn read(file: &Path) -> anyhow::Result<Vec<Banned>> {
    let text = match pq_files::read(file, BANS_BYTES_MAX) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let all: Vec<Banned> = serde_json::from_slice(&text)?;
    for banned in &all {
        let until = banned.until.as_deref().map(parse_rfc3339).transpose();
        until.with_context(|| format!("the end of the ban of {}", banned.whom))?;
    }
    Ok(all)
}

fn write(file: &Path, all: &[Banned]) -> io::Result<()> {
    let text = serde_json::to_string_pretty(all)?;
    let lines: Vec<_> = text.lines().map(printable_json).collect();
    let text = lines.join("\n") + "\n";
    Ok(durable::write_private(file, text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Rig {
        root: tempfile::TempDir,
        /// The bans that were last sent to the listeners.
        at_door: Arc<Mutex<Vec<Ban>>>,
    }

    impl Rig {
        fn new() -> Rig {
            let root = tempfile::tempdir().unwrap();
            std::fs::create_dir(root.path().join("releases")).unwrap();
            let at_door = Arc::default();
            Rig { root, at_door }
        }

        fn open(&self) -> Bans {
            let at_door = self.at_door.clone();
            let tell = move |bans: Vec<Ban>| {
                *at_door.lock() = bans;
                7
            };
            Bans::open(self.root.path(), tell).unwrap()
        }

        fn is_banned(&self, name: &str) -> bool {
            let at_door = self.at_door.lock();
            at_door
                .iter()
                .any(|ban| ban.is_of_name(&Likeness::of(name)))
        }
    }

    fn ann() -> Who {
        Who {
            uid: 1_000,
            user: Some("ann".to_string()),
            pid: None,
        }
    }

    fn whoms(bans: &Bans) -> Vec<String> {
        bans.list().into_iter().map(|banned| banned.whom).collect()
    }

    #[test]
    fn bans_are_there_after_a_restart_until_they_end() {
        let rig = Rig::new();
        let bans = rig.open();
        bans.ban(&ann(), "10.1.2.3/8", None, Some("bots".into()))
            .unwrap();
        bans.ban(&ann(), "Bob", Some(Duration::from_secs(60)), None)
            .unwrap();
        bans.ban(&ann(), "::1", Some(Duration::ZERO), None).unwrap();
        let again = rig.open();
        assert_eq!(whoms(&again), ["10.0.0.0/8", "Bob"]);
        assert_eq!(again.list(), bans.list());
        let of_door = rig.at_door.lock();
        assert!(of_door[0].is_of_address("10.9.9.9".parse().unwrap()));
        assert!(of_door[1].is_of_name(&Likeness::of("BOB")) && of_door[1].until.is_some());
    }

    #[test]
    fn a_ban_of_the_same_takes_the_place_of_the_one_before() {
        let rig = Rig::new();
        let bans = rig.open();
        bans.ban(&ann(), "10.0.0.1", None, None).unwrap();
        bans.ban(&ann(), "10.0.0.1/32", Some(Duration::from_secs(9)), None)
            .unwrap();
        assert_eq!(whoms(&bans), ["10.0.0.1"]);
        bans.unban("10.0.0.1").unwrap();
        assert_eq!(whoms(&rig.open()), [""; 0]);
        let failure = bans.unban("10.0.0.1").unwrap_err();
        assert_eq!(failure.exit, Exit::Refused);
        assert!(failure.sentence.contains("`pq bans`"), "{failure}");
    }

    #[test]
    fn the_door_is_told_of_each_change_that_was_made() {
        let rig = Rig::new();
        let bans = rig.open();
        let (_, dismissed) = bans.ban(&ann(), "Bob", None, None).unwrap();
        assert_eq!(dismissed, 7);
        assert!(rig.is_banned("Bob"));
        bans.unban("Eve").unwrap_err();
        assert!(rig.is_banned("Bob"));
        bans.unban("Ｂob").unwrap();
        assert!(!rig.is_banned("Bob"));
    }

    #[test]
    fn a_name_that_looks_like_a_banned_one_is_the_banned_one() {
        let rig = Rig::new();
        let bans = rig.open();
        bans.ban(&ann(), "Bob", None, None).unwrap();
        bans.ban(&ann(), "Воb\u{fe0f}", None, None).unwrap();
        assert_eq!(bans.list().len(), 1);
        assert!(rig.is_banned("bob") && rig.is_banned("BΟB"));
        let refused = bans
            .ban(&ann(), "\u{3164}\u{2800}", None, None)
            .unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
    }

    #[test]
    fn a_file_that_was_edited_is_read_again_and_a_spoiled_one_changes_nothing() {
        let rig = Rig::new();
        let bans = rig.open();
        bans.ban(&ann(), "Bob", None, None).unwrap();
        let file = rig.root.path().join("releases/bans.json");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("Bob", "Eve")).unwrap();
        let reread = bans.reread().unwrap();
        assert_eq!((reread.added, reread.lifted, reread.closed), (1, 1, 7));
        assert!(rig.is_banned("Eve") && !rig.is_banned("Bob"));
        std::fs::write(&file, "[").unwrap();
        let error = format!("{:#}", bans.reread().unwrap_err());
        assert!(error.contains("bans.json"), "{error}");
        assert!(rig.is_banned("Eve"));
    }

    #[test]
    fn a_file_that_is_no_list_of_bans_is_not_taken_for_an_empty_one() {
        let rig = Rig::new();
        let file = rig.root.path().join("releases/bans.json");
        std::fs::write(&file, "[{\"whom\": 1}]").unwrap();
        let error = Bans::open(rig.root.path(), |_| 0)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("bans.json: repair the file"), "{error}");
    }
}
