//! The kinds of checks. Each is a fact about the node, its tree or the sources; the answer to a missing one says what is there instead.
//!
//! | check | wanted |
//! |---|---|
//! | `node` | a node that runs |
//! | `client` | a client that plays |
//! | `runs VSN` | the node runs this release |
//! | `permanent VSN` | the node boots this release |
//! | `installed FROM TO` | an install of one release over the other, in the history |
//! | `did OPERATION` | an operation that has succeeded, in the history |
//! | `failed VSN` | an attempt to install this release that has changed nothing |
//! | `release VSN` | the sources have this release |
//! | `file PATH has TEXT` | a file of the sources has this text |
//! | `package VSN` | the tree has this release, packed or unpacked |
//! | `crowd VSN COUNT` | an install of this release with at least so many avatars, and no dropped connection |

use std::fmt;

use anyhow::{Context, bail};
use pq_protocol::Exit;
use pq_protocol::history::{Deed, Entry};

use super::facts::Facts;
use crate::noun::noun;

/// A thing that a lesson wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    Node,
    Client,
    Runs(String),
    Permanent(String),
    Installed { from: String, to: String },
    Did(String),
    Failed(String),
    Release(String),
    File { path: String, text: String },
    Package(String),
    Crowd { vsn: String, count: u64 },
}

impl Wanted {
    /// Reads a check from the text before its ` | `.
    ///
    /// # Errors
    /// Says what is not understood.
    pub(super) fn read(text: &str) -> anyhow::Result<Wanted> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let own = |word: &str| word.to_string();
        Ok(match words[..] {
            ["node"] => Wanted::Node,
            ["client"] => Wanted::Client,
            ["runs", vsn] => Wanted::Runs(own(vsn)),
            ["permanent", vsn] => Wanted::Permanent(own(vsn)),
            ["installed", from, to] => Wanted::Installed {
                from: own(from),
                to: own(to),
            },
            ["did", _, ..] => Wanted::Did(words[1..].join(" ")),
            ["failed", vsn] => Wanted::Failed(own(vsn)),
            ["release", vsn] => Wanted::Release(own(vsn)),
            ["file", path, "has", _, ..] => Wanted::File {
                path: own(path),
                text: words[3..].join(" "),
            },
            ["package", vsn] => Wanted::Package(own(vsn)),
            ["crowd", vsn, count] => Wanted::Crowd {
                vsn: own(vsn),
                count: count.parse().context("the number of avatars")?,
            },
            [] => bail!("a check has at least one word"),
            [word, ..] if !KINDS.contains(&word) => {
                bail!("`{word}` is no check: the checks are {}", KINDS.join(", "))
            }
            [word, ..] => {
                let count = words.len();
                let noun = if count == 1 { "word" } else { "words" };
                bail!("`{word}` has {count} {noun}, which is not its form")
            }
        })
    }

    /// The reason why it is missing; `None` when it is there.
    pub(super) fn why_missing(&self, facts: &Facts) -> Option<String> {
        match self {
            Wanted::Node => facts.node.as_ref().err().cloned(),
            Wanted::Client => no_client(facts),
            Wanted::Runs(vsn) => match &facts.node {
                Err(why) => Some(why.clone()),
                Ok(node) if node.vsn == *vsn => None,
                Ok(node) => Some(format!("the node runs release {}", node.vsn)),
            },
            Wanted::Permanent(vsn) => not_permanent(facts, vsn),
            Wanted::Installed { from, to } => not_installed(facts, from, to),
            Wanted::Did(operation) => not_done(facts, operation),
            Wanted::Failed(vsn) => not_failed(facts, vsn),
            Wanted::Release(vsn) => no_release(facts, vsn),
            Wanted::File { path, text } => no_text(facts, path, text),
            Wanted::Package(vsn) => {
                let is_there = facts.status_of(vsn).is_some() || facts.has_package(vsn);
                (!is_there).then(|| no_package(facts, vsn))
            }
            Wanted::Crowd { vsn, count } => no_crowd(facts, vsn, *count),
        }
    }
}

