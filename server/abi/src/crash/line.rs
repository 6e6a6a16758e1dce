//! Text without an allocation: of bounded length, and free of control characters for a terminal.

use std::fmt::{self, Display, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// A line that is being written; characters that do not fit are left out.
pub(super) struct Line<const MAX: usize> {
    bytes: [u8; MAX],
    len: usize,
}

impl<const MAX: usize> Line<MAX> {
    pub(super) const fn new() -> Self {
        Line {
            bytes: [0; MAX],
            len: 0,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        // Only whole characters are put in.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl<const MAX: usize> Write for Line<MAX> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX - self.len;
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        let fits = ends.take_while(|end| *end <= room).last().unwrap_or(0);
        let end = self.len + fits;
        self.bytes[self.len..end].copy_from_slice(&text.as_bytes()[..fits]);
        self.len = end;
        Ok(())
    }
}

/// A text from outside with its control characters escaped, cut to this many characters. The end of the text is kept:
/// it tells more of a path than the beginning.
pub(super) struct Shown<'a>(pub(super) &'a str, pub(super) usize);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(text, max) = *self;
        let tail = match text.char_indices().rev().nth(max) {
            Some((before, first)) => {
                f.write_char('…')?;
                &text[before + first.len_utf8()..]
            }
            None => text,
        };
        tail.chars().try_for_each(|c| match pq_term::is_shown(c) {
            true => f.write_char(c),
            false => write!(f, "{}", c.escape_default()),
        })
    }
}

/// A text between the quotes of JSON. Of the characters that JSON escapes, [`Shown`] leaves only quote and backslash.
pub(super) struct InJson<'a>(pub(super) &'a str);

impl Display for InJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)
        })
    }
}

/// A time in the form of the log: RFC 3339, UTC.
pub(super) struct Moment(pub(super) SystemTime);

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{:06}Z",
            second % 60,
            since.subsec_micros()
        )
    }
}

/// The date this many days after 1970-01-01, in the Gregorian calendar. Years begin in March, so that a leap day is the
/// last day of its year; 400 years have 146 097 days.
fn date(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months of 31 and 30 days by turns, five of them 153 days.
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = match month {
        0..10 => (month + 3, 0),
        _ => (month - 9, 1),
    };
    (era * 400 + year + next, month, of_month)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_in_whole_characters() {
        let mut line = Line::<8>::new();
        write!(line, "{}-äöü", 12).unwrap();
        assert_eq!(line.as_str(), "12-äö");
        write!(line, "xy").unwrap();
        assert_eq!(line.as_str(), "12-äöx");
    }

    #[test]
    fn text_from_outside_is_bounded_and_harmless() {
        assert_eq!(Shown("/a/b.so", 7).to_string(), "/a/b.so");
        assert_eq!(Shown("/a/b.so", 4).to_string(), "…b.so");
        assert_eq!(
            Shown("a\n\u{1b}\u{202e}", 9).to_string(),
            r"a\n\u{1b}\u{202e}"
        );
        assert_eq!(InJson("a \"b\" \\n").to_string(), r#"a \"b\" \\n"#);
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        let shown = |seconds, us| {
            let since = Duration::from_secs(seconds) + Duration::from_micros(us);
            Moment(UNIX_EPOCH + since).to_string()
        };
        // The expected text is the output of `date -u -d @N`.
        assert_eq!(shown(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(shown(951_782_399, 5), "2000-02-28T23:59:59.000005Z");
        assert_eq!(shown(951_782_400, 0), "2000-02-29T00:00:00.000000Z");
        assert_eq!(shown(1_798_761_599, 999_999), "2026-12-31T23:59:59.999999Z");
        assert_eq!(shown(4_107_542_400, 0), "2100-03-01T00:00:00.000000Z");
    }
}
