//! `root/keys`: the keys that a tree trusts, and those that it does not trust any more.
//!
//! ```text
//!   {key, "E7620F1842B4E81F", "RWQf6LRC…", [{note, "build machine"}, {until, "2027-06-30"}]}.
//!   {revoked, "0123456789ABCDEF", "2026-11-30"}.
//! ```
//! A tree without the file, or without a `key` in it, trusts everybody: it judges no signature. The file decides which code the
//! node loads, so a file that another user could have written is refused. A revoked key stays in the file, so that nobody trusts
//! it again by mistake.

use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use pq_files::durable::{self, WriteError};
use pq_term::Term;

use crate::date::Date;
use crate::key::{KeyId, PublicKey};

/// The name of the file in the root of a tree.
pub const FILE_NAME: &str = "keys";

/// The number of keys that a tree may trust. More than one lets an author lose a key; many are a mistake.
const KEYS_MAX: usize = 64;

/// The write permissions of other users (`chmod(1)`).
const OTHERS_WRITE: u32 = 0o022;

/// A key whose packages the tree unpacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The public part; the author has the secret one.
    pub key: PublicKey,
    /// A text about the key, such as the machine that has its secret.
    pub note: Option<String>,
    /// The last day on which packages that it has signed are unpacked.
    pub until: Option<Date>,
}

/// A key that is not trusted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The number of the key.
    pub id: KeyId,
    /// The day of its revocation.
    pub day: Date,
}

/// The keys of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    trusted: Vec<Trusted>,
    revoked: Vec<Revoked>,
}