/// The first words of all checks.
const KINDS: [&str; 11] = [
    "node",
    "client",
    "runs",
    "permanent",
    "installed",
    "did",
    "failed",
    "release",
    "file",
    "package",
    "crowd",
];

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Node => f.write_str("a node runs"),
            Wanted::Client => f.write_str("a client plays"),
            Wanted::Runs(vsn) => write!(f, "the node runs release {vsn}"),
            Wanted::Permanent(vsn) => write!(f, "release {vsn} is permanent"),
            Wanted::Installed { from, to } => write!(f, "{to} was installed over {from}"),
            Wanted::Did(operation) => write!(f, "`pq {operation}` has succeeded"),
            Wanted::Failed(vsn) => {
                write!(f, "an install of {vsn} has failed and has changed nothing")
            }
            Wanted::Release(vsn) => write!(f, "the sources have release {vsn}"),
            Wanted::File { path, text } => write!(f, "{path} has `{text}`"),
            Wanted::Package(vsn) => write!(f, "the tree has a package of release {vsn}"),
            Wanted::Crowd { vsn, count } => {
                let many = &noun().many;
                write!(f, "{vsn} was installed under {count} {many} or more")
            }
        }
    }
}

fn no_client(facts: &Facts) -> Option<String> {
    let node = match &facts.node {
        Ok(node) => node,
        Err(why) => return Some(why.clone()),
    };
    let one = &noun().one;
    match (node.clients, node.players) {
        (_, 1..) => None,
        (0, 0) => Some("no client is connected".to_string()),
        (1, 0) => Some(format!("a client is connected, and has no {one} yet")),
        (clients, 0) => Some(format!(
            "{clients} clients are connected, and none has a {one}"
        )),
    }
}

fn not_permanent(facts: &Facts, vsn: &str) -> Option<String> {
    match facts.status_of(vsn) {
        Some("permanent") => None,
        Some(status) => {
            let permanent = facts.releases.iter().find(|(_, it)| it == "permanent");
            let permanent = permanent.map_or("no release", |(vsn, _)| vsn);
            Some(format!(
                "release {vsn} is {status}, and {permanent} is permanent"
            ))
        }
        None => Some(no_package(facts, vsn)),
    }
}

/// The attempts to install a release, the oldest first.
fn attempts<'a>(facts: &'a Facts, vsn: &'a str) -> impl DoubleEndedIterator<Item = &'a Entry> {
    let operation = format!("install {vsn}");
    let entries = facts.past.iter();
    entries.filter(move |entry| entry.deed.operation == operation)
}

fn not_installed(facts: &Facts, from: &str, to: &str) -> Option<String> {
    let is_done = |deed: &Deed| deed.exit == Exit::Done;
    let is_it = |deed: &Deed| is_done(deed) && deed.from.as_deref() == Some(from);
    if attempts(facts, to).any(|entry| is_it(&entry.deed)) {
        return None;
    }
    let last = attempts(facts, to).next_back();
    Some(match last.map(|entry| &entry.deed) {
        Some(deed) if !is_done(deed) => format!("the last attempt ended with: {}", deed.result),
        Some(deed) => format!(
            "{to} was installed over {}, not over {from}",
            deed.from.as_deref().unwrap_or("another release")
        ),
        None => match facts.status_of(to) {
            Some(_) => format!("release {to} is unpacked, and the history has no install of it"),
            None => no_package(facts, to),
        },
    })
}

/// The reason why the tree does not have a release, or has only its package.
fn no_package(facts: &Facts, vsn: &str) -> String {
    let root = facts.root.display();
    match facts.has_package(vsn) {
        true => format!("the package of release {vsn} is in {root}/releases, and is not unpacked"),
        false => format!("{root} has no release {vsn}, and no package of it"),
    }
}

fn not_done(facts: &Facts, operation: &str) -> Option<String> {
    let tries = || {
        let entries = facts.past.iter();
        entries.filter(|entry| entry.deed.operation == operation)
    };
    if tries().any(|entry| entry.deed.exit == Exit::Done) {
        return None;
    }
    Some(match tries().next_back() {
        Some(entry) => format!("the last attempt ended with: {}", entry.deed.result),
        None => format!("the history has no `{operation}`"),
    })
}

/// A refused or rolled back attempt has changed nothing; one that failed later does not count.
fn not_failed(facts: &Facts, vsn: &str) -> Option<String> {
    let failed = |entry: &&Entry| {
        matches!(
            entry.deed.exit,
            Exit::Refused | Exit::RolledBack | Exit::Checksum
        )
    };
    if attempts(facts, vsn).any(|entry| failed(&entry)) {
        return None;
    }
    Some(match attempts(facts, vsn).next_back() {
        Some(entry) => format!("the last attempt ended with: {}", entry.deed.result),
        None => match facts.status_of(vsn) {
            Some(_) => format!("release {vsn} is unpacked, and nobody has tried to install it"),
            None => no_package(facts, vsn),
        },
    })
}

