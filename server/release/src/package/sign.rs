//! Signs a package: it is read and checked, and written anew with the signature of its checksums.

use std::path::Path;

use pq_files::durable;
use pq_signing::{Comment, Keys, SecretKey};

use super::contents::Contents;
use super::{PackageError, make};

/// Signs the package with this number, in place of a signature that it may have. Returns the comment of the signature.
///
/// # Errors
/// When the package is refused, when the key cannot sign it, and when the operating system fails; the package is as before then.
pub fn sign(package: &Path, key: &SecretKey, seq: u64) -> Result<Comment, PackageError> {
    let contents = Contents::read(package, Keys::default())?;
    let sums = contents.head.sums.as_deref().unwrap_or_default();
    let comment = comment(&contents, seq)?;
    let signature = key.sign(sums, &comment)?;
    let bytes = make::write(sums, Some(&signature), &contents.files)?;
    durable::write(package, &bytes)?;
    Ok(comment)
}

/// The statements about the package, from its own files.
fn comment(contents: &Contents, seq: u64) -> Result<Comment, PackageError> {
    let rel = &contents.rel;
    let ways = contents.relup()?.map_or_else(Vec::new, |relup| relup.up);
    let mut manifests = rel
        .applications
        .iter()
        .filter_map(|entry| contents.manifest(entry));
    Ok(Comment {
        name: rel.name.clone(),
        vsn: rel.vsn.clone(),
        seq,
        from: ways.into_iter().map(|way| way.vsn).collect(),
        abi: manifests.next().map(|manifest| manifest.abi),
    })
}
