//! Days of the calendar, as `2027-06-30`.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// The length of a day as text.
const LENGTH: usize = 10;

/// A day in UTC. Days compare as their texts do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(String);

impl Date {
    /// The day of this moment.
    pub fn of(time: SystemTime) -> Date {
        let text = humantime::format_rfc3339_seconds(time).to_string();
        Date(text.chars().take(LENGTH).collect())
    }

    /// The day of the system clock in UTC.
    pub fn today() -> Date {
        Date::of(SystemTime::now())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{0}` as a day; a day is written as `2027-06-30`")]
pub struct ParseDateError(String);

impl FromStr for Date {
    type Err = ParseDateError;

    fn from_str(text: &str) -> Result<Date, ParseDateError> {
        let is_day = humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).is_ok();
        match is_day && text.len() == LENGTH {
            true => Ok(Date(text.to_string())),
            false => Err(ParseDateError(text.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_day_is_that_of_the_calendar() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(951_868_799);
        assert_eq!(Date::of(time).to_string(), "2000-02-29");
        assert!("2000-02-29".parse::<Date>().unwrap() < "2000-03-01".parse().unwrap());
        for text in ["", "2000-13-01", "2000-1-1", "2000-01-01T00:00:00Z", "soon"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