fn no_release(facts: &Facts, vsn: &str) -> Option<String> {
    let Some(sources) = &facts.sources else {
        return Some(NO_SOURCES.to_string());
    };
    let folder = sources.join("releases").join(vsn);
    (!folder.is_dir()).then(|| format!("there is no directory {}", folder.display()))
}

const NO_SOURCES: &str = "the current directory is not in a checkout: type this in the checkout";

fn no_text(facts: &Facts, path: &str, text: &str) -> Option<String> {
    let Some(sources) = &facts.sources else {
        return Some(NO_SOURCES.to_string());
    };
    let file = sources.join(path);
    match pq_files::read(&file, pq_files::TEXT_BYTES_MAX) {
        Err(error) => Some(format!("{}: {error}", file.display())),
        Ok(bytes) => {
            let found = String::from_utf8_lossy(&bytes);
            (!found.contains(text)).then(|| format!("the file is there, and has no `{text}` yet"))
        }
    }
}

fn no_crowd(facts: &Facts, vsn: &str, count: u64) -> Option<String> {
    let many = &noun().many;
    let installs = || facts.recordings.iter().filter(|head| head.to == vsn);
    let is_it = |head: &&pq_feed::recording::Head| {
        head.total >= count && head.record.connections_dropped == 0
    };
    if installs().any(|head| is_it(&head)) {
        return None;
    }
    Some(match installs().max_by_key(|head| head.total) {
        None => format!("no install of {vsn} has a recording"),
        Some(head) => format!(
            "the largest install of {vsn} had {} {many}, and {} dropped connections",
            head.total, head.record.connections_dropped
        ),
    })
}

#[cfg(test)]
mod tests {
    use pq_protocol::Who;

    use super::*;
    use crate::lesson::facts::Node;

    /// The facts of a tree with a history of these operations, each over 1.0.0, with their exit codes.
    fn facts(past: &[(&str, Exit)]) -> Facts {
        let folder = tempfile::tempdir().unwrap();
        let entry = |(at, (operation, exit)): (usize, &(&str, Exit))| Entry {
            id: at as u64 + 1,
            when: String::new(),
            who: Who::own(),
            node: None,
            deed: Deed {
                from: Some("1.0.0".to_string()),
                ..Deed::of(*operation, *exit, "the reason")
            },
        };
        Facts {
            past: past.iter().enumerate().map(entry).collect(),
            ..Facts::without_node(folder.path())
        }
    }

    fn why(check: &str, facts: &Facts) -> Option<String> {
        Wanted::read(check).unwrap().why_missing(facts)
    }

    #[test]
    fn an_install_counts_when_it_has_succeeded_over_the_right_release() {
        let done = facts(&[
            ("install 1.1.0", Exit::RolledBack),
            ("install 1.1.0", Exit::Done),
        ]);
        assert_eq!(why("installed 1.0.0 1.1.0", &done), None);
        let over = why("installed 1.2.0 1.1.0", &done).unwrap();
        assert_eq!(over, "1.1.0 was installed over 1.0.0, not over 1.2.0");
        let failed = facts(&[("install 1.1.0", Exit::RolledBack)]);
        let last = why("installed 1.0.0 1.1.0", &failed).unwrap();
        assert_eq!(last, "the last attempt ended with: the reason");
        assert!(
            why("installed 1.0.0 1.1.0", &facts(&[]))
                .unwrap()
                .ends_with("has no release 1.1.0, and no package of it")
        );
    }

    #[test]
    fn an_attempt_counts_as_failed_when_it_has_changed_nothing() {
        for (exit, counts) in [
            (Exit::Refused, true),
            (Exit::RolledBack, true),
            (Exit::Degraded, false),
            (Exit::Done, false),
        ] {
            let tried = facts(&[("install 1.1.90", exit)]);
            assert_eq!(why("failed 1.1.90", &tried).is_none(), counts, "{exit:?}");
        }
    }

    #[test]
    fn a_client_counts_when_it_plays() {
        let with = |clients, players| Facts {
            node: Ok(Node {
                vsn: "1.0.0".to_string(),
                clients,
                players,
            }),
            ..facts(&[])
        };
        assert_eq!(why("client", &with(2, 1)), None);
        assert_eq!(
            why("client", &with(0, 0)).unwrap(),
            "no client is connected"
        );
        let one = why("client", &with(1, 0)).unwrap();
        assert!(
            one.starts_with("a client is connected, and has no "),
            "{one}"
        );
        assert_eq!(why("client", &facts(&[])).unwrap(), "no node runs");
        let runs = why("runs 1.1.0", &with(0, 0)).unwrap();
        assert_eq!(runs, "the node runs release 1.0.0");
    }
}