/// The keys cannot be used or changed. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("read {}: {source}", .file.display())]
    Read {
        /// The path of the file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file belongs to another user.
    #[error("trust {}: it belongs to user {uid}, who is neither the user of the node nor root; look at its keys, then `chown` it", .file.display())]
    Owner {
        /// The path of the file.
        file: PathBuf,
        /// The user that owns the file.
        uid: u32,
    },
    /// Other users may write the file.
    #[error("trust {}: its mode is {mode:04o}, so other users may change it; look at its keys, then `chmod 600` it", .file.display())]
    Writable {
        /// The path of the file.
        file: PathBuf,
        /// The permissions of the file.
        mode: u32,
    },
    /// The text has another form.
    #[error("read {}: line {line}: `{found}`; a key `{{key, Number, Key, [{{note, Text}}, {{until, Day}}]}}` or `{{revoked, Number, Day}}` would be right", .file.display())]
    Malformed {
        /// The path of the file.
        file: PathBuf,
        /// The line (from 1).
        line: usize,
        /// The term, or the error of the parser.
        found: String,
    },
    /// The key was revoked.
    #[error(
        "trust key {0}: it was revoked on {1}, and a revoked key stays revoked; make another with `pq key new`"
    )]
    IsRevoked(KeyId, Date),
    /// No trusted key has this number.
    #[error("revoke key {0}: this tree does not trust it; `pq key list` shows the keys")]
    Unknown(KeyId),
    /// The tree trusts another key with this number.
    #[error("trust key {0}: this tree trusts another key with that number")]
    OtherKey(KeyId),
    /// There are too many keys.
    #[error("trust one more key: a tree has at most {KEYS_MAX}")]
    TooMany,
    /// The operating system failed to write.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Keys {
    /// Reads the keys of the tree; none when it has no file.
    ///
    /// # Errors
    /// When the file is unreadable or malformed, or when another user than the present one and root could have written it.
    pub fn read(root: &Path) -> Result<Keys, KeysError> {
        let file = root.join(FILE_NAME);
        match open(root, &file) {
            Ok((text, found)) => {
                is_ours(root, &file, &found)?;
                parse(&file, &text)
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Keys::default()),
            Err(source) => Err(KeysError::Read { file, source }),
        }
    }

    /// The trusted keys, in the order in which they were added.
    pub fn trusted(&self) -> &[Trusted] {
        &self.trusted
    }

    /// The keys that are not trusted any more.
    pub fn revoked(&self) -> &[Revoked] {
        &self.revoked
    }

    /// Whether signatures are judged: whether a key is trusted, or was.
    pub fn judges(&self) -> bool {
        !self.trusted.is_empty() || !self.revoked.is_empty()
    }

    /// The number of trusted keys in words, for sentences.
    pub fn counted(&self) -> String {
        match self.trusted.len() {
            0 => "no key any more".to_string(),
            1 => "one key".to_string(),
            count => format!("{count} keys"),
        }
    }

    /// Trusts a key. A key that is trusted already gets the new note and day.
    ///
    /// # Errors
    /// When the key was revoked, when another key has its number, and when there are too many.
    pub fn trust(&mut self, new: Trusted) -> Result<(), KeysError> {
        let id = new.key.id();
        if let Some(revoked) = self.revoked.iter().find(|revoked| revoked.id == id) {
            return Err(KeysError::IsRevoked(id, revoked.day.clone()));
        }
        let is_full = self.trusted.len() >= KEYS_MAX;
        match self
            .trusted
            .iter_mut()
            .find(|trusted| trusted.key.id() == id)
        {
            Some(known) if known.key == new.key => *known = new,
            Some(_) => return Err(KeysError::OtherKey(id)),
            None if is_full => return Err(KeysError::TooMany),
            None => self.trusted.push(new),
        }
        Ok(())
    }

    /// Revokes a trusted key.
    ///
    /// # Errors
    /// When no trusted key has this number.
    pub fn revoke(&mut self, id: KeyId, day: Date) -> Result<(), KeysError> {
        let before = self.trusted.len();
        self.trusted.retain(|trusted| trusted.key.id() != id);
        match self.trusted.len() < before {
            true => self.revoked.push(Revoked { id, day }),
            false => return Err(KeysError::Unknown(id)),
        }
        Ok(())
    }

    /// Writes the keys of the tree, for its user only. Root gives the file to the owner of the tree, whose node reads it.
    ///
    /// # Errors
    /// When the operating system fails.
    pub fn write(&self, root: &Path) -> Result<(), KeysError> {
        let file = root.join(FILE_NAME);
        durable::write_private(&file, self.to_text().as_bytes())?;
        if rustix::process::geteuid().is_root() {
            let owner = |root: &Path| Ok((root.metadata()?.uid(), root.metadata()?.gid()));
            let given = owner(root).and_then(|(uid, gid)| chown(&file, Some(uid), Some(gid)));
            given.map_err(durable::failed("give to the owner of the tree", &file))?;
        }
        Ok(())
    }

    fn to_text(&self) -> String {
        let trusted = self.trusted.iter().map(|trusted| {
            let note = trusted.note.iter().map(|note| pair("note", note));
            let until = trusted
                .until
                .iter()
                .map(|day| pair("until", &day.to_string()));
            let facts: Term = note.chain(until).collect();
            let (id, key) = (trusted.key.id().to_string(), trusted.key.base64());
            Term::tuple([
                Term::atom("key"),
                Term::string(id),
                Term::string(key),
                facts,
            ])
        });
        let revoked = self.revoked.iter().map(|revoked| {
            let (id, day) = (revoked.id.to_string(), revoked.day.to_string());
            Term::tuple([Term::atom("revoked"), Term::string(id), Term::string(day)])
        });
        let terms: String = trusted
            .chain(revoked)
            .map(|term| format!("{term}.\n"))
            .collect();
        format!("%% Keys whose packages this tree unpacks; `pq key` writes this file.\n{terms}")
    }
}

fn pair(key: &'static str, text: &str) -> Term {
    Term::tuple([Term::atom(key), Term::string(text)])
}

