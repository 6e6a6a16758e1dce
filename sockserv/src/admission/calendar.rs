//! Times in the form of RFC 3339, for every value of the system's clock.
//!
//! `humantime` knows the years from 1970 to 9999, and panics beyond. A clock without a battery may be before 1970, and a
//! ban for ten thousand years ends after 9999. The calendar repeats after 400 years to the day, so an earlier time is
//! written like the time 400 years later, with another year. Used for all times that people read or the node stores.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The period of the Gregorian calendar, in years.
const CYCLE_YEARS: u32 = 400;

/// The period of the Gregorian calendar as a duration.
const CYCLE: Duration = Duration::from_secs(146_097 * 86_400);

/// The number of periods before 1970 that are supported; the first one begins in the year 370.
const CYCLES_MAX: u32 = 4;

/// The last second of the year 9999, since 1970.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// A time in UTC, to the millisecond: `2026-01-31T23:59:59.042Z`. A time outside of the supported years becomes the
/// nearest supported one.
pub fn rfc3339(moment: SystemTime) -> String {
    written(moment, |moment| {
        humantime::format_rfc3339_millis(moment).to_string()
    })
}

/// A time in UTC for people, to the second: `2026-01-31 23:59:59`.
pub fn moment(moment: SystemTime) -> String {
    let text = written(moment, |moment| {
        humantime::format_rfc3339_seconds(moment).to_string()
    });
    text.trim_end_matches('Z').replace('T', " ")
}

fn written(moment: SystemTime, write: impl Fn(SystemTime) -> String) -> String {
    let (mut moment, mut cycles) = (moment.min(UNIX_EPOCH + LAST), 0);
    while moment < UNIX_EPOCH && cycles < CYCLES_MAX {
        (moment, cycles) = (moment + CYCLE, cycles + 1);
    }
    let text = write(moment.max(UNIX_EPOCH));
    match year(&text) {
        Some(year) => format!(
            "{:04}{}",
            year.saturating_sub(cycles * CYCLE_YEARS),
            &text[4..]
        ),
        None => text,
    }
}

/// Parses a time of [`rfc3339`], or any other time in UTC in the form of RFC 3339.
///
/// # Errors
/// When the text has another form.
pub fn parse_rfc3339(text: &str) -> Result<SystemTime, humantime::TimestampError> {
    let cycles = match year(text) {
        Some(year @ 370..1970) => (1970 - year).div_ceil(CYCLE_YEARS),
        _ => 0,
    };
    let later = match year(text).filter(|_| cycles > 0) {
        Some(year) => &format!("{}{}", year + cycles * CYCLE_YEARS, &text[4..]),
        None => text,
    };
    humantime::parse_rfc3339(later).map(|moment| moment - CYCLE * cycles)
}

fn year(text: &str) -> Option<u32> {
    text.get(..4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(seconds: u64) -> SystemTime {
        UNIX_EPOCH - Duration::from_secs(seconds)
    }

    #[test]
    fn every_moment_can_be_written_and_is_read_as_the_same() {
        for (moment, text) in [
            (
                UNIX_EPOCH + Duration::from_millis(1_795_000_000_042),
                "2026-11-18T11:06:40.042Z",
            ),
            (UNIX_EPOCH, "1970-01-01T00:00:00.000Z"),
            (before(1), "1969-12-31T23:59:59.000Z"),
            (before(2_208_988_800), "1900-01-01T00:00:00.000Z"),
            (before(12_622_780_800), "1570-01-01T00:00:00.000Z"),
            (UNIX_EPOCH + LAST, "9999-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(rfc3339(moment), text);
            assert_eq!(parse_rfc3339(text), Ok(moment));
        }
        assert_eq!(super::moment(before(1)), "1969-12-31 23:59:59");
    }

    #[test]
    fn what_is_further_away_is_the_end_of_the_calendar() {
        let far = Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(UNIX_EPOCH + far), "9999-12-31T23:59:59.000Z");
        assert_eq!(rfc3339(UNIX_EPOCH - far), "0370-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "1969",
            "1969-13-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "199é-01-01T00:00:00Z",
        ] {
            assert!(parse_rfc3339(text).is_err(), "{text}");
        }
    }
}
