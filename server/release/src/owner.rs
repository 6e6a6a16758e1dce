//! Whose library it is: what a manifest says against the application and version whose folder a library lies in.

use pq_code::{Manifest, manifest_of};

/// A library that is in the place of another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is the library of {found}, and that of {wanted} belongs there; build the application again"
)]
pub struct OtherOwner {
    /// The application and version in its manifest.
    pub found: String,
    /// Those whose folder it is in.
    pub wanted: String,
}

/// These bytes are the library of this application in this version. What is no library, or one for another machine, says
/// nothing here; whoever loads it refuses it.
///
/// # Errors
/// When they are the library of something else.
pub fn check(bytes: &[u8], application: &str, vsn: &str) -> Result<(), OtherOwner> {
    match manifest_of(bytes) {
        Ok(found) => matches(&found, application, vsn),
        Err(_) => Ok(()),
    }
}

/// The same of a manifest.
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
