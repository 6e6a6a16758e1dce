//! Compares the manifest of a library with the application and version of the library's directory.

use pq_code::{Manifest, manifest_of};

/// A library in the directory of another application or version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is the library of {found}, and that of {wanted} belongs there; build the application again"
)]
pub struct OtherOwner {
    /// The application and version in the library's manifest.
    pub found: String,
    /// The application and version of the directory.
    pub wanted: String,
}

/// Checks that these bytes are the library of this version of the application. Bytes without a readable manifest, or of another
/// machine, pass: the loader refuses them.
///
/// # Errors
/// When the manifest names another application or version.
pub fn check(bytes: &[u8], application: &str, vsn: &str) -> Result<(), OtherOwner> {
    match manifest_of(bytes) {
        Ok(found) => matches(&found, application, vsn),
        Err(_) => Ok(()),
    }
}

/// The same check on a manifest.
///
/// # Errors
/// As [`check`].
pub fn matches(found: &Manifest, application: &str, vsn: &str) -> Result<(), OtherOwner> {
    match (&*found.application, &*found.vsn) == (application, vsn) {
        true => Ok(()),
        false => Err(OtherOwner {
            found: format!("{} {}", found.application, found.vsn),
            wanted: format!("{application} {vsn}"),
        }),
    }
}
