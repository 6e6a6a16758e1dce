//! `pq key`: makes the key of an author, and keeps the keys that a tree trusts.
//!
//! ```text
//!   author:    pq key new ─► FILE (secret), FILE.pub ─► by a way that the operator trusts ─┐
//!   operator:  root/keys ◄── pq key trust FILE.pub ◄───────────────────────────────────────┘
//! ```
//! The commands read and write `root/keys` themselves, so no node has to run; a node reads the file at each `unpack`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand};
use pq_protocol::{Exit, Failure};
use pq_signing::{Date, KeyId, Keys, Revoked, SecretKey, Trusted};
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{answer, of_keys, of_no_key, of_secret, public_key};
use crate::client::{Show, table};
use crate::clock::unix_s;

/// The variable with the path of the author's key.
const KEY: &str = "PQ_KEY";

/// The variable with the password of the author's key.
const PASSWORD: &str = "PQ_KEY_PASSWORD";

/// The commands about keys.
#[derive(Subcommand, Debug)]
pub(crate) enum KeyArgs {
    /// Make a key that signs packages: a secret file, and a public one beside it with the ending .pub
    ///
    /// `pq tar` signs with the key at the default place. With a password in PQ_KEY_PASSWORD, the secret file is encrypted.
    New {
        /// The secret file [default: pq/key in the directory for settings, ~/.config]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Trust a key: from the first one on, the tree unpacks only packages that a trusted key has signed
    Trust(Trust),
    /// List the keys that the tree trusts, and those that were revoked
    List {
        #[command(flatten)]
        tree: Tree,
        /// Write the answer as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key for good: packages that it has signed are refused, and releases that it has signed are not installed
    Revoke {
        /// The number of the key
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        tree: Tree,
    },
}

/// The tree whose keys are meant.
#[derive(Args, Debug)]
pub(crate) struct Tree {
    /// The directory of the release tree
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    root: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Trust {
    /// The public file of the key
    #[arg(value_name = "FILE.pub")]
    file: PathBuf,
    /// A text about the key, such as the machine that has the secret file
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// The last day on which packages of this key are unpacked; releases that are in the tree stay
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<Date>,
    #[command(flatten)]
    tree: Tree,
}

/// The key of an author, for commands that sign.
#[derive(Args, Debug)]
pub(crate) struct Signer {
    /// The secret file of the key [default: that in the variable PQ_KEY, or that of `pq key new`]; an empty PQ_KEY stands for no key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The number of the package, higher than those of all packages before [default: the seconds since 1970]
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "NUMBER")]
    seq: Option<u64>,
}

/// The answer to `key list`.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct KeyList {
    keys: Vec<ListedKey>,
}

/// One key of a tree.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct ListedKey {
    /// The number of the key.
    id: String,
    /// `trusted`, `ended` or `revoked`.
    status: &'static str,
    /// The last day of a trusted or ended key; the day of a revocation.
    day: Option<String>,
    /// The text about the key.
    note: Option<String>,
    /// The public key; `None` for a revoked one.
    key: Option<String>,
}

/// Carries out a command about keys.
pub(crate) fn key(command: &KeyArgs) -> anyhow::Result<()> {
    match command {
        KeyArgs::New { file } => say(new(file.as_deref())),
        KeyArgs::Trust(options) => say(trust(options)),
        KeyArgs::List { tree, json } => answer(*json, list(&tree.root)),
        KeyArgs::Revoke { id, tree } => say(revoke(id, &tree.root)),
    }
}

impl Signer {
    /// The key and the number of the package; `None` without a key.
    pub(super) fn read(&self) -> Result<Option<(SecretKey, u64)>, Failure> {
        let named = || {
            self.key
                .clone()
                .or_else(|| std::env::var_os(KEY).map(PathBuf::from))
        };
        let usual = || default_file().filter(|file| file.exists());
        let file = named()
            .or_else(usual)
            .filter(|file| !file.as_os_str().is_empty());
        let Some(file) = file else {
            return Ok(None);
        };
        let key = SecretKey::read(&file, password()).map_err(|error| of_secret(&error))?;
        Ok(Some((
            key,
            self.seq.unwrap_or_else(|| unix_s(SystemTime::now())),
        )))
    }
}

