//! Paths for a shell: relative to the current directory where that is shorter, and quoted where needed.

use std::path::Path;

/// A path for a shell in the current directory.
pub(super) fn typed(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    typed_in(&here, path)
}

fn typed_in(here: &Path, path: &Path) -> String {
    let short = path.strip_prefix(here).unwrap_or(path).to_string_lossy();
    let short = match short.contains('/') {
        true => short.into_owned(),
        // Without a slash the shell would search `PATH` for the program.
        false => format!("./{short}"),
    };
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%,:=".contains(c);
    match short.chars().all(is_plain) {
        true => short,
        false => format!("'{}'", short.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_short_here_and_quoted_where_a_shell_would_part_it() {
        let typed = |path: &str| typed_in(Path::new("/home/ann"), Path::new(path));
        assert_eq!(typed("/home/ann/target/release/pq"), "target/release/pq");
        assert_eq!(typed("/home/ann/pq"), "./pq");
        assert_eq!(typed("/home/ann"), "./");
        assert_eq!(typed("/opt/pq"), "/opt/pq");
        assert_eq!(typed("/home/ann/my tree/rel"), "'my tree/rel'");
        assert_eq!(typed("/tmp/it's/rel"), r"'/tmp/it'\''s/rel'");
        assert_eq!(typed("rel"), "./rel");
    }
}
