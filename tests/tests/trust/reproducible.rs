//! The same sources make the same libraries and the same package: in two directories, for two users, on two days.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use pq_release::checksums::sha256;
use pq_tests::running::copy_folder;
use tempfile::TempDir;

use super::{command, does, said};

/// The packages of the project that the example needs.
const PACKAGES: [&str; 3] = ["game-plugins/sdk", "server/abi", "server/term"];

/// A workspace with an example and the packages that it needs, and the home directory of its author.
struct Author {
    _folder: TempDir,
    sources: PathBuf,
    home: PathBuf,
}

impl Author {
    /// An author with this name for the directory of the sources.
    fn new(name: &str) -> Author {
        let folder = tempfile::tempdir().unwrap();
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let root = folder.path().join(name);
        for part in PACKAGES {
            copy_folder(&project.join(part), &root.join(part));
        }
        for part in ["counter-1.0.0", "releases"] {
            copy_folder(
                &project.join("examples/counter").join(part),
                &root.join(part),
            );
        }
        std::fs::copy(project.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
        let manifest = std::fs::read_to_string(project.join("Cargo.toml")).unwrap();
        let (_, rest) = manifest.split_once("\n[workspace.package]").unwrap();
        let members = format!("members = {PACKAGES:?}").replace(']', ", \"counter-1.0.0\"]");
        let text = format!("[workspace]\nresolver = \"3\"\n{members}\n[workspace.package]{rest}");
        std::fs::write(root.join("Cargo.toml"), text).unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        symlink(cargo_home(), home.join("cargo")).unwrap();
        Author {
            _folder: folder,
            sources: root,
            home,
        }
    }

    /// Builds and packs the release; returns the checksums of the library and of the package.
    fn packs(&self) -> [String; 2] {
        for line in [
            ["build", "releases/1.0.0/counter.rel"],
            ["tar", "releases/1.0.0/counter.rel"],
        ] {
            let mut command = command(&line, &self.sources);
            command
                .env("PQ_ROOT", self.sources.join("tree"))
                .env("CARGO_HOME", self.home.join("cargo"))
                .env("CARGO_TARGET_DIR", self.sources.join("target"));
            said(&command.output().unwrap(), 0);
        }
        let sum =
            |file: &str| sha256(&std::fs::read(self.sources.join("tree").join(file)).unwrap());
        [
            sum("lib/counter-1.0.0/priv/counter.so"),
            sum("releases/counter-1.0.0.tar.gz"),
        ]
    }
}

fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

#[test]
fn two_authors_in_two_directories_make_the_same_bytes() {
    let (one, two) = (Author::new("one"), Author::new("another place/of two"));
    assert_eq!(one.packs(), two.packs());
    // No path of either is in the library.
    let library =
        std::fs::read(one.sources.join("tree/lib/counter-1.0.0/priv/counter.so")).unwrap();
    let path = one.home.parent().unwrap().to_str().unwrap().as_bytes();
    assert!(!library.windows(path.len()).any(|part| part == path));
    let package = one.sources.join("tree/releases/counter-1.0.0.tar.gz");
    let same = two.sources.join("tree/releases/counter-1.0.0.tar.gz");
    let files = [package.to_str().unwrap(), same.to_str().unwrap()];
    does(&["package", "diff", files[0], files[1]], &one.sources);
}