fn say(done: Result<String, Failure>) -> anyhow::Result<()> {
    crate::client::say(&done?);
    Ok(())
}

fn new(file: Option<&Path>) -> Result<String, Failure> {
    let file = file.map(Path::to_path_buf).or_else(default_file);
    let file = file.ok_or_else(|| {
        let sentence = "failed to make a key: there is no home directory for it; name a FILE";
        Failure::new(Exit::Usage, sentence)
    })?;
    let public = SecretKey::make(&file, password()).map_err(|error| of_secret(&error))?;
    Ok(format!(
        "key {} is made: {} is secret, and `pq key trust {}.pub` trusts it",
        public.id(),
        file.display(),
        file.display()
    ))
}

fn trust(options: &Trust) -> Result<String, Failure> {
    let root = &options.tree.root;
    let key = public_key(&options.file)?;
    let id = key.id();
    let (note, until) = (options.note.clone(), options.until.clone());
    change(root, |keys| keys.trust(Trusted { key, note, until }))?;
    let keys = Keys::read(root).map_err(|error| of_keys(&error))?;
    let advice = match keys.trusted().len() {
        1 => {
            "; trust a second one, whose secret file is elsewhere, so that the loss of a file is no loss of the tree"
        }
        _ => "",
    };
    Ok(format!(
        "key {id} is trusted; unsigned packages are refused{advice}"
    ))
}

fn revoke(id: &str, root: &Path) -> Result<String, Failure> {
    let id: KeyId = id.parse().map_err(|error| of_no_key(&error))?;
    change(root, |keys| keys.revoke(id, Date::today()))?;
    Ok(format!("key {id} is revoked"))
}

fn change(
    root: &Path,
    change: impl FnOnce(&mut Keys) -> Result<(), pq_signing::KeysError>,
) -> Result<(), Failure> {
    let changed = || {
        let mut keys = Keys::read(root)?;
        change(&mut keys)?;
        keys.write(root)
    };
    if !root.is_dir() {
        let sentence = format!(
            "failed to find the release tree {}: no such directory",
            root.display()
        );
        return Err(Failure::new(Exit::Refused, sentence));
    }
    changed().map_err(|error| of_keys(&error))
}

fn list(root: &Path) -> Result<KeyList, Failure> {
    let keys = Keys::read(root).map_err(|error| of_keys(&error))?;
    let trusted = keys.trusted().iter().map(trusted);
    let revoked = keys.revoked().iter().map(revoked);
    Ok(KeyList {
        keys: trusted.chain(revoked).collect(),
    })
}

fn trusted(trusted: &Trusted) -> ListedKey {
    let is_ended = trusted
        .until
        .as_ref()
        .is_some_and(|day| *day < Date::today());
    ListedKey {
        id: trusted.key.id().to_string(),
        status: if is_ended { "ended" } else { "trusted" },
        day: trusted.until.as_ref().map(ToString::to_string),
        note: trusted.note.clone(),
        key: Some(trusted.key.base64().to_string()),
    }
}

fn revoked(revoked: &Revoked) -> ListedKey {
    ListedKey {
        id: revoked.id.to_string(),
        status: "revoked",
        day: Some(revoked.day.to_string()),
        note: None,
        key: None,
    }
}

impl Show for KeyList {
    fn show(&self) -> String {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        let row = |key: &ListedKey| {
            let status = key.status.to_string();
            vec![
                key.id.clone(),
                status,
                or_none(&key.day),
                or_none(&key.note),
            ]
        };
        match self.keys.is_empty() {
            true => "no key is trusted, so packages are unpacked unsigned".to_string(),
            false => table(&["ID", "STATUS", "DAY", "NOTE"], self.keys.iter().map(row)),
        }
    }
}

/// The place of the author's key (XDG Base Directory Specification).
fn default_file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|path| !path.is_empty());
    let home = || Some(PathBuf::from(set("HOME")?).join(".config"));
    let folder = set("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?;
    Some(folder.join("pq/key"))
}

fn password() -> Option<String> {
    std::env::var(PASSWORD)
        .ok()
        .filter(|password| !password.is_empty())
}
