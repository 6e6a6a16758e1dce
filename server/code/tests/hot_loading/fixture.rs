//! Builds the libraries that the tests load: variants of the crate in `fixture/`, exactly as a release builds its
//! libraries. Each is built once per run, and cargo reuses earlier builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use pq_code::linking;

/// The source of the fixture. Version and function `kept` differ between variants.
pub(crate) const SOURCE: &str = include_str!("fixture/lib.rs");

/// A function `kept` that keeps nothing.
pub(crate) const KEEPS_NOTHING: &str = "fn kept() -> u64 { 0 }";

/// One variant of the library.
pub(crate) struct Variant {
    name: &'static str,
    vsn: &'static str,
    kept: &'static str,
    rustflags: &'static [&'static str],
    built: OnceLock<Vec<u8>>,
}

impl Variant {
    /// The crate in version `vsn` with this function `kept`, linked with these flags.
    pub(crate) const fn new(
        name: &'static str,
        vsn: &'static str,
        kept: &'static str,
        rustflags: &'static [&'static str],
    ) -> Variant {
        Variant {
            name,
            vsn,
            kept,
            rustflags,
            built: OnceLock::new(),
        }
    }

    /// The bytes of the library file; the first call builds it.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.built
            .get_or_init(|| fs::read(self.build()).expect("cargo has just written it"))
    }

    fn build(&self) -> PathBuf {
        let fixtures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
        // The target directory of the workspace contains the dependencies of all libraries.
        let target = fixtures
            .ancestors()
            .nth(2)
            .expect("it is below `target/tmp`");
        let folder = fixtures.join(self.name);
        self.write_crate(&folder);
        let output = Command::new(env!("CARGO"))
            .args(["rustc", "--offline", "--profile", linking::PROFILE])
            .args(["--crate-type", "cdylib"])
            .args(
                linking::PROFILE_SETTINGS
                    .iter()
                    .flat_map(|set| ["--config", set]),
            )
            .arg("--target-dir")
            .arg(target)
            .arg("--")
            .args(self.rustflags)
            .current_dir(&folder)
            .output()
            .expect("the cargo that runs this test can be run");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        target
            .join("library")
            .join(format!("libfixture_{}.so", self.name))
    }

    fn write_crate(&self, folder: &Path) {
        fs::create_dir_all(folder.join("src"))
            .expect("the folder for temporary files can be written");
        write_if_other(&folder.join("Cargo.toml"), &self.manifest());
        let source = SOURCE.replace("\"1.0.0\"", &format!("{:?}", self.vsn));
        write_if_other(
            &folder.join("src/lib.rs"),
            &format!("{source}\n{}\n", self.kept),
        );
        // The versions in the lock file of the workspace are already on this machine.
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))
            .expect("the workspace has a lock file");
    }

    fn manifest(&self) -> String {
        let sdk = root().join("game-plugins/sdk");
        format!(
            "[package]\nname = \"fixture_{}\"\nversion = \"{}\"\nedition = \"2024\"\n\
             [dependencies]\npq-sdk = {{ path = {sdk:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
             [workspace]\n",
            self.name, self.vsn,
        )
    }
}

fn root() -> PathBuf {
    // The directory at run time: the checkout may have been copied since this was compiled.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    PathBuf::from(package)
        .join("../..")
        .canonicalize()
        .expect("this crate stands in the workspace")
}

/// Writes only a changed text: cargo compares the times of files, and would compile an unchanged file again.
fn write_if_other(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).expect("the folder for temporary files can be written");
    }
}
