//! Moments as people and programs write them (RFC 3339), and spans as people do.

use std::time::{Duration, SystemTime};

/// A moment in UTC, to the millisecond: `2026-01-31T23:59:59.042Z`.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    humantime::format_rfc3339_millis(moment).to_string()
}

/// A span in the two largest of its units: `3 d 4 h`, `4 min 5 s`, `12 s`.
pub(crate) fn span(span: Duration) -> String {
    let s = span.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min {} s", s / 60, s % 60),
        3_600..86_400 => format!("{} h {} min", s / 3_600, s / 60 % 60),
        _ => format!("{} d {} h", s / 86_400, s / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (12, "12 s"),
            (245, "4 min 5 s"),
            (7_260, "2 h 1 min"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
