//! Where in a release tree a file has its place (OTP Design Principles, "Target System").
//!
//! ```text
//!   root/releases/start_erl.data          which release boots
//!   root/releases/RELEASES                all releases
//!   root/releases/Name-Vsn.tar.gz         a package that is to be unpacked
//!   root/releases/Vsn/Name.rel            what one consists of
//!   root/releases/Vsn/sys.config          its settings; `sys.config.src` stands over it
//!   root/releases/Vsn/relup               how it is reached from others
//!   root/releases/Vsn/SHA256SUMS          the checksums of these three
//!   root/lib/App-Vsn/ebin/App.app         one application of one version
//!   root/lib/App-Vsn/priv/App.so          its modules
//!   root/lib/App-Vsn/SHA256SUMS           the checksums of its files
//!   root/.office                          what the registry works on; it is there only meanwhile
//! ```
//!
//! Nothing here looks at the disk.

use std::path::{Path, PathBuf};

use crate::checksums;

/// `root/releases`
pub fn releases(root: &Path) -> PathBuf {
    root.join("releases")
}

/// `root/releases/start_erl.data`
pub fn start_erl(root: &Path) -> PathBuf {
    releases(root).join("start_erl.data")
}

/// `root/releases/RELEASES`
pub fn releases_file(root: &Path) -> PathBuf {
    releases(root).join("RELEASES")
}

/// `root/releases/Vsn`
pub fn release(root: &Path, vsn: &str) -> PathBuf {
    releases(root).join(vsn)
}

/// `root/releases/Vsn/relup`
pub fn relup(root: &Path, vsn: &str) -> PathBuf {
    release(root, vsn).join("relup")
}

/// `root/releases/Vsn/Name.rel`
pub fn rel_file(root: &Path, name: &str, vsn: &str) -> PathBuf {
    release(root, vsn).join(rel_name(name))
}

/// `root/releases/Name-Vsn.tar.gz`, for the name `Name-Vsn`.
pub fn package(root: &Path, name_vsn: &str) -> PathBuf {
    releases(root).join(format!("{name_vsn}.tar.gz"))
}

/// `Name-Vsn.tar.gz`
pub fn package_name(name: &str, vsn: &str) -> String {
    format!("{name}-{vsn}.tar.gz")
}

/// `root/.office`. The name is that of the first trees: what a node of theirs left there has to be found.
pub fn work_folder(root: &Path) -> PathBuf {
    root.join(".office")
}

/// `Name.rel`
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

/// `root/lib/App-Vsn`
pub fn lib(root: &Path, app: &str, vsn: &str) -> PathBuf {
    root.join(lib_name(app, vsn))
}

/// `root/lib/App-Vsn/ebin/App.app`
pub fn app_file(root: &Path, app: &str, vsn: &str) -> PathBuf {
    lib(root, app, vsn).join(app_name(app))
}

/// `root/lib/App-Vsn/priv/App.so`
pub fn library(root: &Path, app: &str, vsn: &str) -> PathBuf {
    lib(root, app, vsn).join(library_name(app))
}

/// `root/lib/App-Vsn/SHA256SUMS`
pub fn checksums(root: &Path, app: &str, vsn: &str) -> PathBuf {
    lib(root, app, vsn).join(checksums::FILE_NAME)
}

/// `ebin/App.app`, within the application's folder.
pub fn app_name(app: &str) -> String {
    format!("ebin/{app}.app")
}

/// `priv/App.so`, within the application's folder.
pub fn library_name(app: &str) -> String {
    format!("priv/{app}.so")
}

/// True for a name or version that is one part of a path and leads nowhere else.
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
