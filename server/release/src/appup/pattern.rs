//! Patterns of versions: regular expressions as `re(3)` has them (`appup(4)`).
//!
//! OTP's `re` is PCRE, since OTP 28 PCRE2. This module uses PCRE2 as `systools` does: in Unicode mode, and the first match has
//! to be the whole version. Classes such as `\w` and `[[:alpha:]]` contain only ASCII letters here; in OTP, some of them
//! contain the letters of Latin-1, too. [`Appup::way`](super::Appup) calls it.

use pcre2::bytes::RegexBuilder;

/// Limits of one match: steps, nested steps, KiB of memory. They precede the pattern, because PCRE2 lets a pattern lower them
/// but not raise them. Matching a version of about 10 characters takes tens of steps; 100 000 steps take milliseconds.
const BOUNDS: &str = "(*LIMIT_MATCH=100000)(*LIMIT_DEPTH=10000)(*LIMIT_HEAP=4096)";

/// True when the pattern matches the whole version.
///
/// # Errors
/// With the fault of the pattern, or with the limit at which the match was given up.
pub fn matches_all(pattern: &str, vsn: &str) -> Result<bool, String> {
    let mut builder = RegexBuilder::new();
    let regex = builder.utf(true).build(&format!("{BOUNDS}{pattern}"));
    let regex = regex.map_err(|error| unreadable(&error))?;
    match regex.find(vsn.as_bytes()) {
        Ok(found) => Ok(found.is_some_and(|found| found.as_bytes().len() == vsn.len())),
        Err(error) => Err(format!("matching `{vsn}` was given up: {}", reason(&error))),
    }
}

/// The byte offset in the author's pattern, and the fault.
fn unreadable(error: &pcre2::Error) -> String {
    match error.offset() {
        Some(offset) => format!(
            "at byte {} of it, {}",
            offset.saturating_sub(BOUNDS.len()),
            reason(error)
        ),
        None => reason(error),
    }
}

/// The message of PCRE2 without the prefix of the crate `pcre2`.
fn reason(error: &pcre2::Error) -> String {
    let text = error.to_string();
    let reason = text.split_once(": error ").map_or(&*text, |(_, it)| it);
    let reason = reason.split_once(": ").map_or(reason, |(_, it)| it);
    reason.to_string()
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
    fn every_construct_of_re_is_known() {
        for (pattern, yes, no) in [
            (r"(?i)1\.0-rc", "1.0-RC", "1.0"),
            (r"(?i:RC)1", "rc1", "rc2"),
            (r"1\.(?!1)\d", "1.0", "1.1"),
            (r"1(?=\.0).*", "1.0", "1.1"),
            (r".*(?<=rc)1", "1-rc1", "1-b1"),
            (r".*(?<!rc)1", "1-b1", "1-rc1"),
            (r"[[:digit:]]\.[[:^alpha:]]", "1.0", "1.a"),
            (r"(?<major>\d)\.\k<major>", "1.1", "1.0"),
            (r"(?P<major>\d)\.(?P=major)", "1.1", "1.0"),
            (r"(\d)\.\1", "2.2", "2.1"),
            (r"\d++\.\d", "12.0", "12."),
            (r"(?>1|12)\.0", "1.0", "12.0"),
            (r"\Q1.0+\E\d", "1.0+7", "1.007"),
            (r"\p{Nd}\.\P{Lu}", "1.a", "1.A"),
            (r"(1)?(?(1)\.0|x)", "1.0", "1x"),
            (r"(\d)\.(?1)", "1.2", "1.x"),
            (r"(?x) 1 \. 0 # the first", "1.0", "1.1"),
            (r"\A1\.0\z", "1.0", "1.0\n"),
            (r"\x31\.\x{30}", "1.0", "x1.0"),
            (r"\b1\b\.0(?#comment)", "1.0", "11.0"),
            (r"(?i)Ä", "ä", "a"),
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
    fn what_is_no_pattern_is_refused_with_its_place() {
        for (pattern, sentence) in [
            ("1(", "at byte 2 of it, missing closing parenthesis"),
            (
                "[z-a]",
                "at byte 3 of it, range out of order in character class",
            ),
            (
                "*",
                "at byte 0 of it, quantifier does not follow a repeatable item",
            ),
        ] {
            assert_eq!(
                matches_all(pattern, "1"),
                Err(sentence.to_string()),
                "{pattern}"
            );
        }
        assert!(matches_all(&"(".repeat(10_000), "1").is_err());
    }

    #[test]
    fn a_pattern_that_never_ends_is_given_up() {
        let given_up = matches_all("(a+)+[bc]", &"a".repeat(40));
        let sentence = "was given up: match limit exceeded";
        assert!(given_up.is_err_and(|error| error.ends_with(sentence)));
        assert!(matches_all("(*LIMIT_MATCH=4000000000)(a+)+[bc]", &"a".repeat(40)).is_err());
        assert!(matches_all("((a{0,255}){255}){255}", "").is_err());
    }
}
