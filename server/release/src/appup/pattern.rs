//! Patterns of versions: the part of regular expressions that `.appup` files use (`appup(4)`, `re(3)`).
//!
//! Known: characters, `.`, `\` before a character, `\d \D \w \W \s \S`, sets `[a-z]` and `[^a-z]`, groups `(…)` and
//! `(?:…)`, `|`, `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`, each also lazy with `?`, and `^ $`. Anything else is refused, not guessed.
//! As in `re`, the first alternative that leads to a match is the match, and that has to be the whole version.

mod matcher;
mod reader;

use matcher::TakesTooLong;

/// True when the pattern's match is the whole version.
///
/// # Errors
/// With what in the pattern is not known, or that it takes too long.
pub(super) fn matches_all(pattern: &str, vsn: &str) -> Result<bool, String> {
    let choice = reader::read(pattern)?;
    let text: Vec<char> = vsn.chars().collect();
    match matcher::end(&choice, &text) {
        Ok(end) => Ok(end == Some(text.len())),
        Err(TakesTooLong) => Err(format!("matching `{vsn}` takes too long")),
    }
}

/// Alternatives, each a sequence.
type Choice = Vec<Vec<Piece>>;

#[derive(Debug)]
enum Piece {
    Start,
    End,
    Repeat(Repeat),
}

/// A unit, as often as `min` to `max` times in a row; as often as possible, unless lazy.
#[derive(Debug)]
struct Repeat {
    unit: Unit,
    min: usize,
    max: usize,
    is_lazy: bool,
}

#[derive(Debug)]
enum Unit {
    Any,
    Char(char),
    Set {
        ranges: Vec<(char, char)>,
        is_negated: bool,
    },
    Group(Choice),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_otp_s_own_appups_match_whole_versions() {
        for (pattern, yes, no) in [
            (r"^8\.5$", "8.5", "8.5.1"),
            (r"^8\.5\.0(?:\.[0-9]+)+$", "8.5.0.1.2", "8.5.0"),
            (r"^8\.5\.1(?:\.[0-9]+)*$", "8.5.1", "8.5.10"),
            (r"1\.0\.[0-9]+", "1.0.77", "1.0.7.1"),
            (r"\d+(\.\d+){1,2}", "1.0.7", "1.0.7.1"),
            (r"[^.]+\.x?", "1.", "1.y"),
            (r"1.*", "1.0-rc.1", "2"),
            (r"a|b|", "b", "c"),
            (r"[]x-]+", "x]-", "y"),
            (r"(1|1\.0){2}", "1.01", "1.0"),
        ] {
            assert_eq!(matches_all(pattern, yes), Ok(true), "{pattern} {yes}");
            assert_eq!(matches_all(pattern, no), Ok(false), "{pattern} {no}");
        }
    }

    #[test]
    fn the_first_alternative_that_matches_is_the_match() {
        assert_eq!(matches_all("1|1.0", "1.0"), Ok(false));
        assert_eq!(matches_all("1.0|1", "1.0"), Ok(true));
        assert_eq!(matches_all("1.*?", "1.0"), Ok(false));
        assert_eq!(matches_all("1.*?$", "1.0"), Ok(true));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for pattern in [
            "(",
            ")",
            "[",
            "[z-a]",
            "*",
            "a{",
            "a{2,1}",
            "a{999}",
            r"\",
            r"\b",
            "(?=a)",
            "[[:digit:]]",
        ] {
            assert!(matches_all(pattern, "1").is_err(), "{pattern}");
        }
        assert!(matches_all(&"(".repeat(100), "1").is_err());
    }

    #[test]
    fn a_pattern_that_never_ends_is_given_up() {
        assert!(matches_all("(a*)*b", &"a".repeat(40)).is_err());
        assert!(matches_all("a*", &"a".repeat(100_000)).is_err());
        assert!(matches_all("((a{0,255}){255}){255}", "").is_err());
    }
}
