//! The places of files in a release tree (OTP Design Principles, "Target System").
//!
//! ```text
//!   root/releases/start_erl.data          the release that boots
//!   root/releases/RELEASES                all releases
//!   root/releases/Name-Vsn.tar.gz         a package to unpack
//!   root/releases/Vsn/Name.rel            the applications of a release
//!   root/releases/Vsn/sys.config          its settings; `sys.config.src` takes precedence
//!   root/releases/Vsn/relup               the ways to and from other releases
//!   root/releases/Vsn/SHA256SUMS          the checksums of these three
//!   root/releases/Vsn/signed/…            the checksums of its package, and their signature
//!   root/releases/signed.data             the highest number of a signed package, by release
//!   root/lib/App-Vsn/ebin/App.app         one application of one version
//!   root/lib/App-Vsn/priv/App.so          its modules
//!   root/lib/App-Vsn/SHA256SUMS           the checksums of its files
//!   root/.office                          the work directory of the registry; it exists only during work
//! ```
//!
//! This module does not access the disk.

use std::path::{Path, PathBuf};

use crate::checksums;

/// The file in the directory of a release with the circumstances of its build.
pub const BUILD_NAME: &str = "build.json";

/// The file in the directory of a release with the packages that its libraries were built from.
pub const SBOM_NAME: &str = "sbom.cdx.json";

/// The directory of all releases: `root/releases`.
pub fn releases(root: &Path) -> PathBuf {
    root.join("releases")
}

/// The file that names the booting release: `root/releases/start_erl.data`.
pub fn start_erl(root: &Path) -> PathBuf {
    releases(root).join("start_erl.data")
}

/// The list of all releases: `root/releases/RELEASES`.
pub fn releases_file(root: &Path) -> PathBuf {
    releases(root).join("RELEASES")
}

/// The directory of one release: `root/releases/Vsn`.
pub fn release(root: &Path, vsn: &str) -> PathBuf {
    releases(root).join(vsn)
}

/// The relup of a release: `root/releases/Vsn/relup`.
pub fn relup(root: &Path, vsn: &str) -> PathBuf {
    release(root, vsn).join("relup")
}

/// The `.rel` file in the directory of a release: `root/releases/Vsn/Name.rel`.
pub fn rel_file(root: &Path, name: &str, vsn: &str) -> PathBuf {
    release(root, vsn).join(rel_name(name))
}

/// The package with the name `Name-Vsn`: `root/releases/Name-Vsn.tar.gz`.
pub fn package(root: &Path, name_vsn: &str) -> PathBuf {
    releases(root).join(format!("{name_vsn}.tar.gz"))
}

/// The file name of a package: `Name-Vsn.tar.gz`.
pub fn package_name(name: &str, vsn: &str) -> String {
    format!("{name}-{vsn}.tar.gz")
}

/// The work directory of the registry, `root/.office`. The first releases used this name, so that their leftovers are found.
pub fn work_folder(root: &Path) -> PathBuf {
    root.join(".office")
}

/// The numbers of signed packages: `root/releases/signed.data`.
pub fn signed_file(root: &Path) -> PathBuf {
    releases(root).join("signed.data")
}

/// `releases/Vsn/signed`, relative to the root: the checksums of the release's package and their signature.
pub fn signed_name(vsn: &str) -> String {
    format!("{}/signed", release_name(vsn))
}

/// The file name of a release's description: `Name.rel`.
pub fn rel_name(name: &str) -> String {
    format!("{name}.rel")
}

/// `releases/Vsn`, relative to the root.
pub fn release_name(vsn: &str) -> String {
    format!("releases/{vsn}")
}

/// `lib/App-Vsn`, as `RELEASES` names it.
pub fn lib_name(app: &str, vsn: &str) -> String {
    format!("lib/{app}-{vsn}")
}

/// The directory of an application: `root/lib/App-Vsn`.
pub fn lib(root: &Path, app: &str, vsn: &str) -> PathBuf {
    root.join(lib_name(app, vsn))
}

/// The description of an application: `root/lib/App-Vsn/ebin/App.app`.
pub fn app_file(root: &Path, app: &str, vsn: &str) -> PathBuf {
    lib(root, app, vsn).join(app_name(app))
}

/// The library of an application: `root/lib/App-Vsn/priv/App.so`.
pub fn library(root: &Path, app: &str, vsn: &str) -> PathBuf {
    lib(root, app, vsn).join(library_name(app))
}

/// The checksums of an application: `root/lib/App-Vsn/SHA256SUMS`.
pub fn checksums(root: &Path, app: &str, vsn: &str) -> PathBuf {
    lib(root, app, vsn).join(checksums::FILE_NAME)
}

/// `ebin/App.app`, relative to the application's directory.
pub fn app_name(app: &str) -> String {
    format!("ebin/{app}.app")
}

/// `priv/App.so`, relative to the application's directory.
pub fn library_name(app: &str) -> String {
    format!("priv/{app}.so")
}

/// True for a name or version that is a single component of a path and not `.` or `..`.
pub fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_stands_beside_its_description() {
        let root = Path::new("/pq");
        assert_eq!(
            library(root, "quest", "1.0.0"),
            Path::new("/pq/lib/quest-1.0.0/priv/quest.so")
        );
        assert_eq!(
            app_file(root, "quest", "1.0.0"),
            Path::new("/pq/lib/quest-1.0.0/ebin/quest.app")
        );
    }

    #[test]
    fn a_version_is_one_part_of_a_path() {
        assert!(is_plain("1.0.0-rc.1"));
        for part in ["", ".", "..", "../1", "/etc", "a\0"] {
            assert!(!is_plain(part), "{part:?}");
        }
    }
}
