//! `releases/bans.json`: who may not come in, by whose word, until when. The door is told of each change before another
//! is made, and asks nobody.
//!
//! The file is written anew with each change: beside the one before, brought to the disk, renamed. A node that is
//! killed meanwhile has the bans from before or from after. What has ended is left out of the next one.

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

/// How many there may be: each client that comes is compared with all.
const BANS_MAX: usize = 10_000;

/// Tells the door who is banned from now on, and nobody else; how many clients it has closed because of it.
type Tell = Box<dyn Fn(Vec<Ban>) -> usize + Send + Sync>;

/// The bans of a node that runs.
pub(crate) struct Bans {
    file: PathBuf,
    all: Mutex<Vec<Banned>>,
    tell: Tell,
}

impl Bans {
    /// The bans of this tree, and of the door that is told of them.
    ///
    /// # Errors
    /// When there is a file that cannot be read. A node that would let in whom it has banned does not start.
    pub(crate) fn open(
        root: &Path,
        tell: impl Fn(Vec<Ban>) -> usize + Send + Sync + 'static,
    ) -> anyhow::Result<Bans> {
        let file = root.join("releases/bans.json");
        let all = read(&file).with_context(|| {
            format!(
                "failed to read the bans in {}: mend the file, or remove it to ban nobody",
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

    /// Those that are in force, the oldest first.
    pub(crate) fn list(&self) -> Vec<Banned> {
        in_force(&self.all.lock())
    }

    /// Bans somebody, for a time or for ever; a ban of the same before ends. Returns how many clients were closed, too.
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
                _ => Err(format!("there are {BANS_MAX} bans already; ban networks")),
            }
        })?;
        Ok((banned, dismissed as u64))
    }

    /// Ends a ban.
    pub(crate) fn unban(&self, whom: &str) -> Result<(), Failure> {
        self.change(&format!("unban {whom}"), |all| {
            let before = all.len();
            all.retain(|banned| !is_same(&banned.whom, whom));
            match all.len() < before {
                true => Ok(()),
                false => Err("it is not banned; `pq bans` lists who is".to_string()),
            }
        })
        .map(|_| ())
    }

    /// Makes a change on the disk, then here, then at the door.
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
        // Under the lock: of two changes the door is told in the order in which they were made.
        Ok((self.tell)(of_door(&all)))
    }
}

/// As the door wants them.
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

/// When it ends. What this node has written can be read.
fn until(banned: &Banned) -> Option<SystemTime> {
    banned
        .until
        .as_deref()
        .and_then(|until| parse_rfc3339(until).ok())
}

/// An address, a network, or else a name.
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

/// Whether this can be meant. A network with a slip in it is not to become the name of an avatar that nobody has.
fn is_somebody(text: &str) -> Result<(), Failure> {
    let is_of_address = |c: char| c.is_ascii_hexdigit() || ".:/".contains(c);
    let is_address = text.starts_with(|c: char| c == ':' || c.is_ascii_digit())
        && text.contains(['.', ':', '/'])
        && text.chars().all(is_of_address);
    let why = match whom(text) {
        Whom::Name(_) if is_address => "is no address and no network",
        Whom::Name(name) if name == Likeness::of("") => "is no name",
        _ => return Ok(()),
    };
    let sentence = format!(
        "failed to ban {text}: it {why}; 192.0.2.7 is one, 192.0.2.0/24, and 2001:db8::/32"
    );
    Err(Failure::new(Exit::Usage, sentence))
}

/// One way to write each: `10.1.2.3/8` is `10.0.0.0/8`, and a single address has no length.
fn canonical(text: &str) -> String {
    match whom(text) {
        Whom::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Whom::Net(net) => net.to_string(),
        // As typed: the lower case of another script's letter may look like nothing that was meant.
        Whom::Name(_) => text.trim().to_string(),
    }
}

/// How large the list may be when it is read: some hundred thousand bans.
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
        /// What the door was told last.
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
    fn a_file_that_is_no_list_of_bans_is_not_taken_for_an_empty_one() {
        let rig = Rig::new();
        let file = rig.root.path().join("releases/bans.json");
        std::fs::write(&file, "[{\"whom\": 1}]").unwrap();
        let error = Bans::open(rig.root.path(), |_| 0)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("bans.json: mend the file"), "{error}");
    }
}
