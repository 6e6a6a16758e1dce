//! Signatures of packages: the keys that a tree trusts, the keys of authors, and the judgement of a signature.
//!
//! ```text
//!   author ─► SecretKey ─ signs SHA256SUMS with a Comment ─► SHA256SUMS.minisig     (`pq key new`, `pq tar`, `pq sign`)
//!   root/keys ─► Keys ─ judge ─► Signed, or the reason to refuse the package        (`pq unpack`, install, boot)
//! ```
//! The format is that of minisign: its tool reads these keys and signatures, and the other way round. A signature covers the list
//! of checksums, and the list covers every file of a package; `pq-release` compares the two. Its comment is covered as well, and
//! says which release the package is, and its number in the sequence of the author's packages ([`Comment`]).
//!
//! The crate knows no package and no node. It reads the file `keys` anew for each judgement, so a revocation holds at once.

mod comment;
mod date;
mod judge;
mod key;
mod keys;
mod secret;

pub use comment::Comment;
pub use date::Date;
pub use judge::{SignatureError, Signed, claimed};
pub use key::{KeyId, NoKey, PublicKey};
pub use keys::{FILE_NAME, Keys, KeysError, Revoked, Trusted};
pub use secret::{SecretKey, SigningError};

/// The name of the signature beside `SHA256SUMS`.
pub const SIGNATURE_NAME: &str = "SHA256SUMS.minisig";