/// The text of the file, and the properties of the same open file.
fn open(root: &Path, file: &Path) -> io::Result<(String, std::fs::Metadata)> {
    let file = pq_files::open(&pq_files::inside(root, file)?)?;
    let found = file.metadata()?;
    let mut text = String::new();
    file.take(pq_files::TEXT_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok((text, found))
}

/// The file has to belong to the present user or to root. Root may look at the keys of another user's tree.
fn is_ours(root: &Path, file: &Path, found: &std::fs::Metadata) -> Result<(), KeysError> {
    let user = rustix::process::geteuid();
    let of_tree = || root.metadata().is_ok_and(|root| root.uid() == found.uid());
    let is_ours = [0, user.as_raw()].contains(&found.uid()) || (user.is_root() && of_tree());
    let (file, mode) = (file.to_path_buf(), found.mode() & 0o7777);
    match is_ours {
        false => Err(KeysError::Owner {
            file,
            uid: found.uid(),
        }),
        true if mode & OTHERS_WRITE != 0 => Err(KeysError::Writable { file, mode }),
        true => Ok(()),
    }
}

fn parse(file: &Path, text: &str) -> Result<Keys, KeysError> {
    let malformed = |line, found: String| KeysError::Malformed {
        file: file.to_path_buf(),
        line,
        found,
    };
    let terms = pq_term::read_all_located(text).map_err(|error| malformed(1, error.to_string()))?;
    let mut keys = Keys::default();
    for (line, term) in terms {
        match entry(&term) {
            Some(Entry::Trusted(trusted)) if keys.trusted.len() < KEYS_MAX => {
                keys.trusted.push(trusted)
            }
            Some(Entry::Revoked(revoked)) => keys.revoked.push(revoked),
            _ => return Err(malformed(line, term.to_string())),
        }
    }
    Ok(keys)
}

enum Entry {
    Trusted(Trusted),
    Revoked(Revoked),
}

fn entry(term: &Term) -> Option<Entry> {
    match term.as_tuple()? {
        [tag, id, key, facts] if tag.is_atom("key") => {
            let key = PublicKey::parse(key.as_str()?).ok()?;
            let mut trusted = Trusted {
                key,
                note: None,
                until: None,
            };
            for fact in facts.as_list().unwrap_or_default() {
                set(&mut trusted, fact)?;
            }
            let is_same = id.as_str()? == trusted.key.id().to_string();
            is_same.then_some(Entry::Trusted(trusted))
        }
        [tag, id, day] if tag.is_atom("revoked") => Some(Entry::Revoked(Revoked {
            id: id.as_str()?.parse().ok()?,
            day: day.as_str()?.parse().ok()?,
        })),
        _ => None,
    }
}

/// Unknown facts make an entry malformed: a misspelt end would be none.
fn set(trusted: &mut Trusted, fact: &Term) -> Option<()> {
    match fact.as_tuple()? {
        [key, text] if key.is_atom("note") => trusted.note = Some(text.as_str()?.to_string()),
        [key, day] if key.is_atom("until") => trusted.until = Some(day.as_str()?.parse().ok()?),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use expect_test::expect;

    use super::*;

    /// The key in the documentation of minisign.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn trusted() -> Trusted {
        Trusted {
            key: PublicKey::parse(KEY).unwrap(),
            note: Some("build machine".to_string()),
            until: Some("2027-06-30".parse().unwrap()),
        }
    }

    #[test]
    fn keys_are_written_as_they_are_read_and_for_their_user_only() {
        let root = tempfile::tempdir().unwrap();
        let mut keys = Keys::read(root.path()).unwrap();
        assert!(!keys.judges());
        keys.trust(trusted()).unwrap();
        keys.write(root.path()).unwrap();
        let file = root.path().join(FILE_NAME);
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        expect![[r#"
            %% Keys whose packages this tree unpacks; `pq key` writes this file.
            {key,"E7620F1842B4E81F","RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",[{note,"build machine"},{until,"2027-06-30"}]}.
        "#]]
        .assert_eq(&std::fs::read_to_string(&file).unwrap());
        assert_eq!(Keys::read(root.path()).unwrap(), keys);
        keys.revoke(trusted().key.id(), "2026-11-30".parse().unwrap())
            .unwrap();
        keys.write(root.path()).unwrap();
        let keys = Keys::read(root.path()).unwrap();
        assert!(keys.judges() && keys.trusted().is_empty());
        let again = keys.clone().trust(trusted()).unwrap_err().to_string();
        assert!(again.contains("was revoked on 2026-11-30"), "{again}");
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let mut keys = Keys::default();
        keys.trust(trusted()).unwrap();
        keys.write(root.path()).unwrap();
        let file = root.path().join(FILE_NAME);
        for mode in [0o620, 0o602] {
            set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let error = Keys::read(root.path()).unwrap_err();
            assert!(matches!(error, KeysError::Writable { .. }), "{error}");
        }
    }

    #[test]
    fn a_misspelt_entry_is_named_with_its_line() {
        let root = tempfile::tempdir().unwrap();
        let entry = |facts: &str| format!("{{key, \"E7620F1842B4E81F\", \"{KEY}\", {facts}}}.\n");
        for facts in [
            "[{untill, \"2027-06-30\"}]",
            "[{until, \"soon\"}]",
            "[note]",
        ] {
            let text = format!("%%\n{}{}", entry("[]"), entry(facts));
            std::fs::write(root.path().join(FILE_NAME), text).unwrap();
            let error = Keys::read(root.path()).unwrap_err();
            assert!(
                matches!(error, KeysError::Malformed { line: 3, .. }),
                "{error}"
            );
        }
    }
}
