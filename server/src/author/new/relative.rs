//! Relative paths between directories, for dependencies in `Cargo.toml`.

use std::path::{Component, Path, PathBuf};

/// The path that leads from one directory to another; both are absolute.
pub(super) fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<Component>, Vec<Component>) =
        (from.components().collect(), to.components().collect());
    let same = from
        .iter()
        .zip(&to)
        .take_while(|(one, other)| one == other)
        .count();
    let up = from[same..].iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to[same..].iter().copied()).collect();
    match path.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_up_to_the_common_directory_and_down() {
        let path = |from: &str, to: &str| {
            relative(Path::new(from), Path::new(to))
                .display()
                .to_string()
        };
        assert_eq!(path("/a/game/new", "/a/game/old"), "../old");
        assert_eq!(path("/a/b", "/a/b/c"), "c");
        assert_eq!(path("/x/y", "/a/sdk"), "../../a/sdk");
        assert_eq!(path("/a", "/a"), ".");
    }
}
