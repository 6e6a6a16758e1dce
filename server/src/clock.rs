//! Times since 1970 and in RFC 3339 ([`sockserv::admission::calendar`]), and durations for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use sockserv::admission::calendar::{parse_rfc3339, rfc3339};

/// 2026-01-01: this program did not exist earlier, so an earlier clock is wrong.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// The time since 1970-01-01 (UTC); none for an earlier time.
pub(crate) fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The same in whole seconds.
pub(crate) fn unix_s(time: SystemTime) -> u64 {
    since_1970(time).as_secs()
}

/// The same in milliseconds, as answers have it.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    since_1970(time).as_millis() as u64
}

/// A warning about the system's clock if its time is impossible.
pub(crate) fn doubt(now: SystemTime) -> Option<String> {
    (now < UNIX_EPOCH + EARLIEST).then(|| {
        format!(
            "the system's clock is wrong, its time is {}: bans, certificates and the history depend on the clock, so \
             set the clock; upgrades and the game do not depend on it",
            rfc3339(now)
        )
    })
}

/// A duration in its two largest units: `3 d 4 h`, `4 min 5 s`, `12 s`.
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
    fn a_clock_before_the_program_was_written_is_doubted() {
        let said = doubt(UNIX_EPOCH - Duration::from_secs(1)).unwrap();
        assert!(said.contains("1969-12-31T23:59:59.000Z"), "{said}");
        assert!(doubt(UNIX_EPOCH + Duration::from_secs(60)).is_some());
        assert_eq!(doubt(UNIX_EPOCH + EARLIEST), None);
    }

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
