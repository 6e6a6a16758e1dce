//! Libraries without the paths of the machine that built them: two authors, or two directories, make the same bytes.
//!
//! A panic in a library names its source file. Cargo gives rustc the paths of the workspace relative to its root, and others in
//! full: those of the registry below the user's home, and those of generated sources in the target directory. Here rustc puts fixed
//! names in their place. Cargo leaves this flag out of the names of symbols, so those are the same as well.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The separator of the flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\u{1f}";

/// Adds the flags to a command of cargo. Flags of the author stay: those of the environment win over those of a configuration, as
/// cargo decides.
pub(super) fn leave_out(command: &mut Command, root: &Path, target: &Path) {
    let flags = flags(root, target);
    match of_environment() {
        Some(own) => {
            let all: Vec<String> = own.into_iter().chain(flags).collect();
            command.env("CARGO_ENCODED_RUSTFLAGS", all.join(SEPARATOR));
        }
        None => {
            let list: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
            command.arg("--config");
            command.arg(format!("build.rustflags=[{}]", list.join(",")));
        }
    }
}

/// One flag for each directory. The last one that fits a path counts, so the outer directories come first.
fn flags(root: &Path, target: &Path) -> Vec<String> {
    let home = cargo_home().map(|home| (home, "/cargo"));
    let places = [
        (root.to_path_buf(), "/sources"),
        (target.to_path_buf(), "/target"),
    ];
    let places = home.into_iter().chain(places);
    places
        .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()))
        .collect()
}

fn of_environment() -> Option<Vec<String>> {
    let words = |text: String, by: &str| text.split(by).map(str::to_string).collect();
    let encoded = std::env::var("CARGO_ENCODED_RUSTFLAGS").ok();
    let plain = || std::env::var("RUSTFLAGS").ok();
    encoded
        .map(|text| words(text, SEPARATOR))
        .or_else(|| plain().map(|text| words(text, " ")))
        .map(|flags: Vec<String>| flags.into_iter().filter(|flag| !flag.is_empty()).collect())
}

/// The directory of cargo's registry (`CARGO_HOME`, The Cargo Book).
fn cargo_home() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|path: &OsString| !path.is_empty());
    let home = || Some(PathBuf::from(set("HOME")?).join(".cargo"));
    set("CARGO_HOME").map(PathBuf::from).or_else(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_directory_has_a_fixed_name_and_the_inner_one_wins() {
        let flags = flags(Path::new("/home/a/game"), Path::new("/home/a/game/target"));
        let ends: Vec<&str> = flags
            .iter()
            .filter_map(|flag| flag.rsplit('=').next())
            .collect();
        assert_eq!(ends.last(), Some(&"/target"));
        assert!(flags.contains(&"--remap-path-prefix=/home/a/game=/sources".to_string()));
    }
}
