//! The paths that a package may have, whatever its release. `check` compares them with the release.

use pq_signing::SIGNATURE_NAME;

use crate::checksums;
use crate::layout;

/// The kind of entry at a path of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// The greatest length of a path, in bytes: the limit of the header of a ustar archive (POSIX.1-2024, pax, "ustar Header
/// Block"), with a prefix of 155 and a name of 100.
pub(super) const PATH_BYTES_MAX: usize = 255;

/// The greatest number of components of a path. Paths of a release have at most four (`lib/App-Vsn/priv/App.so`).
const PARTS_MAX: usize = 8;

/// The path in these bytes, if it has only plain components and a place in a release tree.
pub(super) fn plain(bytes: &[u8], kind: Kind) -> Option<&str> {
    let path = str::from_utf8(bytes).ok()?;
    let path = match kind {
        Kind::File => path,
        Kind::Folder => path.strip_suffix('/').unwrap_or(path),
    };
    let parts: Vec<&str> = path.split('/').collect();
    let is_short = path.len() <= PATH_BYTES_MAX && parts.len() <= PARTS_MAX;
    let is_plain = parts.iter().all(|part| is_plain_part(part));
    (is_short && is_plain && has_place(&parts, kind)).then_some(path)
}

/// Stricter than in a tree: no hidden names, and no characters that a terminal or another system would interpret.
pub(super) fn is_plain_part(part: &str) -> bool {
    let is_odd = |c: char| c.is_control() || c == '\\';
    layout::is_plain(part) && !part.starts_with('.') && !part.contains(is_odd)
}

fn has_place(parts: &[&str], kind: Kind) -> bool {
    match (parts, kind) {
        (["releases" | "lib"], Kind::Folder) => true,
        (["releases" | "lib", _], Kind::Folder) => true,
        (["releases", name], Kind::File) => name.ends_with(".rel"),
        (["releases" | "lib", _, _, ..], _) => true,
        ([name], Kind::File) => is_head(name),
        _ => false,
    }
}

/// True for the checksums of all files, and for their signature.
pub(super) fn is_head(path: &str) -> bool {
    [checksums::FILE_NAME, SIGNATURE_NAME].contains(&path)
}

/// True when the file at this path is parsed as terms.
pub(super) fn holds_terms(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let of_release = ["relup", "sys.config"].contains(&name);
    of_release
        || [".rel", ".app", ".appup"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// The path of the release's description in a package: `releases/Name.rel`.
pub(super) fn packed_rel(name: &str) -> String {
    format!("releases/{}", layout::rel_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_the_paths_of_a_release_tree() {
        for path in [
            "SHA256SUMS",
            "SHA256SUMS.minisig",
            "releases/pq.rel",
            "releases/1.1.0/relup",
            "lib/quest-1.1.0/priv/quest.so",
            "lib/quest-1.1.0/priv/maps/läger.txt",
        ] {
            assert_eq!(plain(path.as_bytes(), Kind::File), Some(path));
        }
        for path in ["releases/", "lib", "lib/quest-1.1.0/", "lib/q-1/priv/"] {
            let stripped = path.strip_suffix('/').unwrap_or(path);
            assert_eq!(plain(path.as_bytes(), Kind::Folder), Some(stripped));
        }
    }

    #[test]
    fn a_package_has_no_other_paths() {
        for path in [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "lib/../../x",
            "lib/q-1/./x",
            "./lib/q-1/x",
            "lib//x/y",
            "lib/q-1/x/",
            "lib/q-1",
            "releases/RELEASES",
            "releases/start_erl.data",
            "bin/start",
            "erts-1.0.0/bin/pq",
            ".office/journal",
            "lib/q-1/.hidden",
            "lib/q-1/a\\b",
            "lib/q-1/a\nb",
            "lib/q-1/a\u{7f}",
            "lib/1/2/3/4/5/6/7/8",
        ] {
            assert_eq!(plain(path.as_bytes(), Kind::File), None, "{path:?}");
        }
        assert_eq!(plain(b"lib/q-1/\xff", Kind::File), None);
        let long = format!("lib/q-1/{}", "x".repeat(PATH_BYTES_MAX));
        assert_eq!(plain(long.as_bytes(), Kind::File), None);
        assert_eq!(plain(b"etc/", Kind::Folder), None);
    }
}
