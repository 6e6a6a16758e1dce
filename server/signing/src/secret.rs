//! Secret keys of authors: files in minisign's format, which only their owner may read.

use std::io::{self, Cursor};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use minisign::{KeyPair, SecretKeyBox};
use pq_files::durable::{self, WriteError};

use crate::comment::Comment;
use crate::key::PublicKey;

/// The permissions of other users (`chmod(1)`).
const OTHERS: u32 = 0o077;

/// The size of a key file in bytes: two lines.
const BYTES_MAX: u64 = 4 << 10;

/// A key that signs packages.
pub struct SecretKey {
    key: minisign::SecretKey,
    public: PublicKey,
}

/// A key that cannot be made or used. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The file of a new key exists.
    #[error("make a key: {} exists; a key is made once, and kept", .0.display())]
    Exists(PathBuf),
    /// The file cannot be read.
    #[error("read the key {}: {source}", .file.display())]
    Read {
        /// The path of the file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Other users may read the file.
    #[error("use the key {}: its mode is {mode:04o}, so other users may have read it; make another, or `chmod 600` it", .file.display())]
    Readable {
        /// The path of the file.
        file: PathBuf,
        /// The permissions of the file.
        mode: u32,
    },
    /// The text is no key, or its password is another one.
    #[error("use the key {}: {why}", .file.display())]
    NoKey {
        /// The path of the file.
        file: PathBuf,
        /// The reason, as minisign says it.
        why: String,
    },
    /// A statement of the comment would be read as two.
    #[error(
        "sign release {0}: a name or version with a blank or a comma has no place in a signature"
    )]
    Blank(String),
    /// The system has no random numbers, or minisign fails.
    #[error("sign: {0}")]
    Failed(String),
    /// The operating system failed to write.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl SecretKey {
    /// Makes a key and writes it to `file`, and the public one beside it with the ending `.pub`. With a password, the secret key
    /// is encrypted.
    ///
    /// # Errors
    /// When one of the files exists, and when the operating system fails.
    pub fn make(file: &Path, password: Option<String>) -> Result<PublicKey, SigningError> {
        let beside = public_file(file);
        if let Some(found) = [file, &beside].into_iter().find(|file| file.exists()) {
            return Err(SigningError::Exists(found.to_path_buf()));
        }
        let pair = match password {
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
            None => KeyPair::generate_unencrypted_keypair(),
        };
        let pair = pair.map_err(failed)?;
        let public = public(&pair.pk.to_base64())?;
        let comment = format!("minisign secret key {}", public.id());
        let secret = pair.sk.to_box(Some(&comment)).map_err(failed)?;
        durable::write_private(file, secret.to_string().as_bytes())?;
        durable::write(&beside, public.to_text().as_bytes())?;
        Ok(public)
    }

    /// Reads a key. An encrypted key needs its password.
    ///
    /// # Errors
    /// When the file is unreadable, when other users can read it, and when it is no key of this password.
    pub fn read(file: &Path, password: Option<String>) -> Result<SecretKey, SigningError> {
        let read = |source| SigningError::Read {
            file: file.to_path_buf(),
            source,
        };
        let mode = file.metadata().map_err(read)?.mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(SigningError::Readable {
                file: file.to_path_buf(),
                mode,
            });
        }
        let bytes = pq_files::read(file, BYTES_MAX).map_err(read)?;
        let no_key = |why: String| SigningError::NoKey {
            file: file.to_path_buf(),
            why,
        };
        let text = String::from_utf8(bytes).map_err(|error| no_key(error.to_string()))?;
        let boxed = SecretKeyBox::from(text);
        let key = match password {
            Some(password) => boxed.into_secret_key(Some(password)),
            None => boxed.into_unencrypted_secret_key(),
        };
        let key = key.map_err(|error| no_key(error.to_string()))?;
        let public_key = minisign::PublicKey::from_secret_key(&key).map_err(failed)?;
        let public = public(&public_key.to_base64())?;
        Ok(SecretKey { key, public })
    }

    /// The public part of the key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs these bytes with a comment, and returns the text of the signature.
    ///
    /// # Errors
    /// When the comment could be read in another way.
    pub fn sign(&self, bytes: &[u8], comment: &Comment) -> Result<String, SigningError> {
        let is_odd = |word: &String| word.contains(|c: char| c.is_whitespace() || c == ',');
        let words = [&comment.name, &comment.vsn]
            .into_iter()
            .chain(&comment.from);
        if words.into_iter().any(is_odd) {
            return Err(SigningError::Blank(format!(
                "{} {}",
                comment.name, comment.vsn
            )));
        }
        let untrusted = format!("signature of key {}", self.public.id());
        let text = comment.to_string();
        let signed = minisign::sign(
            None,
            &self.key,
            Cursor::new(bytes),
            Some(&text),
            Some(&untrusted),
        );
        Ok(signed.map_err(failed)?.into_string())
    }
}

/// The file of the public key: `FILE.pub`.
fn public_file(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".pub");
    file.with_file_name(name)
}

fn public(base64: &str) -> Result<PublicKey, SigningError> {
    PublicKey::parse(base64).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> SigningError {
    SigningError::Failed(error.to_string())
}
