//! The order of versions: `1.10.0` is newer than `1.9.0`.

use std::cmp::Reverse;

/// A part of a version between two points or hyphens.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Part {
    /// A part that is no number. Such a version is a draft of the one without the part: `1.3.0-rc1` comes before `1.3.0.1`.
    Text(String),
    Number(u64),
}

/// The parts of a version; versions compare as their lists of parts do.
pub(crate) fn parts(vsn: &str) -> Vec<Part> {
    let part = |part: &str| match part.parse() {
        Ok(number) => Part::Number(number),
        Err(_) => Part::Text(part.to_string()),
    };
    vsn.split(['.', '-']).map(part).collect()
}

/// Sorts versions, the newest first.
pub(crate) fn newest_first<T>(versions: &mut [T], vsn: impl Fn(&T) -> &str) {
    versions.sort_by_key(|version| Reverse(parts(vsn(version))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let mut versions = [
            "1.9.0",
            "1.10.0",
            "1.3.0.2",
            "1.3.0",
            "1.3.0-rc1",
            "1.3.0.10",
        ];
        newest_first(&mut versions, |vsn| vsn);
        let expected = [
            "1.10.0",
            "1.9.0",
            "1.3.0.10",
            "1.3.0.2",
            "1.3.0-rc1",
            "1.3.0",
        ];
        assert_eq!(versions, expected);
    }
}
